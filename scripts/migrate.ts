/**
 * Writes the next migration: what turns a database built from `supabase/migrations/` into one built
 * from `sql/`. Both are built in a scratch server that is thrown away.
 *
 *   npm run migrate -- add_invite_reminders
 *
 * @module
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../supabase/local/database.ts'
import { applyMigrations } from '../supabase/local/migrations.ts'
import { preparePlatform } from '../supabase/local/platform.ts'
import { freePort } from '../supabase/local/ports.ts'
import { differences, loadPresentState, withDatabase } from './schema.ts'

const name = process.argv[2] ?? ''
if (!/^[a-z][a-z0-9_]*$/.test(name)) {
  console.error('Say in a few words what changes: npm run migrate -- add_invite_reminders')
  process.exit(1)
}

const folder = await mkdtemp(join(tmpdir(), 'usher-migrate-'))
const server = await startPostgres({ folder, port: await freePort(), durable: false })
try {
  const [history, present] = await Promise.all(
    ['history', 'present'].map(async (database) => {
      await withDatabase(server.url, (sql) => sql.unsafe(`create database ${database}`))
      const url = server.url.replace(/[^/]+$/, database)
      await preparePlatform(url)
      return url
    }) as [Promise<string>, Promise<string>],
  )
  await applyMigrations(history)
  await loadPresentState(present)

  const statements = await differences(history, present)
  if (statements.length === 0) {
    console.log('Nothing to do: supabase/migrations/ already leads to what sql/ says.')
  } else {
    const version = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
    const file = `supabase/migrations/${version}_${name}.sql`
    await mkdir('supabase/migrations', { recursive: true })
    await writeFile(
      file,
      // Bodies may name functions that only follow; the drift test proves that all are there.
      `-- ${name.replaceAll('_', ' ')}\n\n${['set local check_function_bodies = off', ...statements]
        .map((statement) => `${statement};\n`)
        .join('\n')}`,
    )
    console.log(`Wrote ${file}. Read it, say on its first line why, then run: npm run generate`)
  }
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}
