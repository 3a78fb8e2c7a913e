/**
 * Reads tables under row level security, a page at a time, by keys instead of offsets: pages neither
 * overlap nor leave out when rows come and go.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { after } from '../../client/keyset.ts'
import { readCursor } from './cursor.ts'
import type { Answer, Input, TableSource } from './operation.ts'

/**
 * The query for a page, or for one row.
 *
 * @param columns - which to read
 * @param input.cursor - as `cursorAfter` made it, or another of its form
 */
export function selectPage(
  supabase: SupabaseClient,
  source: TableSource,
  answers: Answer,
  columns: string[],
  input: Input,
) {
  const { table, byId, equal, between, withBuiltIn, order } = source
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
    const values = readCursor(input.cursor, source, answers)
    // Also of one column: quoted, because the REST of the local stack takes false and 12 for what they look like.
    alternatives.push(after(order, values))
  }
  // In one filter: not every server of the API takes several.
  const [first, ...more] = alternatives
  if (more.length > 0)
    // It ends with what is never so, for the reason why `after` ends with the plain condition.
    query = query.or(`and(${alternatives.map((each) => `or(${each})`).join(',')}),id.is.null`)
  else if (first) query = query.or(first)
  for (const [column, direction] of order) {
    query = query.order(column, { ascending: direction === 'asc' })
  }
  return query.limit(typeof input.page_size === 'number' ? input.page_size : 1)
}
