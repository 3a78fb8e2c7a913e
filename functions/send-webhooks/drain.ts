/**
 * Sends what webhooks are to hear: lease, prepare, POST, say what was answered.
 *
 * @module
 */
import type { Lease } from '../_shared/database.ts'
import { insist } from '../_shared/insist.ts'
import { log, logTrouble } from '../_shared/log.ts'
import type { Outgoing } from '../_shared/outgoing.ts'
import { isOwnFault } from '../_shared/own-fault.ts'
import { parseRetryAfter } from '../_shared/retry-after.ts'
import { untilSome } from '../_shared/until-some.ts'
import type { WebhookDeliveries, WebhookTry } from '../_shared/webhook-deliveries.ts'

export interface DrainOptions {
  deliveries: WebhookDeliveries
  outgoing: Outgoing
  /** The name of this worker in the log. */
  worker: string
  /** How many requests are under way at once; each is little more than waiting. Default: 100 */
  concurrency?: number
  /** Milliseconds that an endpoint has to answer. Default: 15,000, the least that the specification advises */
  timeout?: number
}

export interface Counts {
  delivered: number
  /** Not taken; SQL decided whether there is another try. */
  failed: number
  /** Not to be sent any more, or taken over by another worker. */
  skipped: number
}

/**
 * Sends until nothing is due any more. Throws when the database is away, and then as well only once nothing
 * is under way any more.
 *
 * @param signal - when it is aborted, what is under way is finished and nothing more is taken
 */
export async function drain(options: DrainOptions, signal?: AbortSignal): Promise<Counts> {
  const { deliveries, worker, concurrency = 100 } = options
  const counts: Counts = { delivered: 0, failed: 0, skipped: 0 }
  const underWay = new Set<Promise<void>>()
  let trouble: { error: unknown } | null = null

  try {
    while (!signal?.aborted && !trouble) {
      // What ends while the database is being asked may have made more due: it is asked again.
      const isBusy = underWay.size > 0
      const free = concurrency - underWay.size
      const leases = free > 0 ? await deliveries.lease(worker, free) : []
      for (const lease of leases) {
        const handling: Promise<void> = deliver(lease, options)
          .then((outcome) => {
            counts[outcome] += 1
          })
          .catch((error) => {
            if (!isOwnFault(error)) {
              trouble = { error }
              return
            }
            // One that the database does not let be done: its lease runs out, and the others go on.
            logTrouble('webhook.refused', { worker, delivery_id: lease.deliveryId, error })
            counts.skipped += 1
          })
          .finally(() => underWay.delete(handling))
        underWay.add(handling)
      }
      if (underWay.size > 0) await untilSome(underWay)
      else if (!isBusy) break
    }
  } finally {
    await Promise.all(underWay)
  }
  if (trouble) throw (trouble as { error: unknown }).error
  return counts
}

async function deliver(lease: Lease, options: DrainOptions): Promise<keyof Counts> {
  const { deliveries, outgoing, worker, timeout = 15_000 } = options
  const request = await deliveries.prepare(lease)
  const about = { worker, delivery_id: lease.deliveryId, attempt: lease.attempts }
  if (!request) {
    log('webhook.skipped', about)
    return 'skipped'
  }
  const start = performance.now()
  const answer = await ask(outgoing, { ...request, method: 'POST', timeout })
  const milliseconds = Math.round(performance.now() - start)
  const status = await insist(() => deliveries.record(lease, { ...answer, milliseconds }))
  const outcome = status === null ? 'skipped' : status === 'delivered' ? 'delivered' : 'failed'
  log(`webhook.${outcome}`, { ...about, status_code: answer.statusCode, milliseconds })
  return outcome
}

/** Never throws: that nobody answers is an answer as well. */
async function ask(
  outgoing: Outgoing,
  request: Parameters<Outgoing>[0],
): Promise<Omit<WebhookTry, 'milliseconds'>> {
  try {
    // Of the answer, the log keeps 1,000 characters.
    const { status, headers, body } = await outgoing({ ...request, maxBytes: 4_000 })
    return {
      statusCode: status,
      response: body,
      retryAfter: parseRetryAfter(headers['retry-after'], Date.now()),
    }
  } catch (error) {
    const response = error instanceof Error ? error.message : String(error)
    return { statusCode: null, response, retryAfter: null }
  }
}
