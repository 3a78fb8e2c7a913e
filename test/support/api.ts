/**
 * The gateway over a database of the tests, with REST and Auth behind it, in this process.
 *
 * @module
 */
import { type ApiOptions, startApi } from '../../supabase/local/api.ts'
import { freePort } from '../../supabase/local/ports.ts'
import type { TestDatabase } from './database.ts'
import { KEYS } from './keys.ts'
import { isOverPostgrest } from './postgrest.ts'

/** Its keys are `KEYS`. What Postgres refuses is asked for here, and not printed. */
export async function startTestApi(database: TestDatabase, options: Partial<ApiOptions> = {}) {
  const print = console.error
  console.error = (...args) => {
    if (!(args[0] instanceof Error && args[0].name === 'PostgresError')) print(...args)
  }
  const api = await startApi({
    databaseUrl: database.url,
    port: await freePort(),
    siteUrl: 'https://app.test',
    ...(isOverPostgrest && { postgrestUrl: (await database.postgrest()).url }),
    secrets: KEYS,
    ...options,
  })
  return {
    ...api,
    async stop() {
      await api.stop()
      console.error = print
    },
  }
}
