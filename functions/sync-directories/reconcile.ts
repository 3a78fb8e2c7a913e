/**
 * Compares an endpoint as a whole: reads all that it holds. What follows from it is decided in SQL.
 *
 * @module
 */

import type { Outgoing } from '../_shared/outgoing.ts'
import type { Drift, Findings, Reconcile } from './changes.ts'
import { createScimClient, type Json, ScimFailure } from './client.ts'
import type { WithGroup } from './groups.ts'
import { dissolve, idOf, setMember } from './members.ts'

/**
 * @param finish - takes what was found, and says who has no place in the groups, and which groups are double
 * @param withGroup - keeps others from the Group of a role meanwhile
 * @returns how much differed, null when another worker has taken over; and what was refused for good. Throws a
 *   `ScimFailure`
 */
export async function reconcile(
  endpoint: Reconcile,
  outgoing: Outgoing,
  finish: (findings: Findings) => Promise<Drift | null>,
  withGroup: WithGroup,
): Promise<{ drift: number | null; refused: string | null }> {
  const client = createScimClient(endpoint, outgoing)
  const features = await client.features()
  const users = (await client.list('Users')).map(toUser)
  const groups = features.groups ? (await client.list('Groups')).map(toGroup) : []

  const found = await finish({ features, users, groups })
  const refused: string[] = []
  // One that is refused stops no other.
  const attempt = async (role: string, work: () => Promise<unknown>) => {
    try {
      await withGroup(role, work)
    } catch (error) {
      if (!(error instanceof ScimFailure) || error.failure !== 'permanent') throw error
      refused.push(`Group ${role}: ${error.message}`)
    }
  }
  for (const { group_id, role, user_id } of found?.strangers ?? []) {
    await attempt(role, () => setMember(client, group_id, user_id, false, features.patch))
  }
  for (const { group_id, role } of found?.doubles ?? []) {
    await attempt(role, () => dissolve(client, group_id, features.patch))
  }
  return { drift: found?.drift ?? null, refused: refused.join(' ') || null }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : null)

const toUser = (user: Json): Findings['users'][number] => ({
  id: String(user.id),
  external_id: textOf(user.externalId),
  user_name: textOf(user.userName),
  display_name: textOf(user.displayName),
  // Whoever does not say is active: RFC 7643 has no default.
  active: !/^false$/i.test(String(user.active)),
})

const toGroup = (group: Json): Findings['groups'][number] => ({
  id: String(group.id),
  display_name: String(group.displayName ?? ''),
  external_id: textOf(group.externalId) || null,
  members: ((group.members ?? []) as unknown[]).map(idOf),
})
