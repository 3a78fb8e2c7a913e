/**
 * Members: who belongs to an organisation, with which roles; changing, removing and banning them.
 *
 * @module
 */
import { builder, operation } from '../builder.ts'
import type { MemberRow } from '../rows.ts'
import { Organisation } from './organisation-ref.ts'
import { inOrganisation } from './page.ts'
import { Role } from './role.ts'

export const Member = builder.objectRef<MemberRow>('Member')
export const MemberStatus = builder.enumType('MemberStatus', {
  values: ['active', 'banned', 'left', 'removed'] as const,
})
export const SubjectKind = builder.enumType('SubjectKind', {
  description: 'Who a membership or an invite is for.',
  values: ['user', 'device'] as const,
})

builder.objectType(Member, {
  description: 'A membership of an organisation, past ones too.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    userId: t.expose('user_id', { type: 'UUID' }),
    kind: t.field({ type: SubjectKind, resolve: ({ kind }) => kind as 'user' | 'device' }),
    status: t.field({
      type: MemberStatus,
      resolve: ({ status }) => status as typeof MemberStatus.$inferType,
    }),
    email: t.exposeString('email', { nullable: true }),
    displayName: t.exposeString('display_name', { nullable: true }),
    roles: t.exposeStringList('roles', { description: 'Names of roles.' }),
    roleDetails: t.field({
      type: [Role],
      description: 'The same roles with what they permit, as far as the caller may read them.',
      resolve: async (member, _, { loaders }) =>
        (await loaders.roles.load(member.organisation_id)).filter(({ name }) =>
          member.roles.includes(name),
        ),
    }),
    joinedAt: t.expose('joined_at', { type: 'DateTime' }),
    endedAt: t.expose('ended_at', { type: 'DateTime', nullable: true }),
    statusReason: t.exposeString('status_reason', {
      nullable: true,
      description: 'Why they were removed or banned.',
    }),
    endsAt: t.expose('ends_at', {
      type: 'DateTime',
      nullable: true,
      description: 'When the membership stops counting; null: it has no end.',
    }),
    roleEnds: t.expose('role_ends', {
      type: 'JSON',
      description: 'When roles stop counting: an object of roles and times in ISO 8601.',
    }),
    organisation: t.field({
      type: Organisation,
      nullable: true,
      description: 'Null without organisation.read.',
      resolve: (member, _, { loaders }) => loaders.organisation.load(member.organisation_id),
    }),
  }),
})

export const MemberConnection = builder.connectionObject({
  type: Member,
  name: 'MemberConnection',
})

const ofMember = builder.args((t) => ({
  ...inOrganisation,
  userId: t.field({ type: 'UUID', required: true }),
}))
const ofMemberWithReason = builder.args((t) => ({
  ...ofMember,
  reason: t.string({ description: 'At most 500 characters.' }),
}))

builder.queryFields((t) => ({
  memberRoles: t.field({
    type: ['String'],
    description: 'The roles that an active member is given, sorted. Needs member.read.',
    args: ofMember,
    ...operation('list_organisation_member_roles'),
  }),
  memberPermissions: t.field({
    type: ['String'],
    description: 'All that an active member may do, sorted. Needs member.read.',
    args: ofMember,
    ...operation('list_organisation_member_permissions'),
  }),
}))

builder.mutationFields((t) => ({
  updateMemberRoles: t.field({
    type: Member,
    description: 'Gives a member exactly these roles; they get a mail. Needs member.update.',
    args: { ...ofMember, roles: t.arg.stringList({ required: true }) },
    ...operation('update_organisation_member_roles'),
  }),
  updateMemberEnds: t.field({
    type: Member,
    description:
      'Says until when a membership counts, and each of its roles; what was said before is forgotten. Needs member.update.',
    args: {
      ...ofMember,
      endsAt: t.arg({ type: 'DateTime' }),
      roleEnds: t.arg({ type: 'JSON', description: 'An object of roles and times in ISO 8601.' }),
    },
    ...operation('update_organisation_member_ends'),
  }),
  removeMember: t.field({
    type: Member,
    description: 'Removes a member; a new invite brings them back. Needs member.remove.',
    args: ofMemberWithReason,
    ...operation('remove_organisation_member'),
  }),
  banMember: t.field({
    type: Member,
    description: 'Bans somebody, and revokes their pending invites. Needs member.ban.',
    args: ofMemberWithReason,
    ...operation('ban_organisation_member'),
  }),
  unbanMember: t.field({
    type: Member,
    description: 'Lifts a ban: they may be invited again. Needs member.ban.',
    args: ofMemberWithReason,
    ...operation('unban_organisation_member'),
  }),
}))
