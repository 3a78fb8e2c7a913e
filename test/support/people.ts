/**
 * People who call the API, each under its own role and claims.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { type Claims, callsOf, type Json, type Role } from './calls.ts'
import { runAs } from './calls-in-sql.ts'

export class Caller {
  readonly sql: postgres.Sql
  readonly role: Role
  readonly userId: string | null
  readonly email: string | null
  /** What the token says beside role and subject. */
  readonly claims: object

  constructor(
    sql: postgres.Sql,
    role: Role,
    user: { id: string; email: string } | null = null,
    claims: object = {},
  ) {
    this.sql = sql
    this.role = role
    this.claims = claims
    this.userId = user?.id ?? null
    this.email = user?.email ?? null
  }

  /** The same account in a session whose token says this as well. */
  inSession(claims: object): Caller {
    const user = this.userId ? { id: this.userId, email: this.email ?? '' } : null
    return new Caller(this.sql, this.role, user, claims)
  }

  get #token(): Claims {
    return { ...this.claims, role: this.role, ...(this.userId && { sub: this.userId }) }
  }

  /** Runs statements as this caller; all are rolled back if one is refused. @throws Refusal */
  run<T>(work: (tx: postgres.TransactionSql) => Promise<T>): Promise<T> {
    return runAs(this.sql, this.#token, work)
  }

  /** Calls a function of `public` by named arguments; answers the body. @throws Refusal */
  rpc(name: string, args: Record<string, unknown> = {}): Promise<Json> {
    return callsOf(this.sql, this.role).rpc(this.#token, name, args)
  }

  /**
   * Reads a table or view of `public`, as `supabase.from(table).select('*').match(filter)` would.
   *
   * @throws Refusal
   */
  select(table: string, filter: Record<string, string> = {}): Promise<Json[]> {
    return callsOf(this.sql, this.role).select(this.#token, table, filter)
  }
}

/** A new account. Its address is confirmed unless told otherwise. */
export async function person(
  sql: postgres.Sql,
  name = 'person',
  { email, metadata = { full_name: name } }: PersonOptions = {},
): Promise<Caller & { userId: string; email: string }> {
  const id = randomUUID()
  const address = email ?? `${name}-${id.slice(0, 8)}@example.com`
  await sql`insert into auth.users (id, email, email_confirmed_at, raw_user_meta_data)
    values (${id}, ${address}, now(), ${sql.json(metadata)})`
  return new Caller(sql, 'authenticated', { id, email: address }) as Caller & {
    userId: string
    email: string
  }
}

interface PersonOptions {
  email?: string
  metadata?: Record<string, string>
}
export type Person = Awaited<ReturnType<typeof person>>
