/**
 * Invites, for those who send them: create, list, send again, withdraw, measure.
 *
 * @module
 */
import { type OutcomeRow, withoutUnreadable } from '../../../client/text-problem.ts'
import { builder, operation, snakeCased } from '../builder.ts'
import { fromCursor, pageSize, toConnection } from '../connection.ts'
import type { InviteMetricsRow, InviteResultRow, InviteRow } from '../rows.ts'
import { SubjectKind } from './member.ts'
import { Organisation } from './organisation-ref.ts'
import { inOrganisation, pageArgs } from './page.ts'

export const Invite = builder.objectRef<InviteRow>('Invite')
const InviteResult = builder.objectRef<InviteResultRow>('InviteResult')
const InviteMetrics = builder.objectRef<InviteMetricsRow>('InviteMetrics')
export const InviteStatus = builder.enumType('InviteStatus', {
  values: ['pending', 'accepted', 'declined', 'revoked', 'expired'] as const,
})

builder.objectType(Invite, {
  description: 'One offer of membership to one address, or one device, carrying exact roles.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    kind: t.field({ type: SubjectKind, resolve: ({ kind }) => kind as 'user' | 'device' }),
    status: t.field({
      type: InviteStatus,
      description: 'As it stands at this moment: expired from expiresAt on.',
      resolve: ({ status }) => status as typeof InviteStatus.$inferType,
    }),
    email: t.exposeString('email', { nullable: true }),
    deviceName: t.exposeString('device_name', { nullable: true }),
    roles: t.exposeStringList('roles'),
    message: t.exposeString('message', { nullable: true }),
    locale: t.exposeString('locale', { nullable: true }),
    redirectTo: t.exposeString('redirect_to', { nullable: true }),
    metadata: t.expose('metadata', { type: 'JSON' }),
    templateId: t.expose('template_id', {
      type: 'UUID',
      nullable: true,
      description: 'The template of its mail; null: the default.',
    }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
    invitedBy: t.expose('invited_by', { type: 'UUID', nullable: true }),
    issuedAt: t.expose('issued_at', { type: 'DateTime' }),
    resendCount: t.int({ resolve: ({ resend_count }) => resend_count ?? 0 }),
    expiresAt: t.expose('expires_at', { type: 'DateTime' }),
    bouncedAt: t.expose('bounced_at', {
      type: 'DateTime',
      nullable: true,
      description:
        'When its last mail came back for good, or was not sent as its address takes none.',
    }),
    membershipEndsAt: t.expose('membership_ends_at', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when the membership counts that it offers; null: it has no end.',
    }),
    acceptedAt: t.expose('accepted_at', { type: 'DateTime', nullable: true }),
    acceptedBy: t.expose('accepted_by', { type: 'UUID', nullable: true }),
    declinedAt: t.expose('declined_at', { type: 'DateTime', nullable: true }),
    declinedReason: t.exposeString('declined_reason', { nullable: true }),
    revokedAt: t.expose('revoked_at', { type: 'DateTime', nullable: true }),
    revokedBy: t.expose('revoked_by', { type: 'UUID', nullable: true }),
    revokedReason: t.exposeString('revoked_reason', { nullable: true }),
    organisation: t.field({
      type: Organisation,
      nullable: true,
      description: 'Null without organisation.read.',
      resolve: (invite, _, { loaders }) => loaders.organisation.load(invite.organisation_id),
    }),
  }),
})

builder.objectType(InviteResult, {
  description: 'What became of one row of a batch.',
  fields: (t) => ({
    rowNumber: t.int({ description: 'From 1.', resolve: ({ row_number }) => row_number ?? 0 }),
    email: t.exposeString('email', { nullable: true }),
    status: t.exposeString('status', { nullable: true, description: 'created or failed.' }),
    inviteId: t.expose('invite_id', { type: 'UUID', nullable: true }),
    errorCode: t.exposeString('error_code', { nullable: true }),
    errorDetails: t.exposeString('error_details', { nullable: true }),
  }),
})

builder.objectType(InviteMetrics, {
  description:
    'How invites fare, exactly. Rates are 0 to 1, and null where there is nothing to count.',
  fields: (t) => ({
    created: t.exposeInt('created', { nullable: true }),
    pending: t.exposeInt('pending', { nullable: true }),
    accepted: t.exposeInt('accepted', { nullable: true }),
    declined: t.exposeInt('declined', { nullable: true }),
    revoked: t.exposeInt('revoked', { nullable: true }),
    expired: t.exposeInt('expired', { nullable: true }),
    acceptanceRate: t.exposeFloat('acceptance_rate', { nullable: true }),
    medianHoursToAccept: t.exposeFloat('median_hours_to_accept', { nullable: true }),
    mailsSent: t.exposeInt('mails_sent', { nullable: true }),
    deliveryRate: t.exposeFloat('delivery_rate', { nullable: true }),
    bounceRate: t.exposeFloat('bounce_rate', { nullable: true }),
    days: t.expose('days', {
      type: 'JSON',
      nullable: true,
      description: 'For each day in UTC: day, created, accepted, declined, revoked, expired.',
    }),
  }),
})

export const InviteConnection = builder.connectionObject({
  type: Invite,
  name: 'InviteConnection',
})

const InviteDraft = builder.inputType('InviteDraft', {
  fields: (t) => ({
    email: t.string({ required: true, description: 'One address.' }),
    roles: t.stringList({ required: true, description: '1 to 20 names; never owner.' }),
    expiresIn: t.string({ description: '1 hour to 30 days, such as "3 days".' }),
    message: t.string({ description: 'Plain text of at most 1,000 characters.' }),
    locale: t.string({ description: 'Language of mail and page, such as de-AT.' }),
    redirectTo: t.string({ description: 'Where to go then: a path, or an allowed address.' }),
    metadata: t.field({ type: 'JSON', description: 'An object of at most 8 kB, for your use.' }),
    templateId: t.string({ description: 'Of an email template of the kind invite.' }),
    membershipEndsAt: t.field({
      type: 'DateTime',
      description: 'Until when the membership counts; without it, it has no end.',
    }),
  }),
})
const ofInvite = builder.args((t) => ({ inviteId: t.field({ type: 'UUID', required: true }) }))

builder.queryFields((t) => ({
  invites: t.field({
    type: InviteConnection,
    nullable: true,
    description: 'The invites of an organisation, the newest first. Needs invite.read.',
    args: {
      ...inOrganisation,
      ...pageArgs,
      status: t.arg({ type: InviteStatus }),
      search: t.arg.string({ description: 'Text in the address or in the device’s name.' }),
    },
    extensions: { function: 'list_organisation_invites' },
    async resolve(_, { organisationId, first, after, status, search }, { call }) {
      const rows = await call('list_organisation_invites', {
        organisation_id: organisationId,
        status,
        search,
        cursor: fromCursor(after)?.id,
        page_size: pageSize(first) + 1,
      })
      return toConnection(rows, first, (row) => ({ at: row.created_at, id: row.id }))
    },
  }),
  inviteMetrics: t.field({
    type: InviteMetrics,
    description: 'How invites fare. Needs invite.read.',
    args: {
      ...inOrganisation,
      since: t.arg({ type: 'DateTime', description: 'Default: 30 days ago.' }),
      until: t.arg({ type: 'DateTime', description: 'Default: now.' }),
    },
    ...operation('organisation_invite_metrics'),
  }),
}))

builder.mutationFields((t) => ({
  createInvite: t.field({
    type: Invite,
    description: 'Invites an address; the mail goes out at once. Needs invite.create.',
    args: { ...inOrganisation, invite: t.arg({ type: InviteDraft, required: true }) },
    ...operation(
      'create_organisation_invite',
      ({ organisationId, invite }: { organisationId: string; invite: object }) => ({
        organisation_id: organisationId,
        ...snakeCased(invite),
      }),
    ),
  }),
  createInvites: t.field({
    type: [InviteResult],
    description:
      'Invites up to 10,000 addresses; good rows are not lost to bad ones. Needs invite.create.',
    args: { ...inOrganisation, invites: t.arg({ type: [InviteDraft], required: true }) },
    ...operation('create_organisation_invites'),
    resolve: (_, { organisationId, invites }, context) =>
      withoutUnreadable(
        invites.map(snakeCased),
        async (rows) =>
          (await context.call('create_organisation_invites', {
            organisation_id: organisationId,
            invites: rows,
          })) as unknown as OutcomeRow[],
      ),
  }),
  reissueInvites: t.field({
    type: [InviteResult],
    description:
      'Makes new invites in the caller’s name of those that were revoked with the reason inviter_lost_right. ' +
      'Needs invite.create.',
    args: { inviteIds: t.arg({ type: ['UUID'], required: true }) },
    ...operation<'reissue_organisation_invites', { inviteIds: string[] }, InviteResultRow[]>(
      'reissue_organisation_invites',
    ),
  }),
  resendInvite: t.field({
    type: Invite,
    description: 'Sends a pending or expired invite again; the old links die. Needs invite.resend.',
    args: ofInvite,
    ...operation('resend_organisation_invite'),
  }),
  updateInviteRoles: t.field({
    type: Invite,
    description: 'Changes what a pending invite offers; a new mail goes out. Needs invite.create.',
    args: { ...ofInvite, roles: t.arg.stringList({ required: true }) },
    ...operation('update_organisation_invite_roles'),
  }),
  revokeInvite: t.field({
    type: Invite,
    description: 'Withdraws a pending invite for good. Needs invite.revoke.',
    args: { ...ofInvite, reason: t.arg.string({ description: 'Never shown to the invitee.' }) },
    ...operation('revoke_organisation_invite'),
  }),
  expireInvite: t.field({
    type: Invite,
    description: 'Lets a pending invite expire now. Needs invite.revoke.',
    args: ofInvite,
    ...operation('expire_organisation_invite'),
  }),
  revealInviteLink: t.field({
    type: 'String',
    description:
      'The link, for when mail cannot bring it; the trail says who took it. Needs invite.reveal.',
    args: ofInvite,
    ...operation('reveal_organisation_invite_link'),
  }),
}))
