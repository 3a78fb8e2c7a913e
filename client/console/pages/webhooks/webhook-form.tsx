/**
 * Makes a webhook, or changes one.
 *
 * @module
 */
import { Button, Checkbox, Group, MultiSelect, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { WEBHOOK_EVENT_TYPES } from '../../../generated/webhook-event-types.ts'
import type { Webhook, WebhookSecret } from '../../../index.ts'
import { useCreateWebhook, useUpdateWebhook } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

interface WebhookFormProps {
  /** The one to change; without it, a new one is made. */
  webhook: Webhook | undefined
  onClose: () => void
  /** Gets the secret of a new one. */
  onSecret: (secret: WebhookSecret) => void
}

export function WebhookForm({ webhook, onClose, onSecret }: WebhookFormProps) {
  const { webhooks: words, events: names, common } = useTexts()
  const { id } = useOrganisation()
  const create = useCreateWebhook(id)
  const update = useUpdateWebhook(id)
  const form = useForm({
    initialValues: {
      url: webhook?.url ?? '',
      description: webhook?.description ?? '',
      hearsAll: !webhook?.events,
      events: webhook?.events ?? [],
    },
  })
  const { hearsAll, events } = form.values
  const error = create.error ?? update.error

  function submit({ url, description }: typeof form.values) {
    const changes = { url: url.trim(), description }
    if (webhook) {
      update.mutate(
        { webhookId: webhook.id, ...changes, events: hearsAll ? null : events },
        { onSuccess: onClose },
      )
    } else {
      create.mutate({ ...changes, events: hearsAll ? undefined : events }, { onSuccess: onSecret })
    }
  }

  return (
    <Dialog opened={true} onClose={onClose} title={webhook ? words.change : words.add}>
      <form onSubmit={form.onSubmit(submit)}>
        <Stack>
          <TextInput
            label={words.url}
            description={words.urlHint}
            type="url"
            dir="ltr"
            required
            withAsterisk={false}
            maxLength={2000}
            data-autofocus
            {...form.getInputProps('url')}
          />
          <TextInput
            label={words.description}
            maxLength={200}
            {...form.getInputProps('description')}
          />
          <Checkbox
            label={words.allEvents}
            {...form.getInputProps('hearsAll', { type: 'checkbox' })}
          />
          {!hearsAll && (
            <MultiSelect
              label={words.events}
              data={WEBHOOK_EVENT_TYPES.map((type) => ({
                value: type,
                label: `${names[type]} (${type})`,
              }))}
              searchable
              clearable
              clearButtonProps={{ 'aria-label': `${words.events}: ${common.none}` }}
              {...form.getInputProps('events')}
            />
          )}
          {error && <ProblemAlert error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button
              type="submit"
              loading={create.isPending || update.isPending}
              disabled={!hearsAll && events.length === 0}
            >
              {common.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
