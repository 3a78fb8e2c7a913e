/**
 * How one function of the contract is called, and its answer read.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { type PostgrestFailure, UsherError } from './errors.ts'
import type { Database } from './generated/database.types.ts'
import { type Camel, camelise, snakeise } from './names.ts'
import type { Result } from './result.ts'
import { rowProblem, UNSTORABLE, withToken } from './text-problem.ts'

type Functions = Database['public']['Functions']
export type FunctionName = keyof Functions & string
export type Returned<F extends FunctionName> = Functions[F]['Returns']
export type RowOf<T extends keyof Database['public']['Tables']> =
  Database['public']['Tables'][T]['Row']

/** A supabase-js client, whatever database and schema it is typed for. */
// biome-ignore lint/suspicious/noExplicitAny: the caller's Database type is the caller's business
export type AnySupabaseClient = SupabaseClient<any, any, any>

/** By what, and how, calls are made; copies of a client differ in it and in nothing else. */
export interface Connection {
  supabase: AnySupabaseClient
  /** Whether times become `Date`. */
  dates?: boolean | undefined
  /** Whether a refusal is thrown. */
  throws?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** Arguments as a method has them; what is undefined is left to the function's default. */
type Arguments<F extends FunctionName> = {
  [K in keyof Camel<Functions[F]['Args']>]: Camel<Functions[F]['Args']>[K] | undefined
}

/** A request of supabase-js before it is sent. */
interface Request extends PromiseLike<Answer> {
  abortSignal(signal: AbortSignal): PromiseLike<Answer>
}
interface Answer {
  data: unknown
  error: PostgrestFailure | null
  status: number
}

/**
 * Calls one function of the contract. Text that Postgres cannot hold is refused before it is sent, in the words of the
 * contract: Postgres would do it in its own.
 *
 * @returns what it returns, in camelCase, as the type that the method promises: a row type made of
 *   the generated one
 */
export function call<F extends FunctionName, T>(
  connection: Connection,
  name: F,
  given: Arguments<F>,
): Promise<Result<T>> {
  const args = withToken(name, given)
  const problem = rowProblem(args)
  if (!problem) return settle(connection, connection.supabase.rpc(name, snakeise(args)))
  const error = new UsherError({ ...problem, message: UNSTORABLE }, 422)
  return connection.throws ? Promise.reject(error) : Promise.resolve({ data: null, error })
}

/** Sends a request, and makes its answer into a `Result`. */
export async function settle<T>(connection: Connection, request: Request): Promise<Result<T>> {
  const { data, error } = await receive(connection, request)
  return error ? { data: null, error } : { data: present(data, connection) as T, error }
}

/** Sends a select of which at most one row comes; null when there is none. */
export async function settleOne<T>(
  connection: Connection,
  request: Request,
): Promise<Result<T | null>> {
  const { data, error } = await settle<T[]>(connection, request)
  return error ? { data: null, error } : { data: data[0] ?? null, error }
}

/** As `settle`, but with the answer as it was sent. */
export async function receive(
  { signal, throws }: Connection,
  request: Request,
): Promise<Result<unknown>> {
  const answer = await (signal ? request.abortSignal(signal) : request)
  if (!answer.error) return { data: answer.data, error: null }
  const failure = signal?.aborted
    ? { code: 'aborted', message: 'The call was aborted.' }
    : answer.error
  const error = new UsherError(failure, answer.status)
  if (throws) throw error
  return { data: null, error }
}

/** What was sent, as the caller gets it. */
export function present(data: unknown, connection: Connection): unknown {
  if (Array.isArray(data)) return data.map((row) => present(row, connection))
  return data && typeof data === 'object' ? camelise(data, connection.dates) : data
}
