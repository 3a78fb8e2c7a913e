/**
 * Who may call what, written out: the expectation of a test, and the source of docs/permissions.md.
 *
 * @module
 */

/** From the outside in, with the words of the document. */
export const CALLERS = {
  anyone: 'not signed in',
  service: 'the service key',
  stranger: 'signed in, member of nothing',
  outsider: 'owner of another organisation',
  left: 'has left',
  banned: 'banned',
  roleless: 'member without a role',
  device: 'device with the role member',
  member: 'member',
  finance: 'finance',
  ownRole: 'own role with invite.read and audit.read',
  admin: 'admin',
  owner: 'owner',
} as const
export type CallerName = keyof typeof CALLERS

/** `ok`, or the code of the refusal; 42501 is Postgres's own, which the API answers with 401 or 403. */
export type Outcomes = Record<CallerName, string>

const NOT_GRANTED = { anyone: '42501', service: '42501' }

function signedIn(outcome: string, others: Partial<Outcomes> = {}): Outcomes {
  const all = Object.fromEntries(Object.keys(CALLERS).map((caller) => [caller, outcome]))
  return { ...(all as Outcomes), ...NOT_GRANTED, ...others }
}

/** Members who hold the permission may; members who do not are told so; the rest learn of nothing. */
function needs(holders: CallerName[], notFound = 'organisation_not_found'): Outcomes {
  const outside = Object.fromEntries(
    (['stranger', 'outsider', 'left', 'banned'] as const).map((caller) => [caller, notFound]),
  )
  const inside = Object.fromEntries(holders.map((caller) => [caller, 'ok']))
  return signedIn('permission_denied', { ...outside, ...inside })
}

const members = (): Outcomes =>
  needs(['roleless', 'device', 'member', 'finance', 'ownRole', 'admin', 'owner'])
const everyone = (): Outcomes => signedIn('ok', { anyone: 'ok', service: 'ok' })
const admins = (notFound?: string): Outcomes => needs(['admin', 'owner'], notFound)
const readers = (): Outcomes => needs(['device', 'member', 'finance', 'admin', 'owner'])
const watchers = (): Outcomes => needs(['ownRole', 'admin', 'owner'])

/** Each function of `public`, each called with arguments that its rule permits to those who may. */
export const MATRIX: Record<string, Outcomes> = {
  create_organisation: signedIn('ok'),
  update_organisation: admins(),
  delete_organisation: needs(['owner']),
  transfer_organisation_ownership: needs(['owner']),
  leave_organisation: { ...members(), owner: 'owner_required' },
  list_my_organisations: signedIn('ok'),
  has_organisation_permission: signedIn('ok'),
  list_my_organisation_permissions: members(),
  list_assignable_organisation_roles: members(),

  create_organisation_invite: admins(),
  create_organisation_invites: admins(),
  create_organisation_device_invite: admins(),
  list_organisation_invites: watchers(),
  organisation_invite_metrics: watchers(),
  resend_organisation_invite: admins('invite_not_found'),
  reissue_organisation_invites: admins('invite_not_found'),
  update_organisation_invite_roles: admins('invite_not_found'),
  reveal_organisation_invite_link: admins('invite_not_found'),
  revoke_organisation_invite: admins('invite_not_found'),
  expire_organisation_invite: admins('invite_not_found'),

  organisation_sign_up_policy: everyone(),
  validate_organisation_invite: everyone(),
  decline_organisation_invite: everyone(),
  request_organisation_invite_resend: everyone(),
  // The invite is another's: with their own, every one of them may.
  accept_organisation_invite: signedIn('invite_wrong_email'),
  list_my_organisation_invites: signedIn('ok'),
  // As long as the project's Auth is not known to confirm addresses.
  accept_my_organisation_invite: signedIn('permission_denied'),
  enrol_organisation_device: signedIn('already_member', {
    stranger: 'ok',
    outsider: 'ok',
    left: 'ok',
    banned: 'member_banned',
  }),

  update_organisation_member_ends: admins(),
  update_organisation_member_roles: admins(),
  remove_organisation_member: admins(),
  ban_organisation_member: admins(),
  unban_organisation_member: admins(),

  create_organisation_role: admins(),
  update_organisation_role: admins(),
  delete_organisation_role: admins(),
  grant_organisation_permission: admins(),
  revoke_organisation_permission: admins(),
  create_organisation_role_exclusion: admins(),
  delete_organisation_role_exclusion: admins(),
  list_organisation_role_members: readers(),
  list_organisation_member_roles: readers(),
  list_organisation_role_permissions: readers(),
  list_organisation_member_permissions: readers(),

  create_organisation_domain: admins(),
  update_organisation_domain: admins(),
  delete_organisation_domain: admins(),
  list_joinable_organisations: signedIn('ok'),
  // Nobody's address is of a domain that opens the door.
  join_organisation: signedIn('organisation_not_found'),
  approve_organisation_join_request: admins('request_not_found'),
  decline_organisation_join_request: admins('request_not_found'),

  update_organisation_sign_in_rule: admins(),
  create_organisation_directory_token: admins(),
  revoke_organisation_directory_token: admins('directory_not_found'),
  take_over_organisation_credentials: admins('credential_not_found'),
  create_organisation_directory_endpoint: admins(),
  update_organisation_directory_endpoint: admins('directory_not_found'),
  delete_organisation_directory_endpoint: admins('directory_not_found'),
  reconcile_organisation_directory_endpoint: admins('directory_not_found'),

  create_organisation_email_template: admins(),
  update_organisation_email_template: admins('template_not_found'),
  delete_organisation_email_template: admins('template_not_found'),
  retry_organisation_delivery: admins('delivery_not_found'),

  create_organisation_webhook: admins(),
  update_organisation_webhook: admins('webhook_not_found'),
  delete_organisation_webhook: admins('webhook_not_found'),
  rotate_organisation_webhook_secret: admins('webhook_not_found'),
  test_organisation_webhook: admins('webhook_not_found'),
  replay_organisation_webhook_deliveries: admins('webhook_not_found'),

  lift_organisation_mail_suppression: admins(),
  stop_organisation_mail: everyone(),

  verify_organisation_audit_trail: watchers(),
  export_organisation_evidence: watchers(),
  list_organisation_evidence_events: watchers(),

  start_organisation_access_review: admins(),
  // What is asked about is somebody else's right.
  answer_organisation_access_review: admins('access_review_not_found'),
  close_organisation_access_review: admins('access_review_not_found'),

  // Around create_organisation, which anyone signed in may call.
  call_organisation_function_once: signedIn('ok'),
}

/** The matrix as a page of Markdown. */
export function permissionsPage(): string {
  const names = Object.keys(CALLERS) as CallerName[]
  const rows = Object.entries(MATRIX).map(([name, outcomes]) => {
    const groups = new Map<string, string[]>()
    for (const caller of names) {
      const code = outcomes[caller]
      groups.set(code, [...(groups.get(code) ?? []), CALLERS[caller]])
    }
    const may = groups.get('ok')?.join('; ') ?? 'nobody, as called here'
    const refusals = [...groups]
      .filter(([code]) => code !== 'ok')
      .map(([code, who]) => `\`${code}\`: ${who.join('; ')}`)
    return `| \`${name}\` | ${may} | ${refusals.join('<br>') || 'none'} |`
  })
  return `# Who may do what

Every function of \`public\`, called by everyone in turn, with arguments that its rule permits to those who
may. This page and the test \`test/database/permission-matrix.test.ts\` are made from the same table.

\`42501\` is Postgres's own refusal, before any rule runs: the API answers 401 without a session, 403 with one.

| function | may | is refused |
|---|---|---|
${rows.join('\n')}
`
}
