/**
 * Pages, by key and not by number: a row that comes or goes meanwhile moves no other.
 *
 * @module
 */
import { type Connection, present, receive } from './call.ts'
import type { PageResult } from './result.ts'

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

const LARGEST = 500

/** A select of supabase-js, as far as pages need it. */
// biome-ignore lint/suspicious/noExplicitAny: supabase-js types a builder by the table and its columns
export type Select = any

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
  let select: Select = narrow(connection.supabase.from(table).select('*'))
  if (cursor) {
    const [at, id] = cursor.split('~')
    select = select.or(`${key}.lt."${at}",and(${key}.eq."${at}",${tie}.lt."${id}")`)
  }
  select = select.order(key, { ascending: false }).order(tie, { ascending: false }).limit(size)
  const { data, error } = await receive(connection, select)
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
