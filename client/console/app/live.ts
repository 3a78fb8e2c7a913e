/**
 * How often what others change is asked for again while somebody looks.
 *
 * @module
 */

/** Milliseconds between two looks at a list. */
export const LIVE = 4_000

/** Options of a query for what others change. */
export const live = { refetchInterval: LIVE } as const
