/**
 * Sends again all that a webhook has missed since a day.
 *
 * @module
 */
import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { Webhook } from '../../../index.ts'
import { useReplayWebhookDeliveries } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

export function ReplayForm({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { webhooks: words, trail, common } = useTexts()
  const { id } = useOrganisation()
  const say = useSay()
  const replay = useReplayWebhookDeliveries(id)
  const [day, setDay] = useState(() => new Date().toISOString().slice(0, 10))

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    replay.mutate(
      { webhookId: webhook.id, since: `${day}T00:00:00Z` },
      {
        onSuccess: (count) => {
          say.done(words.replayed(count))
          onClose()
        },
      },
    )
  }

  return (
    <Dialog opened={true} onClose={onClose} title={words.replay}>
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{words.replayText}</Text>
          <TextInput
            type="date"
            label={trail.since}
            required
            withAsterisk={false}
            value={day}
            onChange={(event) => setDay(event.currentTarget.value)}
          />
          {replay.error && <ProblemAlert error={replay.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={replay.isPending}>
              {words.replay}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
