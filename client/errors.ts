/**
 * Why a call was refused.
 *
 * @module
 */
import type { ErrorCode } from './generated/error-codes.ts'

/**
 * The words of the contract, and four of the client's own: `unreachable` (no answer came, or one that
 * is not the API's), `aborted` (by the signal), `invalid_row` (of a file, which could not be read),
 * `incomplete_answer` (a row of a batch that no answer speaks of).
 */
export type UsherErrorCode =
  | ErrorCode
  | 'unreachable'
  | 'aborted'
  | 'invalid_row'
  | 'incomplete_answer'

/** An error as PostgREST sends it through supabase-js. */
export interface PostgrestFailure {
  code?: string | null
  message: string
  details?: string | null
  hint?: string | null
}

/**
 * Two transactions in each other's way (deadlock, serialisation, a lock that was not free): one of them was undone as a
 * whole. `lock_timeout` is the project's own.
 */
const CONFLICTS = ['40001', '40P01', '55P03']
const TRY_AGAIN: PostgrestFailure = {
  code: 'try_again',
  message: 'Somebody else changed the same thing at this moment.',
}

/** Why Usher refused. Branch on `code`; show `message`; `hint` says what to do next. */
export class UsherError extends Error {
  override readonly name = 'UsherError'
  /** A newer server may know more words than this client. */
  readonly code: UsherErrorCode | (string & {})
  /** The HTTP status; 0 when no answer came. */
  readonly status: number
  readonly hint: string | null
  /** What it was about, such as the id of the invite in the way (`already_invited`). */
  readonly details: string | null

  constructor(failure: PostgrestFailure, status: number) {
    // What Postgres says of a conflict names processes and transactions: nothing for whoever called.
    const given = CONFLICTS.includes(failure.code ?? '') ? TRY_AGAIN : failure
    super(given.message)
    this.code = codeOf(given, status)
    this.status = given === TRY_AGAIN ? 503 : status
    this.hint = given.hint ?? null
    this.details = given.details ?? null
  }
}

/**
 * Tells an `UsherError` from any other, also across two copies of this package.
 *
 * @param code - if given, only one with this code
 */
export function isUsherError(error: unknown): error is UsherError
export function isUsherError<Code extends UsherErrorCode>(
  error: unknown,
  code: Code,
): error is UsherError & { readonly code: Code }
export function isUsherError(error: unknown, code?: UsherErrorCode): boolean {
  return (
    error instanceof Error &&
    error.name === 'UsherError' &&
    (code === undefined || (error as UsherError).code === code)
  )
}

function codeOf(failure: PostgrestFailure, status: number): string {
  // Postgres refuses a function or table that is not granted before any rule of ours runs.
  if (failure.code === '42501') return status === 401 ? 'unauthenticated' : 'permission_denied'
  return failure.code || 'unreachable'
}
