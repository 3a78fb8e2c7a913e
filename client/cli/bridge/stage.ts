/**
 * How far a database is, by the list that Supabase keeps in it.
 *
 * @module
 */
import type postgres from 'postgres'
import { OUR_SCHEMA_COMMENT } from '../project/our-objects.ts'
import { isMigration, type Payload, versionOf } from '../project/payload.ts'
import { readAppliedMigrations } from '../project/read-applied.ts'
import { Refusal } from '../project/refusal.ts'
import { BETWEEN, REPLACED } from './migrations.ts'

/**
 * `before`: made by the migrations that the bridge leads on from; `after`: by the baseline; `nothing`: nothing of ours is
 * there; `unlisted`: Usher is, and the list does not say by what.
 */
export type Stage = 'before' | 'after' | 'nothing' | 'unlisted'

/** Throws a refusal where no bridge leads on, and what to do then. */
export async function stageOf(sql: postgres.ISql, payload: Payload): Promise<Stage> {
  const applied = await readAppliedMigrations(sql)
  const isApplied = (path: string) => {
    const name = applied?.get(versionOf(path) ?? '')
    // The list of an old Supabase CLI has no names.
    return name !== undefined && (name === null || path.endsWith(`_${name}.sql`))
  }
  const between = BETWEEN.filter(isApplied)
  if (between.length > 0) {
    throw new Refusal(
      `The database has ${namesOf(between)}, of a version that was never released, and nothing leads on from there. Make it anew (supabase db reset, if it is your local one), or take back a backup from before.`,
    )
  }
  const replaced = Object.keys(REPLACED)
  const before = replaced.filter(isApplied)
  const baseline = baselineOf(payload)
  if (before.length === 0) {
    if (isApplied(baseline)) return 'after'
    const [usher] = await sql`select from pg_namespace n where n.nspname = 'usher'
      and starts_with(obj_description(n.oid, 'pg_namespace'), ${OUR_SCHEMA_COMMENT})`
    return usher ? 'unlisted' : 'nothing'
  }
  const missing = replaced.filter((path) => !isApplied(path))
  if (missing.length > 0) {
    throw new Refusal(
      `The database has ${namesOf(before)}, but not ${namesOf(missing)}. Bring it there first, with the files that the project has now (supabase db push), and run this again. If they are in version control only, take them back from there.`,
    )
  }
  if (isApplied(baseline)) {
    throw new Refusal(
      `The database notes both ${namesOf([baseline])} and the migrations in whose place it comes; one of the two has been noted by hand. If its tables are those of before, run: supabase migration repair --status reverted ${versionOf(baseline)}`,
    )
  }
  return 'before'
}

/** The first of our migrations: the one that stands in the place of those of before. */
export function baselineOf({ files }: Payload): string {
  return [...files.keys()].filter(isMigration).sort()[0] ?? ''
}

export const namesOf = (paths: string[]) => paths.map((path) => path.split('/').at(-1)).join(', ')
