/**
 * A refusal, with the words that supabase-js would show.
 *
 * @module
 */
import type postgres from 'postgres'

interface Words {
  code: string
  message: string
  details?: string | null
  hint?: string | null
}

export class Refusal extends Error {
  readonly code: string
  /** Of the answer; null where a code of Postgres decides it. */
  readonly status: number | null
  readonly details: string | null
  readonly hint: string | null
  /** By their names in small letters. */
  readonly headers: Record<string, string>

  constructor(words: Words, status: number | null = null, headers: Record<string, string> = {}) {
    super(words.message)
    this.code = words.code
    this.status = status
    this.details = words.details ?? null
    this.hint = words.hint ?? null
    this.headers = Object.fromEntries(new Headers(headers))
  }

  /**
   * As PostgREST makes an answer of an error, and of one whose code is `PGRST` by what it says
   * (https://docs.postgrest.org/en/stable/references/errors.html#raise-errors-with-http-status-codes).
   */
  static of({
    code,
    message,
    detail,
  }: Pick<postgres.PostgresError, 'code' | 'message' | 'detail'>): Refusal {
    if (code !== 'PGRST') return new Refusal({ code, message })
    const { status, headers } = JSON.parse(detail ?? '{}')
    return new Refusal(JSON.parse(message), status, headers)
  }
}

/** What a rule of `usher` answers that is called past the API. @throws Refusal */
export async function asRefusal<T>(work: () => PromiseLike<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw Refusal.of(error as postgres.PostgresError)
  }
}
