/**
 * Says that a token or a domain stops, because whoever answered for it lost the right to, and lets the reader take it
 * over.
 *
 * @module
 */
import { Alert, Button, Group, Text } from '@mantine/core'
import { useTakeOverCredentials } from '../../react/index.ts'
import { useFormat, useTexts } from '../app/language.tsx'
import { useOrganisation } from '../app/organisation.tsx'
import { useSay } from '../app/say.tsx'

interface TakeOverProps {
  id: string
  name: string
  /** Null: it goes on, and nothing is shown. */
  stopsAt: string | null
}

export function TakeOver({ id, name, stopsAt }: TakeOverProps) {
  const { credentials: words } = useTexts()
  const format = useFormat()
  const say = useSay()
  const organisation = useOrganisation()
  const takeOver = useTakeOverCredentials(organisation.id)
  if (stopsAt === null) return null

  const isStopped = new Date(stopsAt).getTime() <= Date.now()
  return (
    <Alert variant="outline" color="red" mt="sm" p="sm">
      <Group justify="space-between">
        <Text size="sm" flex="1 1 220px">
          {isStopped ? (
            words.stopped
          ) : (
            <time dateTime={stopsAt} title={format.dateTime(stopsAt)}>
              {words.stops(format.relative(stopsAt))}
            </time>
          )}
        </Text>
        <Button
          size="xs"
          loading={takeOver.isPending}
          aria-label={`${words.takeOver}: ${name}`}
          onClick={() =>
            takeOver.mutate(
              { ids: [id] },
              {
                onSuccess: () => say.done(words.tookOver(name)),
                onError: (error) => say.refused(error),
              },
            )
          }
        >
          {words.takeOver}
        </Button>
      </Group>
    </Alert>
  )
}
