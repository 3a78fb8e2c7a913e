/**
 * Rows as files: JSON, CSV, and a line of JSON each.
 *
 * @module
 */
import { stringify } from 'csv-stringify/browser/esm/sync'
import type { EvidenceEvent, EvidenceRow, Seal } from './source.ts'

/** An array, a row a line, each with these columns in this order. */
export function toJson(rows: EvidenceRow[], columns: readonly string[]): string {
  const lines = rows.map((row) =>
    JSON.stringify(Object.fromEntries(columns.map((column) => [column, row[column] ?? null]))),
  )
  return lines.length === 0 ? '[]\n' : `[\n${lines.join(',\n')}\n]\n`
}

/**
 * With a line of names. Several values in a cell are parted by spaces, objects are JSON, and a cell that a
 * spreadsheet would run as a formula is made into text.
 */
export function toCsv(rows: EvidenceRow[], columns: readonly string[]): string {
  return stringify(
    [[...columns], ...rows.map((row) => columns.map((column) => cellOf(row[column])))],
    {
      escape_formulas: true,
    },
  )
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value) && value.every((each) => typeof each === 'string'))
    return value.join(' ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

export const SEAL_COLUMNS = [
  'number',
  'events',
  'sealed_at',
  'first_event_at',
  'last_event_at',
  'purged_at',
  'hash',
] as const satisfies (keyof Seal)[]

const PROOF_KEYS = [
  'seal_number',
  'position',
  'event_id',
  'event_hash',
  'personal_hash',
  'personal_salt',
  'event',
  'personal',
] as const satisfies (keyof EvidenceEvent)[]

/** A line an event, with the sealed texts as they were hashed. */
export function toProof(events: EvidenceEvent[]): string {
  return events
    .map(
      (event) =>
        `${JSON.stringify(Object.fromEntries(PROOF_KEYS.map((key) => [key, event[key]])))}\n`,
    )
    .join('')
}
