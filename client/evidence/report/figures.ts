/**
 * The numbers that the report draws: rows, counted.
 *
 * @module
 */
import type { EvidenceRow } from '../source.ts'

/** How often each value occurs, most often first. */
export function countBy(rows: EvidenceRow[], key: string): [string, number][] {
  const counts = new Map<string, number>()
  for (const row of rows) {
    const value = String(row[key] ?? 'none')
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || a.localeCompare(b))
}

export interface Timeline {
  /** ISO 8601: days, the Mondays of weeks, or months. */
  steps: string[]
  unit: 'day' | 'week' | 'month'
  /** By name, a number for each step. */
  series: Record<string, number[]>
}

const DAY = 86_400_000

/**
 * Rows over the time of a period, in steps that stay readable.
 *
 * @param key - the column that names the series
 */
export function overTime(
  rows: EvidenceRow[],
  { since, until }: { since: string; until: string },
  at: string,
  key?: string,
): Timeline {
  const first = rows.reduce((least, row) => Math.min(least, Date.parse(String(row[at]))), Infinity)
  // A period may begin long before anything happened.
  const from = Math.max(Date.parse(since), Number.isFinite(first) ? first : Date.parse(since))
  const to = Date.parse(until) - 1
  const days = (to - from) / DAY
  const unit = days <= 62 ? 'day' : days <= 430 ? 'week' : 'month'
  const steps: string[] = []
  for (let time = from; time <= to + DAY; time += DAY) {
    const step = stepOf(Math.min(time, to), unit)
    if (steps.at(-1) !== step) steps.push(step)
  }
  const places = new Map(steps.map((step, place) => [step, place]))
  const series: Record<string, number[]> = {}
  for (const row of rows) {
    const name = key ? String(row[key]) : 'all'
    series[name] ??= steps.map(() => 0)
    const place = places.get(stepOf(Date.parse(String(row[at])), unit))
    if (place !== undefined) series[name][place] = (series[name][place] ?? 0) + 1
  }
  return { steps, unit, series }
}

function stepOf(time: number, unit: Timeline['unit']): string {
  const date = new Date(time)
  if (unit === 'month') return date.toISOString().slice(0, 7)
  if (unit === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7))
  return date.toISOString().slice(0, 10)
}
