/**
 * `POST /send-webhooks` sends what is due now. For a cron job that knows the worker's secret.
 *
 * @module
 */
import { createWorkerHandler } from '../_shared/worker-request.ts'
import type { Counts } from './drain.ts'

export interface HandlerOptions {
  drain(signal: AbortSignal): Promise<Counts>
  /** What the caller has to send as a bearer token. */
  secret: string
  /** Stops to take more after this many seconds; a function may run for 150. Default: 100 */
  budget?: number
}

/** Answers the counts of what was delivered, failed and skipped. */
export function createHandler({ drain, secret, budget = 100 }: HandlerOptions) {
  return createWorkerHandler(secret, () => drain(AbortSignal.timeout(budget * 1000)))
}
