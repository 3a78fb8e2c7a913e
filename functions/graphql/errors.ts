/**
 * Refusals of the database as GraphQL errors, with the contract's words in `extensions.code`.
 *
 * @module
 */
import { GraphQLError } from 'graphql'
import { rowProblem, UNSTORABLE } from '../../client/text-problem.ts'
import { isConflict, untilFree } from '../_shared/conflicts.ts'
import { REFUSALS } from '../api/refusals.ts'

/** An error as PostgREST sends it through supabase-js. */
export interface Failure {
  code?: string | null
  message: string
  details?: string | null
  hint?: string | null
}

/**
 * @param status - of the API's answer; 0 when none came
 * @returns an error whose extensions are `code`, `status`, and where there is one `hint`, `details`,
 *   `retryAfter` (seconds)
 */
export function refusal(failure: Failure, status: number): GraphQLError {
  const { code, message, hint, details } = failure
  if (isConflict(code)) {
    const { title, status: unavailable, hint } = REFUSALS.try_again
    const extensions = { code: 'try_again', status: unavailable, hint, retryAfter: 1 }
    return new GraphQLError(title, { extensions })
  }
  if (code && /^[a-z][a-z_]+$/.test(code)) {
    return new GraphQLError(message, {
      extensions: {
        code,
        status,
        ...(hint && { hint }),
        ...(details && { details }),
        // The contract says the seconds twice: in the header, which does not come through, and here.
        ...(status === 429 && { retryAfter: Number(details) }),
      },
    })
  }
  // What is not the contract's comes from Postgres or from what stands before it: told in our words.
  if (status === 401) return notSignedIn()
  if (code === '42501') {
    return plain('permission_denied', 403, 'Your roles do not permit this in this organisation.')
  }
  // 404 would be a function that is not there: a door that is newer than its database.
  if (status >= 400 && status < 500 && status !== 404) {
    return plain('BAD_USER_INPUT', status, 'A value is not of its kind.')
  }
  console.error(`The API answered ${status}: ${code ?? ''} ${message}`)
  return plain('unreachable', 503, 'The database did not answer. Try again later.')
}

/** The data of a supabase-js answer; throws when it is an error. */
export async function settle<T>(
  request: PromiseLike<{ data: T; error: Failure | null; status: number }>,
): Promise<NonNullable<T>> {
  const { data, error, status } = await untilFree(request)
  if (error) throw refusal(error, status)
  return data as NonNullable<T>
}

/** A refusal of this door itself, before anything is asked of the database. */
export function badInput(code: string, message: string, hint: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, status: 422, hint } })
}

/** Refuses text that Postgres cannot hold: with `invalid_email`, `invalid_message` or `invalid_settings`. */
export function requireText(values: object): void {
  const problem = rowProblem(values)
  if (problem) throw badInput(problem.code, UNSTORABLE, problem.hint)
}

export function notSignedIn(): GraphQLError {
  return plain('unauthenticated', 401, 'You are not signed in.')
}

/** The same of a request as a whole, which is then not begun: its answer has that status, too. */
export function notACaller(): GraphQLError {
  const { message, extensions } = notSignedIn()
  const http = { status: 401, headers: { 'www-authenticate': 'Bearer' } }
  return new GraphQLError(message, { extensions: { ...extensions, http } })
}

function plain(code: string, status: number, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, status } })
}
