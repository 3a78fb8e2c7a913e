/**
 * The Groups of an endpoint that stand for roles: found by what we call them or by their name, made where there is
 * none, and changed by one writer at a time.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Change, GroupLease } from './changes.ts'
import { type Features, type Json, type ScimClient, ScimFailure } from './client.ts'
import { setMember } from './members.ts'

const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
/** Milliseconds to wait for another worker. A lease lasts two minutes. */
const PATIENCE = 30_000
const PAUSE = 200

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

/** Does something with the Group of a role while nobody else does; what it sets as `remote_id` is kept. */
export type WithGroup = <Answer>(
  role: string,
  work: (group: GroupLease) => Promise<Answer>,
) => Promise<Answer>

/** @param lease - null: another worker has it */
export function createWithGroup(
  endpointId: string,
  lease: (role: string) => Promise<GroupLease | null>,
  release: (role: string, group: GroupLease) => Promise<void>,
): WithGroup {
  const take = async (role: string): Promise<GroupLease> => {
    const end = Date.now() + PATIENCE
    for (;;) {
      const group = await lease(role)
      if (group) return group
      if (Date.now() > end) {
        throw new ScimFailure('temporary', `Another worker is busy with the group ${role}.`)
      }
      await sleep(PAUSE * (0.5 + Math.random()))
    }
  }
  return (role, work) =>
    inTurn(`${endpointId} ${role}`, async () => {
      const group = await take(role)
      try {
        return await work(group)
      } finally {
        await release(role, group)
      }
    })
}

export function groupsOf(
  { groups: known, endpoint: { features } }: Pick<Change, 'groups' | 'endpoint'>,
  client: ScimClient,
  withGroup: WithGroup,
): Groups {
  const enter = (role: string, userId: string): Promise<void> =>
    withGroup(role, async (group) => {
      const { remote_id: id } = group
      if (id && (await setMember(client, id, userId, true, features.patch))) return
      // Gone since, or never known.
      group.remote_id = null
      group.remote_id = await findOrMake(client, role, group.external_id, features)
      if (!(await setMember(client, group.remote_id, userId, true, features.patch))) {
        throw new ScimFailure('temporary', `The group ${role} is there and is not there.`)
      }
    })

  const exit = (role: string, userId: string): Promise<void> =>
    withGroup(role, async (group) => {
      const { remote_id: id } = group
      if (id && !(await setMember(client, id, userId, false, features.patch))) {
        group.remote_id = null
      }
    })

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

/** Returns the id. Whoever calls it is the only one who does, for this role. */
async function findOrMake(
  client: ScimClient,
  role: string,
  externalId: string,
  features: Features,
): Promise<string> {
  const lookUp = async () => {
    const found = await client.find('Groups', 'displayName', role, features)
    // Ours; else one that is nobody's; else whichever has the name.
    return (
      found.find((group) => group.externalId === externalId) ??
      found.find((group) => !group.externalId) ??
      found[0]
    )
  }
  const make = () =>
    client.create('Groups', { schemas: [GROUP], externalId, displayName: role, members: [] })
  const group =
    (await lookUp()) ??
    (await make().catch(async (error: ScimFailure) => {
      // Made at this moment by somebody else, or by us, and the answer was lost.
      const made = error.status === 409 ? await lookUp() : null
      if (made) return made
      throw error
    }))
  return String((group as Json).id)
}

const turns = new Map<string, Promise<unknown>>()

/** Several of this worker: one after another, without asking the database over and over. */
async function inTurn<Answer>(key: string, work: () => Promise<Answer>): Promise<Answer> {
  const turn = (turns.get(key) ?? Promise.resolve()).catch(() => {}).then(work)
  turns.set(key, turn)
  try {
    return await turn
  } finally {
    if (turns.get(key) === turn) turns.delete(key)
  }
}
