/**
 * What can be done about one member: give the access an end, remove, ban, lift a ban, hand over, leave.
 *
 * @module
 */
import { ActionIcon, Menu } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import type { Member, Result } from '../../../index.ts'
import { useUsher, usherKeys } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { useSession } from '../../app/session.tsx'
import type { Question } from '../../parts/confirm.tsx'

interface MemberMenuProps {
  member: Member
  name: string
  onAsk: (question: Question) => void
  onEnds: () => void
}

export function MemberMenu({ member, name, onAsk, onEnds }: MemberMenuProps) {
  const { members, home, common } = useTexts()
  const usher = useUsher()
  const { person } = useSession()
  const organisation = useOrganisation()
  const say = useSay()
  const queryClient = useQueryClient()
  const { id, can } = organisation
  const { userId, status } = member
  const isMe = userId === person?.id
  const isOwner = member.roles.includes('owner') && status === 'active'

  const after = async (request: Promise<Result<unknown>>, message: string) => {
    const result = await request
    if (!result.error) say.done(message)
    await queryClient.invalidateQueries({ queryKey: usherKeys.all })
    return result
  }
  const choices = [
    {
      label: members.transfer,
      isOffered: can('organisation.transfer') && !isMe && status === 'active',
      question: {
        title: members.transferTitle(name),
        text: members.transferText,
        confirm: members.transfer,
        word: organisation.name,
        act: () =>
          after(usher.organisations.transferOwnership(id, userId), members.transferred(name)),
      },
    },
    {
      label: home.leave,
      isOffered: isMe && !isOwner && status === 'active',
      question: {
        title: home.leaveTitle(organisation.name),
        text: home.leaveText,
        confirm: home.leave,
        act: () => after(usher.organisations.leave(id), home.left(organisation.name)),
      },
    },
    {
      label: members.remove,
      isOffered: can('member.remove') && !isMe && !isOwner && status === 'active',
      question: {
        title: members.removeTitle(name),
        text: members.removeText,
        confirm: members.remove,
        takesReason: true,
        act: (reason: string | undefined) =>
          after(usher.members.remove(id, userId, { reason }), members.removed(name)),
      },
    },
    {
      label: members.ban,
      isOffered: can('member.ban') && !isMe && !isOwner && status !== 'banned',
      question: {
        title: members.banTitle(name),
        text: members.banText,
        confirm: members.ban,
        takesReason: true,
        act: (reason: string | undefined) =>
          after(usher.members.ban(id, userId, { reason }), members.banned(name)),
      },
    },
    {
      label: members.unban,
      isOffered: can('member.ban') && status === 'banned',
      question: {
        title: members.unban,
        text: name,
        confirm: members.unban,
        takesReason: true,
        act: (reason: string | undefined) =>
          after(usher.members.unban(id, userId, { reason }), members.unbanned(name)),
      },
    },
  ].filter(({ isOffered }) => isOffered)

  const hasEnds = can('member.update') && !isOwner && status === 'active'
  if (choices.length === 0 && !hasEnds) return null
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={common.actions(name)}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {hasEnds && <Menu.Item onClick={onEnds}>{members.ends}</Menu.Item>}
        {choices.map(({ label, question }) => (
          <Menu.Item key={label} onClick={() => onAsk(question)}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
