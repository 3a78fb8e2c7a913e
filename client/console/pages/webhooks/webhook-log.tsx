/**
 * What webhooks were sent, live: when, how it ended, what the endpoint answered; and sending one again.
 *
 * @module
 */
import { ActionIcon, Group, NativeSelect, Text } from '@mantine/core'
import { IconListDetails, IconRefresh } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Webhook, WebhookDelivery, WebhookDeliveryStatus } from '../../../index.ts'
import { useReplayWebhookDeliveries, useUsherQueries } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { type Mood, Status } from '../../parts/status.tsx'

const MOODS: Record<WebhookDeliveryStatus, Mood> = {
  queued: 'waiting',
  sending: 'waiting',
  delivered: 'good',
  failed: 'bad',
}

export function WebhookLog({ webhooks }: { webhooks: Webhook[] }) {
  const { webhooks: words, events, common } = useTexts()
  const format = useFormat()
  const say = useSay()
  const { id } = useOrganisation()
  const [webhookId, setWebhookId] = useState('')
  const [status, setStatus] = useState<WebhookDeliveryStatus | ''>('')
  const replay = useReplayWebhookDeliveries(id)
  const list = useInfiniteQuery({
    ...useUsherQueries().webhooks.deliveries(id, {
      webhookId: webhookId || undefined,
      status: status || undefined,
    }),
    ...live,
  })
  const names: Record<string, string> = events
  const titleOf = ({ event }: WebhookDelivery) => names[event] ?? event
  const byId = new Map(webhooks.map((webhook) => [webhook.id, webhook]))

  function sendAgain(delivery: WebhookDelivery) {
    replay.mutate(
      { webhookId: delivery.webhookId, deliveryId: delivery.id },
      {
        onSuccess: (count) => say.done(words.replayed(count)),
        onError: (error) => say.refused(error),
      },
    )
  }

  const columns: Column<WebhookDelivery>[] = [
    {
      id: 'event',
      header: words.event,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <div className="usher-words">
          <Text size="sm">{titleOf(original)}</Text>
          <Text size="xs" c="dimmed">
            <bdi>{byId.get(original.webhookId)?.url}</bdi>
          </Text>
        </div>
      ),
    },
    {
      id: 'time',
      header: words.time,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" c="dimmed">
          <time dateTime={original.createdAt}>{format.dateTime(original.createdAt)}</time>
        </Text>
      ),
    },
    {
      id: 'status',
      header: words.state,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <div>
          <Status mood={MOODS[original.status]}>{words.statuses[original.status]}</Status>
          <Text size="xs" c="dimmed">
            {words.tries(original.attempts)}
            {original.status === 'queued' &&
              original.attempts > 0 &&
              `, ${words.nextTry(format.relative(original.dueAt))}`}
          </Text>
        </div>
      ),
    },
    {
      id: 'answer',
      header: words.answer,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" c="dimmed" className="usher-words" lineClamp={2}>
          {[original.lastStatusCode, original.lastResponse].filter(Boolean).join(' · ') || '–'}
        </Text>
      ),
    },
    {
      id: 'actions',
      header: '',
      enableSorting: false,
      cell: ({ row: { original } }) =>
        (original.status === 'delivered' || original.status === 'failed') &&
        byId.get(original.webhookId)?.isEnabled && (
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`${words.replay}: ${titleOf(original)}, ${format.dateTime(original.createdAt)}`}
            title={words.replay}
            onClick={() => sendAgain(original)}
          >
            <IconRefresh size={18} aria-hidden />
          </ActionIcon>
        ),
    },
  ]

  return (
    <>
      <Group mb="md" gap="sm">
        <NativeSelect
          aria-label={words.url}
          value={webhookId}
          onChange={(event) => setWebhookId(event.currentTarget.value)}
          data={[
            { value: '', label: `${words.url}: ${common.all}` },
            ...webhooks.map(({ id: value, url }) => ({ value, label: url })),
          ]}
          maw="100%"
        />
        <NativeSelect
          aria-label={words.state}
          value={status}
          onChange={(event) => setStatus(event.currentTarget.value as WebhookDeliveryStatus | '')}
          data={[
            { value: '', label: `${words.state}: ${common.all}` },
            ...Object.entries(words.statuses).map(([value, label]) => ({ value, label })),
          ]}
        />
      </Group>
      {list.error ? (
        <ProblemAlert error={list.error} onRetry={() => list.refetch()} />
      ) : (
        <DataTable
          label={words.log}
          columns={columns}
          rows={list.data}
          rowId={(delivery) => delivery.id}
          empty={
            <Empty
              title={words.logEmpty}
              text={words.logEmptyText}
              icon={<IconListDetails size={28} aria-hidden />}
            />
          }
        />
      )}
      <LoadMore query={list} />
    </>
  )
}
