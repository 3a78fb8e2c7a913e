/**
 * The server under measurement: embedded Postgres as it comes, which waits for the disk at each commit, with
 * pg_stat_statements to tell apart the time in the server from the way there.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { loadPresentState, withDatabase } from '../../scripts/schema.ts'
import { startPostgres } from '../../supabase/local/database.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { fill } from './scene.ts'

export interface BenchServer {
  /** A new database that holds what `sql/` says and this many invites. Answers its address. */
  database(invites: number): Promise<string>
  stop(): Promise<void>
}

export async function startServer(): Promise<BenchServer> {
  const folder = await mkdtemp(join(tmpdir(), 'usher-bench-'))
  const options = { folder, port: await freePort(), maxConnections: 200 }
  const first = await startPostgres(options)
  await withDatabase(first.url, (sql) =>
    sql.unsafe(`alter system set shared_preload_libraries = 'pg_stat_statements'`),
  )
  await first.stop()
  const server = await startPostgres(options)
  await withDatabase(server.url, async (sql) => {
    await sql.unsafe('alter system set pg_stat_statements.track_planning = on')
    // A checkpoint or a vacuum in the middle would fall on one side only; both run between the rounds.
    await sql.unsafe(`alter system set max_wal_size = '8GB'`)
    await sql.unsafe('alter system set autovacuum = off')
    await sql.unsafe('select pg_reload_conf()')
  })

  return {
    async database(invites) {
      const name = `bench_${invites}`
      await withDatabase(server.url, (sql) => sql.unsafe(`create database ${name}`))
      const url = server.url.replace(/[^/]+$/, name)
      await preparePlatform(url)
      await loadPresentState(url)
      const sql = postgres(url, { max: 1, onnotice: () => {} })
      try {
        await sql.unsafe('create extension pg_stat_statements with schema extensions')
        await fill(sql, invites)
      } finally {
        await sql.end()
      }
      return url
    },
    async stop() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
