/**
 * The one seam between the wire, which is snake_case, and TypeScript, which is camelCase.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { type PostgrestFailure, UsherError } from './errors.ts'
import type { Database } from './generated/database.types.ts'
import type { Result } from './result.ts'

type Functions = Database['public']['Functions']
export type FunctionName = keyof Functions & string
export type Returned<F extends FunctionName> = Functions[F]['Returns']

/** `expires_at` becomes `expiresAt`. */
type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S

/** A row with its keys in camelCase. Values, such as `metadata`, stay as they are. */
export type Camel<Row> = { [K in keyof Row as K extends string ? CamelCase<K> : K]: Row[K] }

interface Answer {
  data: unknown
  error: PostgrestFailure | null
  status: number
}

/** A supabase-js client, whatever database and schema it is typed for. */
// biome-ignore lint/suspicious/noExplicitAny: the caller's Database type is the caller's business
export type AnySupabaseClient = SupabaseClient<any, any, any>

/** Renames the keys of one row; not of what is inside its values. */
export function camelise<Row extends object>(row: Row): Camel<Row> {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  ) as Camel<Row>
}

/**
 * Calls one function of the contract.
 *
 * @param args - named as in SQL; what is undefined is left to the function's default
 * @param read - makes the answer of the function into what the caller gets
 */
export async function call<F extends FunctionName, T>(
  supabase: AnySupabaseClient,
  name: F,
  args: Functions[F]['Args'] | Record<string, unknown>,
  read: (returned: Returned<F>) => T,
): Promise<Result<T>> {
  return settle(supabase.rpc(name, args as object), (data) => read(data as Returned<F>))
}

/** Makes a supabase-js answer into a `Result`. */
export async function settle<T>(
  request: PromiseLike<Answer>,
  read: (data: unknown) => T,
): Promise<Result<T>> {
  const { data, error, status } = await request
  return error
    ? { data: null, error: new UsherError(error, status) }
    : { data: read(data), error: null }
}
