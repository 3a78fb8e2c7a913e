/**
 * Pages of tables, and tables as a whole.
 *
 * @module
 */
import { type Connection, present, receive } from './call.ts'
import { isUsherError } from './errors.ts'
import { everyPage, LARGEST, LONG_LISTS, type Order, pageAfter, type Select } from './keyset.ts'
import type { PageResult, Result } from './result.ts'

export type { Select }

export interface PageOptions {
  /** The `nextCursor` of the page before; without it, the first page. */
  cursor?: string | null | undefined
  /** 1 to 500, default 50. */
  pageSize?: number | undefined
}

/** What `iterate` takes: where `list` takes a page, it goes through all of them. */
export type IterateOptions<Options extends PageOptions> = Omit<Options, 'cursor'> & {
  /** Ends the iteration, by throwing; a request under way is given up. */
  signal?: AbortSignal | undefined
}

/**
 * A page of a table, newest first.
 *
 * @param key - the column it is sorted by; equal ones are sorted by `tie`
 * @param narrow - adds the filters
 */
export async function pageOf<T>(
  connection: Connection,
  table: string,
  key: string,
  { cursor, pageSize = 50 }: PageOptions,
  narrow: (select: Select) => Select,
  tie = 'id',
): Promise<PageResult<T>> {
  const size = Math.min(pageSize, LARGEST)
  const order: Order = [
    [key, 'desc'],
    [tie, 'desc'],
  ]
  const [at, id] = cursor?.split('~') ?? []
  const select = narrow(connection.supabase.from(table).select('*'))
  const { data, error } = await receive(
    connection,
    pageAfter(select, order, cursor ? { [key]: at, [tie]: id } : undefined, size),
  )
  if (error) return { data: null, error, nextCursor: null }
  // Made of the row as it was sent: a Date has no microseconds.
  const last = (data as Record<string, unknown>[])[size - 1]
  return {
    data: present(data, connection) as T[],
    error: null,
    nextCursor: last ? `${last[key]}~${last[tie]}` : null,
  }
}

/**
 * All rows of a table that a filter leaves, sorted; however many there are, and the API lets through at once.
 *
 * @param narrow - adds the filters
 */
export function allOf<T>(
  connection: Connection,
  table: string,
  order: Order,
  narrow: (select: Select) => Select,
): Promise<Result<T[]>> {
  return whole(connection, order, () => narrow(connection.supabase.from(table).select('*')))
}

/** All rows of a function without arguments, one of `LONG_LISTS`. */
export function longList<T>(
  connection: Connection,
  name: 'list_my_organisations' | 'list_my_organisation_invites',
): Promise<Result<T[]>> {
  return whole(connection, LONG_LISTS[name] ?? [], () => connection.supabase.rpc(name))
}

async function whole<T>(
  connection: Connection,
  order: Order,
  select: () => Select,
): Promise<Result<T[]>> {
  try {
    const rows = await everyPage<Record<string, unknown>>(async (last) => {
      const page = pageAfter(select(), order, last)
      return (await receive({ ...connection, throws: true }, page)).data as never
    })
    return { data: present(rows, connection) as T[], error: null }
  } catch (error) {
    if (connection.throws || !isUsherError(error)) throw error
    return { data: null, error }
  }
}

/**
 * Goes through all pages of a list, one row at a time; a page is fetched when it is needed.
 *
 * @throws `UsherError`, or what the signal was aborted with
 */
export async function* eachOf<T, Options extends PageOptions>(
  connection: Connection,
  options: IterateOptions<Options>,
  list: (connection: Connection, options: Options) => Promise<PageResult<T>>,
): AsyncGenerator<T, void, undefined> {
  const { signal = connection.signal, ...filters } = options
  let cursor: string | null | undefined
  do {
    signal?.throwIfAborted()
    const page = await list({ ...connection, signal, throws: true }, {
      ...filters,
      cursor,
    } as Options).catch((error) => {
      signal?.throwIfAborted()
      throw error
    })
    for (const row of page.data ?? []) {
      yield row
      signal?.throwIfAborted()
    }
    cursor = page.nextCursor
  } while (cursor)
}
