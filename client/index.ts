/**
 * Usher's client: organisations, members, roles and invitations on top of supabase-js.
 *
 * @module
 */
export { createUsher, type Usher } from './client.ts'
export { isUsherError, UsherError } from './errors.ts'
export type { Database } from './generated/database.types.ts'
export type { ErrorCode } from './generated/error-codes.ts'
export type {
  DeviceInvite,
  Invite,
  InviteDraft,
  InviteOutcome,
  InvitePreview,
  InviteStatus,
  MailedInvite,
} from './invites.ts'
export type { Member, MemberStatus } from './members.ts'
export type { MyOrganisation, Organisation } from './organisations.ts'
export type { Result } from './result.ts'
