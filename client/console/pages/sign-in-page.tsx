/**
 * Signs in, or makes an account, and goes where the reader wanted to go.
 *
 * @module
 */
import { Title } from '@mantine/core'
import { useState } from 'react'
import { Navigate, useSearchParams } from 'react-router'
import { useTexts } from '../app/language.tsx'
import { useSession } from '../app/session.tsx'
import { usePageTitle } from '../app/use-page-title.ts'
import { SignInForm } from '../parts/sign-in-form.tsx'
import { SinglePage } from '../parts/single-page.tsx'

export function SignInPage() {
  const { sign } = useTexts()
  const { person } = useSession()
  const [parameters] = useSearchParams()
  const [isNew, setIsNew] = useState(false)
  const title = isNew ? sign.registerTitle : sign.title
  usePageTitle(title)

  const wanted = parameters.get('to') ?? '/'
  // Only a path of these pages: one slash, then none and no backslash, which browsers take for one.
  const to = /^\/(?![/\\])/.test(wanted) ? wanted : '/'
  if (person) return <Navigate to={to} replace />
  return (
    <SinglePage>
      <Title order={1} size="h3" mb="lg">
        {title}
      </Title>
      <SignInForm isNew={isNew} onSwitch={() => setIsNew(!isNew)} returnTo={to} />
    </SinglePage>
  )
}
