/**
 * The members of an organisation: who, with which roles, since when; and what can be done about it.
 *
 * @module
 */
import { Button, Group, NativeSelect, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconPlus, IconSearch, IconUsers } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import type { Member, MemberStatus, RoleName } from '../../../index.ts'
import { useUpdateMemberRoles, useUsherQueries } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { useSession } from '../../app/session.tsx'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Person } from '../../parts/person.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { RoleBadges, RolesInPlace, useAllRoles } from '../../parts/role-choice.tsx'
import { type Mood, Status } from '../../parts/status.tsx'
import { EndsDialog } from './ends-dialog.tsx'
import { JoinRequests } from './join-requests.tsx'
import { MemberMenu } from './member-menu.tsx'
import { nameOf } from './name-of.ts'

const MOODS: Record<MemberStatus, Mood> = {
  active: 'good',
  banned: 'bad',
  left: 'quiet',
  removed: 'quiet',
}

export function MembersPage() {
  return (
    <Needs permission="member.read">
      <Members />
    </Needs>
  )
}

function Members() {
  const texts = useTexts()
  const { members, invitations, common } = texts
  const format = useFormat()
  const say = useSay()
  const { person } = useSession()
  const { id, path, can } = useOrganisation()
  const allRoles = useAllRoles()
  const [typed, setTyped] = useState('')
  const [search] = useDebouncedValue(typed, 250)
  const [role, setRole] = useState<RoleName>('')
  const [status, setStatus] = useState<MemberStatus | ''>('active')
  const [question, setQuestion] = useState<Question | null>(null)
  const [limited, setLimited] = useState<Member | null>(null)

  const list = useInfiniteQuery({
    ...useUsherQueries().members.list(id, {
      kind: 'user',
      search: search || undefined,
      role: role || undefined,
      status: status || undefined,
    }),
    ...live,
  })
  const rows = list.data
  const { mutate } = useUpdateMemberRoles(id)

  const columns: Column<Member>[] = [
    {
      id: 'person',
      header: members.person,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Person
          name={original.displayName}
          email={original.email}
          mark={original.userId === person?.id ? members.you : undefined}
        />
      ),
    },
    {
      id: 'roles',
      header: common.roles,
      enableSorting: false,
      cell: ({ row: { original } }) =>
        original.status === 'active' &&
        can('member.update') &&
        !original.roles.includes('owner') ? (
          <RolesInPlace
            label={members.changeRoles(nameOf(original))}
            roles={original.roles}
            onSave={(roles) =>
              mutate(
                { userId: original.userId, roles },
                {
                  onSuccess: () => say.done(members.rolesChanged(nameOf(original))),
                  onError: (error) => say.refused(error, common.undone),
                },
              )
            }
          />
        ) : (
          <RoleBadges roles={original.roles} />
        ),
    },
    {
      id: 'status',
      header: members.status,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <div>
          <Status mood={MOODS[original.status]}>{members.statuses[original.status]}</Status>
          {original.status === 'active' && <Ends member={original} />}
        </div>
      ),
    },
    {
      id: 'joined',
      header: members.joined,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" c="dimmed">
          <time dateTime={original.joinedAt}>{format.date(original.joinedAt)}</time>
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
    <Button
      component={Link}
      to={`${path}/invitations/new`}
      leftSection={<IconPlus size={16} aria-hidden />}
    >
      {invitations.invite}
    </Button>
  )
  const isAlone = rows?.length === 1 && rows[0]?.userId === person?.id && !search && !role
  return (
    <>
      <PageHead
        title={members.title}
        note={rows && !list.hasNextPage && members.total(rows.length)}
      >
        {inviteButton}
      </PageHead>
      <JoinRequests />
      <Group mb="md" gap="sm" align="flex-end">
        <TextInput
          type="search"
          aria-label={members.searchLabel}
          placeholder={members.searchLabel}
          leftSection={<IconSearch size={16} aria-hidden />}
          flex="1 1 220px"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <NativeSelect
          aria-label={members.filterRole}
          value={role}
          onChange={(event) => setRole(event.currentTarget.value)}
          data={[{ value: '', label: `${members.filterRole}: ${common.all}` }, ...allRoles]}
        />
        <NativeSelect
          aria-label={members.filterStatus}
          value={status}
          onChange={(event) => setStatus(event.currentTarget.value as MemberStatus | '')}
          data={[
            { value: '', label: `${members.filterStatus}: ${common.all}` },
            ...Object.entries(members.statuses).map(([value, label]) => ({ value, label })),
          ]}
        />
      </Group>
      {list.error ? (
        <ProblemAlert error={list.error} onRetry={() => list.refetch()} />
      ) : (
        <DataTable
          label={members.title}
          columns={columns}
          rows={rows}
          rowId={(member) => member.id}
          empty={
            <Empty
              title={members.emptySearch}
              text={members.emptySearchText}
              icon={<IconUsers size={28} aria-hidden />}
            />
          }
        />
      )}
      <LoadMore query={list} />
      {isAlone && inviteButton && (
        <Empty
          title={members.alone}
          text={members.aloneText}
          icon={<IconUsers size={28} aria-hidden />}
        >
          {inviteButton}
        </Empty>
      )}
      <Confirm question={question} onClose={() => setQuestion(null)} />
      <EndsDialog member={limited} onClose={() => setLimited(null)} />
    </>
  )
}

/** Until when: the membership, and roles that end before it. */
function Ends({ member }: { member: Member }) {
  const { members } = useTexts()
  const format = useFormat()
  return (
    <Text size="xs" c="dimmed">
      {member.endsAt && <span>{members.until(format.dateTime(member.endsAt))}</span>}
      {member.roles.map((role) => {
        const end = member.roleEnds[role]
        return (
          end && (
            <span key={role} style={{ display: 'block' }}>
              {format.role(role)}: {members.until(format.dateTime(end))}
            </span>
          )
        )
      })}
    </Text>
  )
}
