/**
 * Organisations: create, change, leave, join, delete; and what the caller may do there.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import {
  created,
  id,
  inOrganisation,
  list,
  nothing,
  type Operation,
  OUTSIDE,
  row,
  text,
  value,
} from '../operation.ts'
import { JoinableOrganisation, Member, MyOrganisation, Organisation } from '../schemas.ts'

const tag = 'Organisations'

export const organisations: Operation[] = [
  {
    id: 'listMyOrganisations',
    method: 'get',
    path: '/organisations',
    tag,
    summary: 'The organisations that the caller is an active member of, by name.',
    source: { function: 'list_my_organisations' },
    answers: list(MyOrganisation),
    refuses: ['unauthenticated'],
  },
  {
    id: 'createOrganisation',
    method: 'post',
    path: '/organisations',
    tag,
    summary: 'Creates an organisation; the caller is its owner.',
    source: { function: 'create_organisation' },
    body: z.strictObject({
      name: text.openapi({ description: 'One line, 1 to 100 characters.', example: 'Acme' }),
      slug: text.optional().openapi({
        description: '2 to 63 of a-z, 0-9 and single inner hyphens; without it, made of the name.',
      }),
    }),
    answers: created(Organisation),
    refuses: ['unauthenticated', 'invalid_settings', 'invalid_slug', 'slug_taken'],
    creates: { at: (organisation) => `/organisations/${organisation.id}` },
  },
  {
    id: 'listJoinableOrganisations',
    method: 'get',
    path: '/organisations/joinable',
    tag,
    summary: 'Organisations that the caller may join, or ask to, by the domain of their address.',
    source: { function: 'list_joinable_organisations' },
    answers: list(JoinableOrganisation),
    refuses: ['unauthenticated'],
  },
  {
    id: 'getOrganisation',
    method: 'get',
    path: '/organisations/{organisation_id}',
    tag,
    summary: 'One organisation of the caller.',
    source: { table: 'organisations', byId: 'organisation_id', equal: [], order: [['id', 'asc']] },
    params: inOrganisation,
    answers: row(Organisation),
    refuses: ['unauthenticated', 'organisation_not_found'],
  },
  {
    id: 'updateOrganisation',
    method: 'patch',
    path: '/organisations/{organisation_id}',
    tag,
    summary: 'Changes settings; what is left out stays, and null takes an optional one back.',
    description:
      'Any of name, slug, logo_url, accent_colour, reply_to, locale, invite_ttl, seat_limit, ' +
      'allowed_email_domains, self_service_resend, expiry_mail, reminder_before, audit_retention, ' +
      'sender_name, track_opens.',
    source: {
      function: 'update_organisation',
      toArguments: ({ organisation_id, ...changes }) => ({ organisation_id, changes }),
    },
    params: inOrganisation,
    // Which settings there are, and which values, is known in one place: in SQL.
    body: z.looseObject({}).openapi({ example: { name: 'Acme', accent_colour: '#0a7a5c' } }),
    answers: row(Organisation),
    refuses: [
      ...OUTSIDE,
      'invalid_settings',
      'invalid_slug',
      'invalid_email',
      'invalid_expiry',
      'slug_taken',
    ],
  },
  {
    id: 'deleteOrganisation',
    method: 'delete',
    path: '/organisations/{organisation_id}',
    tag,
    summary: 'Deletes an organisation for good; for its owner.',
    source: { function: 'delete_organisation' },
    params: inOrganisation,
    answers: nothing,
    refuses: OUTSIDE,
  },
  {
    id: 'transferOrganisationOwnership',
    method: 'post',
    path: '/organisations/{organisation_id}/transfer-ownership',
    tag,
    summary: 'Makes another member the owner; the old owner becomes admin.',
    source: { function: 'transfer_organisation_ownership' },
    params: inOrganisation,
    body: z.strictObject({ new_owner_id: id }),
    answers: row(Member),
    refuses: [...OUTSIDE, 'member_not_found'],
  },
  {
    id: 'leaveOrganisation',
    method: 'post',
    path: '/organisations/{organisation_id}/leave',
    tag,
    summary: "Ends the caller's own membership; not the owner's.",
    source: { function: 'leave_organisation' },
    params: inOrganisation,
    answers: row(Member),
    refuses: ['unauthenticated', 'organisation_not_found', 'owner_required'],
  },
  {
    id: 'joinOrganisation',
    method: 'post',
    path: '/organisations/{organisation_id}/join',
    tag,
    summary: 'Joins one of the joinable organisations, or asks to.',
    source: { function: 'join_organisation' },
    params: inOrganisation,
    answers: value('outcome', z.enum(['joined', 'requested'])),
    refuses: [
      'unauthenticated',
      'organisation_not_found',
      'already_member',
      'member_banned',
      'seat_limit_reached',
      'invalid_role',
      'role_not_assignable',
    ],
  },
  {
    id: 'listMyPermissions',
    method: 'get',
    path: '/organisations/{organisation_id}/me/permissions',
    tag,
    summary: 'What the caller may do there, sorted by name.',
    source: { function: 'list_my_organisation_permissions' },
    params: inOrganisation,
    answers: list(text),
    refuses: ['unauthenticated', 'organisation_not_found'],
  },
  {
    id: 'hasPermission',
    method: 'get',
    path: '/organisations/{organisation_id}/me/permissions/{permission}',
    tag,
    summary: 'Whether the caller may do something there; false, too, for what does not exist.',
    source: { function: 'has_organisation_permission' },
    params: inOrganisation.extend({ permission: text.openapi({ example: 'invite.create' }) }),
    answers: value('is_permitted', z.boolean()),
    refuses: ['unauthenticated'],
  },
]
