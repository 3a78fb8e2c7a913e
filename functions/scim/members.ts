/**
 * PATCH of who is in a Group: apart from the rest of it, because a Group has thousands of members and each change
 * names one.
 *
 * @module
 */
import { refuse } from './problem.ts'
import type { Json } from './schema.ts'

interface Operation {
  op?: unknown
  path?: unknown
  value?: unknown
}

const MEMBERS = /^(?:urn:ietf:params:scim:schemas:core:2\.0:Group:)?members$/i
const ONE_MEMBER =
  /^(?:urn:ietf:params:scim:schemas:core:2\.0:Group:)?members\[value eq "([^"]*)"\]$/i

/**
 * Applies what a PATCH says of members.
 *
 * @param now - ids
 * @returns the ids as they are to be, and the same body with all that is not about members; null: nothing is left
 * @throws 400 with invalidValue
 */
export function patchMembers(
  now: string[],
  body: object,
): { members: string[]; rest: object | null } {
  const { Operations } = body as { Operations?: unknown }
  if (!Array.isArray(Operations) || Operations.length === 0) return { members: now, rest: body }

  let members = new Set(now)
  const others: unknown[] = []
  for (const operation of Operations as Operation[]) {
    const { own, other } = split(operation)
    if (other) others.push(other)
    if (own) members = apply(members, own)
  }
  const rest = others.length > 0 ? { ...(body as Json), Operations: others } : null
  return { members: [...members], rest }
}

interface Change {
  op: string
  /** Null: all of them. */
  ids: string[] | null
}

/** What an operation says of members, and what of other things. */
function split(operation: Operation): { own: Change | null; other: unknown } {
  const { op, path, value } = operation ?? {}
  const word = typeof op === 'string' ? op.toLowerCase() : ''
  if (!['add', 'remove', 'replace'].includes(word)) return { own: null, other: operation }

  if (typeof path === 'string') {
    const one = path.trim().match(ONE_MEMBER)?.[1]
    if (one !== undefined && word === 'remove')
      return { own: { op: word, ids: [one] }, other: null }
    if (!MEMBERS.test(path.trim())) return { own: null, other: operation }
    const ids = value === undefined || value === null ? null : idsOf(value)
    if (word === 'add' && !ids) throw refuse(400, 'invalidValue', 'There is no value to be added.')
    return { own: { op: word, ids }, other: null }
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value) || word === 'remove') {
    return { own: null, other: operation }
  }
  const name = Object.keys(value).find((key) => MEMBERS.test(key))
  if (!name) return { own: null, other: operation }
  const { [name]: given, ...left } = value as Json
  const other = Object.keys(left).length > 0 ? { ...operation, value: left } : null
  return { own: { op: word, ids: given === null ? null : idsOf(given) }, other }
}

/** Of a member, only whom it names counts. */
function idsOf(value: unknown): string[] {
  return [value].flat().map((one) => {
    const id = typeof one === 'string' ? one : (one as Json | null)?.value
    if (typeof id !== 'string') {
      throw refuse(400, 'invalidValue', 'A member is an object with the id of a User as its value.')
    }
    return id
  })
}

/** In place: a request may have thousands of operations on thousands of members. */
function apply(members: Set<string>, { op, ids }: Change): Set<string> {
  if (op === 'replace' || (op === 'remove' && !ids)) return new Set(ids)
  for (const id of ids ?? []) {
    if (op === 'add') members.add(id)
    else members.delete(id)
  }
  return members
}
