/**
 * The invitations of an organisation, live: state, mail, time left, and what can be done.
 *
 * @module
 */
import {
  ActionIcon,
  Anchor,
  Button,
  Group,
  Menu,
  NativeSelect,
  Text,
  TextInput,
} from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconDots, IconMail, IconPlus, IconSearch } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import type { Invite, InviteStatus } from '../../../index.ts'
import { useUsherQueries } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { RoleBadges } from '../../parts/role-choice.tsx'
import { Status } from '../../parts/status.tsx'
import { DeliveryStatus } from './delivery-status.tsx'
import { INVITE_MOODS, isLostRight } from './invite-states.ts'
import { inviteeOf, useInviteActions } from './use-invite-actions.tsx'
import { useNewestDeliveries } from './use-newest-deliveries.ts'

export function InvitationsPage() {
  return (
    <Needs permission="invite.read">
      <Invitations />
    </Needs>
  )
}

function Invitations() {
  const { invitations, common } = useTexts()
  const format = useFormat()
  const { id, path, can } = useOrganisation()
  const [typed, setTyped] = useState('')
  const [search] = useDebouncedValue(typed, 250)
  const [status, setStatus] = useState<InviteStatus | ''>('')
  const { actionsFor, dialogs } = useInviteActions()

  const list = useInfiniteQuery({
    ...useUsherQueries().invites.list(id, {
      search: search || undefined,
      status: status || undefined,
    }),
    ...live,
  })
  const rows = list.data
  const deliveries = useNewestDeliveries(rows?.at(-1)?.createdAt)

  const columns: Column<Invite>[] = [
    {
      id: 'address',
      header: invitations.address,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Anchor
          component={Link}
          to={`${path}/invitations/${original.id}`}
          size="sm"
          fw={500}
          className="usher-words"
        >
          <bdi>{inviteeOf(original)}</bdi>
        </Anchor>
      ),
    },
    {
      id: 'roles',
      header: common.roles,
      enableSorting: false,
      cell: ({ row: { original } }) => <RoleBadges roles={original.roles} />,
    },
    {
      id: 'state',
      header: invitations.state,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <>
          <Status mood={INVITE_MOODS[original.status]}>
            {invitations.states[original.status]}
          </Status>
          {isLostRight(original) && (
            <Text size="xs" c="dimmed">
              {invitations.reasons.inviter_lost_right}
            </Text>
          )}
        </>
      ),
    },
    {
      id: 'delivery',
      header: invitations.delivery,
      enableSorting: false,
      cell: ({ row: { original } }) => <DeliveryStatus delivery={deliveries.get(original.id)} />,
    },
    {
      id: 'time-left',
      header: invitations.timeLeft,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {original.status === 'pending' ? (
            <time dateTime={original.expiresAt} title={format.dateTime(original.expiresAt)}>
              {format.relative(original.expiresAt)}
            </time>
          ) : (
            '–'
          )}
        </Text>
      ),
    },
    {
      id: 'actions',
      header: '',
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={common.actions(inviteeOf(original))}
            >
              <IconDots size={18} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {actionsFor(original).map(({ label, act }) => (
              <Menu.Item key={label} onClick={act}>
                {label}
              </Menu.Item>
            ))}
            <Menu.Item component={Link} to={`${path}/invitations/${original.id}`}>
              {invitations.details}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ),
    },
  ]

  const inviteButton = can('invite.create') && (
    <Button
      component={Link}
      to={`${path}/invitations/new`}
      leftSection={<IconPlus size={16} aria-hidden />}
    >
      {invitations.invite}
    </Button>
  )
  const isFiltered = search !== '' || status !== ''
  return (
    <>
      <PageHead title={invitations.title}>{inviteButton}</PageHead>
      <Group mb="md" gap="sm">
        <TextInput
          type="search"
          aria-label={invitations.searchLabel}
          placeholder={invitations.searchLabel}
          leftSection={<IconSearch size={16} aria-hidden />}
          flex="1 1 220px"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <NativeSelect
          aria-label={invitations.state}
          value={status}
          onChange={(event) => setStatus(event.currentTarget.value as InviteStatus | '')}
          data={[
            { value: '', label: `${invitations.state}: ${common.all}` },
            ...Object.entries(invitations.states).map(([value, label]) => ({ value, label })),
          ]}
        />
      </Group>
      {list.error ? (
        <ProblemAlert error={list.error} onRetry={() => list.refetch()} />
      ) : (
        <DataTable
          label={invitations.title}
          columns={columns}
          rows={rows}
          rowId={(invite) => invite.id}
          empty={
            <Empty
              title={isFiltered ? invitations.emptyFilter : invitations.empty}
              text={isFiltered ? invitations.emptyFilterText : invitations.emptyText}
              icon={<IconMail size={28} aria-hidden />}
            >
              {!isFiltered && inviteButton}
            </Empty>
          }
        />
      )}
      <LoadMore query={list} />
      {dialogs}
    </>
  )
}
