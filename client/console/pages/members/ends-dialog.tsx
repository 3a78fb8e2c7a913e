/**
 * Until when a member has access: the membership, and each of its roles.
 *
 * @module
 */
import { Button, Group, Stack, Text } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { Member } from '../../../index.ts'
import { useUpdateMemberEnds } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { MomentInput } from '../../parts/moment-input.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { nameOf } from './name-of.ts'

interface EndsDialogProps {
  /** Null while it is closed. */
  member: Member | null
  onClose: () => void
}

export function EndsDialog({ member, onClose }: EndsDialogProps) {
  const { members } = useTexts()
  return (
    <Dialog
      opened={member !== null}
      onClose={onClose}
      title={member && members.endsOf(nameOf(member))}
    >
      {member && <Form member={member} onClose={onClose} />}
    </Dialog>
  )
}

function Form({ member, onClose }: { member: Member; onClose: () => void }) {
  const { members, common } = useTexts()
  const format = useFormat()
  const say = useSay()
  const { id } = useOrganisation()
  const { mutate, error, isPending } = useUpdateMemberEnds(id)
  const [endsAt, setEndsAt] = useState(member.endsAt)
  const [roleEnds, setRoleEnds] = useState<Record<string, string | null | undefined>>(
    member.roleEnds,
  )

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const given = Object.entries(roleEnds).flatMap(([role, end]) => (end ? [[role, end]] : []))
    mutate(
      { userId: member.userId, endsAt, roleEnds: Object.fromEntries(given) },
      {
        onSuccess: () => {
          say.done(members.endsSaved(nameOf(member)))
          onClose()
        },
      },
    )
  }

  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{members.endsText}</Text>
        <MomentInput label={members.membershipEnd} value={endsAt} onChange={setEndsAt} />
        {member.roles.map((role) => (
          <MomentInput
            key={role}
            label={members.roleEnd(format.role(role))}
            value={roleEnds[role] ?? null}
            onChange={(end) => setRoleEnds({ ...roleEnds, [role]: end })}
          />
        ))}
        {error && <ProblemAlert error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {common.cancel}
          </Button>
          <Button type="submit" loading={isPending}>
            {common.save}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
