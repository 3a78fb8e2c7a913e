/**
 * The page of an invitation for those who come without its link: from a confirmation mail on another device, or
 * because a mail gateway has cut the link. Who they are, they show by signing in.
 *
 * @module
 */
import { Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Navigate, useLocation, useSearchParams } from 'react-router'
import { finishSignUp, isUsherError } from '../../../index.ts'
import { useSignUpPolicy, useUsher, useUsherQueries } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { type Person, useSession } from '../../app/session.tsx'
import { usePageTitle } from '../../app/use-page-title.ts'
import { readWaiting } from '../../app/waiting.ts'
import { InviteOnlyNote } from '../../parts/invite-only-note.tsx'
import { PageSkeleton } from '../../parts/page-skeleton.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SignInForm } from '../../parts/sign-in-form.tsx'
import { SinglePage } from '../../parts/single-page.tsx'
import { AcceptButton } from './accept-button.tsx'
import { goOn, redirectOf } from './go-on.ts'
import { InviteFacts } from './invite-facts.tsx'
import { NoneOpen } from './none-open.tsx'

export function WithoutLink() {
  const { person } = useSession()
  const [query] = useSearchParams()
  const organisationId = query.get('organisation')
  if (!person) return <SignIn />
  // What is open to them stands there.
  if (!organisationId) return <Navigate to="/" replace />
  return <MyInvite organisationId={organisationId} person={person} />
}

function SignIn() {
  const { invite } = useTexts()
  const { pathname, search } = useLocation()
  const [isNew, setIsNew] = useState(() => readWaiting()?.isNew ?? false)
  const policy = useSignUpPolicy()
  const isInviteOnly = policy.data?.signUp === 'invite_only'
  usePageTitle(invite.withoutLinkTitle)
  return (
    <SinglePage>
      <Title order={1} size="h3" mb="lg">
        {invite.withoutLinkTitle}
      </Title>
      <SignInForm
        intro={invite.withoutLink}
        isNew={isNew}
        // Without an answer it is offered: who may not is refused in words.
        {...(!policy.isPending && !isInviteOnly && { onSwitch: () => setIsNew(!isNew) })}
        returnTo={pathname + search}
        firstWay="code"
      />
      {isInviteOnly && <InviteOnlyNote />}
    </SinglePage>
  )
}

function MyInvite({ organisationId, person }: { organisationId: string; person: Person }) {
  const usher = useUsher()
  const queries = useUsherQueries()
  const [query] = useSearchParams()
  const redirectTo = redirectOf(query)
  const organisations = useQuery(queries.organisations.mine())
  const invites = useQuery(queries.invites.mine())
  const failed = organisations.error ? organisations : invites.error ? invites : null

  if (failed) {
    return (
      <SinglePage>
        <ProblemAlert error={failed.error} onRetry={() => failed.refetch()} />
      </SinglePage>
    )
  }
  if (organisations.data?.some(({ id }) => id === organisationId)) {
    return <Navigate to={redirectTo ?? `/organisations/${organisationId}`} replace />
  }
  if (!organisations.data || !invites.data) {
    return (
      <SinglePage>
        <PageSkeleton />
      </SinglePage>
    )
  }
  const open = invites.data.find((each) => each.organisationId === organisationId)
  if (!open) return <NoneOpen />
  return (
    <SinglePage>
      <InviteFacts preview={{ ...open, email: person.email, membershipEndsAt: null }} />
      <AcceptButton
        accept={() => finishSignUp(usher, organisationId)}
        onAccepted={() => goOn(organisationId, redirectTo)}
        onRefused={(error) => {
          if (isUsherError(error, 'invite_not_found')) invites.refetch()
        }}
      />
    </SinglePage>
  )
}
