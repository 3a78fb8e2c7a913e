/**
 * The metrics of a period, as a whole and in parts.
 *
 * @module
 */
import { useQueries, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { InviteMetrics } from '../../../index.ts'
import { useUsherQueries } from '../../../react/index.ts'
import { useOrganisation } from '../../app/organisation.tsx'

/** Enough to see a direction; more would be noise where invitations are few. */
const PARTS = 6
const DAY = 86_400_000
const MINUTE = 60_000

export interface Part {
  /** The day on which it begins, such as `2026-01-31`. */
  from: string
  metrics: InviteMetrics
}

/** @param days - how far back the period goes */
export function usePeriodMetrics(days: number) {
  const { id } = useOrganisation()
  const queries = useUsherQueries()
  const spans = useMemo(() => {
    // To the minute, so that what has been asked for is found again.
    const until = Math.ceil(Date.now() / MINUTE) * MINUTE
    const at = (part: number) =>
      new Date(until - days * DAY + (part * days * DAY) / PARTS).toISOString()
    return Array.from({ length: PARTS }, (_, part) => ({ since: at(part), until: at(part + 1) }))
  }, [days])

  const total = useQuery(
    queries.invites.metrics(id, {
      since: spans[0]?.since ?? '',
      until: spans.at(-1)?.until ?? '',
    }),
  )
  const parts = useQueries({ queries: spans.map((span) => queries.invites.metrics(id, span)) })
  const ready = parts.flatMap(({ data }, at): Part[] =>
    data ? [{ from: (spans[at]?.since ?? '').slice(0, 10), metrics: data }] : [],
  )
  return {
    total: total.data,
    /** undefined until all of them are there. */
    parts: ready.length === PARTS ? ready : undefined,
    error: total.error,
    refetch: () => void total.refetch(),
  }
}
