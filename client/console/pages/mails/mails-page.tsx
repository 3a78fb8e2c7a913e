/**
 * The mails of an organisation, live: to whom, what became of each, and those that failed tried again.
 *
 * @module
 */
import { ActionIcon, Anchor, Group, NativeSelect, Text } from '@mantine/core'
import { IconRefresh, IconSend } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import type { Delivery, MailKind, DeliveryStatus as Status } from '../../../index.ts'
import { useRetryDelivery, useUsherQueries } from '../../../react/index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { DeliveryStatus } from '../invitations/delivery-status.tsx'
import { canBeRetried } from '../invitations/invite-states.ts'

export function MailsPage() {
  return (
    <Needs permission="invite.read">
      <Mails />
    </Needs>
  )
}

function Mails() {
  const { mails: words, invitations, common } = useTexts()
  const format = useFormat()
  const say = useSay()
  const { id, path, can } = useOrganisation()
  const [status, setStatus] = useState<Status | ''>('')
  const [kind, setKind] = useState<MailKind | ''>('')
  const retry = useRetryDelivery(id)
  const list = useInfiniteQuery({
    ...useUsherQueries().deliveries.list(id, {
      status: status || undefined,
      kind: kind || undefined,
    }),
    ...live,
  })

  function tryAgain({ id: deliveryId, recipient }: Delivery) {
    retry.mutate(
      { deliveryId },
      {
        onSuccess: () => say.done(words.retried(readableAddress(recipient))),
        onError: (error) => say.refused(error),
      },
    )
  }

  const columns: Column<Delivery>[] = [
    {
      id: 'recipient',
      header: words.recipient,
      enableSorting: false,
      cell: ({ row: { original } }) =>
        original.inviteId ? (
          <Anchor
            component={Link}
            to={`${path}/invitations/${original.inviteId}`}
            size="sm"
            className="usher-words"
          >
            <bdi>{readableAddress(original.recipient)}</bdi>
          </Anchor>
        ) : (
          <Text span size="sm" className="usher-words">
            <bdi>{readableAddress(original.recipient)}</bdi>
          </Text>
        ),
    },
    {
      id: 'kind',
      header: words.kind,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm">
          {words.kinds[original.kind] ?? original.kind}
        </Text>
      ),
    },
    {
      id: 'state',
      header: invitations.state,
      enableSorting: false,
      cell: ({ row: { original } }) => <DeliveryStatus delivery={original} />,
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
      id: 'answer',
      header: words.answer,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" c="dimmed" className="usher-words" lineClamp={2}>
          {original.lastResponse ?? '–'}
        </Text>
      ),
    },
    {
      id: 'actions',
      header: '',
      enableSorting: false,
      cell: ({ row: { original } }) =>
        can('invite.resend') &&
        canBeRetried(original) && (
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`${words.retry}: ${readableAddress(original.recipient)}`}
            title={words.retry}
            onClick={() => tryAgain(original)}
          >
            <IconRefresh size={18} aria-hidden />
          </ActionIcon>
        ),
    },
  ]

  const isFiltered = status !== '' || kind !== ''
  const states = Object.entries(invitations.deliveries).filter(([value]) => value !== 'unknown')
  return (
    <>
      <PageHead title={words.title} />
      <Group mb="md" gap="sm">
        <NativeSelect
          aria-label={invitations.state}
          value={status}
          onChange={(event) => setStatus(event.currentTarget.value as Status | '')}
          data={[
            { value: '', label: `${invitations.state}: ${common.all}` },
            ...states.map(([value, label]) => ({ value, label })),
          ]}
        />
        <NativeSelect
          aria-label={words.kind}
          value={kind}
          onChange={(event) => setKind(event.currentTarget.value as MailKind | '')}
          data={[
            { value: '', label: `${words.kind}: ${common.all}` },
            ...Object.entries(words.kinds).map(([value, label]) => ({ value, label })),
          ]}
        />
      </Group>
      {list.error ? (
        <ProblemAlert error={list.error} onRetry={() => list.refetch()} />
      ) : (
        <DataTable
          label={words.title}
          columns={columns}
          rows={list.data}
          rowId={(mail) => mail.id}
          empty={
            <Empty
              title={isFiltered ? words.emptyFilter : words.empty}
              text={isFiltered ? words.emptyFilterText : words.emptyText}
              icon={<IconSend size={28} aria-hidden />}
            />
          }
        />
      )}
      <LoadMore query={list} />
    </>
  )
}
