/**
 * Invites, for those who get them: look, accept, decline, ask for another.
 *
 * @module
 */
import { builder, command, operation } from '../builder.ts'
import type { InvitePreviewRow, MyInviteRow } from '../rows.ts'
import { Member } from './member.ts'

const InvitePreview = builder.objectRef<InvitePreviewRow>('InvitePreview')
const MyInvite = builder.objectRef<MyInviteRow>('MyInvite')

builder.objectType(InvitePreview, {
  description:
    'What the holder of a link may see before deciding; null where the link does not show it.',
  fields: (t) => ({
    status: t.exposeString('status', {
      nullable: true,
      description: 'pending, accepted, declined, revoked, expired, superseded or invalid.',
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'The code that accepting would fail with; null while it is pending.',
    }),
    organisationId: t.expose('organisation_id', { type: 'UUID', nullable: true }),
    organisationName: t.exposeString('organisation_name', { nullable: true }),
    organisationLogoUrl: t.exposeString('organisation_logo_url', { nullable: true }),
    organisationAccentColour: t.exposeString('organisation_accent_colour', { nullable: true }),
    email: t.exposeString('email', { nullable: true }),
    roles: t.exposeStringList('roles', { nullable: true }),
    inviterName: t.exposeString('inviter_name', { nullable: true }),
    inviterEmail: t.exposeString('inviter_email', { nullable: true }),
    message: t.exposeString('message', { nullable: true }),
    locale: t.exposeString('locale', { nullable: true }),
    redirectTo: t.exposeString('redirect_to', { nullable: true }),
    expiresAt: t.expose('expires_at', { type: 'DateTime', nullable: true }),
    membershipEndsAt: t.expose('membership_ends_at', { type: 'DateTime', nullable: true }),
    hasAccount: t.exposeBoolean('has_account', { nullable: true }),
    signInProvider: t.exposeString('sign_in_provider', {
      nullable: true,
      description: 'Through whom the organisation wants people to sign in.',
    }),
    signInDomain: t.exposeString('sign_in_domain', {
      nullable: true,
      description: 'In its place, the mail domain of a SAML provider.',
    }),
    signInLevel: t.exposeString('sign_in_level', { nullable: true, description: 'aal1 or aal2.' }),
    oneClick: t.exposeBoolean('one_click', {
      nullable: true,
      description: 'Whether the one-click function takes this link.',
    }),
  }),
})

builder.objectType(MyInvite, {
  description: 'A pending invite to the caller’s own address.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    organisationName: t.exposeString('organisation_name'),
    organisationLogoUrl: t.exposeString('organisation_logo_url', { nullable: true }),
    organisationAccentColour: t.exposeString('organisation_accent_colour', { nullable: true }),
    roles: t.exposeStringList('roles'),
    inviterName: t.exposeString('inviter_name', { nullable: true }),
    inviterEmail: t.exposeString('inviter_email', { nullable: true }),
    message: t.exposeString('message', { nullable: true }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
    expiresAt: t.expose('expires_at', { type: 'DateTime' }),
  }),
})

const withToken = builder.args((t) => ({
  token: t.string({ required: true, description: 'As the mailed link carries it.' }),
}))

builder.queryFields((t) => ({
  validateInvite: t.field({
    type: InvitePreview,
    description:
      'What an invite says; changes nothing, and never fails for a bad token. Anyone may.',
    args: withToken,
    ...operation('validate_organisation_invite'),
  }),
  myInvites: t.field({
    type: [MyInvite],
    description: 'The pending invites to the caller’s own address, the newest first.',
    ...operation('list_my_organisation_invites'),
  }),
}))

builder.mutationFields((t) => ({
  acceptInvite: t.field({
    type: Member,
    description:
      'Accepts: the caller, whose confirmed address must be the invited one, is a member.',
    args: withToken,
    ...operation('accept_organisation_invite'),
  }),
  acceptMyInvite: t.field({
    type: Member,
    description:
      'Accepts one of myInvites without the link, where the project’s Auth confirms addresses.',
    args: { inviteId: t.arg({ type: 'UUID', required: true }) },
    ...operation('accept_my_organisation_invite'),
  }),
  declineInvite: t.field({
    type: InvitePreview,
    description: 'Declines for good; the admins get a mail. Needs no account.',
    args: { ...withToken, reason: t.arg.string({ description: 'At most 500 characters.' }) },
    ...operation('decline_organisation_invite'),
  }),
  requestInviteResend: t.field({
    description: 'Asks for a new link with an expired one; the same answer whatever happens.',
    args: withToken,
    ...command('request_organisation_invite_resend'),
  }),
}))
