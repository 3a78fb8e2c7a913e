/**
 * What the built-in roles permit.
 *
 * @module
 */

/** What each built-in role permits: the rule, written out. */
export const PERMISSIONS = {
  'organisation.read': ['owner', 'admin', 'finance', 'member'],
  'organisation.update': ['owner', 'admin'],
  'organisation.delete': ['owner'],
  'organisation.transfer': ['owner'],
  'member.read': ['owner', 'admin', 'finance', 'member'],
  'member.update': ['owner', 'admin'],
  'member.remove': ['owner', 'admin'],
  'member.ban': ['owner', 'admin'],
  'role.read': ['owner', 'admin', 'finance', 'member'],
  'role.manage': ['owner', 'admin'],
  'invite.read': ['owner', 'admin'],
  'invite.create': ['owner', 'admin'],
  'invite.resend': ['owner', 'admin'],
  'invite.revoke': ['owner', 'admin'],
  'invite.reveal': ['owner', 'admin'],
  'directory.manage': ['owner', 'admin'],
  'audit.read': ['owner', 'admin'],
  'webhook.manage': ['owner', 'admin'],
  'access_review.manage': ['owner', 'admin'],
  'billing.read': ['owner', 'admin', 'finance'],
  'billing.manage': ['owner', 'admin', 'finance'],
} as const

export const PEOPLE = [
  'owner',
  'admin',
  'finance',
  'member',
  'roleless',
  'outsider',
  'stranger',
] as const
