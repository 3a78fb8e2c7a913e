/**
 * Reading by keys instead of by numbers: what comes after a certain row, so that rows that come or go
 * meanwhile move no other. Lists are read so, too, however many rows the API lets through at once.
 *
 * @module
 */

/** Columns to sort by; all of them together are different in each row. */
export type Order = [column: string, direction: 'asc' | 'desc'][]

/** The most rows that are asked for at once. An API that lets fewer through (max_rows) would cut them. */
export const LARGEST = 500

/**
 * Functions that answer rows, of which there may be more than the API lets through at once: they are read in pages,
 * in this order.
 */
export const LONG_LISTS: Partial<Record<string, Order>> = {
  list_my_organisations: [
    ['name', 'asc'],
    ['id', 'asc'],
  ],
  list_my_organisation_invites: [
    ['created_at', 'desc'],
    ['id', 'desc'],
  ],
}

/** What comes after these values in an order, as `or` of supabase-js takes it: `a` is more, or equal and `b` is more. */
export function after(order: Order, values: string[]): string {
  const quoted = values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`)
  const conditions = order.map(([column, direction], i) => {
    const behind = `${column}.${direction === 'asc' ? 'gt' : 'lt'}.${quoted[i]}`
    const equal = order.slice(0, i).map(([before], j) => `${before}.eq.${quoted[j]}`)
    return equal.length > 0 ? `and(${[...equal, behind].join(',')})` : behind
  })
  // The plain one last: where a filter ends with a bracket, the REST of the local stack counts those in texts as well.
  return conditions.reverse().join(',')
}

/** A select of supabase-js, as far as pages need it. */
// biome-ignore lint/suspicious/noExplicitAny: supabase-js types a builder by the table and its columns
export type Select = any

/**
 * Sorts a select, and narrows it to a page of it.
 *
 * @param last - the row before the page, or its values by the columns of the order; without it, the first page
 */
export function pageAfter(
  select: Select,
  order: Order,
  last: Record<string, unknown> | undefined,
  size: number = LARGEST,
): Select {
  let page = select
  const [[column, direction] = ['id', 'asc']] = order
  // One column needs no `or`, which a select may have already, and some servers of the API take only once.
  if (last && order.length === 1) {
    page = page.filter(column, direction === 'asc' ? 'gt' : 'lt', last[column])
  } else if (last) {
    page = page.or(
      after(
        order,
        order.map(([each]) => String(last[each])),
      ),
    )
  }
  for (const [each, way] of order) page = page.order(each, { ascending: way === 'asc' })
  return page.limit(size)
}

/** All rows, a page after the other. @param load - the page after a row, as `pageAfter` narrows it */
export async function everyPage<Row>(
  load: (last: Row | undefined) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = []
  for (;;) {
    const page = await load(rows.at(-1))
    rows.push(...page)
    if (page.length < LARGEST) return rows
  }
}
