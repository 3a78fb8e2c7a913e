/**
 * Roles: the built-in four and an organisation's own, and which may not be held together.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { lines, name, someNames, words } from '../inputs.ts'
import {
  created,
  inOrganisation,
  list,
  nothing,
  type Operation,
  OUTSIDE,
  page,
  pageOfTable,
  row,
  text,
} from '../operation.ts'
import { Member, Role, RoleExclusion } from '../schemas.ts'

const tag = 'Roles'
const role = inOrganisation.extend({ role: words.openapi({ example: 'auditor' }) })
const permission = role.extend({ permission: words.openapi({ example: 'invite.read' }) })
const path = '/organisations/{organisation_id}/roles'
const exclusions = '/organisations/{organisation_id}/role-exclusions'

export const roles: Operation[] = [
  {
    id: 'listRoles',
    method: 'get',
    path,
    tag,
    summary: "The built-in roles and the organisation's own, by name.",
    source: {
      table: 'organisation_roles',
      equal: ['organisation_id'],
      withBuiltIn: true,
      order: [
        ['name', 'asc'],
        ['id', 'asc'],
      ],
    },
    params: inOrganisation,
    query: z.strictObject(pageOfTable),
    answers: page(Role),
    refuses: ['unauthenticated'],
  },
  {
    id: 'createRole',
    method: 'post',
    path,
    tag,
    summary: 'Makes an own role, of permissions that the caller holds.',
    source: { function: 'create_organisation_role' },
    params: inOrganisation,
    body: z.strictObject({
      name: z.string().openapi({ pattern: '^[a-z][a-z0-9_-]{0,62}$', example: 'auditor' }),
      description: lines(500).optional(),
      permissions: someNames.optional(),
      inherits: someNames
        .optional()
        .openapi({ description: 'Roles whose permissions it has, too.' }),
    }),
    answers: created(Role),
    refuses: [...OUTSIDE, 'invalid_role', 'invalid_settings'],
    creates: {},
  },
  {
    id: 'updateRole',
    method: 'patch',
    path: `${path}/{role}`,
    tag,
    summary: 'Changes an own role; what is left out stays.',
    source: { function: 'update_organisation_role' },
    params: role,
    body: z.strictObject({
      description: lines(500).optional(),
      permissions: someNames.optional(),
      inherits: someNames.optional(),
    }),
    answers: row(Role),
    refuses: [...OUTSIDE, 'invalid_role', 'invalid_settings', 'role_not_assignable'],
  },
  {
    id: 'deleteRole',
    method: 'delete',
    path: `${path}/{role}`,
    tag,
    summary: 'Deletes an own role that nobody holds.',
    source: { function: 'delete_organisation_role' },
    params: role,
    answers: nothing,
    refuses: [...OUTSIDE, 'invalid_role', 'role_in_use'],
  },
  {
    id: 'grantPermission',
    method: 'put',
    path: `${path}/{role}/permissions/{permission}`,
    tag,
    summary: 'Adds a permission to an own role.',
    source: { function: 'grant_organisation_permission' },
    params: permission,
    answers: row(Role),
    refuses: [...OUTSIDE, 'invalid_role', 'invalid_settings', 'role_not_assignable'],
  },
  {
    id: 'revokePermission',
    method: 'delete',
    path: `${path}/{role}/permissions/{permission}`,
    tag,
    summary: 'Takes a permission from an own role; returns the role.',
    source: { function: 'revoke_organisation_permission' },
    params: permission,
    answers: row(Role),
    refuses: [...OUTSIDE, 'invalid_role', 'invalid_settings', 'role_not_assignable'],
  },
  {
    id: 'listAssignableRoles',
    method: 'get',
    path: '/organisations/{organisation_id}/assignable-roles',
    tag,
    summary: 'The roles that the caller may give, built-in ones first.',
    source: { function: 'list_assignable_organisation_roles' },
    params: inOrganisation,
    answers: list(text),
    refuses: ['unauthenticated', 'organisation_not_found'],
  },
  {
    id: 'listRolePermissions',
    method: 'get',
    path: `${path}/{role}/permissions`,
    tag,
    summary: 'All that a role permits, its own and what it inherits, sorted.',
    source: { function: 'list_organisation_role_permissions' },
    params: role,
    answers: list(text),
    refuses: [...OUTSIDE, 'invalid_role'],
  },
  {
    id: 'listRoleMembers',
    method: 'get',
    path: `${path}/{role}/members`,
    tag,
    summary: 'The active members who are given a role, by address.',
    source: { function: 'list_organisation_role_members' },
    params: role,
    answers: list(Member),
    refuses: [...OUTSIDE, 'invalid_role'],
  },
  {
    id: 'listRoleExclusions',
    method: 'get',
    path: exclusions,
    tag,
    summary: 'Which roles may not be held together, by name.',
    source: {
      table: 'organisation_role_exclusions',
      equal: ['organisation_id'],
      order: [['name', 'asc']],
    },
    params: inOrganisation,
    query: z.strictObject(pageOfTable),
    answers: page(RoleExclusion),
    refuses: ['unauthenticated'],
  },
  {
    id: 'createRoleExclusion',
    method: 'post',
    path: exclusions,
    tag,
    summary: 'Says that of these roles one subject holds fewer than cardinality.',
    source: { function: 'create_organisation_role_exclusion' },
    params: inOrganisation,
    body: z.strictObject({
      name,
      roles: someNames.openapi({ minItems: 2 }),
      cardinality: z.number().int().optional().openapi({
        description: 'Without it, 2.',
        minimum: 2,
        maximum: 1000,
      }),
    }),
    answers: created(RoleExclusion),
    refuses: [...OUTSIDE, 'invalid_role', 'invalid_settings', 'role_in_use'],
    creates: {},
  },
  {
    id: 'deleteRoleExclusion',
    method: 'delete',
    path: `${exclusions}/{name}`,
    tag,
    summary: 'Lifts a separation of duty.',
    source: { function: 'delete_organisation_role_exclusion' },
    params: inOrganisation.extend({ name: words }),
    answers: nothing,
    refuses: [...OUTSIDE, 'invalid_role'],
  },
]
