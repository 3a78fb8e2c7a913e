/**
 * A database of its own for a test file, cloned from the migrated template.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { inject } from 'vitest'
import { withDatabase } from '../../scripts/schema.ts'
import { callOver } from './calls.ts'
import { callsOverHttp } from './calls-over-http.ts'
import { TEMPLATE } from './global-setup.ts'
import { noteIndexUse } from './index-use.ts'
import { isOverPostgrest, startTestPostgrest } from './postgrest.ts'

export interface TestDatabase {
  /** Its address as the superuser. */
  url: string
  /** As the superuser: for setting a scene that no API call can set. */
  sql: postgres.Sql
  /** Where PostgREST answers, if the tests go over it. It starts with the first who asks. */
  postgrest(): ReturnType<typeof startTestPostgrest>
  drop(): Promise<void>
}

/** @param template - `null` for an empty database, without platform and migrations */
export async function createDatabase(template: string | null = TEMPLATE): Promise<TestDatabase> {
  const server = inject('postgresUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  await withDatabase(server, async (sql) => {
    await sql.unsafe(`create database ${name} template ${template ?? 'template0'}`)
    // A clone does not inherit this, and without it Supabase's linter looks away.
    await sql.unsafe(`alter database ${name} set pgrst.db_schemas = 'public'`)
  })
  const url = server.replace(/[^/]+$/, name)
  const sql = postgres(url, { onnotice: () => {}, max: 4 })
  let starting: ReturnType<typeof startTestPostgrest> | undefined
  const postgrest = () => {
    starting ??= startTestPostgrest(url)
    return starting
  }
  if (isOverPostgrest)
    callOver(
      sql,
      callsOverHttp(async () => (await postgrest()).url),
    )
  return {
    url,
    sql,
    postgrest,
    async drop() {
      await (await starting)?.stop()
      if (process.env.USHER_INDEX_USE) await noteIndexUse(sql, process.env.USHER_INDEX_USE)
      // A test that failed may have left a transaction open.
      await sql.end({ timeout: 5 })
      await withDatabase(server, (admin) => admin.unsafe(`drop database ${name} with (force)`))
    },
  }
}
