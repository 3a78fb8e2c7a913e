/**
 * Whether the schema `usher` is kept from the API.
 *
 * @module
 */
import type postgres from 'postgres'
import { type Finding, findingsOf } from './finding.ts'
import { readApiSetting } from './read-api-setting.ts'

const { well, unseen, error } = findingsOf('exposed schemas')

export async function checkExposure(sql: postgres.Sql): Promise<Finding> {
  const settings = await readApiSetting(sql, 'pgrst.db_schemas')
  const exposing = settings.find((schemas) => /(^|[\s,"])usher([\s,"]|$)/.test(schemas))
  if (exposing) {
    return error(
      `The API exposes usher (${exposing}): the rules behind the functions could be called from outside.`,
      "Take it out: hosted, in the dashboard under Settings, API, Exposed schemas; else in PostgREST's db-schemas.",
    )
  }
  return settings.length > 0
    ? well(`The API exposes ${settings.join('; ')}.`)
    : unseen(
        'The database does not say what the API exposes.',
        'See that usher is not among the exposed schemas (PGRST_DB_SCHEMAS, or api.schemas of config.toml).',
      )
}
