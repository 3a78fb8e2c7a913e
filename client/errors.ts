/**
 * Why a call was refused.
 *
 * @module
 */
import type { ErrorCode } from './generated/error-codes.ts'

/** An error as PostgREST sends it through supabase-js. */
export interface PostgrestFailure {
  code?: string | null
  message: string
  details?: string | null
  hint?: string | null
}

/** Why Usher refused. Branch on `code`; show `message`; `hint` says what to do next. */
export class UsherError extends Error {
  override readonly name = 'UsherError'
  /** A word of the contract; a newer server may know more words than this client. */
  readonly code: ErrorCode | 'unreachable' | (string & {})
  /** The HTTP status; 0 when no answer came. */
  readonly status: number
  readonly hint: string | null
  /** What it was about, such as the id of the invite in the way (`already_invited`). */
  readonly details: string | null

  constructor(failure: PostgrestFailure, status: number) {
    super(failure.message)
    this.code = codeOf(failure, status)
    this.status = status
    this.hint = failure.hint ?? null
    this.details = failure.details ?? null
  }
}

/** Tells an `UsherError` from any other, also across two copies of this package. */
export function isUsherError(error: unknown): error is UsherError {
  return error instanceof Error && error.name === 'UsherError'
}

function codeOf(failure: PostgrestFailure, status: number): string {
  // Postgres refuses a function or table that is not granted before any rule of ours runs.
  if (failure.code === '42501') return status === 401 ? 'unauthenticated' : 'permission_denied'
  return failure.code || 'unreachable'
}
