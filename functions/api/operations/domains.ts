/**
 * Domains that an organisation has proved, and requests to join by them.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { lines, oneOf, someNames, words } from '../inputs.ts'
import {
  created,
  id,
  inOrganisation,
  nothing,
  type Operation,
  OUTSIDE,
  page,
  pageOfTable,
  row,
} from '../operation.ts'
import type { RefusalCode } from '../refusals.ts'
import { Domain, JoinRequest, Member } from '../schemas.ts'

const tag = 'Domains'
const path = '/organisations/{organisation_id}/domains'
const domain = inOrganisation.extend({ domain: words.openapi({ example: 'example.com' }) })
const request = z.object({ request_id: id })
const DECIDE: RefusalCode[] = [
  'unauthenticated',
  'request_not_found',
  'permission_denied',
  'request_not_open',
]

export const domains: Operation[] = [
  {
    id: 'listDomains',
    method: 'get',
    path,
    tag,
    summary: 'The domains that the organisation has claimed, by name.',
    source: {
      table: 'organisation_domains',
      equal: ['organisation_id'],
      order: [['domain', 'asc']],
    },
    params: inOrganisation,
    query: z.strictObject(pageOfTable),
    answers: page(Domain),
    refuses: ['unauthenticated'],
  },
  {
    id: 'createDomain',
    method: 'post',
    path,
    tag,
    summary: 'Claims a domain; says which TXT record proves it.',
    source: { function: 'create_organisation_domain' },
    params: inOrganisation,
    body: z.strictObject({ domain: words.openapi({ example: 'example.com' }) }),
    answers: created(Domain),
    refuses: [...OUTSIDE, 'invalid_settings'],
    creates: {},
  },
  {
    id: 'updateDomain',
    method: 'patch',
    path: `${path}/{domain}`,
    tag,
    summary: 'How people of the domain come in: not, by joining, or by asking; and as what.',
    source: { function: 'update_organisation_domain' },
    params: domain,
    body: z.strictObject({
      join_policy: oneOf(Domain.shape.join_policy.options).optional(),
      role: words.optional().openapi({ example: 'member' }),
    }),
    answers: row(Domain),
    refuses: [...OUTSIDE, 'invalid_settings', 'invalid_role', 'role_not_assignable'],
  },
  {
    id: 'deleteDomain',
    method: 'delete',
    path: `${path}/{domain}`,
    tag,
    summary: 'Gives a domain up; who has joined by it stays.',
    source: { function: 'delete_organisation_domain' },
    params: domain,
    answers: nothing,
    refuses: [...OUTSIDE, 'invalid_settings'],
  },
  {
    id: 'listJoinRequests',
    method: 'get',
    path: '/organisations/{organisation_id}/join-requests',
    tag,
    summary: 'Who has asked to join, newest first.',
    source: {
      table: 'organisation_join_requests',
      equal: ['organisation_id', 'status'],
      order: [
        ['created_at', 'desc'],
        ['id', 'desc'],
      ],
    },
    params: inOrganisation,
    query: z.strictObject({ status: JoinRequest.shape.status.optional(), ...pageOfTable }),
    answers: page(JoinRequest),
    refuses: ['unauthenticated'],
  },
  {
    id: 'approveJoinRequest',
    method: 'post',
    path: '/join-requests/{request_id}/approve',
    tag,
    summary: 'Lets somebody in who asked to join.',
    source: { function: 'approve_organisation_join_request' },
    params: request,
    body: z.strictObject({
      roles: someNames.optional().openapi({ description: "Without it, the domain's role." }),
    }),
    answers: row(Member),
    refuses: [
      ...DECIDE,
      'invalid_role',
      'role_not_assignable',
      'sso_required',
      'seat_limit_reached',
      'already_member',
      'member_banned',
    ],
  },
  {
    id: 'declineJoinRequest',
    method: 'post',
    path: '/join-requests/{request_id}/decline',
    tag,
    summary: 'Turns somebody away who asked to join.',
    source: { function: 'decline_organisation_join_request' },
    params: request,
    body: z.strictObject({ reason: lines(500).optional() }),
    answers: row(JoinRequest),
    refuses: [...DECIDE, 'invalid_message'],
  },
]
