/**
 * Directories, by SCIM 2.0: tokens of identity providers, and applications that are told who is a member.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { changes, interval, name, webAddress } from '../inputs.ts'
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
import { DirectoryCopy, DirectoryEndpoint, DirectoryToken, NewDirectoryToken } from '../schemas.ts'

const tag = 'Directories'
const tokens = '/organisations/{organisation_id}/directory-tokens'
const endpoints = '/organisations/{organisation_id}/directory-endpoints'
const baseUrl = webAddress.openapi({ example: 'https://tickets.example.com/scim/v2' })
const bearer = z.string().openapi({
  description: 'Nobody can read it back.',
  minLength: 1,
  maxLength: 4000,
  pattern: '^[\\u0021-\\u007e]*$',
  example: 'secret-of-the-application',
})
const endpoint = z.object({ endpoint_id: id })
const CHANGE: RefusalCode[] = ['unauthenticated', 'directory_not_found', 'permission_denied']

export const directories: Operation[] = [
  {
    id: 'listDirectoryTokens',
    method: 'get',
    path: tokens,
    tag,
    summary: 'Tokens of identity providers, without their secrets, newest first.',
    source: {
      table: 'organisation_directory_tokens',
      equal: ['organisation_id'],
      order: [
        ['created_at', 'desc'],
        ['id', 'desc'],
      ],
    },
    params: inOrganisation,
    query: z.strictObject(pageOfTable),
    answers: page(DirectoryToken),
    refuses: ['unauthenticated'],
  },
  {
    id: 'createDirectoryToken',
    method: 'post',
    path: tokens,
    tag,
    summary: 'Makes a token with which an identity provider keeps people and roles; shown once.',
    source: { function: 'create_organisation_directory_token' },
    params: inOrganisation,
    body: z.strictObject({
      name: name.openapi({ example: 'Okta' }),
      expires_in: interval.optional().openapi({ description: 'An interval.', example: '1 year' }),
    }),
    answers: created(NewDirectoryToken),
    refuses: [...OUTSIDE, 'invalid_settings', 'invalid_expiry', 'rate_limited'],
    creates: {},
  },
  {
    id: 'revokeDirectoryToken',
    method: 'post',
    path: '/directory-tokens/{token_id}/revoke',
    tag,
    summary: 'Ends a token at once and for good; whom it brought in stays.',
    source: { function: 'revoke_organisation_directory_token' },
    params: z.object({ token_id: id }),
    answers: row(DirectoryToken),
    refuses: CHANGE,
  },
  {
    id: 'listDirectoryEndpoints',
    method: 'get',
    path: endpoints,
    tag,
    summary: 'Applications that are told who is a member, by name.',
    source: {
      table: 'organisation_directory_endpoints',
      equal: ['organisation_id'],
      order: [
        ['name', 'asc'],
        ['id', 'asc'],
      ],
    },
    params: inOrganisation,
    query: z.strictObject(pageOfTable),
    answers: page(DirectoryEndpoint),
    refuses: ['unauthenticated'],
  },
  {
    id: 'createDirectoryEndpoint',
    method: 'post',
    path: endpoints,
    tag,
    summary: 'Tells another application, by SCIM 2.0, who is a member and with which roles.',
    source: { function: 'create_organisation_directory_endpoint' },
    params: inOrganisation,
    body: z.strictObject({
      name: name.openapi({ example: 'Ticket system' }),
      url: baseUrl,
      token: bearer,
    }),
    answers: created(DirectoryEndpoint),
    refuses: [...OUTSIDE, 'invalid_settings'],
    creates: {},
  },
  {
    id: 'updateDirectoryEndpoint',
    method: 'patch',
    path: '/directory-endpoints/{endpoint_id}',
    tag,
    summary: 'Changes any of name, url, token and is_enabled, and tries it again at once.',
    source: {
      function: 'update_organisation_directory_endpoint',
      toArguments: ({ endpoint_id, ...changes }) => ({ endpoint_id, changes }),
    },
    params: endpoint,
    body: changes({ name, url: baseUrl, token: bearer, is_enabled: z.boolean() }).openapi({
      description: 'A new url needs its token as well.',
      example: { is_enabled: false },
    }),
    answers: row(DirectoryEndpoint),
    refuses: [...CHANGE, 'invalid_settings'],
  },
  {
    id: 'deleteDirectoryEndpoint',
    method: 'delete',
    path: '/directory-endpoints/{endpoint_id}',
    tag,
    summary: 'Tells an application of nothing any more; what it has stays there.',
    source: { function: 'delete_organisation_directory_endpoint' },
    params: endpoint,
    answers: nothing,
    refuses: CHANGE,
  },
  {
    id: 'reconcileDirectoryEndpoint',
    method: 'post',
    path: '/directory-endpoints/{endpoint_id}/reconcile',
    tag,
    summary: 'Has an application compared as a whole now, and put right what differs.',
    source: { function: 'reconcile_organisation_directory_endpoint' },
    params: endpoint,
    answers: row(DirectoryEndpoint),
    refuses: [...CHANGE, 'invalid_settings'],
  },
  {
    id: 'listDirectoryCopies',
    method: 'get',
    path: '/directory-endpoints/{endpoint_id}/copies',
    tag,
    summary: 'Members as an application has them.',
    source: {
      table: 'organisation_directory_copies',
      equal: ['endpoint_id', 'status'],
      order: [['member_id', 'asc']],
    },
    params: endpoint,
    query: z.strictObject({ status: DirectoryCopy.shape.status.optional(), ...pageOfTable }),
    answers: page(DirectoryCopy),
    refuses: ['unauthenticated'],
  },
]
