/**
 * Sends what is due: lease, prepare, render, send, say what became of it.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Deliveries, Failure, Lease } from '../_shared/database.ts'
import type { Outcome, Transport } from '../_shared/transports/index.ts'
import { toLine } from '../emails/one-line.ts'
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
 * Sends until nothing is due any more. Throws when the database is away, and then as well only once
 * nothing is under way any more.
 *
 * @param signal - when it is aborted, what is under way is finished and nothing more is taken
 */
export async function drain(options: DrainOptions, signal?: AbortSignal): Promise<Counts> {
  const { deliveries, worker, concurrency = 8 } = options
  const counts: Counts = { sent: 0, failed: 0, skipped: 0 }
  const underWay = new Set<Promise<void>>()
  let trouble: { error: unknown } | null = null

  try {
    while (!signal?.aborted && !trouble) {
      // No more than what can start now, so that no lease runs out while it waits; and no waiting
      // for the slowest, so that one server that hangs holds up one mail.
      const leases = await deliveries.lease(worker, concurrency - underWay.size)
      for (const lease of leases) {
        const sending = deliver(lease, options)
          .then((result) => {
            counts[result] += 1
          })
          .catch((error: unknown) => {
            trouble = { error }
          })
          .finally(() => underWay.delete(sending))
        underWay.add(sending)
      }
      if (underWay.size === 0) break
      await Promise.race(underWay)
    }
  } finally {
    await Promise.all(underWay)
  }
  if (trouble) throw (trouble as { error: unknown }).error
  return counts
}

async function deliver(lease: Lease, options: DrainOptions): Promise<keyof Counts> {
  const { deliveries } = options
  const outcome = await attempt(lease, options)
  if (!outcome) return 'skipped'
  if (outcome.ok) {
    await insist(() => deliveries.complete(lease, outcome.response, outcome.providerMessageId))
    return 'sent'
  }
  await insist(() => deliveries.fail(lease, outcome.failure, outcome.response, outcome.statusCode))
  return 'failed'
}

/** One try. Never throws, so that one bad delivery stops no other. Null: nothing is to be sent. */
async function attempt(lease: Lease, options: DrainOptions): Promise<Outcome | null> {
  const { deliveries, transport, from } = options
  let failure: Failure = 'temporary'
  let step = 'prepared'
  try {
    const prepared = await deliveries.prepare(lease)
    if (!prepared) return null
    // A mail that cannot be drawn today cannot be drawn tomorrow.
    failure = 'permanent'
    step = 'rendered'
    const rendered = await render(prepared)
    return await transport.send({
      id: `${prepared.id}@${from.address.split('@')[1]}`,
      from: { name: toLine(prepared.organisation.name), address: from.address },
      to: prepared.to,
      replyTo: prepared.reply_to,
      ...rendered,
    })
  } catch (error) {
    return { ok: false, failure, response: `Not ${step}: ${error}`, statusCode: null }
  }
}

/**
 * Writes down what became of a mail, through a restart of the database of up to 25 seconds: a mail
 * that has gone out and is not written down goes out twice.
 */
async function insist<Answer>(write: () => Promise<Answer>): Promise<Answer> {
  for (let pause = 100; ; pause *= 2) {
    try {
      return await write()
    } catch (error) {
      if (pause > 12_800) throw error
      await wait(pause)
    }
  }
}
