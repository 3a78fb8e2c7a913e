/**
 * The connection of a command to a database.
 *
 * @module
 */
import postgres from 'postgres'
import { Refusal } from './project/refusal.ts'

/** One connection, asked for once. Throws a refusal, without the password, when it is not let in. */
export async function connect(
  databaseUrl: string,
  onnotice: (notice: postgres.Notice) => void = () => {},
): Promise<postgres.Sql> {
  if (!/^postgres(ql)?:\/\//.test(databaseUrl) || !URL.canParse(databaseUrl)) {
    throw new Refusal(
      '--db-url is a postgres:// address, percent-encoded, such as `supabase status` or the dashboard show it.',
    )
  }
  const sql = postgres(databaseUrl, {
    max: 1,
    // A transaction-mode pooler may be between.
    prepare: false,
    connect_timeout: 10,
    onnotice,
    connection: { application_name: 'usher' },
    // Encrypted where the server can; the address may ask for more.
    ...(!new URL(databaseUrl).searchParams.has('sslmode') && { ssl: 'prefer' as const }),
  })
  try {
    await sql`select`
    return sql
  } catch (error) {
    await sql.end({ timeout: 1 })
    const said = error instanceof Error ? error.message : String(error)
    throw new Refusal(
      `The database at ${new URL(databaseUrl).host} did not let us in: ${said}. Look at --db-url: host, port, user and password.`,
    )
  }
}
