/**
 * Who is in a Group of an endpoint. What is taken is looked at afterwards: an answer of 200 to a removal that did not
 * happen is among what SCIM servers are known for.
 *
 * Source: https://github.com/goauthentik/authentik/issues/25686
 *
 * @module
 */
import { type Json, type ScimClient, ScimFailure } from './client.ts'

/**
 * Puts a User in, or takes them out. Nobody else writes to the Group meanwhile.
 *
 * @returns false when the Group is not there. Throws a `ScimFailure` when they are not out of it
 */
export async function setMember(
  client: ScimClient,
  groupId: string,
  userId: string,
  isIn: boolean,
  canPatch: boolean,
): Promise<boolean> {
  if (!canPatch) {
    return replaceMembers(client, groupId, (members) => {
      const others = members.filter((one) => idOf(one) !== userId)
      return isIn ? [...others, { value: userId }] : others
    })
  }
  if (isIn) {
    const operation = { op: 'add', path: 'members', value: [{ value: userId }] }
    return (await client.patch('Groups', groupId, [operation])) !== null
  }
  return takeOut(
    client,
    groupId,
    [userId],
    [
      { op: 'remove', path: `members[value eq ${JSON.stringify(userId)}]` },
      // As Entra ID writes it, and some servers know alone.
      { op: 'remove', path: 'members', value: [{ value: userId }] },
    ],
  )
}

/** Takes everyone out of a Group that is double, and deletes it. */
export async function dissolve(
  client: ScimClient,
  groupId: string,
  canPatch: boolean,
): Promise<void> {
  const isThere = canPatch
    ? await takeOut(client, groupId, null, [
        { op: 'remove', path: 'members' },
        { op: 'replace', path: 'members', value: [] },
      ])
    : await replaceMembers(client, groupId, () => [])
  if (!isThere) return
  await client.delete('Groups', groupId).catch((error: ScimFailure) => {
    // Empty is what counts: some let nobody delete a Group.
    if (error.failure !== 'permanent') throw error
  })
}

/** @param ids - who is to be out; null: everyone */
async function takeOut(
  client: ScimClient,
  groupId: string,
  ids: string[] | null,
  ways: object[],
): Promise<boolean> {
  let refusal: unknown = null
  for (const operation of ways) {
    const answer = await client
      .patch('Groups', groupId, [operation])
      // It may know another way; and whoever is out already is refused by some.
      .catch((error: ScimFailure) => {
        if (error.failure !== 'permanent') throw error
        refusal ??= error
        return {} as Json
      })
    const group =
      answer && !Array.isArray(answer.members) ? await client.get('Groups', groupId) : answer
    if (!group) return false
    if (!holdsAnyOf(group, ids)) return true
  }
  throw (
    refusal ??
    new ScimFailure('permanent', 'Somebody is in it still, after the answer that they are out.')
  )
}

async function replaceMembers(
  client: ScimClient,
  groupId: string,
  change: (members: Json[]) => Json[],
): Promise<boolean> {
  const group = await client.get('Groups', groupId)
  if (!group) return false
  const { meta: _, members = [], ...kept } = group
  const now = listOf(members)
  const wanted = change(now)
  const answer = await client.replace('Groups', groupId, { ...kept, members: wanted })
  if (!answer) return false
  const left = new Set(wanted.map(idOf))
  const gone = now.map(idOf).filter((id) => !left.has(id))
  if (gone.length === 0) return true
  const after = Array.isArray(answer.members) ? answer : await client.get('Groups', groupId)
  if (after && holdsAnyOf(after, gone)) {
    throw new ScimFailure(
      'permanent',
      'Somebody is in it still, after the answer that they are out.',
    )
  }
  return true
}

function holdsAnyOf({ members }: Json, ids: string[] | null): boolean {
  const held = listOf(members)
  return ids ? held.some((one) => ids.includes(idOf(one))) : held.length > 0
}

const listOf = (members: unknown) => (Array.isArray(members) ? members : []) as Json[]

/** Whom a member is: by its value, or by the address of the User; some servers write the bare id. */
export function idOf(member: unknown): string {
  if (member === null || typeof member !== 'object') return String(member)
  const { value, $ref } = member as Json
  return String(
    value ??
      String($ref ?? '')
        .split('/')
        .at(-1),
  )
}
