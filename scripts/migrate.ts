/**
 * Writes the next migration after the baseline (scripts/baseline.ts): what turns a database built from
 * `supabase/migrations/` into one built from `sql/`. Both are built in a scratch server that is thrown away.
 *
 *   npm run migrate -- add_invite_reminders
 *
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { applyMigrations } from '../supabase/local/migrations.ts'
import { differences, loadPresentState } from './schema.ts'
import { withScratchDatabases } from './scratch-databases.ts'

const name = process.argv[2] ?? ''
if (!/^[a-z][a-z0-9_]*$/.test(name)) {
  console.error('Say in a few words what changes: npm run migrate -- add_invite_reminders')
  process.exit(1)
}

await withScratchDatabases(async (create) => {
  const [history, present] = [await create('history'), await create('present')]
  await applyMigrations(history)
  await loadPresentState(present)

  const statements = await differences(history, present)
  if (statements.length === 0) {
    console.log('Nothing to do: supabase/migrations/ already leads to what sql/ says.')
    return
  }
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
})
