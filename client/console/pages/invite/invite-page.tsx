/**
 * What the mailed link opens: who invites to what, as what, until when; then the answer. Nothing is
 * answered before a button is pressed.
 *
 * @module
 */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'
import { asciiAddress } from '../../../address.ts'
import type { InvitePreview, Landing } from '../../../index.ts'
import { useAccent } from '../../app/accent.ts'
import { useLanguage } from '../../app/language.tsx'
import { type Person, useSession } from '../../app/session.tsx'
import { usePageTitle } from '../../app/use-page-title.ts'
import { readWaiting } from '../../app/waiting.ts'
import { PageSkeleton } from '../../parts/page-skeleton.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SinglePage } from '../../parts/single-page.tsx'
import { DeadEnd } from './dead-end.tsx'
import { Declined } from './declined.tsx'
import { redirectOf } from './go-on.ts'
import { InviteAnswer } from './invite-answer.tsx'
import { InviteFacts } from './invite-facts.tsx'

// Whoever has just come by the link of an invitation needs neither.
const Arrival = lazy(async () => ({
  default: (await import('./arrival.tsx')).Arrival,
}))
const WithoutLink = lazy(async () => ({
  default: (await import('./without-link.tsx')).WithoutLink,
}))

interface InvitePageProps {
  landing: Landing
  /** Whether the reader came to make an account. */
  isRegistering: boolean
}

export function InvitePage({ landing, isRegistering }: InvitePageProps) {
  const { person, cameBack } = useSession()
  const [query] = useSearchParams()
  const organisationId = query.get('organisation')
  // It is forgotten once it is spent, and the page stays what it was.
  const [hasLink] = useState(landing.token !== null)

  // Only right after confirming: a link with an id in it makes nobody a member who opens it.
  const hasConfirmed = organisationId !== null && cameBack.by === 'signup'

  if (hasLink && !hasConfirmed)
    return <LinkedInvite landing={landing} isRegistering={isRegistering} />
  if (person === undefined) {
    return (
      <SinglePage>
        <PageSkeleton />
      </SinglePage>
    )
  }
  return (
    <Later>
      {person && hasConfirmed ? (
        <Arrival organisationId={organisationId} landing={landing} redirectTo={redirectOf(query)} />
      ) : (
        <WithoutLink />
      )}
    </Later>
  )
}

function Later({ children }: { children: ReactNode }) {
  return (
    <Suspense
      fallback={
        <SinglePage>
          <PageSkeleton />
        </SinglePage>
      }
    >
      {children}
    </Suspense>
  )
}

function LinkedInvite({ landing, isRegistering }: InvitePageProps) {
  const { person } = useSession()
  const { texts, suggest } = useLanguage()
  const queryClient = useQueryClient()
  const [declinedFrom, setDeclinedFrom] = useState<string | null>(null)
  // Whoever makes an account in this tab to accept has accepted, in whichever tab they confirm it.
  const [isJoining, setIsJoining] = useState(() => readWaiting()?.isNew ?? false)

  const queryKey = ['invite-preview']
  const preview = useQuery({
    queryKey,
    async queryFn() {
      const { data, error } = await landing.preview()
      if (error) throw error
      return data
    },
    refetchOnWindowFocus: false,
  })
  const { data } = preview

  useAccent(data?.organisationAccentColour)
  useEffect(() => suggest(data?.locale ?? null), [data?.locale, suggest])
  usePageTitle(data?.organisationName && texts.invite.joinTitle(data.organisationName))

  if (preview.error) {
    return (
      <SinglePage>
        <ProblemAlert error={preview.error} onRetry={() => preview.refetch()} />
      </SinglePage>
    )
  }
  if (!data || person === undefined) {
    return (
      <SinglePage>
        <PageSkeleton />
      </SinglePage>
    )
  }
  if (declinedFrom !== null) return <Declined organisation={declinedFrom} />
  if (isJoining && data.organisationId && person && (!data.email || isOf(person, data.email))) {
    return (
      <Later>
        <Arrival
          organisationId={data.organisationId}
          landing={landing}
          redirectTo={data.redirectTo}
        />
      </Later>
    )
  }
  if (!isPending(data)) return <DeadEnd preview={data} landing={landing} />
  return (
    <SinglePage>
      <InviteFacts preview={data} />
      <InviteAnswer
        preview={data}
        landing={landing}
        isRegistering={isRegistering}
        onRegister={setIsJoining}
        onDeclined={() => setDeclinedFrom(data.organisationName)}
        onStale={() => queryClient.invalidateQueries({ queryKey })}
      />
    </SinglePage>
  )
}

const isOf = (person: Person, email: string) => asciiAddress(person.email).toLowerCase() === email

/** A preview that can be answered: all that the mail said is there. */
export type PendingPreview = InvitePreview & {
  organisationId: string
  organisationName: string
  email: string
  roles: string[]
  expiresAt: string
}

function isPending(preview: InvitePreview): preview is PendingPreview {
  return preview.status === 'pending'
}
