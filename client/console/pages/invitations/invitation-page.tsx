/**
 * One invitation: what it offers, and what happened, as a timeline.
 *
 * @module
 */
import {
  Anchor,
  Button,
  Group,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  Timeline,
  Title,
} from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useParams } from 'react-router'
import { useUsherQueries } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { PageSkeleton } from '../../parts/page-skeleton.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { RoleBadges } from '../../parts/role-choice.tsx'
import { Status } from '../../parts/status.tsx'
import { INVITE_MOODS, isLostRight, isOffer, isReturned } from './invite-states.ts'
import { ReturnedMail } from './returned-mail.tsx'
import { inviteeOf, useInviteActions } from './use-invite-actions.tsx'
import { useTimeline } from './use-timeline.ts'

export function InvitationPage() {
  return (
    <Needs permission="invite.read">
      <Invitation />
    </Needs>
  )
}

function Invitation() {
  const { invitation: inviteId = '' } = useParams()
  const { invitations, common, invite: words } = useTexts()
  const format = useFormat()
  const { id, path } = useOrganisation()
  const { actionsFor, dialogs } = useInviteActions()
  const queries = useUsherQueries()
  const invite = useQuery({ ...queries.invites.get(id, inviteId), ...live })
  const steps = useTimeline(invite.data ?? null)
  const mails = useInfiniteQuery({
    ...queries.deliveries.list(id, { inviteId, pageSize: 200 }),
    ...live,
  })
  const mail = mails.data?.find(isOffer)

  if (invite.error) return <ProblemAlert error={invite.error} onRetry={() => invite.refetch()} />
  if (invite.isPending) return <PageSkeleton lines={8} />
  const { data } = invite
  if (!data) {
    return (
      <>
        <PageHead title={common.notFoundTitle} />
        <Text>{common.notFound}</Text>
      </>
    )
  }
  const facts = [
    [
      invitations.state,
      <Status key="state" mood={INVITE_MOODS[data.status]}>
        {invitations.states[data.status]}
      </Status>,
    ],
    [invitations.reason, isLostRight(data) && invitations.reasons.inviter_lost_right],
    [common.roles, <RoleBadges key="roles" roles={data.roles} />],
    [invitations.endsAt, `${format.dateTime(data.expiresAt)} (${format.relative(data.expiresAt)})`],
    [common.membershipUntil, data.membershipEndsAt && format.dateTime(data.membershipEndsAt)],
    ...(data.resendCount > 0 ? [[words.message, invitations.times(data.resendCount)]] : []),
  ].filter(([, value]) => value) as [string, React.ReactNode][]

  return (
    <>
      <Anchor component={Link} to={`${path}/invitations`} size="sm">
        {invitations.title}
      </Anchor>
      <PageHead title={inviteeOf(data)}>
        {actionsFor(data).map(({ label, act }) => (
          <Button key={label} variant="default" size="xs" onClick={act}>
            {label}
          </Button>
        ))}
      </PageHead>
      {data.kind === 'user' && data.status === 'pending' && isReturned(data, mail) && (
        <ReturnedMail invite={data} mail={mail} />
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl" className="usher-words">
        <Stack gap="lg">
          <Paper component="dl" withBorder p="md" m={0}>
            {facts.map(([label, value]) => (
              <Group key={label} gap="sm" py={6} wrap="nowrap" align="flex-start">
                <Text component="dt" size="sm" c="dimmed" w={110} style={{ flexShrink: 0 }}>
                  {label}
                </Text>
                <Text component="dd" size="sm" m={0}>
                  {value}
                </Text>
              </Group>
            ))}
          </Paper>
          {data.message && (
            <Paper withBorder p="md">
              <Text size="sm" c="dimmed">
                {words.message}
              </Text>
              <Text size="sm" style={{ whiteSpace: 'pre-line' }}>
                {data.message}
              </Text>
            </Paper>
          )}
        </Stack>
        <section>
          <Title order={2} size="h4" mb="md">
            {invitations.timeline}
          </Title>
          <Timeline bulletSize={14} lineWidth={2} active={steps.length}>
            {steps.map(({ key, title, time, note }) => (
              <Timeline.Item key={key} title={title}>
                {note && <Text size="sm">{note}</Text>}
                <Text size="xs" c="dimmed">
                  <time dateTime={time}>{format.dateTime(time)}</time>
                </Text>
              </Timeline.Item>
            ))}
          </Timeline>
        </section>
      </SimpleGrid>
      {dialogs}
    </>
  )
}
