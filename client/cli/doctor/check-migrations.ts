/**
 * Whether the database is as new as this package.
 *
 * @module
 */
import type postgres from 'postgres'
import { REPLACED } from '../bridge/migrations.ts'
import { isMigration, type Payload, versionOf } from '../project/payload.ts'
import { readAppliedMigrations } from '../project/read-applied.ts'
import { type Finding, findingsOf } from './finding.ts'

const { well, unseen, error } = findingsOf('migrations')

/** @returns the finding, and whether there is anything of ours to look at */
export async function checkMigrations(
  sql: postgres.Sql,
  { files }: Payload,
): Promise<{ finding: Finding; isThere: boolean }> {
  const [found] = await sql<{ is_there: boolean }[]>`
    select to_regclass('usher.settings') is not null as is_there`
  const applied = await readAppliedMigrations(sql)
  const isThere = found?.is_there ?? false
  if (!isThere) {
    return {
      isThere,
      finding: error('Usher is not in this database.', 'npx usher init, then supabase db push'),
    }
  }
  if (!applied) {
    const message = 'This database keeps no list of migrations (supabase_migrations); see grants.'
    return { isThere, finding: unseen(message) }
  }
  if (Object.keys(REPLACED).some((path) => applied.has(versionOf(path) ?? ''))) {
    const message = 'Its migrations are those of before the first release.'
    return { isThere, finding: error(message, 'npx usher upgrade --db-url postgres://…') }
  }
  const ours = [...files.keys()].filter(isMigration)
  const missing = ours.filter((path) => !applied.has(versionOf(path) ?? ''))
  const finding =
    missing.length === 0
      ? well(`All ${ours.length} have been applied.`)
      : error(
          `Not applied: ${missing.map((path) => path.split('/').at(-1)).join(', ')}.`,
          'npx usher upgrade, then supabase db push (with --include-all, where yours are newer)',
        )
  return { isThere, finding }
}
