/**
 * The typed client: `createUsher(supabase)`.
 *
 * @module
 */
import type { AnySupabaseClient } from './call.ts'
import { invites } from './invites.ts'
import { members } from './members.ts'
import { organisations } from './organisations.ts'

/**
 * Wraps a supabase-js client. It holds no state and no session of its own: whoever is signed in
 * there is who acts here.
 *
 * @example
 * const usher = createUsher(createClient(url, publishableKey))
 * const { data, error } = await usher.invites.create(organisationId, {
 *   email: 'new@example.com',
 *   roles: ['member'],
 * })
 * if (error?.code === 'already_invited') await usher.invites.resend(error.details)
 */
export function createUsher(supabase: AnySupabaseClient) {
  return {
    organisations: organisations(supabase),
    invites: invites(supabase),
    members: members(supabase),
  }
}

export type Usher = ReturnType<typeof createUsher>
