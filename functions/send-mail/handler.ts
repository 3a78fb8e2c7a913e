/**
 * `POST /send-mail` keeps house and sends what is due now; `GET /send-mail/health` and
 * `GET /send-mail/metrics` say how it is doing.
 *
 * @module
 */
import { answerOperations, type MailMetrics } from '../_shared/metrics.ts'
import { createWorkerHandler, knowsSecret } from '../_shared/worker-request.ts'
import type { Counts } from './drain.ts'

export interface HandlerOptions {
  drain(signal: AbortSignal): Promise<Counts>
  metrics: MailMetrics
  /** What the caller has to send as a bearer token. */
  secret: string
  /** Stops to take more after this many seconds; a function may run for 150. Default: 100 */
  budget?: number
}

/** Answers the counts of what was sent, failed and skipped. */
export function createHandler({ drain, metrics, secret, budget = 100 }: HandlerOptions) {
  const work = createWorkerHandler(secret, () => drain(AbortSignal.timeout(budget * 1000)))
  return async (request: Request): Promise<Response> =>
    (await answerOperations(request, metrics, (asked) => knowsSecret(asked, secret))) ??
    work(request)
}
