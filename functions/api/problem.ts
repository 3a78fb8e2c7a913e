/**
 * Problem documents: every refusal, as RFC 9457 has it, with the contract's code.
 *
 * @module
 */
import { REFUSALS, type RefusalCode } from './refusals.ts'

/** What this door itself refuses. Everything else is refused by the database. */
const OWN = {
  invalid_request: {
    status: 400,
    title: 'The request does not have the right form.',
    hint: 'See errors, and the reference.',
  },
  organisation_required: {
    status: 400,
    title: 'The request does not say which organisation it is about.',
    hint: 'Give organisation_id: its id or its slug.',
  },
  not_found: { status: 404, title: 'There is nothing here.', hint: 'See the reference.' },
  method_not_allowed: {
    status: 405,
    title: 'That method is not for this address.',
    hint: 'Use one of those in Allow.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large.',
    hint: 'At most 128 kB; 8 MB for many invitations at once.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body is of a kind that is not taken here.',
    hint: 'Send application/json, and say so in Content-Type.',
  },
  internal_error: {
    status: 500,
    title: 'Something went wrong on our side.',
    hint: 'Report the request_id.',
  },
  unavailable: {
    status: 503,
    title: 'The database did not answer.',
    hint: 'Try again in a moment; with an Idempotency-Key nothing is done twice.',
  },
} as const

export const PROBLEMS = { ...REFUSALS, ...OWN }
export type ProblemCode = RefusalCode | keyof typeof OWN

export const isProblemCode = (code: unknown): code is ProblemCode =>
  typeof code === 'string' && Object.hasOwn(PROBLEMS, code)

/** One thing that is wrong with a request. */
export interface RequestError {
  /** Where: `path`, `query`, `header` or `body`, and from there on as a JSON pointer. */
  pointer: string
  detail: string
}

interface ProblemOptions {
  /** What to do about it, where that can be said better than in the list. */
  hint?: string | null | undefined
  /** What it was about, such as the id of the invite in the way. */
  details?: string | null | undefined
  errors?: RequestError[]
  headers?: Record<string, string>
}

/** Thrown anywhere while a request is answered; becomes the answer. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly options: ProblemOptions

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(PROBLEMS[code].title)
    this.code = code
    this.options = options
  }

  /**
   * @param apiUrl - where this API is found; the type of a problem is an address below it
   * @param requestId - as in X-Request-Id
   */
  toResponse(apiUrl: string, requestId: string): Response {
    const { status, title, hint } = PROBLEMS[this.code]
    const { details, errors, headers } = this.options
    const body = {
      type: `${apiUrl}/problems/${this.code}`,
      title,
      status,
      detail: this.options.hint ?? hint,
      code: this.code,
      ...(details != null && { details }),
      ...(errors && { errors }),
      request_id: requestId,
    }
    return new Response(JSON.stringify(body), {
      status,
      headers: {
        'content-type': 'application/problem+json',
        ...(status === 401 && { 'www-authenticate': 'Bearer' }),
        ...headers,
      },
    })
  }
}
