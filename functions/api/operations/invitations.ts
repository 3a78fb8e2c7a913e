/**
 * Invitations, seen by those who send them.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import {
  address,
  instant,
  interval,
  lines,
  locale,
  oneOf,
  someNames,
  whole,
  words,
} from '../inputs.ts'
import {
  created,
  id,
  list,
  myOrganisation,
  type Operation,
  OUTSIDE,
  page,
  row,
  text,
  value,
} from '../operation.ts'
import type { RefusalCode } from '../refusals.ts'
import { Invite, InviteMetrics, InviteOutcome, inviteStatus } from '../schemas.ts'

const tag = 'Invitations'
const invite = z.object({ invite_id: id })
const CHANGE: RefusalCode[] = [
  'unauthenticated',
  'invite_not_found',
  'permission_denied',
  'invite_not_pending',
]

const draft = z.strictObject({
  email: address,
  roles: someNames.openapi({
    description: 'Never owner.',
    minItems: 1,
    maxItems: 20,
    example: ['member'],
  }),
  expires_in: interval.optional().openapi({
    description: "1 hour to 30 days; without it, the organisation's.",
    example: '3 days',
  }),
  message: lines(1000).optional().openapi({ description: 'Plain text, without links.' }),
  locale: locale.optional(),
  redirect_to: words.optional().openapi({
    description: 'A path, or an address of an allowed origin.',
    example: '/welcome',
  }),
  metadata: z
    .record(z.string(), z.unknown())
    .optional()
    .openapi({ description: "At most 8 kB, for the application's own use." }),
  template_id: id
    .optional()
    .openapi({ description: 'One of listEmailTemplates, of the kind invite.' }),
  membership_ends_at: instant
    .optional()
    .openapi({ description: 'Until when the membership counts; without it, it has no end.' }),
})

export const invitations: Operation[] = [
  {
    id: 'createInvitation',
    method: 'post',
    path: '/invitations',
    tag,
    summary: 'Invites an address with exactly these roles; the mail goes out at once.',
    description: 'Never answers the token. already_invited: details is the id of the open invite.',
    source: { function: 'create_organisation_invite' },
    body: draft.extend({ organisation_id: myOrganisation }),
    answers: created(Invite),
    refuses: [
      ...OUTSIDE,
      'role_not_assignable',
      'domain_not_allowed',
      'member_banned',
      'already_member',
      'already_invited',
      'seat_limit_reached',
      'invalid_email',
      'invalid_role',
      'invalid_expiry',
      'invalid_message',
      'invalid_redirect',
      'invalid_settings',
      'rate_limited',
    ],
    creates: { at: (row) => `/invitations/${row.id}` },
  },
  {
    id: 'createInvitations',
    method: 'post',
    path: '/invitations/bulk',
    tag,
    summary: 'Invites up to 10,000 addresses; good rows are not lost to bad ones.',
    description:
      'JSON; or a list, as the body (text/csv, or the type of an Excel workbook, with organisation_id in the query) or ' +
      'uploaded (multipart/form-data, with organisation_id and file). A row of a list names its ' +
      'columns: email, roles (several with a space or | between them), and where wanted expires_in, ' +
      'message, locale, redirect_to, metadata (JSON), template_id, membership_ends_at; also by the names that exports ' +
      'of other systems give, in six languages. Delimiter, line ends and encoding are found by what it holds; a charset ' +
      'that Content-Type says counts. An outcome for each row, in order, with the number that a spreadsheet shows; one ' +
      'for each address, where a row holds several.',
    source: { function: 'create_organisation_invites', rows: 'invites' },
    query: z.strictObject({
      organisation_id: myOrganisation,
    }),
    body: z.strictObject({
      organisation_id: myOrganisation,
      // What is wrong with one row is said in its outcome.
      invites: z
        .array(z.unknown())
        .openapi({ items: { $ref: '#/components/schemas/InviteDraft' } }),
    }),
    takesCsv: true,
    takesMany: true,
    answers: list(InviteOutcome),
    refuses: [
      ...OUTSIDE,
      'batch_too_large',
      'seat_limit_reached',
      'invalid_settings',
      'rate_limited',
    ],
    creates: {},
  },
  {
    id: 'reissueInvitations',
    method: 'post',
    path: '/invitations/reissue',
    tag,
    summary: 'Makes new ones, in your name, of those whose sender may not give them any more.',
    description:
      'For those that were revoked with the reason inviter_lost_right; they stay revoked, new mails go out. ' +
      'An outcome for each id, in order, with the id of the new invitation.',
    source: { function: 'reissue_organisation_invites' },
    takesMany: true,
    body: z.strictObject({
      invite_ids: z.array(id).openapi({ description: 'At most 10,000, of one organisation.' }),
    }),
    answers: list(InviteOutcome),
    refuses: [
      'unauthenticated',
      'invite_not_found',
      'permission_denied',
      'batch_too_large',
      'seat_limit_reached',
      'rate_limited',
    ],
  },
  {
    id: 'listInvitations',
    method: 'get',
    path: '/invitations',
    tag,
    summary: 'The invitations of an organisation, newest first, a page at a time.',
    source: { function: 'list_organisation_invites' },
    query: z.strictObject({
      organisation_id: myOrganisation,
      status: oneOf(inviteStatus.options).optional(),
      search: words.optional().openapi({
        description: 'Part of the address, in any case.',
        maxLength: 254,
      }),
      cursor: id.optional().openapi({ description: 'next_cursor of the page before.' }),
      page_size: whole({ least: 1, most: 500 }).default(50).openapi({ default: 50 }),
    }),
    answers: page(Invite),
    refuses: [...OUTSIDE, 'invalid_settings', 'invite_not_found'],
  },
  {
    id: 'getInvitationMetrics',
    method: 'get',
    path: '/invitations/metrics',
    tag,
    summary: 'How invitations fare: counts by state and by day, rates, hours to accept.',
    source: { function: 'organisation_invite_metrics' },
    query: z.strictObject({
      organisation_id: myOrganisation,
      since: instant
        .optional()
        .openapi({ description: 'From then on; by default the last 30 days.' }),
      until: instant.optional().openapi({ description: 'Before then.' }),
    }),
    answers: row(InviteMetrics),
    refuses: [...OUTSIDE, 'invalid_settings'],
  },
  {
    id: 'getInvitation',
    method: 'get',
    path: '/invitations/{invite_id}',
    tag,
    summary: 'One invitation.',
    source: { table: 'organisation_invites', byId: 'invite_id', equal: [], order: [['id', 'asc']] },
    params: invite,
    answers: row(Invite),
    refuses: ['unauthenticated', 'invite_not_found'],
  },
  {
    id: 'resendInvitation',
    method: 'post',
    path: '/invitations/{invite_id}/resend',
    tag,
    summary: 'Sends it again: new link, new time, old links dead.',
    source: { function: 'resend_organisation_invite' },
    params: invite,
    answers: row(Invite),
    refuses: [
      ...CHANGE,
      'role_not_assignable',
      'invalid_role',
      'domain_not_allowed',
      'already_member',
      'member_banned',
      'already_invited',
      'invalid_expiry',
      'rate_limited',
    ],
  },
  {
    id: 'revokeInvitation',
    method: 'post',
    path: '/invitations/{invite_id}/revoke',
    tag,
    summary: 'Withdraws it for good; its link stops working at once.',
    source: { function: 'revoke_organisation_invite' },
    params: invite,
    body: z.strictObject({
      reason: lines(500)
        .optional()
        .openapi({ description: 'For the audit trail; not shown to the invitee.' }),
    }),
    answers: row(Invite),
    refuses: [...CHANGE, 'invalid_message'],
  },
  {
    id: 'expireInvitation',
    method: 'post',
    path: '/invitations/{invite_id}/expire',
    tag,
    summary: 'Lets its time run out now.',
    source: { function: 'expire_organisation_invite' },
    params: invite,
    answers: row(Invite),
    refuses: CHANGE,
  },
  {
    id: 'updateInvitationRoles',
    method: 'put',
    path: '/invitations/{invite_id}/roles',
    tag,
    summary: 'Offers other roles; a new mail with a new link goes out.',
    source: { function: 'update_organisation_invite_roles' },
    params: invite,
    body: z.strictObject({ roles: someNames.openapi({ minItems: 1, maxItems: 20 }) }),
    answers: row(Invite),
    refuses: [...CHANGE, 'invalid_role', 'role_not_assignable'],
  },
  {
    id: 'revealInvitationLink',
    method: 'post',
    path: '/invitations/{invite_id}/reveal-link',
    tag,
    summary: "The link, for when mail can't; noted in the audit trail.",
    source: { function: 'reveal_organisation_invite_link' },
    params: invite,
    answers: value('link', text),
    refuses: [...CHANGE, 'role_not_assignable'],
  },
]

export { draft as InviteDraft }
