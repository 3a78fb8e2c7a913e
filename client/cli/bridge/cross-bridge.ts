/**
 * Brings a database over, and rewrites the list of its migrations.
 *
 * @module
 */
import { connect } from '../connect.ts'
import { type Payload, versionOf } from '../project/payload.ts'
import { Refusal } from '../project/refusal.ts'
import { REPLACED } from './migrations.ts'
import { baselineOf, stageOf } from './stage.ts'
import { statementsIn } from './statements.ts'

/**
 * All of it in one transaction. Throws a refusal when it fails: then the database is as it was.
 *
 * @returns what Postgres warned of
 */
export async function crossBridge(databaseUrl: string, payload: Payload): Promise<string[]> {
  const warnings: string[] = []
  const sql = await connect(databaseUrl, ({ severity, message = '' }) => {
    if (severity === 'WARNING') warnings.push(message)
  })
  const path = baselineOf(payload)
  const name = path.match(/\d_(\w+)\.sql$/)?.[1] ?? ''
  try {
    await sql.begin(async (tx) => {
      await tx`set local lock_timeout = '30s'`
      // Of two at once, and of a push meanwhile, one waits and finds it done.
      await tx`lock table supabase_migrations.schema_migrations in share row exclusive mode`
      if ((await stageOf(tx, payload)) !== 'before') return
      await tx.unsafe(payload.bridge)
      await tx`delete from supabase_migrations.schema_migrations
        where version = any (${Object.keys(REPLACED).map((each) => versionOf(each) ?? '')})`
      await tx`insert into supabase_migrations.schema_migrations (version, name, statements)
        values (${versionOf(path) ?? ''}, ${name}, ${statementsIn(payload.files.get(path) ?? '')})`
    })
    return warnings
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal(
      `The database is as it was, and so are the files: ${reasonOf(error)} Mend that, and run it again.`,
    )
  } finally {
    await sql.end()
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  // lock_not_available
  if (code === '55P03') {
    return 'somebody was at work in our tables for longer than 30 seconds. Stop the worker and what else writes there.'
  }
  // insufficient_privilege
  if (code === '42501') {
    return `the user of --db-url may not do it (${message}). It has to be the one who pushes migrations, postgres.`
  }
  return `${String(message ?? error).replace(/\.$/, '')}.`
}
