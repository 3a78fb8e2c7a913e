/**
 * A User on the wire and in the database.
 *
 * @module
 */
import type { UserFacts, UserRow } from './directory.ts'
import { mainOf, patch } from './patch.ts'
import { refuse } from './problem.ts'
import { EnterpriseUser, type Json, metaOf, USER, User } from './schema.ts'
import { type Change, isTurningOff, readWhole } from './steps.ts'

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
 * Reads the body of a POST or PUT.
 *
 * @returns what it makes of the User as they are; null: of nobody yet
 * @throws 400 for a body that is no User
 */
export function readUser(body: object): (row: UserRow | null) => UserFacts {
  const change = readWhole(USER, body)
  if (change.refusal && !change.steps.some(isTurningOff)) throw change.refusal
  return (row) => {
    const user = patch({}, row ? change : { ...change, mayTurnOff: false })
    // Whoever is turned off is out, also where the body does not say who they are.
    const name = row && user.active === false ? { userName: row.userName } : {}
    return toFacts({ ...name, ...user }, row?.isActive ?? true)
  }
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
