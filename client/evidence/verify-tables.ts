/**
 * Whether what the registers say of an event is what the event says.
 *
 * @module
 */
import { textOf } from './bytes.ts'
import type { Files } from './manifest.ts'
import type { EvidenceEvent, EvidenceRow } from './source.ts'
import { readEvent, type SaidEvent } from './trail-rows.ts'
import type { PackageProblem } from './verify.ts'

interface Claim {
  table: string
  row: EvidenceRow
  event_id: unknown
  at: unknown
  through: unknown
}

/** @returns the rows that name an event of the package which tells of another time, deed, person or role */
export function verifyTables(files: Files, events: EvidenceEvent[]): PackageProblem[] {
  const said = new Map(events.flatMap(({ event_id, event }) => read(event_id, event)))
  const claims: Claim[] = [
    ...rowsOf(files, 'changes').map((row) =>
      claim('changes', row, row.event_id, row.occurred_at, row.through),
    ),
    ...rowsOf(files, 'rights').map((row) =>
      claim('rights', row, row.granted_event_id, row.granted_at, row.granted_through),
    ),
    ...rowsOf(files, 'rights').map((row) =>
      claim('rights', row, row.ended_event_id, row.ended_at, row.ended_through),
    ),
  ]
  return claims.flatMap(({ table, row, event_id, at, through }) => {
    // Of an event from before the period there is nothing here to compare with.
    const event = said.get(event_id as string)
    if (!event || (isAt(event, at) && event.event === through && tellsOf(event, row))) return []
    const what = `tables/${table}.json says that event ${event_id} was about ${row.role} of ${row.user_id}, which it was not.`
    return {
      problem: 'file_changed' as const,
      what,
      file: `tables/${table}.json`,
      event_id: event.id,
      seal_number: null,
    }
  })
}

const claim = (
  table: string,
  row: EvidenceRow,
  event_id: unknown,
  at: unknown,
  through: unknown,
): Claim => ({ table, row, event_id, at, through })

/** To the millisecond: the database and JavaScript write microseconds in different ways. */
const isAt = (event: SaidEvent, at: unknown) =>
  Date.parse(event.occurred_at) === Date.parse(String(at))

/** Whether somebody and their role stand in an event; who founds an organisation is its owner. */
function tellsOf(
  { event, actor_id, target_id, before, after }: SaidEvent,
  row: EvidenceRow,
): boolean {
  const text = JSON.stringify([actor_id, target_id, before, after])
  const isFounding = event === 'organisation.created' && row.role === 'owner'
  // Whoever hands an organisation over is an admin from then on, which goes without saying.
  const isHandover =
    event === 'organisation.transferred' && ['admin', 'owner'].includes(String(row.role))
  return (
    text.includes(JSON.stringify(row.user_id)) &&
    (row.role === null || isFounding || isHandover || text.includes(JSON.stringify(row.role)))
  )
}

function read(event_id: string, event: string | null): [string, SaidEvent][] {
  try {
    return event === null ? [] : [[event_id, readEvent(event)]]
  } catch {
    return []
  }
}

function rowsOf(files: Files, table: string): EvidenceRow[] {
  const bytes = files[`tables/${table}.json`]
  try {
    return bytes ? JSON.parse(textOf(bytes)) : []
  } catch {
    return []
  }
}
