/**
 * How the tests reach `public`: in SQL, as PostgREST would do it, or by HTTP over PostgREST itself.
 *
 * @module
 */
import type postgres from 'postgres'
import { callsInSql } from './calls-in-sql.ts'

export type Role = 'anon' | 'authenticated' | 'service_role' | 'usher_worker'

/** What the caller's token says. */
export interface Claims {
  role: Role
  sub?: string
}

/** What every call of a test says beside its token, and what the gateway in front of a hosted project adds. */
export const HEADERS = {
  'user-agent': 'test',
  'cf-connecting-ip': '192.0.2.7',
  'x-forwarded-for': '198.51.100.66, 192.0.2.7',
}

/** What happens one after the other is read in that order; of other tables, the order of rows says nothing. */
export const ORDER: Record<string, string> = {
  organisation_audit_events: 'occurred_at',
  organisation_deliveries: 'created_at',
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON comes back
export type Json = any

export interface Calls {
  /** Calls a function by named arguments; answers the body. @throws Refusal */
  rpc(claims: Claims, name: string, args: Record<string, unknown>): Promise<Json>
  /** Reads the rows of a table or view in which these columns have these values. @throws Refusal */
  select(claims: Claims, table: string, filter: Record<string, string>): Promise<Json[]>
}

const overHttp = new WeakMap<postgres.Sql, Calls>()

/** Lets whoever calls in this database take this way. */
export const callOver = (sql: postgres.Sql, calls: Calls) => overHttp.set(sql, calls)

/** PostgREST knows no worker: it comes to the database itself. */
export const callsOf = (sql: postgres.Sql, role: Role): Calls =>
  (role !== 'usher_worker' && overHttp.get(sql)) || callsInSql(sql)
