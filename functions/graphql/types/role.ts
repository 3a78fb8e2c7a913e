/**
 * Roles: built-in ones and an organisation's own; what they permit, who holds them.
 *
 * @module
 */
import { builder, command, operation } from '../builder.ts'
import type { MemberRow, RoleExclusionRow, RoleRow } from '../rows.ts'
import { Member } from './member.ts'
import { inOrganisation } from './page.ts'

export const Role = builder.objectRef<RoleRow>('Role')
export const RoleExclusion = builder.objectRef<RoleExclusionRow>('RoleExclusion')

builder.objectType(Role, {
  description: 'A named set of permissions.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    name: t.exposeString('name'),
    description: t.exposeString('description'),
    isBuiltIn: t.boolean({ resolve: ({ organisation_id }) => organisation_id === null }),
    permissions: t.exposeStringList('permissions', {
      description: 'All that it permits, its own and what it inherits.',
    }),
    grantedPermissions: t.exposeStringList('granted_permissions', { description: 'Its own.' }),
    inherits: t.exposeStringList('inherits', {
      description: 'Names of the roles that it includes.',
    }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
  }),
})

builder.objectType(RoleExclusion, {
  description: 'Roles of which one person may hold fewer than so many.',
  fields: (t) => ({
    name: t.exposeString('name'),
    roles: t.exposeStringList('roles'),
    cardinality: t.exposeInt('cardinality'),
  }),
})

const ofRole = builder.args((t) => ({
  ...inOrganisation,
  role: t.string({ required: true, description: 'Its name.' }),
}))
const permission = builder.args((t) => ({
  permission: t.string({ required: true, description: 'thing.action, such as invite.create.' }),
}))
const contents = builder.args((t) => ({
  description: t.string(),
  permissions: t.stringList(),
  inherits: t.stringList({ description: 'Names of roles that it includes.' }),
}))

builder.queryFields((t) => ({
  roleMembers: t.field({
    type: [Member],
    description:
      'The active members who are given this role itself, by address. Needs member.read.',
    args: ofRole,
    ...operation<'list_organisation_role_members', object, MemberRow[]>(
      'list_organisation_role_members',
    ),
  }),
  assignableRoles: t.field({
    type: ['String'],
    description: 'The roles that the caller may give, built-in ones first. Any member may.',
    args: inOrganisation,
    ...operation('list_assignable_organisation_roles'),
  }),
  rolePermissions: t.field({
    type: ['String'],
    description: 'All that a role permits, sorted. Needs member.read.',
    args: ofRole,
    ...operation('list_organisation_role_permissions'),
  }),
}))

builder.mutationFields((t) => ({
  createRole: t.field({
    type: Role,
    description: 'Makes a role of the organisation’s own. Needs role.manage.',
    args: { ...inOrganisation, name: t.arg.string({ required: true }), ...contents },
    ...operation('create_organisation_role'),
  }),
  updateRole: t.field({
    type: Role,
    description: 'Changes a role; what is left out stays. Needs role.manage.',
    args: { ...ofRole, ...contents },
    ...operation('update_organisation_role'),
  }),
  deleteRole: t.field({
    description: 'Deletes a role that nobody holds. Needs role.manage.',
    args: ofRole,
    ...command('delete_organisation_role'),
  }),
  grantPermission: t.field({
    type: Role,
    description: 'Adds a permission to a role. Needs role.manage.',
    args: { ...ofRole, ...permission },
    ...operation('grant_organisation_permission'),
  }),
  revokePermission: t.field({
    type: Role,
    description: 'Takes a permission from a role. Needs role.manage.',
    args: { ...ofRole, ...permission },
    ...operation('revoke_organisation_permission'),
  }),
  createRoleExclusion: t.field({
    type: RoleExclusion,
    description: 'Says that roles may not be held together. Needs role.manage.',
    args: {
      ...inOrganisation,
      name: t.arg.string({ required: true }),
      roles: t.arg.stringList({ required: true }),
      cardinality: t.arg.int({ description: 'From how many of them on; default 2.' }),
    },
    ...operation('create_organisation_role_exclusion'),
  }),
  deleteRoleExclusion: t.field({
    description: 'Lets them be held together again. Needs role.manage.',
    args: { ...inOrganisation, name: t.arg.string({ required: true }) },
    ...command('delete_organisation_role_exclusion'),
  }),
}))
