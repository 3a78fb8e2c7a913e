/**
 * One Postgres for the whole run, with a template database that each test file clones.
 *
 * @module
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { withDatabase } from '../../scripts/schema.ts'
import { startPostgres } from '../../supabase/local/database.ts'
import { applyMigrations } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { AUTHENTICATOR_PASSWORD } from './postgrest.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string
  }
}

export const TEMPLATE = 'usher_template'

export async function setup(project: TestProject) {
  const folder = await mkdtemp(join(tmpdir(), 'usher-test-'))
  const server = await startPostgres({
    folder,
    port: await freePort(),
    durable: false,
    maxConnections: 300,
  })
  const template = server.url.replace(/[^/]+$/, TEMPLATE)
  await withDatabase(server.url, (sql) => sql.unsafe(`create database ${TEMPLATE}`))
  await preparePlatform(template)
  // A database that came over the bridge has its columns in another order, and has to do the same.
  if (process.env.USHER_TEST_FROM === 'bridge') {
    await applyMigrations(template, 'supabase/bridge/from')
    const bridge = await readFile('supabase/bridge/bridge.sql', 'utf8')
    await withDatabase(template, (sql) => sql.begin((tx) => tx.unsafe(bridge)))
  } else await applyMigrations(template)
  await withDatabase(server.url, (sql) =>
    sql.unsafe(`alter role authenticator password '${AUTHENTICATOR_PASSWORD}'`),
  )
  project.provide('postgresUrl', server.url)

  return async () => {
    // A connection that a test forgot is a leak in the test or in the code under it.
    const open = await withDatabase(
      server.url,
      (sql) => sql`select datname, usename, query from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    )
    await server.stop()
    await rm(folder, { recursive: true, force: true })
    if (open.length > 0) throw new Error(`Connections left open: ${JSON.stringify(open)}`)
  }
}
