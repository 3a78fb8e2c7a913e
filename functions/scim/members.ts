/**
 * PATCH of who is in a Group: apart from the rest of it, because a Group has thousands of members and each change
 * names one.
 *
 * What takes somebody out either does it, or is refused: whoever believes them out must be right.
 *
 * @module
 */
import { type Filter, isMatch, readEqualities } from './filter.ts'
import { refuse } from './problem.ts'
import type { Json } from './schema.ts'
import type { Step } from './steps.ts'
import { isNothing, isObject, partOf } from './values.ts'

/** Each that is no list of ids looks at all members. */
const MAX_SEARCHES = 100

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Whether this can be the id of anything here. */
export const isId = (text: string): boolean => UUID.test(text)

export interface Membership {
  /** Ids of Users; undefined: they stay as they are. */
  members?: string[]
  /** When nothing but this was asked for: whom to put in. One of them has to be a User. */
  added?: string[]
}

/**
 * Carries out what steps say of members.
 *
 * @param now - the members as they are
 * @param steps - those that are about members; all of them
 * @param isAll - whether the request has no others
 * @throws 400 with invalidValue, invalidFilter, noTarget, mutability or tooMany
 */
export function patchMembers(now: Json[], steps: Step[], isAll: boolean): Membership {
  if (steps.length === 0) return {}
  const searches = steps.filter(({ target: { filter } }) => filter && !idsOfFilter(filter))
  if (searches.length > MAX_SEARCHES) {
    throw refuse(400, 'tooMany', `More than ${MAX_SEARCHES} Operations search the members.`)
  }
  // In place: a request may have thousands of operations on thousands of members.
  const members = new Map(now.map((one) => [String(one.value), one]))
  const added: string[] = []
  for (const step of steps) apply(members, step, added)
  const isAdding = isAll && steps.every(({ op }) => op === 'add') && added.length > 0
  return { members: [...members.keys()].filter(isId), ...(isAdding && { added }) }
}

function apply(members: Map<string, Json>, { op, target, value }: Step, added: string[]): void {
  const { chain, filter, part } = target
  const name = part?.name ?? chain[1]?.name ?? 'value'
  if (name !== 'value') throw refuse(400, 'mutability', `${name} of a member cannot be changed.`)
  const put = (ids: string[]) => {
    for (const id of ids) {
      if (!members.has(id)) members.set(id, { value: id, type: 'User' })
      added.push(id)
    }
  }

  if (filter) {
    const chosen = choose(members, filter)
    if (op === 'add') throw refuse(400, 'invalidPath', 'Members are added by their ids.')
    if (chosen.length === 0) {
      throw refuse(400, 'noTarget', 'The path chooses none of the members.')
    }
    for (const id of chosen) members.delete(id)
    if (op === 'replace') put(idsOf(value))
    return
  }
  if (op === 'remove') {
    if (value === undefined || value === null) {
      members.clear()
      return
    }
    const ids = idsOf(value)
    // Whoever is not there need not be removed; what can be nobody's id was meant for somebody else.
    if (!ids.some(isId)) throw refuse(400, 'noTarget', 'The value names none of the members.')
    for (const id of ids) members.delete(id)
    return
  }
  if (op === 'replace') members.clear()
  put(idsOf(value))
}

/** Of an `or` of ids, as nearly all filters on members are, without a look at each of them. */
function idsOfFilter(filter: Filter): string[] | null {
  const equal = readEqualities(filter, 'or')
  return equal?.every(({ name }) => name === 'value')
    ? equal.map(({ value }) => String(value).toLowerCase())
    : null
}

function choose(members: Map<string, Json>, filter: Filter): string[] {
  const ids = idsOfFilter(filter)
  if (ids) return ids.filter((id) => members.has(id))
  return [...members].filter(([, one]) => isMatch(filter, one)).map(([id]) => id)
}

/** Of a member, only whom it names counts. */
function idsOf(value: unknown): string[] {
  const list = [value].flat().flatMap((one) => {
    const inner = isObject(one) ? partOf(one, 'members') : undefined
    return inner === undefined ? [one] : [inner].flat()
  })
  return list
    .filter((one) => !isNothing(one))
    .map((one) => {
      const id = isObject(one) ? idOf(one) : one
      if (typeof id !== 'string' && typeof id !== 'number') {
        throw refuse(
          400,
          'invalidValue',
          'A member is an object with the id of a User as its value.',
        )
      }
      const text = String(id).trim()
      return isId(text) ? text.toLowerCase() : text
    })
}

function idOf(member: Json): unknown {
  const value = partOf(member, 'value')
  if (!isNothing(value)) return value
  const reference = partOf(member, '$ref')
  return typeof reference === 'string' ? reference.split('/').at(-1) : undefined
}
