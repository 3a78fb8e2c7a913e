/**
 * Devices: invited with a code, enrolled, removed.
 *
 * @module
 */
import { Button, Stack, Text, Title } from '@mantine/core'
import { IconDeviceTablet, IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { DeviceInvite, Member } from '../../../index.ts'
import { useUsherQueries } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { RoleBadges } from '../../parts/role-choice.tsx'
import { useInviteActions } from '../invitations/use-invite-actions.tsx'
import { EndsDialog } from '../members/ends-dialog.tsx'
import { MemberMenu } from '../members/member-menu.tsx'
import { nameOf } from '../members/name-of.ts'
import { DeviceForm } from './device-form.tsx'

export function DevicesPage() {
  return (
    <Needs permission="invite.read">
      <Devices />
    </Needs>
  )
}

function Devices() {
  const { devices, common, members, invitations } = useTexts()
  const format = useFormat()
  const { id, can } = useOrganisation()
  const queries = useUsherQueries()
  const { actionsFor, dialogs } = useInviteActions()
  const [isInviting, setIsInviting] = useState(false)
  const [question, setQuestion] = useState<Question | null>(null)
  const [limited, setLimited] = useState<Member | null>(null)
  const waiting = useInfiniteQuery({
    ...queries.devices.invites(id, { status: 'pending' }),
    ...live,
  })
  const enrolled = useInfiniteQuery({
    ...queries.devices.list(id, { status: 'active' }),
    ...live,
  })
  const error = waiting.error ?? enrolled.error

  const waitingColumns: Column<DeviceInvite>[] = [
    {
      id: 'name',
      header: devices.name,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" fw={500} className="usher-words">
          {original.deviceName}
        </Text>
      ),
    },
    {
      id: 'roles',
      header: common.roles,
      enableSorting: false,
      cell: ({ row: { original } }) => <RoleBadges roles={original.roles} />,
    },
    {
      id: 'time-left',
      header: invitations.timeLeft,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" c="dimmed">
          {format.relative(original.expiresAt)}
        </Text>
      ),
    },
    {
      id: 'actions',
      header: '',
      enableSorting: false,
      cell: ({ row: { original } }) =>
        actionsFor(original)
          .filter(({ label }) => label === invitations.revoke)
          .map(({ label, act }) => (
            <Button
              key={label}
              size="xs"
              variant="default"
              aria-label={`${label}: ${original.deviceName}`}
              onClick={act}
            >
              {label}
            </Button>
          )),
    },
  ]
  const enrolledColumns: Column<Member>[] = [
    {
      id: 'name',
      header: devices.name,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" fw={500} className="usher-words">
          {nameOf(original)}
        </Text>
      ),
    },
    {
      id: 'roles',
      header: common.roles,
      enableSorting: false,
      cell: ({ row: { original } }) => <RoleBadges roles={original.roles} />,
    },
    {
      id: 'joined',
      header: members.joined,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" c="dimmed">
          {format.date(original.joinedAt)}
        </Text>
      ),
    },
    {
      id: 'actions',
      header: '',
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <MemberMenu
          member={original}
          name={nameOf(original)}
          onAsk={setQuestion}
          onEnds={() => setLimited(original)}
        />
      ),
    },
  ]

  const inviteButton = can('invite.create') && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setIsInviting(true)}>
      {devices.invite}
    </Button>
  )
  const isEmpty = waiting.data?.length === 0 && enrolled.data?.length === 0
  return (
    <>
      <PageHead title={devices.title}>{inviteButton}</PageHead>
      {error && <ProblemAlert error={error} />}
      {isEmpty ? (
        <Empty
          title={devices.empty}
          text={devices.emptyText}
          icon={<IconDeviceTablet size={28} aria-hidden />}
        />
      ) : (
        <Stack gap="xl">
          {waiting.data?.length !== 0 && (
            <section aria-labelledby="waiting">
              <Title order={2} size="h4" mb="sm" id="waiting">
                {devices.waiting}
              </Title>
              <DataTable
                label={devices.waiting}
                columns={waitingColumns}
                rows={waiting.data}
                rowId={(invite) => invite.id}
                empty={null}
              />
            </section>
          )}
          {enrolled.data && enrolled.data.length > 0 && (
            <section aria-labelledby="enrolled">
              <Title order={2} size="h4" mb="sm" id="enrolled">
                {devices.enrolled}
              </Title>
              <DataTable
                label={devices.enrolled}
                columns={enrolledColumns}
                rows={enrolled.data}
                rowId={(member) => member.id}
                empty={null}
              />
            </section>
          )}
        </Stack>
      )}
      {isInviting && <DeviceForm onClose={() => setIsInviting(false)} />}
      <Confirm question={question} onClose={() => setQuestion(null)} />
      <EndsDialog member={limited} onClose={() => setLimited(null)} />
      {dialogs}
    </>
  )
}
