/**
 * How many rows the API lets through at once: lists are read in pages of at most 500.
 *
 * @module
 */
import { parse } from '@decimalturn/toml-patch'
import type postgres from 'postgres'
import { LARGEST } from '../../keyset.ts'
import { type Finding, findingsOf } from './finding.ts'
import { readApiSetting } from './read-api-setting.ts'

const { well, unseen, error } = findingsOf('rows of the API')

/** @param config - the text of the project's config.toml; null where there is none */
export async function checkApiRows(sql: postgres.Sql, config: string | null): Promise<Finding> {
  const told = await readApiSetting(sql, 'pgrst.db_max_rows')
  const limits = [...told.map(Number), ...configured(config)].filter((limit) => limit > 0)
  if (limits.length === 0) {
    return unseen(
      'The database does not say how many rows the API lets through at once.',
      `See that max_rows is ${LARGEST} or more (PGRST_DB_MAX_ROWS, or api.max_rows of config.toml); hosted, it is 1000.`,
    )
  }
  const least = Math.min(...limits)
  return least < LARGEST
    ? error(
        `The API lets ${least} rows through at once, and lists come in pages of up to ${LARGEST}: the rest would be missing without a word.`,
        `Set max_rows to ${LARGEST} or more: hosted, in the dashboard under Settings, API, Max rows; else pgrst.db_max_rows, PGRST_DB_MAX_ROWS, or api.max_rows of config.toml.`,
      )
    : well(`The API lets ${least} rows through at once.`)
}

function configured(config: string | null): number[] {
  try {
    const { api } = parse(config ?? '') as { api?: { max_rows?: number } }
    return [api?.max_rows ?? 0]
  } catch {
    return []
  }
}
