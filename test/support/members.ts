/**
 * How calls name the member whom they are about.
 *
 * @module
 */
import type { Organisation } from './acme.ts'

type Who = 'owner' | 'admin' | 'finance' | 'member' | 'roleless' | 'outsider' | 'stranger'

/** The arguments of a call about a member, and whatever else it is given. */
export const onMember = (acme: Organisation, user: Who, more: object = {}) => ({
  organisation_id: acme.id,
  user_id: acme[user].userId,
  ...more,
})
