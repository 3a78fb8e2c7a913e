/**
 * Evidence out of a database, for its operator.
 *
 * @module
 */
import type { Sql } from 'postgres'
import { EVENTS_A_PAGE, type Evidence, type EvidenceEvent, type EvidenceSource } from './source.ts'

/**
 * @param sql - a connection as the owner of the database
 * @param organisation - its slug or its id
 * @param period - ISO 8601; without `until`, up to now
 * @throws when there is no such organisation, or the period is none
 */
export function databaseSource(
  sql: Sql,
  organisation: string,
  period: { since: string; until?: string | undefined },
): EvidenceSource {
  const find = async () => {
    const [row] = await sql<{ id: string }[]>`select o.id from public.organisations o
      where o.slug = ${organisation} or o.id::text = ${organisation}`
    if (!row) throw new Error(`There is no organisation ${organisation}: give its slug or its id.`)
    return row.id
  }
  let id: Promise<string> | undefined
  const organisationId = () => {
    id ??= find()
    return id
  }
  return {
    async collect() {
      const [row] = await sql<{ evidence: Evidence }[]>`select usher.collect_evidence(
        ${await organisationId()}, ${period.since}, coalesce(${period.until ?? null}, now())) as evidence`
      return row?.evidence as Evidence
    },
    async events({ lastSeal, afterSeal, afterPosition }) {
      return sql<EvidenceEvent[]>`select * from usher.collect_evidence_events(
        ${await organisationId()}, ${lastSeal}, ${afterSeal}, ${afterPosition}, ${EVENTS_A_PAGE})`
    },
  }
}
