/**
 * What comes back, in the names of SQL. Described, not checked: the database is trusted to answer
 * what its functions return.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { id, names, text, time } from './operation.ts'

const integer = z.number().int()
const json = z.record(z.string(), z.unknown())
const share = z.number().nullable().openapi({ description: '0 to 1; null when there are none.' })

export const Organisation = z
  .object({
    id,
    name: text,
    slug: text,
    logo_url: text.nullable(),
    accent_colour: text.nullable(),
    sender_name: text.nullable(),
    reply_to: text.nullable(),
    locale: text,
    invite_ttl: text.openapi({ example: '7 days' }),
    seat_limit: integer.nullable(),
    allowed_email_domains: names,
    self_service_resend: z.boolean(),
    reminder_before: text.nullable(),
    expiry_mail: z.boolean(),
    audit_retention: text.nullable(),
    track_opens: z.boolean(),
    created_at: time,
    credential_grace: text.openapi({
      description:
        'How long tokens of directories, and joining by domain, go on when who answers for them lost the right.',
      example: '7 days',
    }),
  })
  .openapi('Organisation')

export const MyOrganisation = z
  .object({
    id,
    name: text,
    slug: text,
    roles: names,
    kind: z.enum(['user', 'device']),
    joined_at: time,
    is_owner: z.boolean(),
  })
  .openapi('MyOrganisation')

export const Member = z
  .object({
    id,
    organisation_id: id,
    user_id: id,
    kind: z.enum(['user', 'device']),
    status: z.enum(['active', 'banned', 'left', 'removed']),
    roles: names,
    email: text.nullable(),
    display_name: text.nullable(),
    joined_at: time,
    ended_at: time.nullable(),
    status_reason: text.nullable(),
    ends_at: time.nullable(),
    role_ends: z.record(z.string(), time),
    next_end_at: time.nullable(),
    announced_end_at: time.nullable(),
  })
  .openapi('Member')

export const inviteStatus = z.enum(['pending', 'accepted', 'declined', 'revoked', 'expired'])

export const Invite = z
  .object({
    id,
    organisation_id: id,
    kind: z.enum(['user', 'device']),
    email: text.nullable(),
    device_name: text.nullable(),
    roles: names,
    status: inviteStatus,
    message: text.nullable(),
    locale: text.nullable(),
    redirect_to: text.nullable(),
    metadata: json,
    template_id: id.nullable(),
    invited_by: id.nullable(),
    resend_count: integer,
    created_at: time,
    issued_at: time,
    expires_at: time,
    accepted_at: time.nullable(),
    accepted_by: id.nullable(),
    declined_at: time.nullable(),
    declined_reason: text.nullable(),
    revoked_at: time.nullable(),
    revoked_by: id.nullable(),
    revoked_reason: text.nullable(),
    bounced_at: time.nullable(),
    membership_ends_at: time.nullable(),
  })
  .openapi('Invite')

export const InvitePreview = z
  .object({
    status: z.enum([...inviteStatus.options, 'superseded', 'invalid']),
    reason: text
      .nullable()
      .openapi({ description: 'The code that accepting would be refused with.' }),
    organisation_id: id.nullable(),
    organisation_name: text.nullable(),
    organisation_logo_url: text.nullable(),
    organisation_accent_colour: text.nullable(),
    email: text.nullable(),
    roles: names.nullable(),
    inviter_name: text.nullable(),
    inviter_email: text.nullable(),
    message: text.nullable(),
    locale: text.nullable(),
    redirect_to: text.nullable(),
    expires_at: time.nullable(),
    has_account: z.boolean().nullable(),
    membership_ends_at: time.nullable(),
    sign_in_provider: text
      .nullable()
      .openapi({ description: 'Through whom the organisation wants people to sign in.' }),
    sign_in_domain: text.nullable(),
    sign_in_level: z.enum(['aal1', 'aal2']).nullable(),
    one_click: z
      .boolean()
      .nullable()
      .openapi({ description: 'Whether the one-click function takes this link.' }),
  })
  .openapi('InvitePreview')

export const InviteOutcome = z
  .object({
    row_number: integer.openapi({
      description: 'From 1; of a list, as a spreadsheet shows it.',
    }),
    email: text.nullable(),
    status: z.enum(['created', 'failed']),
    invite_id: id.nullable(),
    error_code: text.nullable(),
    error_details: text.nullable(),
  })
  .openapi('InviteOutcome')

export const InviteMetrics = z
  .object({
    created: integer,
    pending: integer,
    accepted: integer,
    declined: integer,
    revoked: integer,
    expired: integer,
    acceptance_rate: share,
    median_hours_to_accept: z.number().nullable(),
    mails_sent: integer,
    delivery_rate: share,
    bounce_rate: share,
    days: z.array(json),
  })
  .openapi('InviteMetrics')

export const DeviceInvite = z
  .object({
    invite_id: id,
    organisation_id: id,
    device_name: text,
    roles: names,
    expires_at: time,
    code: text.openapi({ description: 'Shown this once.', example: '7KQ4M-XW2BD' }),
  })
  .openapi('DeviceInvite')

export const Role = z
  .object({
    id,
    organisation_id: id.nullable().openapi({ description: 'Null for a built-in role.' }),
    name: text,
    description: text,
    permissions: names,
    granted_permissions: names,
    inherits: names,
    created_at: time,
  })
  .openapi('Role')

export const RoleExclusion = z
  .object({ organisation_id: id, name: text, roles: names, cardinality: integer })
  .openapi('RoleExclusion')

export const Domain = z
  .object({
    organisation_id: id,
    domain: text,
    verification: text.openapi({
      description: 'What the TXT record at _usher.<domain> has to say.',
    }),
    verified_at: time.nullable(),
    checked_at: time.nullable(),
    join_policy: z.enum(['none', 'join', 'ask']),
    role: text,
    created_at: time,
    id,
    responsible_id: id.nullable().openapi({ description: 'Who answers for joining by it.' }),
    stops_at: time.nullable().openapi({
      description:
        'When joining by it stops unless somebody takes it over, because who answers for it lost the right.',
    }),
  })
  .openapi('Domain')

export const TakenOverCredential = z
  .object({
    id,
    kind: z.enum(['directory_token', 'domain']),
    organisation_id: id,
    name: text.openapi({ description: 'Of the token, or the domain itself.' }),
  })
  .openapi('TakenOverCredential')

export const SignInRule = z
  .object({
    organisation_id: id,
    provider: text.nullable().openapi({ example: 'keycloak' }),
    domain: text.nullable(),
    level: z.enum(['aal1', 'aal2']),
    methods: names,
    max_age: text.nullable().openapi({ example: '12:00:00' }),
    for_members: z.boolean(),
    updated_at: time,
  })
  .openapi('SignInRule')

export const DirectoryToken = z
  .object({
    id,
    organisation_id: id,
    name: text,
    created_by: id,
    created_at: time,
    expires_at: time.nullable(),
    last_used_at: time.nullable(),
    revoked_at: time.nullable(),
    revoked_by: id.nullable(),
    responsible_id: id.openapi({ description: 'Who answers for it: whose rights it carries.' }),
    stops_at: time.nullable().openapi({
      description:
        'When it stops unless somebody takes it over, because who answers for it lost the right.',
    }),
    carried_roles: names.openapi({ description: 'With which roles it goes on until stops_at.' }),
  })
  .openapi('DirectoryToken')

export const NewDirectoryToken = z
  .object({
    id,
    organisation_id: id,
    name: text,
    expires_at: time.nullable(),
    token: text.openapi({ description: 'Shown this once.', example: 'scim_…' }),
    scim_url: text.nullable().openapi({ description: 'Where it opens the directory, if known.' }),
  })
  .openapi('NewDirectoryToken')

export const DirectoryEndpoint = z
  .object({
    id,
    organisation_id: id,
    name: text,
    url: text,
    is_enabled: z.boolean(),
    features: json.nullable().openapi({ description: 'What it said that it can do.' }),
    failures: integer,
    retry_at: time.nullable(),
    last_error: text.nullable(),
    last_success_at: time.nullable(),
    reconcile_at: time,
    reconciled_at: time.nullable(),
    drift: integer
      .nullable()
      .openapi({ description: 'How much differed, the last time that it was compared.' }),
    created_by: id,
    created_at: time,
  })
  .openapi('DirectoryEndpoint')

export const DirectoryCopy = z
  .object({
    endpoint_id: id,
    member_id: id,
    organisation_id: id,
    status: z.enum(['waiting', 'current', 'failed']),
    remote_id: text.nullable(),
    roles: names,
    due_at: time,
    attempts: integer,
    last_error: text.nullable(),
    synced_at: time.nullable(),
  })
  .openapi('DirectoryCopy')

export const SignUpPolicy = z
  .object({
    sign_up: z.enum(['open', 'invite_only']),
    auth_confirms_addresses: z.boolean(),
  })
  .openapi('SignUpPolicy')

export const JoinableOrganisation = z
  .object({
    id,
    name: text,
    logo_url: text.nullable(),
    accent_colour: text.nullable(),
    domain: text,
    join_policy: z.enum(['join', 'ask']),
  })
  .openapi('JoinableOrganisation')

export const MyInvite = z
  .object({
    id,
    organisation_id: id,
    organisation_name: text,
    organisation_logo_url: text.nullable(),
    organisation_accent_colour: text.nullable(),
    roles: names,
    inviter_name: text.nullable(),
    inviter_email: text.nullable(),
    message: text.nullable(),
    created_at: time,
    expires_at: time,
  })
  .openapi('MyInvite')

export const JoinRequest = z
  .object({
    id,
    organisation_id: id,
    user_id: id,
    email: text,
    status: z.enum(['pending', 'approved', 'declined']),
    reason: text.nullable(),
    created_at: time,
    decided_at: time.nullable(),
    decided_by: id.nullable(),
  })
  .openapi('JoinRequest')

export const AuditEvent = z
  .object({
    id,
    organisation_id: id,
    event: text.openapi({ example: 'invite.created' }),
    actor_id: id.nullable(),
    actor_kind: z.enum(['user', 'device', 'invitee', 'directory', 'worker', 'operator']),
    target_kind: text,
    target_id: id,
    before: json.nullable(),
    after: json.nullable(),
    reason: text.nullable(),
    ip: text.nullable(),
    user_agent: text.nullable(),
    claimed_ip: text.nullable(),
    occurred_at: time,
  })
  .openapi('AuditEvent')

export const AccessReview = z
  .object({
    id,
    organisation_id: id,
    title: text,
    status: z.enum(['open', 'completed', 'closed']),
    due_at: time,
    started_at: time,
    started_by: id.nullable(),
    ended_at: time.nullable(),
    closed_by: id.nullable(),
    closed_reason: text.nullable(),
    reminded_at: time.nullable(),
  })
  .openapi('AccessReview')

export const AccessReviewItem = z
  .object({
    id,
    organisation_id: id,
    review_id: id,
    user_id: id,
    role: text,
    granted_at: time,
    granted_by: id.nullable(),
    decision: z.enum(['confirmed', 'withdrawn', 'lapsed']).nullable(),
    reason: text.nullable(),
    decided_at: time.nullable(),
    decided_by: id.nullable(),
  })
  .openapi('AccessReviewItem')

export const EvidenceEvent = z
  .object({
    seal_number: integer,
    position: integer,
    event_id: id,
    event_hash: text.openapi({ description: 'The SHA-256 of event, as hex.' }),
    personal_hash: text,
    personal_salt: text.nullable(),
    event: text.nullable().openapi({ description: 'The very text that was sealed.' }),
    personal: text.nullable(),
  })
  .openapi('EvidenceEvent')

export const Evidence = z
  .looseObject({
    organisation: z.looseObject({ id, name: text, slug: text }),
    since: time,
    until: time,
    collected_at: time,
    trail: z.looseObject({
      first_seal: integer.nullable(),
      last_seal: integer.nullable(),
      head_seal: integer.nullable(),
      seals: z.array(z.looseObject({ number: integer, hash: text })),
    }),
    tables: z.record(z.string(), z.array(z.looseObject({}))),
  })
  .openapi('Evidence')

export const AuditVerification = z
  .object({
    is_whole: z.boolean(),
    events: integer,
    sealed_events: integer,
    erased_events: integer,
    seals: integer,
    last_seal: text.nullable(),
    problem: text.nullable(),
    event_id: id.nullable(),
    seal_number: integer.nullable(),
  })
  .openapi('AuditVerification')

export const Delivery = z
  .object({
    id,
    organisation_id: id,
    invite_id: id.nullable(),
    member_id: id.nullable(),
    kind: text.openapi({ example: 'invite' }),
    recipient: text,
    locale: text.nullable(),
    status: z.enum([
      'queued',
      'sending',
      'sent',
      'delivered',
      'opened',
      'bounced',
      'complained',
      'failed',
      'cancelled',
      'suppressed',
    ]),
    attempts: integer,
    due_at: time,
    sent_at: time.nullable(),
    delivered_at: time.nullable(),
    opened_at: time.nullable(),
    bounced_at: time.nullable(),
    complained_at: time.nullable(),
    in_doubt_at: time.nullable(),
    last_status_code: text.nullable(),
    last_response: text.nullable(),
    created_at: time,
  })
  .openapi('Delivery')

export const Webhook = z
  .object({
    id,
    organisation_id: id,
    url: text,
    description: text,
    events: names.nullable().openapi({ description: 'Null: all.' }),
    is_enabled: z.boolean(),
    disabled_at: time.nullable(),
    disabled_reason: z.enum(['by_hand', 'failing', 'gone']).nullable(),
    failing_since: time.nullable(),
    created_at: time,
  })
  .openapi('Webhook')

export const WebhookSecret = z
  .object({
    webhook_id: id,
    organisation_id: id,
    secret: text.openapi({ description: 'Shown this once.', example: 'whsec_…' }),
    old_secrets_end: time.nullable(),
  })
  .openapi('WebhookSecret')

export const WebhookDelivery = z
  .object({
    id,
    organisation_id: id,
    webhook_id: id,
    event_id: id.openapi({ description: 'Of the audit trail; the webhook-id is made of it.' }),
    event: text.openapi({ example: 'member.joined' }),
    status: z.enum(['queued', 'sending', 'delivered', 'failed']),
    attempts: integer,
    due_at: time,
    last_status_code: integer.nullable(),
    last_response: text.nullable(),
    tries: z.array(json),
    delivered_at: time.nullable(),
    created_at: time,
  })
  .openapi('WebhookDelivery')

export const EmailTemplate = z
  .object({
    id,
    organisation_id: id,
    kind: text.openapi({ example: 'invite' }),
    locale: text,
    name: text,
    subject: text.nullable(),
    heading: text.nullable(),
    body: text.nullable(),
    button: text.nullable(),
    is_default: z.boolean(),
    created_at: time,
    updated_at: time,
    failed_at: time.nullable(),
    failure: text.nullable(),
  })
  .openapi('EmailTemplate')
