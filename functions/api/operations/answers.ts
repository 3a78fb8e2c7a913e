/**
 * Invitations, seen by those who get them: look, accept, decline, ask for another.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { lines, words } from '../inputs.ts'
import { id, list, nothing, type Operation, row, text } from '../operation.ts'
import type { RefusalCode } from '../refusals.ts'
import { InvitePreview, Member, MyInvite } from '../schemas.ts'

const tag = 'Answers'
const token = words.openapi({ description: 'From the mailed link.', example: 'inv_…' })
const ENDED: RefusalCode[] = [
  'invite_invalid',
  'invite_superseded',
  'invite_already_accepted',
  'invite_declined',
  'invite_revoked',
  'invite_expired',
  'inviter_lost_right',
]
const ACCEPT: RefusalCode[] = [
  'unauthenticated',
  'permission_denied',
  ...ENDED,
  'invite_wrong_email',
  'email_unverified',
  'invalid_role',
  'role_not_assignable',
  'domain_not_allowed',
  'sso_required',
  'seat_limit_reached',
  'already_member',
  'member_banned',
  'try_again',
]

export const answers: Operation[] = [
  {
    id: 'validateInvitation',
    method: 'get',
    path: '/invitations/validate',
    tag,
    summary: 'What the holder of a link may see before deciding. Changes nothing, never refuses.',
    source: { function: 'validate_organisation_invite' },
    // Never refuses, whatever stands in it.
    query: z.strictObject({
      token: text.openapi({ description: 'From the mailed link.', example: 'inv_…' }),
    }),
    answers: row(InvitePreview),
    refuses: [],
    isOpen: true,
  },
  {
    id: 'listMyInvitations',
    method: 'get',
    path: '/invitations/mine',
    tag,
    summary: "The pending invitations to the caller's own confirmed address, newest first.",
    source: { function: 'list_my_organisation_invites' },
    answers: list(MyInvite),
    refuses: ['unauthenticated'],
  },
  {
    id: 'acceptInvitation',
    method: 'post',
    path: '/invitations/accept',
    tag,
    summary: 'Accepts by the link: the caller, whose confirmed address is the invited one, joins.',
    source: { function: 'accept_organisation_invite' },
    body: z.strictObject({ token }),
    answers: row(Member),
    refuses: ACCEPT,
  },
  {
    id: 'acceptMyInvitation',
    method: 'post',
    path: '/invitations/{invite_id}/accept',
    tag,
    summary: 'Accepts without the link, where the project says that its Auth confirms addresses.',
    source: { function: 'accept_my_organisation_invite' },
    params: z.object({ invite_id: id }),
    answers: row(Member),
    refuses: [...ACCEPT, 'invite_not_found', 'invite_not_pending'],
  },
  {
    id: 'declineInvitation',
    method: 'post',
    path: '/invitations/decline',
    tag,
    summary: 'Declines for good; needs no account. The admins get a mail.',
    source: { function: 'decline_organisation_invite' },
    body: z.strictObject({
      token,
      reason: lines(500).optional().openapi({ description: 'For the admins; without links.' }),
    }),
    answers: row(InvitePreview),
    refuses: [...ENDED, 'invalid_message'],
    isOpen: true,
  },
  {
    id: 'requestInvitationResend',
    method: 'post',
    path: '/invitations/request-resend',
    tag,
    summary: 'Asks for a new link in place of an expired one; the same answer whatever happens.',
    source: { function: 'request_organisation_invite_resend' },
    body: z.strictObject({ token }),
    answers: nothing,
    refuses: [],
    isOpen: true,
  },
]
