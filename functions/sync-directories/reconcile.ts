/**
 * Compares an endpoint as a whole: reads all that it holds. What follows from it is decided in SQL.
 *
 * @module
 */

import type { Outgoing } from '../_shared/outgoing.ts'
import type { Drift, Findings, Reconcile } from './changes.ts'
import { createScimClient, type Json } from './client.ts'
import { setMember } from './groups.ts'

/**
 * @param finish - takes what was found, and says who has no place in the groups
 * @returns how much differed; null when another worker has taken over. Throws a `ScimFailure`
 */
export async function reconcile(
  endpoint: Reconcile,
  outgoing: Outgoing,
  finish: (findings: Findings) => Promise<Drift | null>,
): Promise<number | null> {
  const client = createScimClient(endpoint, outgoing)
  const features = await client.features()
  const users = (await client.list('Users')).map(toUser)
  const groups = features.groups ? (await client.list('Groups')).map(toGroup) : []

  const drift = await finish({ features, users, groups })
  for (const { group_id, user_id } of drift?.strangers ?? []) {
    await setMember(client, group_id, user_id, false, features.patch)
  }
  return drift?.drift ?? null
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : null)

const toUser = (user: Json): Findings['users'][number] => ({
  id: String(user.id),
  external_id: textOf(user.externalId),
  user_name: textOf(user.userName),
  display_name: textOf(user.displayName),
  // Whoever does not say is active: RFC 7643 has no default.
  active: user.active !== false,
})

const toGroup = (group: Json): Findings['groups'][number] => ({
  id: String(group.id),
  display_name: String(group.displayName ?? ''),
  members: ((group.members ?? []) as Json[]).map(({ value }) => String(value)),
})
