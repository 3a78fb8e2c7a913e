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
export interface AnswerQuery<T> extends ReturnType<typeof optionsOf<T>> {}
/** Options of an infinite query: pages in the cache, one list of rows for who reads it. */
export interface PagesQuery<T> extends ReturnType<typeof infiniteOptionsOf<T>> {}

export function answerQuery<T>(
  usher: Usher,
  queryKey: QueryKey,
  ask: (usher: ThrowingUsher) => Promise<{ data: T }>,
): AnswerQuery<T> {
  return optionsOf(queryKey, async (signal) => {
    const { data } = await ask(usher.throwOnError().abortSignal(signal))
    return data
  })
}

export function pagesQuery<T>(
  usher: Usher,
  queryKey: QueryKey,
  ask: (usher: ThrowingUsher, page: { cursor: string | null }) => Promise<CachedPage<T>>,
): PagesQuery<T> {
  return infiniteOptionsOf(queryKey, async (signal, cursor) => {
    const to = usher.throwOnError().abortSignal(signal)
    const { data, nextCursor } = await ask(to, { cursor })
    return { data, nextCursor }
  })
}

function optionsOf<T>(queryKey: QueryKey, ask: (signal: AbortSignal) => Promise<T>) {
  return queryOptions<T, UsherError>({ queryKey, queryFn: ({ signal }) => ask(signal), retry })
}

function infiniteOptionsOf<T>(
  queryKey: QueryKey,
  ask: (signal: AbortSignal, cursor: string | null) => Promise<CachedPage<T>>,
) {
  return infiniteQueryOptions<CachedPage<T>, UsherError, T[], QueryKey, string | null>({
    queryKey,
    queryFn: ({ signal, pageParam }) => ask(signal, pageParam),
    initialPageParam: null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    select: ({ pages }) => pages.flatMap(({ data }) => data),
    retry,
  })
}
