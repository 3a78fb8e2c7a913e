/**
 * Lets somebody in who has registered to accept an invitation: most are members by now, since their address is
 * confirmed; for the others it is accepted here.
 *
 * @module
 */
import { Anchor, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { Link } from 'react-router'
import { finishSignUp, isUsherError, type Landing } from '../../../index.ts'
import { useUsher } from '../../../react/provider.tsx'
import { useTexts } from '../../app/language.tsx'
import { useSession } from '../../app/session.tsx'
import { PageSkeleton } from '../../parts/page-skeleton.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SinglePage } from '../../parts/single-page.tsx'
import { goOn } from './go-on.ts'
import { NoneOpen } from './none-open.tsx'

interface ArrivalProps {
  organisationId: string
  landing: Landing
  /** Where the invitation leads; null: to the organisation. */
  redirectTo: string | null
}

export function Arrival({ organisationId, landing, redirectTo }: ArrivalProps) {
  const { home, invite } = useTexts()
  const { person } = useSession()
  const usher = useUsher()
  const { data, error, refetch } = useQuery({
    queryKey: ['finish-sign-up', organisationId, person?.id],
    async queryFn() {
      const { data, error } = await finishSignUp(usher, organisationId, landing)
      if (error) throw error
      return data
    },
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
  useEffect(() => {
    if (data) goOn(data.organisationId, redirectTo)
  }, [data, redirectTo])

  if (!error) {
    return (
      <SinglePage>
        <Text fw={500} role="status">
          {invite.opening}
        </Text>
        <PageSkeleton />
      </SinglePage>
    )
  }
  if (isUsherError(error, 'invite_not_found')) return <NoneOpen />
  return (
    <SinglePage>
      <Stack gap="md" align="flex-start">
        {/* Where the project's Auth does not confirm addresses by mail, only the link proves the mailbox. */}
        {isUsherError(error, 'permission_denied') ? (
          <Text role="alert">{home.onlyByLink}</Text>
        ) : (
          <ProblemAlert isInvitee error={error} onRetry={() => refetch()} />
        )}
        <Anchor component={Link} to="/">
          {invite.toOrganisations}
        </Anchor>
      </Stack>
    </SinglePage>
  )
}
