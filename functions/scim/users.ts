/**
 * A User on the wire and in the database.
 *
 * @module
 */
import type { UserFacts, UserRow } from './directory.ts'
import { type Change, mainOf, patch, readBody } from './patch.ts'
import { refuse } from './problem.ts'
import { EnterpriseUser, type Json, metaOf, USER, User } from './schema.ts'

/** What the database has a column for; the rest is given back as it came. */
const OWN = ['externalId', 'userName', 'active']

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

/** What the directory has said, and nothing that an answer makes up beside it. */
const sentOf = (row: UserRow): Json => ({
  ...row.attributes,
  userName: row.userName,
  active: row.isActive,
  ...(row.externalId && { externalId: row.externalId }),
})

/**
 * @returns what the body says; a function, because what it leaves out stays: whether they are active
 * @throws 400 for a body that is no User
 */
export function readUser(body: object): (isActive: boolean) => UserFacts {
  const { resource } = readBody(USER, body)
  return (isActive) => toFacts(resource, isActive)
}

/** @param row - the User as it is */
export const patchUser = (row: UserRow, change: Change): UserFacts =>
  toFacts(patch(sentOf(row), change), row.isActive)

function toFacts(user: Json, isActive: boolean): UserFacts {
  const { userName, externalId, active = isActive, emails = [] } = user
  if (typeof userName !== 'string') {
    throw refuse(400, 'invalidValue', 'A User has a userName.')
  }
  // The one address that they go by.
  const address = mainOf((emails as Json[]).filter(({ value }) => value))?.value
  return {
    userName,
    externalId: typeof externalId === 'string' ? externalId : null,
    email: String(address ?? userName),
    isActive: active === true,
    attributes: Object.fromEntries(Object.entries(user).filter(([name]) => !OWN.includes(name))),
  }
}
