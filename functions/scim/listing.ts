/**
 * Lists: what is asked for, and the answer, a page at a time.
 *
 * Source: RFC 7644 sections 3.4.2 and 3.4.3
 *
 * @module
 */
import { matching, parseFilter } from './filter.ts'
import { refuse } from './problem.ts'
import type { Filter, Json } from './schema.ts'

export const MAX_RESULTS = 1_000
const DEFAULT_RESULTS = 100

export interface ListQuery {
  filter: InstanceType<typeof Filter> | null
  /** From 1. */
  startIndex: number
  count: number
  /** Such as name.familyName; null: the order in which they came. */
  sortBy: string | null
  isDescending: boolean
}

/** Reads the parameters of a GET, or the body of a POST to `/.search`. */
export function readListQuery(given: Json): ListQuery {
  const { filter, sortBy, sortOrder } = given as Record<string, string | undefined>
  if (filter !== undefined && typeof filter !== 'string') {
    throw refuse(400, 'invalidFilter', 'A filter is a text.')
  }
  return {
    filter: filter?.trim() ? parseFilter(filter) : null,
    startIndex: Math.max(readNumber('startIndex', given.startIndex) ?? 1, 1),
    count: Math.min(Math.max(readNumber('count', given.count) ?? DEFAULT_RESULTS, 0), MAX_RESULTS),
    // No attribute has a longer name; it is looked up in every resource.
    sortBy: typeof sortBy === 'string' && sortBy && sortBy.length <= 200 ? sortBy : null,
    isDescending: sortOrder === 'descending',
  }
}

function readNumber(name: string, value: unknown): number | null {
  if (value === undefined || value === '') return null
  if (!/^-?\d{1,9}$/.test(String(value))) throw refuse(400, 'invalidValue', `${name} is a number.`)
  return Number(value)
}

/** Filters, sorts and cuts what the database could not. */
export function select(resources: Json[], query: ListQuery): { page: Json[]; total: number } {
  const { filter, sortBy, isDescending, startIndex, count } = query
  const found = filter ? matching(filter, resources) : [...resources]
  if (sortBy) {
    const value = (resource: Json) => textAt(resource, sortBy)
    found.sort((a, b) => value(a).localeCompare(value(b)))
    if (isDescending) found.reverse()
  }
  return { page: found.slice(startIndex - 1, startIndex - 1 + count), total: found.length }
}

/** Of several values, the primary one, or the first. */
function textAt(resource: Json, path: string): string {
  let value: unknown = resource
  for (const name of path.split('.')) {
    if (Array.isArray(value)) value = value.find(({ primary }) => primary) ?? value[0]
    const parts = Object.entries((value ?? {}) as object)
    value = parts.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  }
  return value === undefined || value === null ? '' : String(value).toLowerCase()
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
