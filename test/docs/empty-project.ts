/**
 * A Supabase project in which nothing is yet: its database, and its API once there is something to serve.
 *
 * @module
 */

import { startApi } from '../../supabase/local/api.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { createDatabase } from '../support/database.ts'

export interface EmptyProject {
  databaseUrl: string
  /** What its people would find in the dashboard. */
  env: { DATABASE_URL: string; SUPABASE_URL: string; SUPABASE_PUBLISHABLE_KEY: string }
  /** The local API reads the schema once, so it comes after the migrations. Calling it again starts it anew. */
  startApi(): Promise<void>
  stop(): Promise<void>
}

export async function startEmptyProject(): Promise<EmptyProject> {
  const database = await createDatabase(null)
  await preparePlatform(database.url)
  const port = await freePort()
  const secrets = {
    jwtSecret: 'a secret of a project that is only here for a moment',
    publishableKey: 'sb_publishable_of_a_moment',
    secretKey: 'sb_secret_of_a_moment',
  }
  let api: Awaited<ReturnType<typeof startApi>> | null = null
  return {
    databaseUrl: database.url,
    env: {
      // The Supabase CLI would insist on TLS.
      DATABASE_URL: `${database.url}?sslmode=disable`,
      SUPABASE_URL: `http://127.0.0.1:${port}`,
      SUPABASE_PUBLISHABLE_KEY: secrets.publishableKey,
    },
    async startApi() {
      await api?.stop()
      const siteUrl = 'http://127.0.0.1:5173'
      api = await startApi({ databaseUrl: database.url, port, siteUrl, secrets })
    },
    async stop() {
      await api?.stop()
      await database.drop()
    },
  }
}
