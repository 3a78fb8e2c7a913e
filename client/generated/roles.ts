// Generated from the database by npm run generate. Do not edit.
/** The roles that every organisation has. */
export type BuiltInRole =
  /** Everything. Exactly one member, never invited. */
  | 'owner'
  /** Everything but deleting or handing over the organisation. */
  | 'admin'
  /** A member who also sees to the bills. */
  | 'finance'
  /** Sees the organisation, its members and its roles. */
  | 'member'

/** The name of a role: a built-in one, or an organisation's own. */
export type RoleName = BuiltInRole | (string & {})

/** What a role permits, as `thing.action`; an application may have added its own. */
export type Permission =
  /** Review who may do what: confirm and withdraw rights */
  | 'access_review.manage'
  /** Read and verify the audit trail */
  | 'audit.read'
  /** For your application: pay and change plans */
  | 'billing.manage'
  /** For your application: see invoices and plans */
  | 'billing.read'
  /** Let identity providers and applications keep members */
  | 'directory.manage'
  /** Invite people and devices */
  | 'invite.create'
  /** See invites and what became of them */
  | 'invite.read'
  /** Send an invite again */
  | 'invite.resend'
  /** See the link of an invite */
  | 'invite.reveal'
  /** Withdraw an invite, or let it expire */
  | 'invite.revoke'
  /** Ban members and lift bans */
  | 'member.ban'
  /** See members, their roles and addresses */
  | 'member.read'
  /** Remove members */
  | 'member.remove'
  /** Change the roles of members */
  | 'member.update'
  /** Delete the organisation */
  | 'organisation.delete'
  /** See the organisation itself */
  | 'organisation.read'
  /** Make another member the owner */
  | 'organisation.transfer'
  /** Change name, branding, lifetimes and limits */
  | 'organisation.update'
  /** Create, change and delete own roles */
  | 'role.manage'
  /** See roles and what they permit */
  | 'role.read'
  /** See and change webhooks */
  | 'webhook.manage'
  | (string & {})
