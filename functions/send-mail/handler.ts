/**
 * `POST /send-mail`: sends what is due now. For a cron job or a database webhook that knows the secret.
 *
 * @module
 */
import type { Counts } from './drain.ts'

export interface HandlerOptions {
  drain(signal: AbortSignal): Promise<Counts>
  /** What the caller has to send as a bearer token. */
  secret: string
  /** Stops to take more after this many seconds; a function may run for 150. Default: 100 */
  budget?: number
}

/** Answers the counts of what was sent, failed and skipped. */
export function createHandler({ drain, secret, budget = 100 }: HandlerOptions) {
  return async (request: Request): Promise<Response> => {
    if (request.method !== 'POST') {
      return answer(405, { message: 'Use POST.' }, { allow: 'POST' })
    }
    const given = request.headers.get('authorization')?.replace(/^Bearer /, '') ?? ''
    if (!(await isEqual(given, secret))) {
      return answer(401, { message: 'Send USHER_WORKER_SECRET as a bearer token.' })
    }
    return answer(200, await drain(AbortSignal.timeout(budget * 1000)))
  }
}

/** Compares hashes, so that how long it takes says nothing about the secret. */
async function isEqual(one: string, two: string): Promise<boolean> {
  const hash = (text: string) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  const [a, b] = (await Promise.all([hash(one), hash(two)])).map((buffer) => new Uint8Array(buffer))
  return a?.every((byte, i) => byte === b?.[i]) ?? false
}

function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers })
}
