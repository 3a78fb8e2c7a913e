/**
 * All events of the trail that fit a filter, as a file.
 *
 * @module
 */
import type { AuditEvent, AuditFilter, Usher } from '../../../index.ts'
import { download, downloadCsv } from '../../app/download.ts'

const COLUMNS = [
  'occurredAt',
  'event',
  'actorKind',
  'actorId',
  'targetKind',
  'targetId',
  'reason',
  'ip',
  'userAgent',
  'claimedIp',
  'before',
  'after',
  'id',
] as const satisfies (keyof AuditEvent)[]

/** @throws `UsherError` when a page of it is refused; nothing is downloaded then */
export async function exportTrail(
  usher: Usher,
  organisationId: string,
  filter: AuditFilter,
  kind: 'csv' | 'json',
): Promise<void> {
  const events: AuditEvent[] = []
  for await (const event of usher.audit.iterate(organisationId, { ...filter, pageSize: 500 })) {
    events.push(event)
  }
  if (kind === 'json') {
    download('trail.json', 'application/json', JSON.stringify(events, null, 2))
    return
  }
  const rows = events.map((event) =>
    COLUMNS.map((column) => {
      const value = event[column]
      return value === null || typeof value === 'string' ? value : JSON.stringify(value)
    }),
  )
  downloadCsv('trail.csv', [[...COLUMNS], ...rows])
}
