/**
 * Settings of the API that the database holds.
 *
 * @module
 */
import type postgres from 'postgres'

/**
 * Reads where PostgREST reads: settings of the database and of the role that it comes as.
 *
 * @param name - such as `pgrst.db_schemas`
 * @returns each value there is; none where PostgREST is told elsewhere, as by its environment
 */
export async function readApiSetting(sql: postgres.Sql, name: string): Promise<string[]> {
  const settings = await sql<{ value: string }[]>`
    select split_part(c.setting, '=', 2) as value
    from pg_db_role_setting s
    cross join lateral unnest(s.setconfig) c (setting)
    left join pg_database d on d.oid = s.setdatabase
    where split_part(c.setting, '=', 1) = ${name}
      and (s.setdatabase = 0 or d.datname = current_database())`
  return settings.map(({ value }) => value)
}
