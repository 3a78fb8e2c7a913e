/**
 * Who can reach which table, view and function of `usher`, written out: the expectation of
 * `test/database/isolation.test.ts`. What is new and not listed here fails that test.
 *
 * @module
 */
import type { CallerName } from './permission-matrix.ts'

/** Beside the callers of the permission matrix, the worker's own role. */
export type ReaderName = CallerName | 'worker'

/** Of the one organisation that all callers but the stranger and the outsider have to do with. */
const MEMBERS: CallerName[] = ['device', 'member', 'finance', 'admin', 'owner']
const WATCHERS: CallerName[] = ['ownRole', 'admin', 'owner']
const ADMINS: CallerName[] = ['admin', 'owner']

export interface Reach {
  /** Who sees the rows of the organisation; the outsider sees those of their own in their place. */
  readers: CallerName[]
  /** The column that says whose organisation a row is. */
  tenant: string
  /** The column that says whom a row is about: they see it, whatever they may. */
  about?: string
  /** Whether rows of no organisation are for everyone who is signed in. */
  isShared?: boolean
}

const seenBy = (readers: CallerName[], more: Partial<Reach> = {}): Reach => ({
  readers,
  tenant: 'organisation_id',
  ...more,
})

/** Nobody of the API, nor the worker: functions read it, and people in psql. */
const NOBODY = null

/** Each table and view of `public` and `usher`. Nobody at all may write one. */
export const TABLES: Record<string, Reach | null> = {
  'public.organisations': seenBy(MEMBERS, { tenant: 'id' }),
  'public.organisation_members': seenBy(MEMBERS, { about: 'user_id' }),
  'public.organisation_roles': seenBy(MEMBERS, { isShared: true }),
  'public.organisation_role_exclusions': seenBy(MEMBERS),
  'public.organisation_invites': seenBy(WATCHERS),
  'public.organisation_deliveries': seenBy(WATCHERS),
  'public.organisation_email_templates': seenBy(WATCHERS),
  'public.organisation_join_requests': seenBy(WATCHERS, { about: 'user_id' }),
  'public.organisation_audit_events': seenBy(WATCHERS),
  'public.organisation_access_reviews': seenBy(WATCHERS),
  'public.organisation_access_review_items': seenBy(WATCHERS),
  'public.organisation_domains': seenBy(ADMINS),
  'public.organisation_sign_in_rules': seenBy(MEMBERS),
  'public.organisation_webhooks': seenBy(ADMINS),
  'public.organisation_webhook_deliveries': seenBy(ADMINS),
  'public.organisation_directory_tokens': seenBy(ADMINS),
  'public.organisation_directory_endpoints': seenBy(ADMINS),
  'public.organisation_directory_copies': seenBy(ADMINS),
  // What the view organisation_invites reads, with its caller's rights.
  'usher.invites': seenBy(WATCHERS),

  'usher.audit_seals': NOBODY,
  'usher.address_salt': NOBODY,
  'usher.delivery_events': NOBODY,
  'usher.erased_deliveries': NOBODY,
  'usher.erased_members': NOBODY,
  'usher.erased_stops': NOBODY,
  'usher.device_codes': NOBODY,
  'usher.directory_endpoint_tokens': NOBODY,
  'usher.directory_group_copies': NOBODY,
  'usher.directory_groups': NOBODY,
  'usher.directory_token_hashes': NOBODY,
  'usher.directory_users': NOBODY,
  'usher.idempotency_keys': NOBODY,
  'usher.invite_tokens': NOBODY,
  'usher.lost_rights': NOBODY,
  'usher.mail_opt_outs': NOBODY,
  'usher.mail_pace': NOBODY,
  'usher.mail_transport': NOBODY,
  'usher.mail_turns': NOBODY,
  'usher.one_clicks': NOBODY,
  'usher.permissions': NOBODY,
  'usher.outbox': NOBODY,
  'usher.outbox_id_seq': NOBODY,
  'usher.rate_limits': NOBODY,
  'usher.role_assigners': NOBODY,
  'usher.sanctions': NOBODY,
  'usher.sealed_events': NOBODY,
  'usher.settings': NOBODY,
  'usher.sign_up_invites': NOBODY,
  'usher.signing_keys': NOBODY,
  'usher.suppressed_addresses': NOBODY,
  'usher.upkeep_failures': NOBODY,
  'usher.webhook_secrets': NOBODY,

  'usher.access_register': NOBODY,
  'usher.current_members': NOBODY,
  'usher.audit_export': NOBODY,
  'usher.expiring_invites': NOBODY,
  'usher.sent_mails': NOBODY,
  'usher.signing_key_states': NOBODY,
  'usher.stuck': NOBODY,
  'usher.stuck_deliveries': NOBODY,
  'usher.delayed_deliveries': NOBODY,
  'usher.unsealed_trails': NOBODY,
}

/** Whoever holds a link, with an account or without. */
const LINK_HOLDERS = 'anon, authenticated, service_role'
const SIGNED_IN = 'authenticated'
const WORKER = 'usher_worker'

/** Who may execute which function of `usher`. One that is not listed is nobody's to call. */
export const USHER_FUNCTIONS: Record<string, string> = {
  // Pages ask it before anybody has an account.
  sign_up_policy: 'anon, authenticated, service_role',
  validate_invite: LINK_HOLDERS,
  decline_invite: LINK_HOLDERS,
  request_invite_resend: LINK_HOLDERS,
  // The faces of what they call say by it whom they speak to.
  speak_to_invitee: LINK_HOLDERS,
  // The worker's one click, too: POST /stop-mail.
  stop_mail: `${LINK_HOLDERS}, ${WORKER}`,

  // Asked by the view organisation_invites once, and by applications' own views.
  invite_status: 'authenticated, service_role',
  // Asked by policies, also those of an application's own tables.
  organisations_where: SIGNED_IN,
  has_permission: SIGNED_IN,

  accept_invite: SIGNED_IN,
  accept_my_invite: SIGNED_IN,
  approve_join_request: SIGNED_IN,
  ban_member: SIGNED_IN,
  create_device_invite: SIGNED_IN,
  create_directory_endpoint: SIGNED_IN,
  create_directory_token: SIGNED_IN,
  create_domain: SIGNED_IN,
  create_email_template: SIGNED_IN,
  create_invite: SIGNED_IN,
  create_invites: SIGNED_IN,
  create_organisation: SIGNED_IN,
  create_role: SIGNED_IN,
  create_role_exclusion: SIGNED_IN,
  create_webhook: SIGNED_IN,
  decline_join_request: SIGNED_IN,
  delete_directory_endpoint: SIGNED_IN,
  delete_domain: SIGNED_IN,
  delete_email_template: SIGNED_IN,
  delete_organisation: SIGNED_IN,
  delete_role: SIGNED_IN,
  delete_role_exclusion: SIGNED_IN,
  delete_webhook: SIGNED_IN,
  enrol_device: SIGNED_IN,
  expire_invite: SIGNED_IN,
  grant_permission: SIGNED_IN,
  invite_metrics: SIGNED_IN,
  join_organisation: SIGNED_IN,
  leave_organisation: SIGNED_IN,
  lift_mail_suppression: SIGNED_IN,
  list_invites: SIGNED_IN,
  list_joinable_organisations: SIGNED_IN,
  list_member_permissions: SIGNED_IN,
  list_assignable_roles: SIGNED_IN,
  list_member_roles: SIGNED_IN,
  list_my_invites: SIGNED_IN,
  list_my_organisations: SIGNED_IN,
  list_my_permissions: SIGNED_IN,
  list_role_members: SIGNED_IN,
  list_role_permissions: SIGNED_IN,
  reconcile_directory_endpoint: SIGNED_IN,
  remove_member: SIGNED_IN,
  replay_webhook_deliveries: SIGNED_IN,
  resend_invite: SIGNED_IN,
  retry_delivery: SIGNED_IN,
  reveal_invite_link: SIGNED_IN,
  revoke_invite: SIGNED_IN,
  revoke_directory_token: SIGNED_IN,
  revoke_permission: SIGNED_IN,
  rotate_webhook_secret: SIGNED_IN,
  test_webhook: SIGNED_IN,
  transfer_ownership: SIGNED_IN,
  unban_member: SIGNED_IN,
  update_directory_endpoint: SIGNED_IN,
  update_domain: SIGNED_IN,
  update_email_template: SIGNED_IN,
  update_invite_roles: SIGNED_IN,
  update_member_ends: SIGNED_IN,
  update_member_roles: SIGNED_IN,
  update_organisation: SIGNED_IN,
  update_sign_in_rule: SIGNED_IN,
  update_role: SIGNED_IN,
  update_webhook: SIGNED_IN,
  verify_audit_trail: SIGNED_IN,
  export_evidence: SIGNED_IN,
  list_evidence_events: SIGNED_IN,
  reissue_invites: SIGNED_IN,
  take_over_credentials: SIGNED_IN,
  start_access_review: SIGNED_IN,
  answer_access_review: SIGNED_IN,
  close_access_review: SIGNED_IN,
  // Parts of call_organisation_function_once, which runs with its caller's rights.
  call_function_once: SIGNED_IN,
  call_statement: SIGNED_IN,
  take_idempotency_key: SIGNED_IN,
  keep_idempotent_result: SIGNED_IN,

  fan_out: WORKER,
  outbox_metrics: WORKER,
  lease_deliveries: WORKER,
  prepare_delivery: WORKER,
  complete_delivery: WORKER,
  fail_delivery: WORKER,
  record_delivery_event: WORKER,
  delivery_metrics: WORKER,
  mint_return_tag: WORKER,
  record_mail_report: WORKER,
  note_signature: WORKER,
  is_mail_stopped: WORKER,
  enqueue_auth_mail: WORKER,
  purge_auth_mails: WORKER,
  expire_due_invites: WORKER,
  remind_due_invites: WORKER,
  remind_overdue_reviews: WORKER,
  announce_ending_access: WORKER,
  follow_lost_rights: WORKER,
  end_due_access: WORKER,
  seal_audit_trail: WORKER,
  fail_template: WORKER,
  purge_audit_trail: WORKER,
  list_domains_to_verify: WORKER,
  confirm_domain: WORKER,
  start_one_click: WORKER,
  finish_one_click: WORKER,
  lease_webhook_deliveries: WORKER,
  prepare_webhook_delivery: WORKER,
  record_webhook_try: WORKER,
  webhook_metrics: WORKER,
  purge_webhook_answers: WORKER,
  // For a directory: the token that comes with each call says whose.
  list_directory_users: WORKER,
  save_directory_user: WORKER,
  delete_directory_user: WORKER,
  list_directory_groups: WORKER,
  save_directory_group: WORKER,
  delete_directory_group: WORKER,
  lease_directory_changes: WORKER,
  prepare_directory_change: WORKER,
  complete_directory_change: WORKER,
  fail_directory_change: WORKER,
  lease_directory_group: WORKER,
  release_directory_group: WORKER,
  lease_directory_reconcile: WORKER,
  finish_directory_reconcile: WORKER,
  fail_directory_reconcile: WORKER,
  refuse_directory_reconcile: WORKER,
  directory_metrics: WORKER,
}

/** What a row has to be seen by. */
export type Row = Record<string, unknown>

/** The people and organisations of a scene, as far as the oracle asks. */
export interface Known {
  id: string
  otherId: string
  userIds: Partial<Record<ReaderName, string>>
}

/**
 * Whether a caller has to see a row: a plain sentence over the table above, which knows nothing of policies.
 *
 * @returns for `anyone` and `worker` always false: they are refused before any row is looked at
 */
export function hasToSee(reader: ReaderName, row: Row, reach: Reach, known: Known): boolean {
  if (reader === 'service') return true
  if (reader === 'anyone' || reader === 'worker') return false
  if (reach.about && row[reach.about] === known.userIds[reader]) return true
  const tenant = row[reach.tenant]
  if (tenant === null) return reach.isShared === true
  if (reader === 'outsider') return tenant === known.otherId
  return tenant === known.id && reach.readers.includes(reader)
}
