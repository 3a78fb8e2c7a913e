/**
 * Members: who belongs to an organisation, as what, and how that ends.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { instant, lines, someNames } from '../inputs.ts'
import {
  id,
  inOrganisation,
  list,
  type Operation,
  OUTSIDE,
  page,
  pageOfTable,
  row,
  text,
} from '../operation.ts'
import type { RefusalCode } from '../refusals.ts'
import { Member } from '../schemas.ts'

const tag = 'Members'
const member = inOrganisation.extend({ user_id: id })
const path = '/organisations/{organisation_id}/members/{user_id}'
const reason = z.strictObject({
  reason: lines(500).optional().openapi({ description: 'For the audit trail.' }),
})
const HIGHER: RefusalCode[] = [...OUTSIDE, 'member_not_found', 'owner_required', 'invalid_message']

export const members: Operation[] = [
  {
    id: 'listMembers',
    method: 'get',
    path: '/organisations/{organisation_id}/members',
    tag,
    summary: 'Memberships that the caller may see, past ones too, newest first.',
    description: "All with member.read, otherwise one's own. Of an organisation of others: none.",
    source: {
      table: 'organisation_members',
      equal: ['organisation_id', 'status', 'kind'],
      order: [
        ['joined_at', 'desc'],
        ['id', 'desc'],
      ],
    },
    params: inOrganisation,
    query: z.strictObject({
      status: Member.shape.status.optional(),
      kind: Member.shape.kind.optional(),
      ...pageOfTable,
    }),
    answers: page(Member),
    refuses: ['unauthenticated'],
  },
  {
    id: 'getMember',
    method: 'get',
    path,
    tag,
    summary: 'One membership.',
    source: {
      table: 'organisation_members',
      equal: ['organisation_id', 'user_id'],
      order: [['id', 'asc']],
    },
    params: member,
    answers: row(Member),
    refuses: ['unauthenticated', 'member_not_found'],
  },
  {
    id: 'updateMemberRoles',
    method: 'put',
    path: `${path}/roles`,
    tag,
    summary: 'Gives a member exactly these roles; the member gets a mail.',
    source: { function: 'update_organisation_member_roles' },
    params: member,
    body: z.strictObject({ roles: someNames }),
    answers: row(Member),
    refuses: [
      ...OUTSIDE,
      'member_not_found',
      'owner_required',
      'invalid_role',
      'role_not_assignable',
    ],
  },
  {
    id: 'updateMemberEnds',
    method: 'put',
    path: `${path}/ends`,
    tag,
    summary: 'Says until when a membership counts, and each of its roles.',
    description:
      'What was said before is forgotten. A role that is not named has no end of its own.',
    source: { function: 'update_organisation_member_ends' },
    params: member,
    body: z.strictObject({
      ends_at: instant.nullable().optional(),
      role_ends: z
        .record(z.string(), instant)
        .optional()
        .openapi({ example: { finance: '2027-03-31T18:00:00Z' } }),
    }),
    answers: row(Member),
    refuses: [
      ...OUTSIDE,
      'member_not_found',
      'owner_required',
      'invalid_role',
      'invalid_expiry',
      'invalid_settings',
      'role_not_assignable',
    ],
  },
  {
    id: 'removeMember',
    method: 'post',
    path: `${path}/remove`,
    tag,
    summary: 'Removes a member; never the owner.',
    source: { function: 'remove_organisation_member' },
    params: member,
    body: reason,
    answers: row(Member),
    refuses: HIGHER,
  },
  {
    id: 'banMember',
    method: 'post',
    path: `${path}/ban`,
    tag,
    summary: 'Bans a member, who cannot come back until unbanned; never the owner.',
    source: { function: 'ban_organisation_member' },
    params: member,
    body: reason,
    answers: row(Member),
    refuses: [...HIGHER, 'member_banned'],
  },
  {
    id: 'unbanMember',
    method: 'post',
    path: `${path}/unban`,
    tag,
    summary: 'Lifts a ban; the person may be invited again.',
    source: { function: 'unban_organisation_member' },
    params: member,
    body: reason,
    answers: row(Member),
    refuses: HIGHER,
  },
  {
    id: 'listMemberRoles',
    method: 'get',
    path: `${path}/roles`,
    tag,
    summary: 'The roles that an active member is given, sorted.',
    source: { function: 'list_organisation_member_roles' },
    params: member,
    answers: list(text),
    refuses: [...OUTSIDE, 'member_not_found'],
  },
  {
    id: 'listMemberPermissions',
    method: 'get',
    path: `${path}/permissions`,
    tag,
    summary: 'All that an active member may do, sorted.',
    source: { function: 'list_organisation_member_permissions' },
    params: member,
    answers: list(text),
    refuses: [...OUTSIDE, 'member_not_found'],
  },
]
