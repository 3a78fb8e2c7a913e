/**
 * Signs in, or makes an account, and goes where the reader wanted to go.
 *
 * @module
 */
import { Title } from '@mantine/core'
import { useState } from 'react'
import { Navigate, useSearchParams } from 'react-router'
import { sentenceOf } from '../app/auth-errors.ts'
import { useTexts } from '../app/language.tsx'
import { ownPath } from '../app/own-path.ts'
import { useSession } from '../app/session.tsx'
import { usePageTitle } from '../app/use-page-title.ts'
import { readWaiting } from '../app/waiting.ts'
import { SignInForm } from '../parts/sign-in-form.tsx'
import { SinglePage } from '../parts/single-page.tsx'

export function SignInPage() {
  const { sign } = useTexts()
  const { person, cameBack } = useSession()
  const [parameters] = useSearchParams()
  const [isNew, setIsNew] = useState(() => readWaiting()?.isNew ?? false)
  const title = isNew ? sign.registerTitle : sign.title
  usePageTitle(title)

  const to = ownPath(parameters.get('to')) ?? '/'
  if (person) return <Navigate to={to} replace />
  return (
    <SinglePage>
      <Title order={1} size="h3" mb="lg">
        {title}
      </Title>
      <SignInForm
        isNew={isNew}
        onSwitch={() => setIsNew(!isNew)}
        returnTo={to}
        // A code does for whoever has a link that is used up, whatever that link was for.
        firstWay={
          cameBack.refusal && sentenceOf(cameBack.refusal) === 'linkExpired' ? 'code' : 'password'
        }
      />
    </SinglePage>
  )
}
