/**
 * Makes one User at an endpoint be what the member is, whatever they were: each step may be done twice.
 *
 * @module
 */
import type { Change, Outcome } from './changes.ts'
import { type Json, type ScimClient, ScimFailure } from './client.ts'
import { type Groups, groupsOf, type WithGroup } from './groups.ts'

type Member = NonNullable<Change['user']>

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'

/**
 * @param withGroup - keeps others from the Group of a role meanwhile
 * @returns how they are there now. Throws a `ScimFailure` when they are not what they should be
 */
export async function push(
  change: Change,
  client: ScimClient,
  withGroup: WithGroup,
): Promise<Outcome> {
  const groups = groupsOf(change, client, withGroup)
  if (!change.user) return leave(change, client, groups)

  const remoteId = await bring(change.user, change, client)
  const held = remoteId === change.remote_id ? change.remote_roles : null
  const { roles, error } = await groups.settle(remoteId, held, change.user.roles)
  return { remoteId, roles, error }
}

/** Turns off whoever is no member, first of all, and takes them out of the Groups. */
async function leave(change: Change, client: ScimClient, groups: Groups): Promise<Outcome> {
  const { remote_id: remoteId, remote_roles: held, endpoint } = change
  if (!remoteId) return { remoteId: null, roles: [], error: null }

  const answer = endpoint.features.patch
    ? await client.patch('Users', remoteId, [{ op: 'replace', path: 'active', value: false }])
    : await replaceBy(client, remoteId, { active: false })
  if (!answer) return { remoteId: null, roles: [], error: null }
  const { roles, error } = await groups.settle(remoteId, held, [])
  // What was answered is looked at: whoever is taken for out has to be out.
  const now = 'active' in answer ? answer : await client.get('Users', remoteId)
  const isStillIn = /^true$/i.test(String(now?.active))
  const still = isStillIn ? 'They are active still, after the answer that they are not.' : null
  return { remoteId, roles, error: [still, error].filter(Boolean).join(' ') || null }
}

/** Brings a member there, or up to date. Returns the id there. */
async function bring(member: Member, change: Change, client: ScimClient): Promise<string> {
  const { features } = change.endpoint
  const facts = factsOf(member)
  const update = async (id: string): Promise<boolean> =>
    (features.patch
      ? await client.patch('Users', id, [{ op: 'replace', value: facts }])
      : await replaceBy(client, id, facts)) !== null

  if (change.remote_id && (await update(change.remote_id))) return change.remote_id

  const find = async () => {
    const [found] = await client.find('Users', 'userName', member.email, features)
    return found && (await update(String(found.id))) ? String(found.id) : null
  }
  const known = await find()
  if (known) return known
  try {
    return String((await client.create('Users', { schemas: [USER], ...facts })).id)
  } catch (error) {
    // Somebody has made them at this moment; or it was us, and the answer was lost.
    const isThere = error instanceof ScimFailure && error.status === 409
    const id = isThere ? await find() : null
    if (id) return id
    throw error
  }
}

const factsOf = ({ user_id, email, display_name }: Member): Json => ({
  externalId: user_id,
  userName: email,
  displayName: display_name,
  name: nameOf(display_name),
  emails: [{ value: email, type: 'work', primary: true }],
  active: true,
})

/** Some servers, such as Zitadel, want both names, and nobody has told us which is which. */
function nameOf(displayName: string): Json {
  const words = displayName.split(/\s+/)
  const familyName = words.pop()
  return { formatted: displayName, familyName, givenName: words.join(' ') || familyName }
}

/** For servers without PATCH: what the server says beside our facts stays. */
async function replaceBy(client: ScimClient, id: string, facts: Json): Promise<Json | null> {
  const now = await client.get('Users', id)
  if (!now) return null
  const { meta: _, groups: __, ...kept } = now
  return client.replace('Users', id, { ...kept, ...facts })
}
