/**
 * The Groups of an endpoint that stand for roles: found by their name, made where there is none.
 *
 * @module
 */
import type { Change } from './changes.ts'
import { type Json, type ScimClient, ScimFailure } from './client.ts'

const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'

export interface Groups {
  /**
   * Puts a User into the Groups of these roles, and out of those that they held beside them.
   *
   * @param held - the roles whose Groups they are in; null: nobody knows
   * @returns in whose Groups they are, and what was refused for good: one that is refused stops no other.
   *   Throws a `ScimFailure` for what another try may do
   */
  settle(
    userId: string,
    held: string[] | null,
    wanted: string[],
  ): Promise<{ roles: string[]; error: string | null }>
}

export function groupsOf(
  { groups: known, endpoint: { features } }: Pick<Change, 'groups' | 'endpoint'>,
  client: ScimClient,
  saveGroup: (role: string, remoteId: string | null) => Promise<void>,
): Groups {
  const lookUp = (role: string) => client.find('Groups', 'displayName', role, features)
  const find = async (role: string): Promise<string> => {
    const group =
      (await lookUp(role)) ??
      (await client
        .create('Groups', { schemas: [GROUP], displayName: role, members: [] })
        .catch(async (error: ScimFailure) => {
          // Made at this moment, by the change of another member.
          const made = error.status === 409 ? await lookUp(role) : null
          if (made) return made
          throw error
        }))
    await saveGroup(role, String(group.id))
    return String(group.id)
  }

  const enter = async (role: string, userId: string): Promise<void> => {
    const id = known[role]
    if (id && (await setMember(client, id, userId, true, features.patch))) return
    // Gone since, or never known.
    if (!(await setMember(client, await find(role), userId, true, features.patch))) {
      throw new ScimFailure('temporary', `The group ${role} is there and is not there.`)
    }
  }

  const exit = async (role: string, userId: string): Promise<void> => {
    const id = known[role]
    if (id && !(await setMember(client, id, userId, false, features.patch))) {
      await saveGroup(role, null)
    }
  }

  return {
    async settle(userId, held, wanted) {
      if (!features.groups) return { roles: [], error: null }
      // A server may put whoever is new into Groups by itself.
      const left = (held ?? Object.keys(known)).filter((role) => !wanted.includes(role))
      const entered = wanted.filter((role) => !held?.includes(role))
      const roles = new Set(held)
      const errors: string[] = []
      const attempt = async (role: string, work: () => Promise<void>, isHeld: boolean) => {
        try {
          await work()
          if (isHeld) roles.add(role)
          else roles.delete(role)
        } catch (error) {
          if (!(error instanceof ScimFailure) || error.failure !== 'permanent') throw error
          errors.push(`Group ${role}: ${error.message}`)
        }
      }
      // What is taken comes first: it is what cannot wait.
      for (const role of left) {
        await attempt(role, () => exit(role, userId), false)
      }
      for (const role of entered) {
        await attempt(role, () => enter(role, userId), true)
      }
      return { roles: [...roles], error: errors.join(' ') || null }
    },
  }
}

/** Puts a User in, or takes them out. Returns false when the Group is not there. */
export async function setMember(
  client: ScimClient,
  groupId: string,
  userId: string,
  isIn: boolean,
  canPatch: boolean,
): Promise<boolean> {
  if (canPatch) {
    const operation = isIn
      ? { op: 'add', path: 'members', value: [{ value: userId }] }
      : { op: 'remove', path: `members[value eq ${JSON.stringify(userId)}]` }
    return client.patch('Groups', groupId, [operation])
  }
  return inTurn(groupId, async () => {
    const group = await client.get('Groups', groupId)
    if (!group) return false
    const { meta: _, members = [], ...kept } = group
    const others = (members as Json[]).filter(({ value }) => value !== userId)
    return client.replace('Groups', groupId, {
      ...kept,
      members: isIn ? [...others, { value: userId }] : others,
    })
  })
}

const turns = new Map<string, Promise<unknown>>()

/** What is read and written as a whole, by several at once: one after another. */
async function inTurn<Answer>(key: string, work: () => Promise<Answer>): Promise<Answer> {
  const turn = (turns.get(key) ?? Promise.resolve()).catch(() => {}).then(work)
  turns.set(key, turn)
  try {
    return await turn
  } finally {
    if (turns.get(key) === turn) turns.delete(key)
  }
}
