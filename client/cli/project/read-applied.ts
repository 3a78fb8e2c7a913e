/**
 * What Supabase has noted down as applied in a database.
 *
 * @module
 */
import type postgres from 'postgres'

/** The names of migrations, by version; null: the database keeps no list. */
export async function readAppliedMigrations(
  sql: postgres.ISql,
): Promise<Map<string, string | null> | null> {
  const [list] = await sql<{ exists: boolean }[]>`
    select to_regclass('supabase_migrations.schema_migrations') is not null as exists`
  if (!list?.exists) return null
  const rows = await sql<{ version: string; name: string | null }[]>`
    select version, name from supabase_migrations.schema_migrations`
  return new Map(rows.map(({ version, name }) => [version, name]))
}
