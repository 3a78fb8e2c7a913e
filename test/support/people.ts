/**
 * People who call the API: each call runs as PostgREST would run it, in a transaction of its own,
 * under the caller's role and claims.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'

/** A refusal, with the words that supabase-js would show. */
export class Refusal extends Error {
  readonly code: string
  readonly status: number | null
  readonly details: string | null
  readonly hint: string | null
  readonly headers: Record<string, string>

  constructor(error: postgres.PostgresError) {
    super(error.message)
    const isOurs = error.code === 'PGRST'
    const body = isOurs ? JSON.parse(error.message) : {}
    const answer = isOurs ? JSON.parse(error.detail ?? '{}') : {}
    this.code = isOurs ? body.code : error.code
    this.status = answer.status ?? null
    this.details = body.details ?? null
    this.hint = body.hint ?? null
    this.headers = answer.headers ?? {}
  }
}

export type Role = 'anon' | 'authenticated' | 'service_role' | 'usher_worker'

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

  /** Runs statements as this caller; all are rolled back if one is refused. */
  async run<T>(work: (tx: postgres.TransactionSql) => Promise<T>): Promise<T> {
    const claims = JSON.stringify({
      ...this.claims,
      role: this.role,
      ...(this.userId && { sub: this.userId }),
    })
    try {
      return (await this.sql.begin(async (tx) => {
        await tx`select set_config('role', ${this.role}, true),
          set_config('request.jwt.claims', ${claims}, true),
          set_config('request.headers', '{"user-agent": "test", "x-forwarded-for": "192.0.2.7, 10.0.0.1"}', true)`
        return work(tx)
      })) as T
    } catch (error) {
      if (error instanceof Error && error.name === 'PostgresError') {
        throw new Refusal(error as postgres.PostgresError)
      }
      throw error
    }
  }

  /** Calls a function of `public` by named arguments; answers what PostgREST would put in the body. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON comes back
  rpc(name: string, args: Record<string, unknown> = {}): Promise<any> {
    return this.run(async (tx) => {
      const [fn] = await tx`select p.proretset, p.prorettype::regtype::text as returns
        from pg_catalog.pg_proc p where p.oid = to_regproc(${`public.${name}`})`
      if (!fn) throw new Error(`There is no function public.${name}`)
      const names = Object.keys(args).filter((key) => args[key] !== undefined)
      const list = names.map((key, i) => `${key} => $${i + 1}`).join(', ')
      const call = `public.${name}(${list})`
      const [row] = await tx.unsafe(
        fn.proretset
          ? `select coalesce(json_agg(r), '[]') as body from ${call} r`
          : `select to_json(${call}) as body`,
        names.map((key) => args[key]) as never[],
      )
      return row?.body
    })
  }

  /** Reads a table or view of `public`, as `supabase.from(table).select('*')` would. */
  select(table: string, where = 'true'): Promise<postgres.RowList<postgres.Row[]>> {
    return this.run((tx) => tx.unsafe(`select * from public.${table} where ${where}`))
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
