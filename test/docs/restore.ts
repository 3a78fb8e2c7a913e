/**
 * Takes back what the SQL of one document does to the whole project, so that it is no matter to the next.
 *
 * @module
 */
import type postgres from 'postgres'
import type { Secrets } from '../../supabase/local/secrets.ts'

/** @returns what puts it back: settings, the worker's password, new tables, functions and permissions */
export async function rememberProject(sql: postgres.Sql, { workerPassword }: Secrets) {
  const [settings] = await sql`select to_jsonb(s) - 'is_only_row' as all from usher.settings s`
  const permissions = await sql<{ name: string }[]>`select name from usher.permissions`
  const tables = await tablesOf(sql)

  return async () => {
    await sql`select usher.update_settings(${sql.json(settings?.all)})`
    await sql.unsafe(`alter role usher_worker login password '${workerPassword}'`)
    for (const table of (await tablesOf(sql)).filter((each) => !tables.includes(each))) {
      await sql.unsafe(`drop table ${table} cascade`)
    }
    await sql`delete from usher.permissions where name <> all (${permissions.map(({ name }) => name)})`
  }
}

async function tablesOf(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select c.oid::regclass::text as name from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'`
  return rows.map(({ name }) => name)
}
