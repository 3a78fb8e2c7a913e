/**
 * Reads tables under row level security, a page at a time, by keys instead of offsets: pages neither
 * overlap nor leave out when rows come and go.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { after } from '../../client/keyset.ts'
import type { Input, TableSource } from './operation.ts'
import { Problem } from './problem.ts'

type Row = Record<string, unknown>

/**
 * The query for a page, or for one row.
 *
 * @param columns - which to read
 * @param input.cursor - as `cursorAfter` made it
 */
export function selectPage(
  supabase: SupabaseClient,
  { table, byId, equal, between, withBuiltIn, order }: TableSource,
  columns: string[],
  input: Input,
) {
  let query = supabase.from(table).select(columns.join(','))
  const alternatives: string[] = []
  if (byId) query = query.eq('id', input[byId])
  for (const column of equal) {
    const wanted = input[column]
    if (wanted === undefined) continue
    if (withBuiltIn && column === 'organisation_id') {
      alternatives.push(`${column}.is.null,${column}.eq.${wanted}`)
    } else {
      query = query.eq(column, wanted)
    }
  }
  if (between && input.since !== undefined) query = query.gte(between, input.since)
  if (between && input.until !== undefined) query = query.lt(between, input.until)
  if (typeof input.cursor === 'string') {
    const values = readCursor(input.cursor, order.length)
    const [[column, direction] = ['id', 'asc']] = order
    if (order.length > 1) alternatives.push(after(order, values))
    else query = query.filter(column, direction === 'asc' ? 'gt' : 'lt', values[0])
  }
  // In one filter: not every server of the API takes several.
  const [first, ...more] = alternatives
  if (more.length > 0)
    query = query.or(`and(${alternatives.map((each) => `or(${each})`).join(',')})`)
  else if (first) query = query.or(first)
  for (const [column, direction] of order) {
    query = query.order(column, { ascending: direction === 'asc' })
  }
  return query.limit(typeof input.page_size === 'number' ? input.page_size : 1)
}

/** Where the next page begins: behind this row. Opaque to the caller, and safe in an address. */
export function cursorAfter(row: Row, order: TableSource['order']): string {
  const bytes = new TextEncoder().encode(JSON.stringify(order.map(([column]) => row[column])))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

function readCursor(cursor: string, length: number): string[] {
  const values = parseCursor(cursor)
  const isFitting = (value: unknown) => typeof value === 'string' && !value.includes('\0')
  if (Array.isArray(values) && values.length === length && values.every(isFitting)) return values
  throw new Problem('invalid_request', {
    errors: [{ pointer: 'query/cursor', detail: 'Give next_cursor of the page before.' }],
  })
}

function parseCursor(cursor: string): unknown {
  try {
    const binary = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return null
  }
}
