/**
 * Lists: what is asked for, and the answer, a page at a time.
 *
 * Source: RFC 7644 sections 3.4.2 and 3.4.3
 *
 * @module
 */
import { type Filter, isMatch, parseFilter } from './filter.ts'
import { type Chain, isRead, readName, valuesAt } from './names.ts'
import { refuse } from './problem.ts'
import type { Json, Shape } from './schema.ts'
import { partOf, textOf } from './values.ts'

export const MAX_RESULTS = 1_000
const DEFAULT_RESULTS = 100
/** More than there can be. Whoever wants all of it asks for 2,147,483,647, or for more than that. */
const MAX_NUMBER = 1_000_000_000

export interface ListQuery {
  filter: Filter | null
  /** From 1. */
  startIndex: number
  count: number
  /** Such as name.familyName; null: the order in which they came. */
  sortBy: Chain | null
  isDescending: boolean
}

/** Reads the parameters of a GET, or the body of a POST to `/.search`. */
export function readListQuery(given: Json, shape: Shape): ListQuery {
  const filter = partOf(given, 'filter') ?? ''
  const sortBy = partOf(given, 'sortby')
  if (typeof filter !== 'string') throw refuse(400, 'invalidFilter', 'A filter is a text.')
  return {
    filter: filter.trim() ? parseFilter(shape, filter) : null,
    startIndex: Math.max(readNumber('startIndex', given) ?? 1, 1),
    count: Math.min(Math.max(readNumber('count', given) ?? DEFAULT_RESULTS, 0), MAX_RESULTS),
    sortBy: typeof sortBy === 'string' ? readSort(shape, sortBy) : null,
    isDescending: /^descending$/i.test(textOf(partOf(given, 'sortorder'))),
  }
}

/** What is not there sorts nothing. */
function readSort(shape: Shape, name: string): Chain | null {
  const chain = readName(shape, name)
  if (!isRead(chain) || chain.length === 0) return null
  const value = chain.at(-1)?.parts.get('value')
  return value ? [...chain, value] : chain
}

function readNumber(name: string, given: Json): number | null {
  const value = partOf(given, name.toLowerCase())
  if (value === undefined || value === null || value === '') return null
  if (!/^-?\d+$/.test(textOf(value))) throw refuse(400, 'invalidValue', `${name} is a number.`)
  return Math.min(Number(value), MAX_NUMBER)
}

/** Filters, sorts and cuts what the database could not. */
export function select(resources: Json[], query: ListQuery): { page: Json[]; total: number } {
  const { filter, sortBy, isDescending, startIndex, count } = query
  const found = filter ? resources.filter((one) => isMatch(filter, one)) : [...resources]
  if (sortBy) {
    found.sort((a, b) => inOrder(textAt(a, sortBy), textAt(b, sortBy)))
    if (isDescending) found.reverse()
  }
  return { page: found.slice(startIndex - 1, startIndex - 1 + count), total: found.length }
}

/** Whatever has no value is last of all: RFC 7644 section 3.4.2.3. */
const inOrder = (a: string, b: string) => (a && b ? a.localeCompare(b) : b.length - a.length)

/** Of several values, the primary one, or the first. */
function textAt(resource: Json, [attribute, ...rest]: Chain): string {
  if (!attribute) return ''
  const value = resource[attribute.name]
  const one = Array.isArray(value) ? (value.find(({ primary }) => primary) ?? value[0]) : value
  return String(valuesAt(one, rest)[0] ?? '').toLowerCase()
}

export function listResponse(page: object[], total: number, startIndex = 1): Json {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: total,
    startIndex,
    itemsPerPage: page.length,
    Resources: page,
  }
}
