/**
 * Organisations: create, change, hand over, leave, delete; and everything that is in one.
 *
 * @module
 */
import { builder, command, operation, snakeCased } from '../builder.ts'
import { toConnection } from '../connection.ts'
import { AccessReviewConnection } from './access-review.ts'
import { AuditEventConnection } from './audit.ts'
import { DeliveryConnection } from './delivery.ts'
import { DirectoryEndpoint, DirectoryToken } from './directory.ts'
import { Domain, JoinRequestConnection } from './domain.ts'
import { EmailTemplateConnection } from './email-template.ts'
import { InviteConnection, InviteStatus } from './invite.ts'
import { Member, MemberConnection, MemberStatus } from './member.ts'
import { MyOrganisation, Organisation } from './organisation-ref.ts'
import { inOrganisation, pageArgs } from './page.ts'
import { Role, RoleExclusion } from './role.ts'
import { SignInRule } from './sign-in-rule.ts'
import { Webhook, WebhookDeliveryConnection } from './webhook.ts'

const byCreation = (row: { created_at: string; id: string }) => ({ at: row.created_at, id: row.id })

builder.objectType(Organisation, {
  description: 'The tenant. What the caller may not read of it is null, or missing in lists.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    name: t.exposeString('name'),
    slug: t.exposeString('slug'),
    logoUrl: t.exposeString('logo_url', { nullable: true }),
    accentColour: t.exposeString('accent_colour', { nullable: true }),
    locale: t.exposeString('locale'),
    senderName: t.exposeString('sender_name', {
      nullable: true,
      description: 'Who its mails come from by name; null: its name.',
    }),
    replyTo: t.exposeString('reply_to', { nullable: true }),
    inviteTtl: t.exposeString('invite_ttl', {
      description: 'How long an invite lives, an interval.',
    }),
    seatLimit: t.exposeInt('seat_limit', { nullable: true }),
    allowedEmailDomains: t.exposeStringList('allowed_email_domains'),
    selfServiceResend: t.exposeBoolean('self_service_resend'),
    expiryMail: t.exposeBoolean('expiry_mail'),
    trackOpens: t.exposeBoolean('track_opens', {
      description: 'Whether it is recorded that a mail was opened.',
    }),
    reminderBefore: t.exposeString('reminder_before', { nullable: true }),
    auditRetention: t.exposeString('audit_retention', { nullable: true }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
    credentialGrace: t.exposeString('credential_grace', {
      description:
        'How long tokens of directories, and joining by domain, go on when who answers for them lost the right.',
    }),

    members: t.field({
      type: MemberConnection,
      description:
        'Memberships, past ones too, the oldest first. All with member.read, otherwise one’s own.',
      args: { ...pageArgs, status: t.arg({ type: MemberStatus }) },
      resolve: async ({ id }, args, { loaders }) =>
        toConnection(await loaders.page('organisation_members', id, args), args.first, (row) => ({
          at: row.joined_at,
          id: row.id,
        })),
    }),
    invites: t.field({
      type: InviteConnection,
      description: 'Invites, the newest first. With invite.read.',
      args: { ...pageArgs, status: t.arg({ type: InviteStatus }) },
      resolve: async ({ id }, args, { loaders }) =>
        toConnection(await loaders.page('organisation_invites', id, args), args.first, byCreation),
    }),
    deliveries: t.field({
      type: DeliveryConnection,
      description: 'Mails, sent and to be sent, the newest first. With invite.read.',
      args: pageArgs,
      resolve: async ({ id }, args, { loaders }) =>
        toConnection(
          await loaders.page('organisation_deliveries', id, args),
          args.first,
          byCreation,
        ),
    }),
    emailTemplates: t.field({
      type: EmailTemplateConnection,
      description: 'How it words its mails, the newest first. With invite.read.',
      args: pageArgs,
      resolve: async ({ id }, args, { loaders }) =>
        toConnection(
          await loaders.page('organisation_email_templates', id, args),
          args.first,
          byCreation,
        ),
    }),
    joinRequests: t.field({
      type: JoinRequestConnection,
      description:
        'Who has asked to join, the newest first. All with invite.read, otherwise one’s own.',
      args: pageArgs,
      resolve: async ({ id }, args, { loaders }) =>
        toConnection(
          await loaders.page('organisation_join_requests', id, args),
          args.first,
          byCreation,
        ),
    }),
    accessReviews: t.field({
      type: AccessReviewConnection,
      description:
        'Reviews of who may do what, the newest first. With access_review.manage or audit.read.',
      args: pageArgs,
      resolve: async ({ id }, args, { loaders }) =>
        toConnection(
          await loaders.page('organisation_access_reviews', id, args),
          args.first,
          (row) => ({ at: row.started_at, id: row.id }),
        ),
    }),
    auditEvents: t.field({
      type: AuditEventConnection,
      description: 'The audit trail, the newest first. With audit.read.',
      args: pageArgs,
      resolve: async ({ id }, args, { loaders }) =>
        toConnection(await loaders.auditPage(id, args), args.first, (row) => ({
          at: row.occurred_at,
          id: row.id,
        })),
    }),
    roles: t.field({
      type: [Role],
      description: 'The roles that can be held here: built-in ones, and its own with role.read.',
      resolve: ({ id }, _, { loaders }) => loaders.roles.load(id),
    }),
    roleExclusions: t.field({
      type: [RoleExclusion],
      description: 'Roles that may not be held together. With role.read.',
      resolve: ({ id }, _, { loaders }) => loaders.roleExclusions.load(id),
    }),
    domains: t.field({
      type: [Domain],
      description: 'Its mail domains. With organisation.update.',
      resolve: ({ id }, _, { loaders }) => loaders.domains.load(id),
    }),
    signInRule: t.field({
      type: SignInRule,
      nullable: true,
      description: 'Which way people have to come in; null: any.',
      resolve: async ({ id }, _, { loaders }) => (await loaders.signInRules.load(id))[0] ?? null,
    }),
    webhooks: t.field({
      type: [Webhook],
      description: 'Endpoints that hear what happens. With webhook.manage.',
      resolve: ({ id }, _, { loaders }) => loaders.webhooks.load(id),
    }),
    webhookDeliveries: t.field({
      type: WebhookDeliveryConnection,
      description: 'What webhooks were sent and are to be sent, newest first. With webhook.manage.',
      args: pageArgs,
      resolve: async ({ id }, args, { loaders }) =>
        toConnection(
          await loaders.page('organisation_webhook_deliveries', id, args),
          args.first,
          byCreation,
        ),
    }),
    directoryTokens: t.field({
      type: [DirectoryToken],
      description: 'Tokens of its identity providers, the oldest first. With directory.manage.',
      resolve: ({ id }, _, { loaders }) => loaders.directoryTokens.load(id),
    }),
    directoryEndpoints: t.field({
      type: [DirectoryEndpoint],
      description: 'Applications that are told who is a member, by name. With directory.manage.',
      resolve: ({ id }, _, { loaders }) => loaders.directoryEndpoints.load(id),
    }),
  }),
})

const CredentialKind = builder.enumType('CredentialKind', {
  values: ['directory_token', 'domain'] as const,
})
const TakenOverCredential = builder.objectRef<{
  id: string
  kind: typeof CredentialKind.$inferType
  organisation_id: string
  name: string
}>('TakenOverCredential')

builder.objectType(TakenOverCredential, {
  description: 'What the caller answers for from now on.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    kind: t.expose('kind', { type: CredentialKind }),
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    name: t.exposeString('name', { description: 'Of the token, or the domain itself.' }),
  }),
})

builder.objectType(MyOrganisation, {
  description: 'An organisation that the caller is an active member of.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    name: t.exposeString('name'),
    slug: t.exposeString('slug'),
    roles: t.exposeStringList('roles', { description: 'The caller’s own.' }),
    kind: t.exposeString('kind', { description: 'user or device.' }),
    isOwner: t.exposeBoolean('is_owner'),
    joinedAt: t.expose('joined_at', { type: 'DateTime' }),
    organisation: t.field({
      type: Organisation,
      nullable: true,
      description: 'All of it; null without organisation.read.',
      resolve: ({ id }, _, { loaders }) => loaders.organisation.load(id),
    }),
  }),
})

const OrganisationChanges = builder.inputType('OrganisationChanges', {
  description: 'What is left out stays; null puts a setting back, where it can be without a value.',
  fields: (t) => ({
    name: t.string({ description: 'One line, 1 to 100 characters.' }),
    slug: t.string({ description: '2 to 63 of a-z, 0-9 and single inner hyphens.' }),
    logoUrl: t.string({ description: 'An https address.' }),
    accentColour: t.string({ description: '#rrggbb' }),
    senderName: t.string({ description: 'Who its mails come from: 1 to 100 characters.' }),
    replyTo: t.string({ description: 'The address that answers to mails go to.' }),
    locale: t.string({ description: 'Such as de-AT.' }),
    inviteTtl: t.string({
      description: 'How long an invite lives: 1 hour to 30 days, such as "3 days".',
    }),
    seatLimit: t.int({ description: 'The most active members.' }),
    allowedEmailDomains: t.stringList({ description: 'Domains that may be invited; none: all.' }),
    selfServiceResend: t.boolean({ description: 'Whether an expired link can ask for a new one.' }),
    expiryMail: t.boolean({
      description: 'Whether the inviter is told of an invite that expired.',
    }),
    trackOpens: t.boolean({ description: 'Whether it is recorded that a mail was opened.' }),
    reminderBefore: t.string({
      description: 'When an invitee is reminded: 1 hour to 14 days before.',
    }),
    auditRetention: t.string({
      description: 'After which the trail is purged; 30 days to 100 years.',
    }),
    credentialGrace: t.string({
      description: 'How long credentials go on without who answered for them: 0 to 30 days.',
    }),
  }),
})

builder.queryFields((t) => ({
  organisation: t.field({
    type: Organisation,
    nullable: true,
    description: 'One organisation; null when there is none that the caller may read.',
    args: { id: t.arg({ type: 'UUID', required: true }) },
    resolve: (_, { id }, { loaders }) => loaders.organisation.load(id.toLowerCase()),
  }),
  myOrganisations: t.field({
    type: [MyOrganisation],
    description: 'The organisations that the caller is an active member of, by name.',
    ...operation('list_my_organisations'),
  }),
  myPermissions: t.field({
    type: ['String'],
    description: 'What the caller may do in an organisation, sorted.',
    args: inOrganisation,
    ...operation('list_my_organisation_permissions'),
  }),
  hasPermission: t.field({
    type: 'Boolean',
    description: 'Whether the caller may do something; false, too, for what does not exist.',
    args: {
      ...inOrganisation,
      permission: t.arg.string({
        required: true,
        description: 'thing.action, such as invite.create.',
      }),
    },
    ...operation('has_organisation_permission'),
  }),
}))

builder.mutationFields((t) => ({
  createOrganisation: t.field({
    type: Organisation,
    description: 'Creates an organisation; the caller becomes its owner.',
    args: {
      name: t.arg.string({ required: true, description: 'One line, 1 to 100 characters.' }),
      slug: t.arg.string({ description: 'Without it, made of the name.' }),
    },
    ...operation('create_organisation'),
  }),
  updateOrganisation: t.field({
    type: Organisation,
    description: 'Changes settings. Needs organisation.update.',
    args: {
      ...inOrganisation,
      changes: t.arg({ type: OrganisationChanges, required: true }),
    },
    ...operation('update_organisation', ({ organisationId, changes }: ChangesArgs) => ({
      organisation_id: organisationId,
      changes: snakeCased(changes),
    })),
  }),
  deleteOrganisation: t.field({
    description: 'Deletes it with all that is in it, but for its trail. The owner may.',
    args: inOrganisation,
    ...command('delete_organisation'),
  }),
  transferOwnership: t.field({
    type: Member,
    description: 'Makes another member the owner; the old owner becomes admin. The owner may.',
    args: {
      ...inOrganisation,
      newOwnerId: t.arg({ type: 'UUID', required: true, description: 'The account of a member.' }),
    },
    ...operation('transfer_organisation_ownership'),
  }),
  takeOverCredentials: t.field({
    type: [TakenOverCredential],
    description:
      'The caller answers from now on for tokens of directories (needs directory.manage) and for domains ' +
      '(needs organisation.update, and the right to give the role), so that they go on. All, or none.',
    args: {
      ids: t.arg({ type: ['UUID'], required: true, description: '1 to 100 ids of these.' }),
    },
    ...operation<
      'take_over_organisation_credentials',
      { ids: string[] },
      (typeof TakenOverCredential.$inferType)[]
    >('take_over_organisation_credentials'),
  }),
  leaveOrganisation: t.field({
    type: Member,
    description: 'Ends the caller’s membership. The owner may not.',
    args: inOrganisation,
    ...operation('leave_organisation'),
  }),
}))

interface ChangesArgs {
  organisationId: string
  changes: object
}
