/**
 * Sends what is due: lease, prepare, render, send, say what became of it.
 *
 * @module
 */
import type { Deliveries, Failure, Lease } from '../_shared/database.ts'
import { type AuthFacts, isOffer } from '../_shared/delivery.ts'
import { insist } from '../_shared/insist.ts'
import { log, logTrouble } from '../_shared/log.ts'
import { isOwnFault } from '../_shared/own-fault.ts'
import type { Seal } from '../_shared/seal.ts'
import type { Outcome, Transport } from '../_shared/transports/index.ts'
import { render } from '../emails/render.tsx'

export interface DrainOptions {
  deliveries: Deliveries
  transport: Transport
  /** The name is the project's: for mails that no organisation sends. */
  from: { name: string; address: string }
  /** Makes the address of its own that a mail comes from, so that what comes back says which it was. */
  returnPath?: ((tag: string) => string) | null
  /** Opens mails of Supabase Auth; null where they do not come this way. */
  seal?: Seal | null
  /** Hears of each mail that was handled. */
  onDone?: (result: keyof Counts) => void
  /** The name of this worker in the log. */
  worker: string
  /** How many mails are under way at once; more than connections, so that none of those waits. Default: 48 */
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
  const { deliveries, worker, concurrency = 48 } = options
  const counts: Counts = { sent: 0, failed: 0, skipped: 0 }
  const underWay = new Set<Promise<void>>()
  // What is still to be written down holds up no other mail, up to a point: it is what goes out twice
  // when this worker is killed now.
  const unwritten = new Set<Promise<void>>()
  let trouble: { error: unknown } | null = null
  const note = (error: unknown) => {
    trouble = { error }
  }

  const handle = async (lease: Lease): Promise<void> => {
    const { outcome, write } = await deliver(lease, options)
    const writing = write()
      .then(() => {
        counts[outcome] += 1
        options.onDone?.(outcome)
      })
      .catch((error) => {
        if (!isOwnFault(error)) return note(error)
        // One that the database does not let be written down: its lease runs out, and the others go on.
        logTrouble('mail.refused', { worker, delivery_id: lease.deliveryId, error })
        counts.skipped += 1
      })
      .finally(() => unwritten.delete(writing))
    unwritten.add(writing)
    if (unwritten.size > concurrency) await writing
  }

  try {
    while (!signal?.aborted && !trouble) {
      // No more than what can start now, so that no lease runs out while it waits; and when half of
      // them are done, so that one server that hangs holds up one mail.
      const free = concurrency - underWay.size
      const leases = free >= concurrency / 2 ? await deliveries.lease(worker, free) : []
      for (const lease of leases) {
        const handling = handle(lease)
          .catch(note)
          .finally(() => underWay.delete(handling))
        underWay.add(handling)
      }
      if (underWay.size === 0) break
      await Promise.race(underWay)
    }
  } finally {
    await Promise.all(underWay)
    await Promise.all(unwritten)
  }
  if (trouble) throw (trouble as { error: unknown }).error
  return counts
}

interface Delivered {
  outcome: keyof Counts
  /** Writes down what became of it. */
  write(): Promise<unknown>
}

async function deliver(lease: Lease, options: DrainOptions): Promise<Delivered> {
  const { deliveries, worker } = options
  const start = performance.now()
  const { outcome, ...about } = await attempt(lease, options)
  const line = {
    worker,
    delivery_id: lease.deliveryId,
    attempt: lease.attempts,
    ...about,
    milliseconds: Math.round(performance.now() - start),
  }
  if (!outcome) {
    log('mail.skipped', line)
    return { outcome: 'skipped', write: async () => {} }
  }
  if (outcome.ok) {
    const { response, providerMessageId } = outcome
    log('mail.sent', line)
    return {
      outcome: 'sent',
      write: () => insist(() => deliveries.complete(lease, response, providerMessageId)),
    }
  }
  const { failure, about: whom, response, statusCode } = outcome
  log('mail.failed', { ...line, failure, about: whom, response })
  return {
    outcome: 'failed',
    write: () => insist(() => deliveries.fail(lease, failure, response, statusCode, whom)),
  }
}

interface Attempt {
  /** Null: nothing is to be sent. */
  outcome: Outcome | null
  kind?: string
  to_domain?: string | undefined
}

/** One try. Never throws, so that one bad delivery stops no other. */
async function attempt(lease: Lease, options: DrainOptions): Promise<Attempt> {
  const { deliveries, transport, from, returnPath, seal } = options
  let failure: Failure = 'temporary'
  let step = 'prepared'
  const about: Omit<Attempt, 'outcome'> = {}
  try {
    const mail = await deliveries.prepare(lease)
    if (!mail) return { outcome: null }
    about.kind = mail.kind
    about.to_domain = mail.to.split('@')[1]
    // A mail that cannot be drawn today cannot be drawn tomorrow.
    failure = 'permanent'
    step = 'rendered'
    const { senderName, templateFailure, ...rendered } = await render(mail, {
      projectName: from.name,
      ...(seal && { openAuthMail: ({ facts }) => seal.open<AuthFacts>(facts.sealed) }),
    })
    if (templateFailure && mail.template_id) {
      log('mail.template_failed', { template_id: mail.template_id, failure: templateFailure })
      // The mail goes out all the same; where this is not written down now, the next one says it again.
      await deliveries.failTemplate(mail.template_id, templateFailure).catch(() => {})
    }
    const outcome = await transport.send({
      deliveryId: mail.id,
      id: `${mail.id}@${from.address.split('@')[1]}`,
      from: { name: senderName, address: from.address },
      to: mail.to,
      replyTo: mail.reply_to,
      oneClickStopUrl: isOffer(mail) ? mail.one_click_stop_url : null,
      trackOpens: mail.track_opens,
      ...(mail.return_tag && returnPath && { returnPath: returnPath(mail.return_tag) }),
      ...rendered,
    })
    return { outcome, ...about }
  } catch (error) {
    const response = `Not ${step}: ${error}`
    const whom = failure === 'permanent' ? 'message' : null
    return { outcome: { ok: false, failure, about: whom, response, statusCode: null }, ...about }
  }
}
