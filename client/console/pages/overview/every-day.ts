/**
 * Days on which nothing happened are left out by the server; a chart needs them.
 *
 * @module
 */
import type { InviteMetricsDay } from '../../../index.ts'

const DAY = 86_400_000

/** @param length - how many days, up to today in UTC */
export function everyDay(days: InviteMetricsDay[], length: number): InviteMetricsDay[] {
  const known = new Map(days.map((day) => [day.day, day]))
  return Array.from({ length: length + 1 }, (_, at) => {
    const day = new Date(Date.now() - (length - at) * DAY).toISOString().slice(0, 10)
    return known.get(day) ?? { day, created: 0, accepted: 0, declined: 0, revoked: 0, expired: 0 }
  })
}
