/**
 * A User on the wire and in the database.
 *
 * @module
 */
import type { UserFacts, UserRow } from './directory.ts'
import { toBoolean } from './patch.ts'
import { refuse } from './problem.ts'
import { type Json, toJson, User, withoutNulls } from './schema.ts'

type UserResource = InstanceType<typeof User>

/** What the database has a column for; the rest is given back as it came. */
const OWN = ['schemas', 'id', 'externalId', 'userName', 'active', 'meta']

/** @param base - where this server is found, for `meta.location` */
export function fromUserRow(row: UserRow, base: string): UserResource {
  const { displayName, emails, ...others } = row.attributes
  const shown = displayName ?? row.displayName
  const source = {
    ...others,
    id: row.id,
    ...(row.externalId && { externalId: row.externalId }),
    userName: row.userName,
    ...(shown ? { displayName: shown } : {}),
    emails: emails ?? [{ value: row.email, type: 'work', primary: true }],
    active: row.isActive,
    meta: { created: row.createdAt, lastModified: row.updatedAt },
  }
  return new User(source as never, 'out', `${base}/Users`)
}

/** @throws 400 for a body that is no User */
export function readUser(body: unknown): UserResource {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw refuse(400, 'invalidSyntax', 'The body is a User, as an object.')
  }
  const { active, ...others } = withoutNulls(body) as Json
  return new User(
    { ...others, ...(active != null && { active: toBoolean(active) }) } as never,
    'in',
  )
}

/** @param isActive - what holds where the resource does not say */
export function toUserFacts(user: UserResource, isActive = true): UserFacts {
  const json = toJson(user)
  const { userName, externalId, active } = json as Partial<Record<string, string>> & Json
  return {
    userName: userName ?? '',
    externalId: externalId ?? null,
    email: addressOf(json) ?? userName ?? '',
    isActive: typeof active === 'boolean' ? active : isActive,
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
