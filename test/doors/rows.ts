/**
 * Rows as SQL names them, in the words of `door.ts`. RPC and REST answer these.
 *
 * @module
 */
import type { Invite, Member, Organisation, Outcome, Policy, Preview } from './door.ts'

// biome-ignore lint/suspicious/noExplicitAny: JSON, as it came
type Row = any

export const toInvite = ({ id, email, roles, status }: Row): Invite => ({
  id,
  email,
  roles,
  status,
})
export const toMember = ({ user_id, roles, status }: Row): Member => ({
  userId: user_id,
  roles,
  status,
})
export const toOrganisation = ({ id, name }: Row): Organisation => ({ id, name })
export const toPolicy = ({ sign_up, auth_confirms_addresses }: Row): Policy => ({
  signUp: sign_up,
  authConfirmsAddresses: auth_confirms_addresses,
})
export const toOutcome = ({ email, status, error_code }: Row): Outcome => ({
  email,
  status,
  errorCode: error_code,
})
export const toPreview = ({ status, reason, organisation_name }: Row): Preview => ({
  status,
  reason,
  organisationName: organisation_name,
})
