/**
 * One sensible call of each function of `public`, and a scene in which everyone is there to make it.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { createAcme, type Organisation } from './acme.ts'
import { fanOut } from './outbox.ts'
import type { Person } from './people.ts'
import { type CallerName, MATRIX } from './permission-matrix.ts'

export interface Scene extends Organisation {
  left: Person
  banned: Person
  device: Person
  ownRole: Person
}

/** Adds those whom the organisation knows from before, or in another way. */
export async function sceneOf(acme: Organisation): Promise<Scene> {
  const { sql, id } = acme
  await acme.owner.rpc('create_organisation_role', {
    organisation_id: id,
    name: 'watcher',
    permissions: ['invite.read', 'audit.read'],
  })
  const device = await acme.join(['member'])
  await sql`update public.organisation_members set kind = 'device' where user_id = ${device.userId}`
  return {
    ...acme,
    left: await acme.join(['member'], 'left'),
    banned: await acme.join(['member'], 'banned'),
    ownRole: await acme.join(['watcher']),
    device,
  }
}

const COUNTED = 'enrol_organisation_device'

/**
 * A function about to be called, in a scene. Those whose calls leave everything as it is share theirs, a function:
 * who is refused, and who only reads. A wrong code of a device is refused and counted all the same.
 */
export async function scenesOf(sql: postgres.Sql) {
  const reading = sql`select proname as name from pg_catalog.pg_proc
    where pronamespace = 'public'::regnamespace and provolatile <> 'v'`
  const readers = new Set((await reading).map(({ name }) => name))
  const shared = new Map<string, Promise<{ scene: Scene; args: Args }>>()
  const create = async (name: string) => {
    const scene = await sceneOf(await createAcme(sql))
    return { scene, args: (await CALLS[name]?.(scene)) ?? {} }
  }

  return (name: string, caller: CallerName) => {
    const changes = MATRIX[name]?.[caller] === 'ok' ? !readers.has(name) : name === COUNTED
    if (changes) return create(name)
    const sharing = shared.get(name) ?? create(name)
    shared.set(name, sharing)
    return sharing
  }
}

type Args = Record<string, unknown>
type Call = (scene: Scene) => Promise<Args>

const pending = async ({ inviteIn }: Scene) => ({ invite_id: (await inviteIn('pending')).id })
const inOrganisation: Call = async ({ id }) => ({ organisation_id: id })
const onRoleless =
  (more: object = {}): Call =>
  async ({ id, roleless }) => ({ organisation_id: id, user_id: roleless.userId, ...more })
const withOwnRole =
  (more: object = {}): Call =>
  async ({ id, owner }) => {
    const name = `spare-${randomUUID()}`
    await owner.rpc('create_organisation_role', { organisation_id: id, name })
    return { organisation_id: id, role: name, ...more }
  }

const withDomain =
  (more: object = {}): Call =>
  async ({ id, owner }) => {
    const args = { organisation_id: id, domain: 'matrix.example' }
    await owner.rpc('create_organisation_domain', args)
    return { ...args, ...more }
  }
const withRequest: Call = async ({ id, owner, sql, person }) => {
  await owner.rpc('create_organisation_domain', { organisation_id: id, domain: 'example.com' })
  const { userId, email } = await person()
  const [request] =
    await sql`insert into public.organisation_join_requests (organisation_id, user_id, email)
    values (${id}, ${userId}, ${email}) returning id`
  return { request_id: request?.id }
}

const withEndpoint =
  (more: object = {}): Call =>
  async ({ id, owner }) => {
    const { id: endpoint } = await owner.rpc('create_organisation_directory_endpoint', {
      organisation_id: id,
      name: 'Tickets',
      url: 'https://tickets.example/scim',
      token: 'secret',
    })
    return { endpoint_id: endpoint, ...more }
  }

const withTemplate =
  (more: object = {}): Call =>
  async ({ id, owner }) => {
    const template = await owner.rpc('create_organisation_email_template', {
      organisation_id: id,
      kind: 'invite',
      locale: 'en',
      name: randomUUID(),
      subject: 'Hello',
    })
    return { template_id: template.id, ...more }
  }
const withWebhook =
  (more: object = {}): Call =>
  async ({ id, owner }) => {
    const url = 'https://hooks.example.com/'
    const made = await owner.rpc('create_organisation_webhook', { organisation_id: id, url })
    return { webhook_id: made.webhook_id, ...more }
  }
/** The mail of a new invite. */
const mailOf = async ({ sql, inviteIn }: Scene) => {
  const { id } = await inviteIn('pending')
  await fanOut(sql)
  const [mail] = await sql`select id from public.organisation_deliveries where invite_id = ${id}`
  return mail?.id as string
}

const inAMonth = () => new Date(Date.now() + 30 * 86_400_000).toISOString()
const withReview =
  (more: (scene: Scene, reviewId: string) => Promise<object> = async () => ({})): Call =>
  async (scene) => {
    const review = await scene.owner.rpc('start_organisation_access_review', {
      organisation_id: scene.id,
      title: 'Yearly',
      due_at: inAMonth(),
    })
    return { review_id: review.id, ...(await more(scene, review.id)) }
  }

/** The arguments of a call that its rule permits to whoever holds the permission. */
export const CALLS: Record<string, Call> = {
  accept_my_organisation_invite: pending,
  accept_organisation_invite: async ({ inviteIn }) => ({
    token: (await inviteIn('pending')).token,
  }),
  ban_organisation_member: onRoleless(),
  call_organisation_function_once: async () => ({
    idempotency_key: randomUUID(),
    function_name: 'create_organisation',
    arguments: { name: 'New' },
  }),
  create_organisation: async () => ({ name: 'New' }),
  create_organisation_device_invite: async ({ id }) => ({
    organisation_id: id,
    device_name: 'Door',
    roles: ['member'],
  }),
  create_organisation_invite: async ({ id }) => ({
    organisation_id: id,
    email: 'matrix@example.com',
    roles: ['member'],
  }),
  create_organisation_invites: async ({ id }) => ({ organisation_id: id, invites: [] }),
  create_organisation_role: async ({ id }) => ({ organisation_id: id, name: 'extra' }),
  create_organisation_role_exclusion: async ({ id }) => ({
    organisation_id: id,
    name: 'Apart',
    roles: ['finance', 'watcher'],
  }),
  decline_organisation_invite: async ({ inviteIn }) => ({
    token: (await inviteIn('pending')).token,
  }),
  delete_organisation: inOrganisation,
  delete_organisation_role: withOwnRole(),
  delete_organisation_role_exclusion: async ({ id, owner }) => {
    const name = 'Apart'
    await owner.rpc('create_organisation_role_exclusion', {
      organisation_id: id,
      name,
      roles: ['finance', 'watcher'],
    })
    return { organisation_id: id, name }
  },
  create_organisation_domain: async ({ id }) => ({ organisation_id: id, domain: 'matrix.example' }),
  update_organisation_domain: withDomain({ join_policy: 'ask' }),
  delete_organisation_domain: withDomain(),
  create_organisation_directory_token: async ({ id }) => ({ organisation_id: id, name: 'Okta' }),
  revoke_organisation_directory_token: async ({ id, owner }) => {
    const args = { organisation_id: id, name: 'Okta' }
    const token = await owner.rpc('create_organisation_directory_token', args)
    return { token_id: token.id }
  },
  take_over_organisation_credentials: async ({ id, owner }) => {
    const args = { organisation_id: id, name: 'Okta' }
    const token = await owner.rpc('create_organisation_directory_token', args)
    return { ids: [token.id] }
  },
  create_organisation_directory_endpoint: async ({ id }) => ({
    organisation_id: id,
    name: 'Tickets',
    url: 'https://tickets.example/scim',
    token: 'secret',
  }),
  update_organisation_directory_endpoint: withEndpoint({ changes: { is_enabled: false } }),
  delete_organisation_directory_endpoint: withEndpoint(),
  reconcile_organisation_directory_endpoint: withEndpoint(),
  list_joinable_organisations: async () => ({}),
  join_organisation: inOrganisation,
  approve_organisation_join_request: withRequest,
  decline_organisation_join_request: withRequest,
  update_organisation_sign_in_rule: async ({ id }) => ({
    organisation_id: id,
    changes: { provider: 'keycloak' },
  }),
  enrol_organisation_device: async ({ id, owner }) => {
    const { code } = await owner.rpc('create_organisation_device_invite', {
      organisation_id: id,
      device_name: 'Door',
      roles: ['member'],
    })
    return { code }
  },
  expire_organisation_invite: pending,
  grant_organisation_permission: withOwnRole({ permission: 'member.read' }),
  has_organisation_permission: async ({ id }) => ({
    organisation_id: id,
    permission: 'member.read',
  }),
  leave_organisation: inOrganisation,
  list_my_organisation_invites: async () => ({}),
  list_my_organisation_permissions: inOrganisation,
  list_assignable_organisation_roles: inOrganisation,
  list_my_organisations: async () => ({}),
  list_organisation_invites: inOrganisation,
  list_organisation_member_permissions: onRoleless(),
  list_organisation_member_roles: onRoleless(),
  list_organisation_role_members: async ({ id }) => ({ organisation_id: id, role: 'member' }),
  list_organisation_role_permissions: async ({ id }) => ({ organisation_id: id, role: 'member' }),
  organisation_invite_metrics: inOrganisation,
  remove_organisation_member: onRoleless(),
  organisation_sign_up_policy: async () => ({}),
  request_organisation_invite_resend: async ({ inviteIn }) => ({
    token: (await inviteIn('expired')).token,
  }),
  reissue_organisation_invites: async (scene) => ({
    invite_ids: [(await pending(scene)).invite_id],
  }),
  resend_organisation_invite: pending,
  reveal_organisation_invite_link: pending,
  revoke_organisation_invite: pending,
  revoke_organisation_permission: withOwnRole({ permission: 'member.read' }),
  transfer_organisation_ownership: async ({ id, roleless }) => ({
    organisation_id: id,
    new_owner_id: roleless.userId,
  }),
  unban_organisation_member: async ({ id, banned }) => ({
    organisation_id: id,
    user_id: banned.userId,
  }),
  update_organisation: async ({ id }) => ({ organisation_id: id, changes: { name: 'Renamed' } }),
  update_organisation_invite_roles: async (scene) => ({
    ...(await pending(scene)),
    roles: ['finance'],
  }),
  update_organisation_member_ends: onRoleless({ ends_at: '2999-01-01T00:00:00Z' }),
  update_organisation_member_roles: onRoleless({ roles: ['member'] }),
  update_organisation_role: withOwnRole({ description: 'Changed' }),
  validate_organisation_invite: async ({ inviteIn }) => ({
    token: (await inviteIn('pending')).token,
  }),
  create_organisation_email_template: async ({ id }) => ({
    organisation_id: id,
    kind: 'invite',
    locale: 'en',
    subject: 'Hello',
  }),
  update_organisation_email_template: withTemplate({ changes: { subject: 'Changed' } }),
  delete_organisation_email_template: withTemplate(),
  retry_organisation_delivery: async (scene) => {
    const id = await mailOf(scene)
    await scene.sql`update public.organisation_deliveries set status = 'failed' where id = ${id}`
    return { delivery_id: id }
  },
  lift_organisation_mail_suppression: async ({ id }) => ({
    organisation_id: id,
    email: 'matrix@example.com',
  }),
  stop_organisation_mail: async (scene) => {
    const id = await mailOf(scene)
    const [row] = await scene.sql`select usher.mint_stop_token(${id}) as token`
    return { token: row?.token }
  },
  verify_organisation_audit_trail: inOrganisation,
  export_organisation_evidence: async ({ id }) => ({ organisation_id: id, since: '2026-01-01' }),
  list_organisation_evidence_events: async ({ id }) => ({
    organisation_id: id,
    last_seal: 1,
    after_seal: 1,
  }),
  start_organisation_access_review: async ({ id }) => ({
    organisation_id: id,
    title: 'Yearly',
    due_at: inAMonth(),
  }),
  answer_organisation_access_review: withReview(async ({ sql, member }, reviewId) => {
    const [item] = await sql`select id from public.organisation_access_review_items
      where review_id = ${reviewId} and user_id = ${member.userId}`
    return { answers: [{ item_id: item?.id, decision: 'confirm' }] }
  }),
  close_organisation_access_review: withReview(),
  create_organisation_webhook: async ({ id }) => ({
    organisation_id: id,
    url: 'https://hooks.example.com/',
  }),
  update_organisation_webhook: withWebhook({ changes: { description: 'Changed' } }),
  delete_organisation_webhook: withWebhook(),
  rotate_organisation_webhook_secret: withWebhook(),
  test_organisation_webhook: withWebhook(),
  replay_organisation_webhook_deliveries: withWebhook({ since: '2020-01-01T00:00:00Z' }),
}
