/**
 * A new password: a link for whoever has forgotten theirs, and the form for whoever is signed in, by that link or
 * otherwise. Then on to where the reader wanted to go.
 *
 * @module
 */
import { Title } from '@mantine/core'
import { useEffect, useState } from 'react'
import { Navigate, useSearchParams } from 'react-router'
import { useTexts } from '../../app/language.tsx'
import { ownPath } from '../../app/own-path.ts'
import { useSession } from '../../app/session.tsx'
import { usePageTitle } from '../../app/use-page-title.ts'
import { PageSkeleton } from '../../parts/page-skeleton.tsx'
import { SinglePage } from '../../parts/single-page.tsx'
import { AskForLink } from './ask-for-link.tsx'
import { ChoosePassword } from './choose-password.tsx'

export function NewPasswordPage() {
  const { recover } = useTexts()
  const { person, cameBack, forgetCameBack } = useSession()
  const [query] = useSearchParams()
  const [asked, setAsked] = useState<'no' | 'by-mail' | 'by-code'>('no')
  const to = ownPath(query.get('to')) ?? '/'
  const title = person ? recover.chooseTitle : recover.title
  usePageTitle(title)

  // The link has led here, and leads nobody here again who goes on.
  useEffect(() => {
    if (cameBack.by === 'recovery') forgetCameBack()
  }, [cameBack.by, forgetCameBack])

  // The link was opened in another tab, and the password is chosen there.
  if (person && asked === 'by-mail') return <Navigate to={to} replace />
  return (
    <SinglePage whenExpired={recover.expired}>
      {person === undefined ? (
        <PageSkeleton />
      ) : (
        <>
          <Title order={1} size="h3" mb="lg">
            {title}
          </Title>
          {person ? (
            <ChoosePassword email={person.email} to={to} />
          ) : (
            <AskForLink
              to={to}
              onAsked={() => setAsked('by-mail')}
              onCode={() => setAsked('by-code')}
            />
          )}
        </>
      )}
    </SinglePage>
  )
}
