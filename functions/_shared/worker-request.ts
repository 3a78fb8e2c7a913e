/**
 * Requests of a cron job or a database webhook that knows the worker's secret.
 *
 * @module
 */
import { logTrouble } from './log.ts'

/**
 * Makes a handler that lets nobody else in, and answers what the work found as JSON.
 *
 * @param secret - what the caller sends as a bearer token
 */
export function createWorkerHandler(secret: string, work: () => Promise<object>) {
  return async (request: Request): Promise<Response> => {
    if (request.method !== 'POST') {
      return answer(405, { message: 'Use POST.' }, { allow: 'POST' })
    }
    if (!(await knowsSecret(request, secret))) {
      return answer(401, { message: 'Send USHER_WORKER_SECRET as a bearer token.' })
    }
    try {
      return answer(200, await work())
    } catch (error) {
      // The caller is a clock and comes again; what went wrong is for the log, not for the wire.
      logTrouble('work.failed', { error })
      return answer(503, { message: 'The work could not be done now; see the log.' })
    }
  }
}

/** Whether the caller has sent the secret as a bearer token. */
export function knowsSecret(request: Request, secret: string): Promise<boolean> {
  return isEqual(request.headers.get('authorization') ?? '', `Bearer ${secret}`)
}

/** Compares hashes, so that how long it takes says nothing about the secret. */
export async function isEqual(one: string, two: string): Promise<boolean> {
  const hash = (text: string) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  const [a, b] = (await Promise.all([hash(one), hash(two)])).map((buffer) => new Uint8Array(buffer))
  return a?.every((byte, i) => byte === b?.[i]) ?? false
}

function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers })
}
