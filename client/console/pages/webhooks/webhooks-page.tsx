/**
 * Webhooks: who hears what happens, and what became of each event.
 *
 * @module
 */
import { Button, Text, Title } from '@mantine/core'
import { IconPlus, IconWebhook } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Webhook, WebhookSecret } from '../../../index.ts'
import { useUsherQueries } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { ReplayForm } from './replay-form.tsx'
import { SecretDialog } from './secret-dialog.tsx'
import { WebhookForm } from './webhook-form.tsx'
import { WebhookLog } from './webhook-log.tsx'
import { WebhookMenu } from './webhook-menu.tsx'
import { WebhookState } from './webhook-state.tsx'

export function WebhooksPage() {
  return (
    <Needs permission="webhook.manage">
      <Webhooks />
    </Needs>
  )
}

/** What is open over the page. */
export type Open =
  | { what: 'form'; webhook?: Webhook }
  | { what: 'replay'; webhook: Webhook }
  | { what: 'secret'; secret: WebhookSecret }

function Webhooks() {
  const { webhooks: words, common } = useTexts()
  const { id } = useOrganisation()
  const [open, setOpen] = useState<Open | null>(null)
  const [question, setQuestion] = useState<Question | null>(null)
  const list = useQuery({ ...useUsherQueries().webhooks.list(id), ...live })
  const close = () => setOpen(null)
  const showSecret = (secret: WebhookSecret) => setOpen({ what: 'secret', secret })

  const columns: Column<Webhook>[] = [
    {
      id: 'url',
      header: words.url,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <div className="usher-words">
          <Text size="sm" fw={500}>
            <bdi>{original.url}</bdi>
          </Text>
          {original.description && (
            <Text size="sm" c="dimmed">
              {original.description}
            </Text>
          )}
        </div>
      ),
    },
    {
      id: 'events',
      header: words.events,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm">
          {original.events ? words.eventCount(original.events.length) : common.all}
        </Text>
      ),
    },
    {
      id: 'state',
      header: words.state,
      enableSorting: false,
      cell: ({ row: { original } }) => <WebhookState webhook={original} />,
    },
    {
      id: 'actions',
      header: '',
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <WebhookMenu
          webhook={original}
          onOpen={setOpen}
          onAsk={setQuestion}
          onSecret={showSecret}
        />
      ),
    },
  ]
  return (
    <>
      <PageHead title={words.title}>
        <Button
          leftSection={<IconPlus size={16} aria-hidden />}
          onClick={() => setOpen({ what: 'form' })}
        >
          {words.add}
        </Button>
      </PageHead>
      {list.error ? (
        <ProblemAlert error={list.error} onRetry={() => list.refetch()} />
      ) : (
        <DataTable
          label={words.title}
          columns={columns}
          rows={list.data}
          rowId={(webhook) => webhook.id}
          empty={
            <Empty
              title={words.empty}
              text={words.emptyText}
              icon={<IconWebhook size={28} aria-hidden />}
            />
          }
        />
      )}
      {list.data && list.data.length > 0 && (
        <section aria-labelledby="log">
          <Title order={2} size="h4" mt="xl" mb="sm" id="log">
            {words.log}
          </Title>
          <WebhookLog webhooks={list.data} />
        </section>
      )}
      {open?.what === 'form' && (
        <WebhookForm webhook={open.webhook} onClose={close} onSecret={showSecret} />
      )}
      {open?.what === 'replay' && <ReplayForm webhook={open.webhook} onClose={close} />}
      {open?.what === 'secret' && <SecretDialog secret={open.secret} onClose={close} />}
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </>
  )
}
