/**
 * Databases that look like empty Supabase projects, in a server that is thrown away.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../supabase/local/database.ts'
import { preparePlatform } from '../supabase/local/platform.ts'
import { freePort } from '../supabase/local/ports.ts'
import { withDatabase } from './schema.ts'

/** @param work - is given a function that makes a database and answers its address */
export async function withScratchDatabases<T>(
  work: (create: (name: string) => Promise<string>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'usher-scratch-'))
  const server = await startPostgres({ folder, port: await freePort(), durable: false })
  try {
    return await work(async (name) => {
      await withDatabase(server.url, (sql) => sql.unsafe(`create database ${name}`))
      const url = server.url.replace(/[^/]+$/, name)
      await preparePlatform(url)
      return url
    })
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
