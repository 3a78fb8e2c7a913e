/**
 * One application: how it is doing, what it refused, and what can be done.
 *
 * @module
 */
import { Button, Group, Paper, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { DirectoryCopy, DirectoryCopyStatus, DirectoryEndpoint } from '../../../index.ts'
import {
  useReconcileDirectoryEndpoint,
  useUpdateDirectoryEndpoint,
  useUsherQueries,
} from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { type Mood, Status } from '../../parts/status.tsx'

interface EndpointCardProps {
  endpoint: DirectoryEndpoint
  onEdit: () => void
  onDelete: () => void
}

export function EndpointCard({ endpoint, onEdit, onDelete }: EndpointCardProps) {
  const { directories: words } = useTexts()
  const format = useFormat()
  const say = useSay()
  const { id } = useOrganisation()
  const update = useUpdateDirectoryEndpoint(id)
  const reconcile = useReconcileDirectoryEndpoint(id)
  const waiting = useCopies(endpoint.id, 'waiting')
  const refused = useCopies(endpoint.id, 'failed')
  const { id: endpointId, name, url, isEnabled, lastError, reconciledAt, drift } = endpoint
  const { mood, word } = useEndpointState(endpoint, waiting.length, refused.length)
  const trouble = lastError ?? refused[0]?.lastError
  const onError = (error: unknown) => say.refused(error)

  const actions = [
    ...(isEnabled
      ? [{ label: words.compare, act: () => reconcile.mutate({ endpointId }, { onError }) }]
      : []),
    {
      label: isEnabled ? words.turnOff : words.turnOn,
      act: () => update.mutate({ endpointId, isEnabled: !isEnabled }, { onError }),
    },
    { label: words.edit, act: onEdit },
    { label: words.delete, act: onDelete },
  ]
  return (
    <Paper component="li" withBorder p="md" className="usher-words">
      <Stack gap="xs">
        <div>
          <Text fw={600}>{name}</Text>
          <Text size="sm" c="dimmed" dir="ltr">
            {url}
          </Text>
        </div>
        <Status mood={mood}>{word}</Status>
        {trouble && (
          <Text size="sm" dir="ltr">
            {trouble}
          </Text>
        )}
        <Text size="sm" c="dimmed">
          {reconciledAt
            ? words.compared(format.relative(reconciledAt), format.number(drift ?? 0))
            : words.neverCompared}
        </Text>
        <Group gap="xs">
          {actions.map(({ label, act }) => (
            <Button
              key={label}
              size="xs"
              variant="default"
              aria-label={`${label}: ${name}`}
              onClick={act}
            >
              {label}
            </Button>
          ))}
        </Group>
      </Stack>
    </Paper>
  )
}

/** Up to 500 members of an endpoint. */
function useCopies(endpointId: string, status: DirectoryCopyStatus): DirectoryCopy[] {
  const { id } = useOrganisation()
  const { copies } = useUsherQueries().directories
  return (
    useInfiniteQuery({ ...copies(id, endpointId, { status, pageSize: 500 }), ...live }).data ?? []
  )
}

/** The worst that can be said of it. */
function useEndpointState(
  { isEnabled, lastError }: DirectoryEndpoint,
  waiting: number,
  refused: number,
): { mood: Mood; word: string } {
  const { directories: words } = useTexts()
  if (!isEnabled) return { mood: 'quiet', word: words.off }
  if (lastError) return { mood: 'bad', word: words.notAnswering }
  if (waiting > 0) return { mood: 'waiting', word: words.waiting(waiting) }
  if (refused > 0) return { mood: 'bad', word: words.refused(refused) }
  return { mood: 'good', word: words.inStep }
}
