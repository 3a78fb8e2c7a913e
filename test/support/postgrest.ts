/**
 * PostgREST over a database of the tests.
 *
 * @module
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgrest } from '../../supabase/local/postgrest.ts'
import { KEYS } from './keys.ts'

/** Of the role `authenticator` of the tests' server. */
export const AUTHENTICATOR_PASSWORD = 'authenticator'

/** Whether these tests go over PostgREST, as `npm run test:long` lets them. */
export const isOverPostgrest = process.env.USHER_REST === 'postgrest'

/** @param url - of the database, as anyone */
export async function startTestPostgrest(url: string) {
  const dataFolder = await mkdtemp(join(tmpdir(), 'usher-postgrest-'))
  for (const part of ['logs', 'pids']) await mkdir(join(dataFolder, part))
  const databaseUrl = url.replace(/\/\/[^@]+@/, `//authenticator:${AUTHENTICATOR_PASSWORD}@`)
  const { jwtSecret } = KEYS
  const postgrest = await startPostgrest({ databaseUrl, jwtSecret, dataFolder })
  return {
    url: postgrest.url,
    async stop() {
      await postgrest.stop()
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}
