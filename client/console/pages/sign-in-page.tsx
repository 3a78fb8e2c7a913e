/**
 * Signs in, or creates an account, and goes where the reader wanted to go. Where sign-up is for the invited only, it
 * says so instead of offering an account.
 *
 * @module
 */
import { Title } from '@mantine/core'
import { useState } from 'react'
import { Navigate, useSearchParams } from 'react-router'
import { useSignUpPolicy } from '../../react/index.ts'
import { sentenceOf } from '../app/auth-errors.ts'
import { useTexts } from '../app/language.tsx'
import { ownPath } from '../app/own-path.ts'
import { useSession } from '../app/session.tsx'
import { usePageTitle } from '../app/use-page-title.ts'
import { readWaiting } from '../app/waiting.ts'
import { InviteOnlyNote } from '../parts/invite-only-note.tsx'
import { PageSkeleton } from '../parts/page-skeleton.tsx'
import { SignInForm } from '../parts/sign-in-form.tsx'
import { SinglePage } from '../parts/single-page.tsx'
import { NeedsInvitation } from './needs-invitation.tsx'

/** @param props.wantsAccount - whether the reader came to create one */
export function SignInPage({ wantsAccount = false }: { wantsAccount?: boolean }) {
  const { sign, signUp } = useTexts()
  const { person, cameBack } = useSession()
  const [parameters] = useSearchParams()
  const policy = useSignUpPolicy()
  const [isNew, setIsNew] = useState(() => wantsAccount || (readWaiting()?.isNew ?? false))
  const isInviteOnly = policy.data?.signUp === 'invite_only'
  const title = isNew ? (isInviteOnly ? signUp.neededTitle : sign.registerTitle) : sign.title
  usePageTitle(policy.isPending && isNew ? null : title)

  const to = ownPath(parameters.get('to')) ?? '/'
  if (person) return <Navigate to={to} replace />
  return (
    <SinglePage>
      {isNew && policy.isPending ? (
        <PageSkeleton />
      ) : isNew && isInviteOnly ? (
        <NeedsInvitation />
      ) : (
        <>
          <Title order={1} size="h3" mb="lg">
            {title}
          </Title>
          <SignInForm
            isNew={isNew}
            // Without an answer it is offered: who may not is refused in words.
            {...(!policy.isPending && !isInviteOnly && { onSwitch: () => setIsNew(!isNew) })}
            returnTo={to}
            // A code does for whoever has a link that is used up, whatever that link was for.
            firstWay={
              cameBack.refusal && sentenceOf(cameBack.refusal) === 'linkExpired'
                ? 'code'
                : 'password'
            }
          />
          {isInviteOnly && <InviteOnlyNote />}
        </>
      )}
    </SinglePage>
  )
}
