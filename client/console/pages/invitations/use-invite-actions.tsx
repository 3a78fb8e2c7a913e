/**
 * What can be done about an invitation, for the list and for its own page.
 *
 * @module
 */
import { Button, Code, CopyButton, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { type Invite, type Result, type RoleName, UsherError } from '../../../index.ts'
import { useUsher, usherKeys } from '../../../react/index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { RoleSelect } from '../../parts/role-choice.tsx'
import { isLostRight } from './invite-states.ts'

export interface InviteAction {
  label: string
  act: () => void
}

/** The name of whom, or what, an invitation is for. */
export function inviteeOf(invite: Invite): string {
  return invite.kind === 'user' ? readableAddress(invite.email) : invite.deviceName
}

/**
 * @returns the actions that fit the state of an invitation and the reader's roles, and the dialogs that
 *   some of them open, to be drawn once
 */
export function useInviteActions(): {
  actionsFor: (invite: Invite) => InviteAction[]
  dialogs: ReactNode
} {
  const { invitations, common } = useTexts()
  const usher = useUsher()
  const { can } = useOrganisation()
  const say = useSay()
  const queryClient = useQueryClient()
  const [question, setQuestion] = useState<Question | null>(null)
  const [link, setLink] = useState<{ invitee: string; address: string } | null>(null)
  const [changing, setChanging] = useState<{ invite: Invite; roles: RoleName[] } | null>(null)

  async function after<T>(request: Promise<Result<T>>, message: string | null) {
    const result = await request
    if (result.error) say.refused(result.error)
    else if (message) say.done(message)
    await queryClient.invalidateQueries({ queryKey: usherKeys.all })
    return result
  }

  async function reveal(invite: Invite) {
    const { data } = await after(usher.invites.revealLink(invite.id), null)
    if (data) setLink({ invitee: inviteeOf(invite), address: data })
  }

  async function reissue(invite: Invite) {
    const { data, error } = await usher.invites.reissue([invite.id])
    const outcome = data?.[0]
    if (error) say.refused(error)
    else if (outcome?.status === 'created') say.done(invitations.reissued(inviteeOf(invite)))
    else say.refused(new UsherError({ code: outcome?.errorCode ?? '', message: '' }, 422))
    await queryClient.invalidateQueries({ queryKey: usherKeys.all })
  }

  function actionsFor(invite: Invite): InviteAction[] {
    const { id, status } = invite
    const invitee = inviteeOf(invite)
    const isPending = status === 'pending'
    const isMailed = invite.kind === 'user'
    return [
      {
        label: invitations.resend,
        isOffered: can('invite.resend') && isMailed && (isPending || status === 'expired'),
        act: () => void after(usher.invites.resend(id), invitations.resent(invitee)),
      },
      {
        label: invitations.reissue,
        isOffered: can('invite.create') && isMailed && isLostRight(invite),
        act: () => void reissue(invite),
      },
      {
        label: invitations.copyLink,
        isOffered: can('invite.reveal') && isMailed && isPending,
        act: () => void reveal(invite),
      },
      {
        label: invitations.changeRoles,
        isOffered: can('invite.create') && isMailed && isPending,
        act: () => setChanging({ invite, roles: invite.roles }),
      },
      {
        label: invitations.expire,
        isOffered: can('invite.revoke') && isPending,
        act: () => void after(usher.invites.expire(id), invitations.expired(invitee)),
      },
      {
        label: invitations.revoke,
        isOffered: can('invite.revoke') && isPending,
        act: () =>
          setQuestion({
            title: invitations.revokeTitle(invitee),
            text: invitations.revokeText,
            confirm: invitations.revoke,
            takesReason: true,
            async act(reason) {
              const result = await usher.invites.revoke(id, { reason })
              if (!result.error) say.done(invitations.revoked(invitee))
              await queryClient.invalidateQueries({ queryKey: usherKeys.all })
              return result
            },
          }),
      },
    ].filter(({ isOffered }) => isOffered)
  }

  const dialogs = (
    <>
      <Confirm question={question} onClose={() => setQuestion(null)} />
      <Dialog
        opened={link !== null}
        onClose={() => setLink(null)}
        title={link && invitations.linkTitle(link.invitee)}
      >
        <Stack>
          <Text size="sm">{invitations.linkText}</Text>
          <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
            {link?.address}
          </Code>
          <CopyButton value={link?.address ?? ''}>
            {({ copied, copy }) => (
              <Button onClick={copy}>{copied ? common.copied : invitations.copyLink}</Button>
            )}
          </CopyButton>
        </Stack>
      </Dialog>
      <Dialog
        opened={changing !== null}
        onClose={() => setChanging(null)}
        title={invitations.changeRoles}
      >
        {changing && (
          <Stack>
            <Text size="sm">{invitations.changeRolesText}</Text>
            <RoleSelect
              label={inviteeOf(changing.invite)}
              value={changing.roles}
              onChange={(roles) => setChanging({ ...changing, roles })}
            />
            <Button
              disabled={changing.roles.length === 0}
              onClick={async () => {
                const { invite, roles } = changing
                const message = invitations.rolesChanged(inviteeOf(invite))
                const { error } = await after(usher.invites.updateRoles(invite.id, roles), message)
                if (!error) setChanging(null)
              }}
            >
              {common.save}
            </Button>
          </Stack>
        )}
      </Dialog>
    </>
  )
  return { actionsFor, dialogs }
}
