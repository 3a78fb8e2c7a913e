/**
 * A User on the wire and in the database.
 *
 * @module
 */
import type { UserFacts, UserRow } from './directory.ts'
import { patch, toBoolean } from './patch.ts'
import { EnterpriseUser, type Json, metaOf, toJson, User, withoutNulls } from './schema.ts'

/** What the database has a column for; the rest is given back as it came. */
const OWN = ['schemas', 'id', 'externalId', 'userName', 'active', 'meta']

/** @param base - where this server is found, for `meta.location` */
export function fromUserRow(row: UserRow, base: string): Json {
  const { displayName = row.displayName, emails, ...others } = row.attributes
  return {
    schemas: [User.id, ...(EnterpriseUser.id in others ? [EnterpriseUser.id] : [])],
    id: row.id,
    ...(row.externalId && { externalId: row.externalId }),
    meta: metaOf(row, 'User', base),
    userName: row.userName,
    ...(displayName ? { displayName } : {}),
    active: row.isActive,
    emails: emails ?? [{ value: row.email, type: 'work', primary: true }],
    ...others,
  }
}

/**
 * @param isActive - what holds where the body does not say
 * @throws 400 for a body that is no User
 */
export function readUser(body: object, isActive = true): UserFacts {
  const { active = isActive, ...others } = withoutNulls(body) as Json
  return toFacts(new User({ ...others, active: toBoolean(active) } as never, 'in'))
}

/** @param now - the User as it is */
export async function patchUser(now: Json, body: object): Promise<UserFacts> {
  return toFacts(await patch(new User(now as never, 'out'), body))
}

function toFacts(user: InstanceType<typeof User>): UserFacts {
  const json = withoutNulls(toJson(user)) as Json
  const { userName, externalId } = json as Partial<Record<string, string>>
  return {
    userName: userName ?? '',
    externalId: externalId ?? null,
    email: addressOf(json) ?? userName ?? '',
    // Whoever takes the attribute away says nothing against them.
    isActive: json.active !== false,
    attributes: Object.fromEntries(Object.entries(json).filter(([name]) => !OWN.includes(name))),
  }
}

/** The one address that they go by: the primary one, that of work, or the first. */
function addressOf({ emails }: Json): string | null {
  const all = ((emails ?? []) as { value?: string; type?: string; primary?: boolean }[]).filter(
    ({ value }) => value,
  )
  const chosen =
    all.find(({ primary }) => primary) ??
    all.find(({ type }) => /^work$/i.test(type ?? '')) ??
    all[0]
  return chosen?.value ?? null
}
