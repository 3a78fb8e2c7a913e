/**
 * A worker that runs all the time: for self-hosting, and for the local stack. Several may run side
 * by side.
 *
 * Twice a second, and ten times while there is something, it looks for what has happened, and queues what follows;
 * that goes out at once. Every second it looks for what is due again, for directories of other applications, and for
 * invites whose inviter lost the right. Every minute it keeps house: what has expired, what to bring to mind, what to
 * seal, which domains to look up, and what came back to a mailbox. All of that goes on side by side. On SIGTERM or SIGINT what is under way is
 * finished, and it ends with 0.
 *
 * Where WORKER_ADDRESS is set, such as 0.0.0.0:9464, it answers /health and /metrics there: to anyone who
 * can reach it, as Prometheus expects.
 *
 * @module
 */
import '../_shared/production.ts'
import { resolveTxt } from 'node:dns/promises'
import { setTimeout as wait } from 'node:timers/promises'
import {
  domainsOf,
  followLostRights,
  keepHouse,
  recordMailReportOf,
  STEPS,
} from '../_shared/database.ts'
import { log } from '../_shared/log.ts'
import { answerOperations } from '../_shared/metrics.ts'
import { createOutgoing } from '../_shared/outgoing.ts'
import { repeat } from '../_shared/repeat.ts'
import { readReturnedMail } from '../_shared/returned-mailbox.ts'
import { drain as drainWebhooks } from '../send-webhooks/drain.ts'
import { wire as wireWebhooks } from '../send-webhooks/wire.ts'
import { changesOf } from '../sync-directories/changes.ts'
import { syncDirectories } from '../sync-directories/sync.ts'
import { checkDomains } from '../verify-domains/check.ts'
import { drain } from './drain.ts'
import { wire } from './wire.ts'

const { environment, sql, transport, metrics, housekeeping, fanOut, drainOptions } = wire(
  Deno.env.toObject(),
  `worker-${Deno.pid}`,
)
const domains = domainsOf(sql)
const webhooks = wireWebhooks(sql, Deno.env.toObject(), drainOptions.worker)
const directories = {
  changes: changesOf(sql),
  outgoing: createOutgoing({ allow: Deno.env.get('USHER_ALLOW_PRIVATE_TARGETS') }),
}
const stopping = new AbortController()
const stop = stopping.signal

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  Deno.addSignalListener(signal, () => stopping.abort())
}

const bell = new EventTarget()
repeat(
  async () => {
    const followed = await fanOut(() => bell.dispatchEvent(new Event('ring')))
    return followed === 0 ? 500 : 100
  },
  { every: 500, stop },
)
const mailing = repeat(
  async () => {
    await drain(drainOptions, stop)
  },
  { every: 1_000, stop, bell },
)
const telling = repeat(
  async () => {
    await drainWebhooks(webhooks, stop)
  },
  { every: 1_000, stop, bell },
)
repeat(() => followLostRights(housekeeping), { every: 1_000, stop })
const syncing = repeat(
  async () => {
    await syncDirectories(directories, stop)
  },
  { every: 1_000, stop },
)
repeat(
  async () => {
    const failed = await keepHouse(housekeeping)
    // Of all steps, it is the database that is away: it is looked for again sooner than in a minute.
    if (failed.length === STEPS.length) throw new Error('No upkeep could be done.')
  },
  { every: 60_000, stop },
)

// Apart from that: who claims domains may let us wait for their name servers.
repeat(
  async () => {
    await checkDomains(domains, resolveTxt)
  },
  { every: 60_000, stop },
)

const { returnedMail } = environment
if (returnedMail) {
  const record = recordMailReportOf(sql)
  repeat(() => readReturnedMail({ ...returnedMail, record }), { every: 60_000, stop })
}

const [, hostname, port] = Deno.env.get('WORKER_ADDRESS')?.match(/^(.+):(\d+)$/) ?? []
if (hostname) {
  Deno.serve({ hostname, port: Number(port), signal: stop, onListen() {} }, async (request) => {
    const answer = await answerOperations(request, metrics, async () => true)
    return answer ?? new Response('See /health and /metrics.', { status: 404 })
  })
}
log('worker.started', { worker: drainOptions.worker })

// Housekeeping is not waited for: each step is one transaction, and whoever comes next does the rest.
await Promise.all([mailing, telling])
// What is under way with other applications may take long, and may be done twice: whoever comes next does it.
await Promise.race([syncing, wait(10_000)])
transport.close()
await sql.end({ timeout: 5 })
Deno.exit(0)
