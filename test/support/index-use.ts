/**
 * Which indexes queries have used: what `pg_stat_user_indexes` counted in each database of a run, added up.
 *
 *   USHER_INDEX_USE=/tmp/index-use.jsonl npm test
 *   npm run bench -- --indexes /tmp/index-use.jsonl
 *
 * @module
 */
import { appendFile, readFile } from 'node:fs/promises'
import type postgres from 'postgres'

export interface IndexUse {
  table: string
  index: string
  scans: number
}

/** Of the tables whose rows each accept and each invite writes. */
export const readIndexUse = (sql: postgres.Sql) => sql<IndexUse[]>`
  select relname as table, indexrelname as index, idx_scan::int as scans
  from pg_stat_user_indexes
  where relname in ('invites', 'organisation_members', 'organisation_deliveries', 'organisation_audit_events', 'outbox')
    and schemaname in ('public', 'usher')
  order by relname, indexrelname`

/** Adds what this database has counted to a file of JSON lines. */
export async function noteIndexUse(sql: postgres.Sql, path: string): Promise<void> {
  await sql`select pg_stat_force_next_flush()`
  const uses = await readIndexUse(sql)
  await appendFile(path, `${JSON.stringify(uses)}\n`)
}

/** The sums of such a file, by the name of the index. */
export async function sumIndexUse(path: string): Promise<Map<string, number>> {
  const sums = new Map<string, number>()
  for (const line of (await readFile(path, 'utf8')).trim().split('\n')) {
    for (const { index, scans } of JSON.parse(line) as IndexUse[]) {
      sums.set(index, (sums.get(index) ?? 0) + scans)
    }
  }
  return sums
}
