/**
 * Sends what is due: lease, prepare, render, send, say what became of it.
 *
 * @module
 */
import type { Deliveries, Lease } from '../_shared/database.ts'
import type { Outcome, Transport } from '../_shared/transports/index.ts'
import { render } from '../emails/render.tsx'

export interface DrainOptions {
  deliveries: Deliveries
  transport: Transport
  from: { name: string; address: string }
  /** The name of this worker in the log. */
  worker: string
  /** How many mails are under way at once. Default: 8 */
  concurrency?: number
}

export interface Counts {
  sent: number
  /** Not taken; SQL decided whether there is another try. */
  failed: number
  /** Not to be sent any more. */
  skipped: number
}

/**
 * Sends until nothing is due any more.
 *
 * @param signal - when it is aborted, what is under way is finished and nothing more is taken
 */
export async function drain(options: DrainOptions, signal?: AbortSignal): Promise<Counts> {
  const { deliveries, worker, concurrency = 8 } = options
  const counts: Counts = { sent: 0, failed: 0, skipped: 0 }
  while (!signal?.aborted) {
    // No more than what can be under way at once, so that no lease runs out while it waits.
    const leases = await deliveries.lease(worker, concurrency)
    if (leases.length === 0) break
    for (const result of await Promise.all(leases.map((lease) => deliver(lease, options)))) {
      counts[result] += 1
    }
  }
  return counts
}

async function deliver(lease: Lease, options: DrainOptions): Promise<keyof Counts> {
  const { deliveries, transport, from } = options
  const prepared = await deliveries.prepare(lease)
  if (!prepared) return 'skipped'

  let outcome: Outcome
  try {
    outcome = await transport.send({
      id: `${prepared.id}@${from.address.split('@')[1]}`,
      from: { name: prepared.organisation.name, address: from.address },
      to: prepared.to,
      replyTo: prepared.reply_to,
      ...(await render(prepared)),
    })
  } catch (error) {
    // A mail that cannot be drawn today cannot be drawn tomorrow, and must not stop the others.
    outcome = {
      ok: false,
      failure: 'permanent',
      response: `Not rendered: ${error}`,
      statusCode: null,
    }
  }

  if (outcome.ok) {
    await deliveries.complete(lease, outcome.response, outcome.providerMessageId)
    return 'sent'
  }
  await deliveries.fail(lease, outcome.failure, outcome.response, outcome.statusCode)
  return 'failed'
}
