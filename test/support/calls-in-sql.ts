/**
 * Calls in SQL: each runs as PostgREST would run it, in a transaction of its own, under the caller's role and
 * claims.
 *
 * @module
 */
import type postgres from 'postgres'
import { type Calls, type Claims, HEADERS, ORDER } from './calls.ts'
import { Refusal } from './refusal.ts'

/** Runs statements as this caller; all are rolled back if one is refused. */
export async function runAs<T>(
  sql: postgres.Sql,
  claims: Claims,
  work: (tx: postgres.TransactionSql) => Promise<T>,
): Promise<T> {
  try {
    return (await sql.begin(async (tx) => {
      await tx`select set_config('role', ${claims.role}, true),
        set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
        set_config('request.headers', ${JSON.stringify(HEADERS)}, true)`
      return work(tx)
    })) as T
  } catch (error) {
    if (error instanceof Error && error.name === 'PostgresError') {
      throw Refusal.of(error as postgres.PostgresError)
    }
    throw error
  }
}

export const callsInSql = (sql: postgres.Sql): Calls => ({
  async rpc(claims, name, args) {
    const { body, status } = await runAs(sql, claims, async (tx) => {
      const [fn] = await tx`select p.proretset from pg_catalog.pg_proc p
        where p.oid = to_regproc(${`public.${name}`})`
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
      const [set] =
        await tx`select nullif(current_setting('response.status', true), '')::int as status`
      return { body: row?.body, status: set?.status }
    })
    // A function may refuse and keep what it has written: how often somebody has guessed, say.
    if (status >= 400) throw new Refusal(body, status)
    return body
  },
  select: (claims, table, filter) =>
    runAs(sql, claims, async (tx) => {
      const where = Object.keys(filter).map((column, i) => ` and ${column} = $${i + 1}`)
      const order = ORDER[table] ? `order by ${ORDER[table]}` : ''
      const [row] = await tx.unsafe(
        `select coalesce(json_agg(r), '[]') as body
          from (select * from public.${table} where true${where.join('')} ${order}) r`,
        Object.values(filter),
      )
      return row?.body
    }),
})
