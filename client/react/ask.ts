/**
 * How a query asks: by throwing, with the query's own signal, and never again after a refusal.
 *
 * @module
 */
import { infiniteQueryOptions, type QueryKey, queryOptions } from '@tanstack/react-query'
import type { Usher, UsherError } from '../index.ts'

/** The client as queries and mutations call it. */
export type ThrowingUsher = Usher<false, true>

/** A page as it is cached: what JSON can hold, so that a server can render it. */
export interface CachedPage<T> {
  data: T[]
  nextCursor: string | null
}

const MOST_TRIES = 3

/** A refusal stays one; a network or a server may come back. */
export function retry(failures: number, error: UsherError): boolean {
  return failures < MOST_TRIES && !(error.status >= 400 && error.status < 500)
}

/** Options of a query for one answer. */
export function answerQuery<T>(
  usher: Usher,
  queryKey: QueryKey,
  ask: (usher: ThrowingUsher) => Promise<{ data: T }>,
) {
  return queryOptions<T, UsherError>({
    queryKey,
    queryFn: async ({ signal }) => (await ask(usher.throwOnError().abortSignal(signal))).data,
    retry,
  })
}

/** Options of an infinite query: pages in the cache, one list of rows for who reads it. */
export function pagesQuery<T>(
  usher: Usher,
  queryKey: QueryKey,
  ask: (
    usher: ThrowingUsher,
    page: { cursor: string | undefined },
  ) => Promise<{ data: T[]; nextCursor: string | null }>,
) {
  return infiniteQueryOptions<CachedPage<T>, UsherError, T[], QueryKey, string | null>({
    queryKey,
    queryFn: async ({ signal, pageParam }) => {
      const to = usher.throwOnError().abortSignal(signal)
      const { data, nextCursor } = await ask(to, { cursor: pageParam ?? undefined })
      return { data, nextCursor }
    },
    initialPageParam: null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    select: ({ pages }) => pages.flatMap(({ data }) => data),
    retry,
  })
}
