/**
 * Makes one User at an endpoint be what the member is, whatever they were: each step may be done twice.
 *
 * @module
 */
import type { Change, Outcome } from './changes.ts'
import { type Features, type Json, type ScimClient, ScimFailure } from './client.ts'
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

  const { user, remote_id: known, remote_roles: knownRoles } = change
  try {
    const remoteId = await bring(user, change, client)
    const held = remoteId === known ? knownRoles : null
    const { roles, error } = await groups.settle(remoteId, held, user.roles)
    return { remoteId, roles, error }
  } catch (error) {
    if (!known || !isRefusal(error)) throw error
    // A role that was taken does not wait until a name is one that the other side takes.
    const left = knownRoles.filter((role) => user.roles.includes(role))
    const { roles, error: more } = await groups.settle(known, knownRoles, left)
    return { remoteId: known, roles, error: [error.message, more].filter(Boolean).join(' ') }
  }
}

const isRefusal = (error: unknown): error is ScimFailure =>
  error instanceof ScimFailure && error.failure === 'permanent'

/** Turns off whoever is no member, first of all, and takes them out of the Groups. */
async function leave(change: Change, client: ScimClient, groups: Groups): Promise<Outcome> {
  const { remote_id: known, remote_roles: held, endpoint, former } = change
  const remoteId = known ?? (former && (await findLost(former, client, endpoint.features)))
  if (!remoteId) return { remoteId: null, roles: [], error: null }

  const { isThere, error: still } = await turnOff(remoteId, client, endpoint.features.patch)
  if (!isThere) return { remoteId: null, roles: [], error: null }
  const { roles, error } = await groups.settle(remoteId, known ? held : null, [])
  return { remoteId, roles, error: [still, error].filter(Boolean).join(' ') || null }
}

/** Who was made there, though the answer was lost: only whoever carries the externalId that we gave. */
async function findLost(
  { user_id }: NonNullable<Change['former']>,
  client: ScimClient,
  features: Features,
): Promise<string | null> {
  const [found] = await findByExternalId(user_id, client, features)
  return found ? String(found.id) : null
}

const findByExternalId = (userId: string, client: ScimClient, features: Features) =>
  client.find('Users', 'externalId', userId, features).catch((error) => {
    // Not all servers look for it.
    if (!isRefusal(error)) throw error
    return [] as Json[]
  })

/** What is answered is looked at: whoever is taken for out has to be out. */
async function turnOff(
  id: string,
  client: ScimClient,
  canPatch: boolean,
): Promise<{ isThere: boolean; error: string | null }> {
  const operations = [
    { op: 'replace', path: 'active', value: false },
    // As Okta writes it, and some servers know alone.
    { op: 'replace', value: { active: false } },
  ]
  const ways = canPatch
    ? operations.map((one) => () => client.patch('Users', id, [one]))
    : [() => replaceBy(client, id, { active: false })]
  let refusal: string | null = null
  for (const way of ways) {
    const answer = await way().catch((error) => {
      if (!isRefusal(error)) throw error
      refusal ??= error.message
      return {} as Json
    })
    const now = answer && answer.active !== false ? await client.get('Users', id) : answer
    if (!now) return { isThere: false, error: null }
    const isOut = now.active === undefined ? !refusal : !/^true$/i.test(String(now.active))
    if (isOut) return { isThere: true, error: null }
  }
  const still = 'They are active still, after the answer that they are not.'
  return { isThere: true, error: refusal ?? still }
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
    const named = await client.find('Users', 'userName', member.email, features)
    const ours = named.find(({ externalId }) => externalId === member.user_id) ?? named[0]
    // Made under an address of before, and the answer was lost.
    const [found] = ours ? [ours] : await findByExternalId(member.user_id, client, features)
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
