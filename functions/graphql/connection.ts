/**
 * Pages: the cursors of Relay over the keysets of the database.
 *
 * @module
 */
import { badInput } from './errors.ts'

/** The most that one page may hold. */
export const MAX_PAGE = 100
export const DEFAULT_PAGE = 50

export interface PageArgs {
  first: number
  after?: string | null | undefined
}

/** Where a page starts: after the row with this time and id. */
export interface Position {
  /** Empty in a list that is sorted by the id alone. */
  at: string
  id: string
}

/** Throws `invalid_settings` when it is not 1 to 100. */
export function pageSize(first: number): number {
  if (first >= 1 && first <= MAX_PAGE) return first
  throw badInput('invalid_settings', 'A value is not allowed.', `first is 1 to ${MAX_PAGE}.`)
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function toCursor({ at, id }: Position): string {
  return btoa(`${at} ${id}`)
}

/**
 * Reads a cursor that `toCursor` has made. It becomes part of a filter, so that nothing else may pass.
 * Throws `invalid_settings`.
 *
 * @param isById - of a list that is sorted by the id alone
 */
export function fromCursor(after: string | null | undefined, isById = false): Position | null {
  if (!after) return null
  const [at = '', id = ''] = decode(after).split(' ')
  if ((isById ? at === '' : TIME.test(at)) && UUID.test(id)) return { at, id }
  throw badInput('invalid_settings', 'A value is not allowed.', 'after is the endCursor of a page.')
}

function decode(text: string): string {
  try {
    return atob(text)
  } catch {
    return ''
  }
}

/**
 * Makes rows into a connection.
 *
 * @param rows - one more than the page holds, when there are more
 */
export function toConnection<Row>(rows: Row[], first: number, position: (row: Row) => Position) {
  const edges = rows.slice(0, first).map((node) => ({ cursor: toCursor(position(node)), node }))
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: false,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  }
}
