/**
 * Those who ask to join because the organisation is open to their domain.
 *
 * @module
 */
import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { JoinRequest } from '../../../index.ts'
import { LIVE, useChange, useReadPages } from '../../app/data.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'

export function JoinRequests() {
  const { members } = useTexts()
  const format = useFormat()
  const say = useSay()
  const { id, can } = useOrganisation()
  const requests = useReadPages(
    [id, 'join-requests'],
    (usher, cursor) => usher.joinRequests.list(id, { status: 'pending', cursor }),
    { enabled: can('invite.read'), refetchInterval: LIVE },
  )
  const decide = useChange<{ request: JoinRequest; isApproved: boolean }, unknown>(
    (usher, { request, isApproved }) =>
      isApproved ? usher.joinRequests.approve(request.id) : usher.joinRequests.decline(request.id),
    { onRefused: (error) => say.refused(error) },
  )

  const rows = requests.data?.pages.flatMap((page) => page.rows) ?? []
  if (rows.length === 0) return null
  return (
    <Paper withBorder p="md" mb="lg" component="section" aria-labelledby="join-requests">
      <Title order={2} size="h5" mb="sm" id="join-requests">
        {members.requests}
      </Title>
      <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: 'none' }}>
        {rows.map((request) => (
          <Group key={request.id} component="li" justify="space-between" className="usher-words">
            <Text size="sm">
              <bdi>{request.email}</bdi>{' '}
              <Text span size="xs" c="dimmed">
                {format.relative(request.createdAt)}
              </Text>
            </Text>
            {can('invite.create') && (
              <Group gap="xs">
                <Button size="xs" onClick={() => decide.mutate({ request, isApproved: true })}>
                  {members.approve}
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  onClick={() => decide.mutate({ request, isApproved: false })}
                >
                  {members.declineRequest}
                </Button>
              </Group>
            )}
          </Group>
        ))}
      </Stack>
    </Paper>
  )
}
