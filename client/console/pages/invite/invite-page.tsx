/**
 * What the mailed link opens: who invites to what, as what, until when; then the answer. Nothing is
 * answered before a button is pressed.
 *
 * @module
 */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { InvitePreview, Landing } from '../../../index.ts'
import { useAccent } from '../../app/accent.ts'
import { useLanguage } from '../../app/language.tsx'
import { useSession } from '../../app/session.tsx'
import { usePageTitle } from '../../app/use-page-title.ts'
import { PageSkeleton } from '../../parts/page-skeleton.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SinglePage } from '../../parts/single-page.tsx'
import { DeadEnd } from './dead-end.tsx'
import { Declined } from './declined.tsx'
import { InviteAnswer } from './invite-answer.tsx'
import { InviteFacts } from './invite-facts.tsx'

interface InvitePageProps {
  landing: Landing
  /** Whether the reader came to make an account. */
  isRegistering: boolean
}

export function InvitePage({ landing, isRegistering }: InvitePageProps) {
  const { person } = useSession()
  const { texts, suggest } = useLanguage()
  const queryClient = useQueryClient()
  const [declinedFrom, setDeclinedFrom] = useState<string | null>(null)

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
  if (!isPending(data)) return <DeadEnd preview={data} landing={landing} />
  return (
    <SinglePage>
      <InviteFacts preview={data} />
      <InviteAnswer
        preview={data}
        landing={landing}
        isRegistering={isRegistering}
        onDeclined={() => setDeclinedFrom(data.organisationName)}
        onStale={() => queryClient.invalidateQueries({ queryKey })}
      />
    </SinglePage>
  )
}

/** A preview that can be answered: all that the mail said is there. */
export type PendingPreview = InvitePreview & {
  organisationName: string
  email: string
  roles: string[]
  expiresAt: string
}

function isPending(preview: InvitePreview): preview is PendingPreview {
  return preview.status === 'pending'
}
