/**
 * Those who ask to join because the organisation is open to their domain.
 *
 * @module
 */
import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import {
  useApproveJoinRequest,
  useDeclineJoinRequest,
  useUsherQueries,
} from '../../../react/index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'

export function JoinRequests() {
  const { members } = useTexts()
  const format = useFormat()
  const say = useSay()
  const { id, can } = useOrganisation()
  const requests = useInfiniteQuery({
    ...useUsherQueries().joinRequests.list(id, { status: 'pending' }),
    ...live,
    enabled: can('invite.read'),
  })
  const approve = useApproveJoinRequest(id)
  const decline = useDeclineJoinRequest(id)
  const onError = (error: unknown) => say.refused(error)

  const rows = requests.data ?? []
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
              <bdi>{readableAddress(request.email)}</bdi>{' '}
              <Text span size="xs" c="dimmed">
                {format.relative(request.createdAt)}
              </Text>
            </Text>
            {can('invite.create') && (
              <Group gap="xs">
                <Button
                  size="xs"
                  onClick={() => approve.mutate({ requestId: request.id }, { onError })}
                >
                  {members.approve}
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  onClick={() => decline.mutate({ requestId: request.id }, { onError })}
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
