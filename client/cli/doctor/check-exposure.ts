/**
 * Whether the schema `usher` is kept from the API.
 *
 * @module
 */
import type postgres from 'postgres'
import { type Finding, findingsOf } from './finding.ts'

const { well, unseen, error } = findingsOf('exposed schemas')

/** Reads where PostgREST reads: settings of the database and of the role that it comes as. */
export async function checkExposure(sql: postgres.Sql): Promise<Finding> {
  const settings = await sql<{ role: string | null; schemas: string }[]>`
    select r.rolname as role, split_part(c.setting, '=', 2) as schemas
    from pg_db_role_setting s
    cross join lateral unnest(s.setconfig) c (setting)
    left join pg_roles r on r.oid = s.setrole
    left join pg_database d on d.oid = s.setdatabase
    where c.setting like 'pgrst.db_schemas=%'
      and (s.setdatabase = 0 or d.datname = current_database())`
  const exposing = settings.find(({ schemas }) => /(^|[\s,"])usher([\s,"]|$)/.test(schemas))
  if (exposing) {
    return error(
      `The API exposes usher (${exposing.schemas}): the rules behind the functions could be called from outside.`,
      "Take it out: hosted, in the dashboard under Settings, API, Exposed schemas; else in PostgREST's db-schemas.",
    )
  }
  return settings.length > 0
    ? well(`The API exposes ${settings.map(({ schemas }) => schemas).join('; ')}.`)
    : unseen(
        'The database does not say what the API exposes.',
        'See that usher is not among the exposed schemas (PGRST_DB_SCHEMAS, or api.schemas of config.toml).',
      )
}
