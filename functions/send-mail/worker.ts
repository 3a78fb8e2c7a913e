/**
 * A worker that runs all the time: for self-hosting, and for the local stack. Several may run side
 * by side.
 *
 * It listens for new mails where the connection allows it, and looks by itself every second. Every
 * minute it keeps house: what has expired, what to bring to mind, what to seal, which domains to look
 * up. That goes on beside the mail, which waits for none of it. On SIGTERM or SIGINT what is under way
 * is finished, and it ends with 0.
 *
 * @module
 */
import { resolveTxt } from 'node:dns/promises'
import { connect, deliveriesOf, domainsOf, housekeepingOf, keepHouse } from '../_shared/database.ts'
import { readMailEnvironment } from '../_shared/environment.ts'
import { repeat } from '../_shared/repeat.ts'
import { createSmtpTransport } from '../_shared/transports/smtp.ts'
import { checkDomains } from '../verify-domains/check.ts'
import { drain } from './drain.ts'

const environment = readMailEnvironment(Deno.env.toObject())
const sql = connect(environment.databaseUrl)
const transport = createSmtpTransport(environment.smtpUrl)
const stopping = new AbortController()
const stop = stopping.signal

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  Deno.addSignalListener(signal, () => stopping.abort())
}

// Only a hint: behind a transaction-mode pooler it never comes, and looking does it all.
const bell = new EventTarget()
sql.listen('usher_deliveries', () => bell.dispatchEvent(new Event('ring'))).catch(() => {})

const options = {
  deliveries: deliveriesOf(sql),
  transport,
  from: environment.from,
  worker: `worker-${Deno.pid}`,
}
const housekeeping = housekeepingOf(sql)
const domains = domainsOf(sql)

const mailing = repeat(
  async () => {
    const counts = await drain(options, stop)
    if (counts.sent + counts.failed + counts.skipped > 0) console.log(JSON.stringify(counts))
  },
  { every: 1_000, stop, bell },
)
repeat(
  async () => {
    await keepHouse(housekeeping)
    await checkDomains(domains, resolveTxt)
  },
  { every: 60_000, stop },
)

// Housekeeping is not waited for: each step is one transaction, and whoever comes next does the rest.
await mailing
transport.close()
await sql.end({ timeout: 5 })
Deno.exit(0)
