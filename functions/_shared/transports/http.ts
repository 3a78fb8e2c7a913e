/**
 * What the providers that take mail by HTTP have in common: one POST, and what its answer means.
 *
 * @module
 */
import type { About, Failure } from '../database.ts'
import type { Outcome } from './index.ts'

/** Less than the minute that a lease lasts. */
const SEND_MILLISECONDS = 30_000

export interface Answer {
  status: number
  /** What was answered, as JSON if it is any. */
  body: Record<string, unknown>
}

/** What a refusal says, and of whom. */
export interface Refusal {
  failure: Failure
  about: About | null
}

/** The operator's to mend: a key, an account, what it may send. */
export const OURS: Refusal = { failure: 'temporary', about: 'sender' }

export interface PostOptions {
  /** The provider's own id of a mail that it has taken. */
  messageId(body: Answer['body']): unknown
  /** What a refusal says of the mail; null: what its status says. */
  judge?(answer: Answer): Refusal | 'taken' | null
  /** The provider tells a repetition by its key, so that what is in doubt may simply be sent again. */
  isRepeatable?: boolean
  /** Milliseconds for one mail in all. Default: 30,000 */
  timeout?: number | undefined
}

/** Sends a mail by one POST. Never throws. */
export async function post(
  request: Request | Promise<Request>,
  { messageId, judge, isRepeatable = false, timeout = SEND_MILLISECONDS }: PostOptions,
): Promise<Outcome> {
  let answer: Answer & { text: string }
  try {
    const response = await fetch(await request, { signal: AbortSignal.timeout(timeout) })
    const text = await response.text()
    answer = { status: response.status, text, body: toObject(text) }
  } catch (error) {
    const failure = isRepeatable || wasNeverConnected(error) ? 'temporary' : 'in_doubt'
    return { ok: false, failure, about: null, response: `No answer: ${error}`, statusCode: null }
  }

  const response = `${answer.status} ${answer.text}`
  const isTaken = answer.status >= 200 && answer.status < 300
  const verdict = isTaken ? 'taken' : (judge?.(answer) ?? judgeStatus(answer.status))
  if (verdict !== 'taken') return { ok: false, ...verdict, response, statusCode: null }
  const id = messageId(answer.body)
  return { ok: true, response, providerMessageId: typeof id === 'string' ? id : null }
}

/**
 * A mail is given up only for what is wrong with the mail itself. A wrong key, an account that is closed
 * or a limit that is reached is the operator's to mend, and no mail may be lost over it.
 */
function judgeStatus(status: number): Refusal {
  if ([400, 413, 422].includes(status)) return { failure: 'permanent', about: 'message' }
  return [401, 402, 403].includes(status) ? OURS : { failure: 'temporary', about: null }
}

function toObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Whether not a byte can have arrived. */
function wasNeverConnected(error: unknown): boolean {
  const text = `${error} ${error instanceof Error ? (error.cause ?? '') : ''}`
  return /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|Connection refused|dns error/i.test(text)
}
