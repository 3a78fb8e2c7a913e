/**
 * A worker that runs all the time: for self-hosting, and for the local stack. Several may run side
 * by side.
 *
 * It listens for new mails where the connection allows it, and looks by itself every second. Every
 * minute it keeps house: what has expired, what to bring to mind, what to seal.
 *
 * @module
 */
import { resolveTxt } from 'node:dns/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, deliveriesOf, domainsOf, housekeepingOf, keepHouse } from '../_shared/database.ts'
import { readMailEnvironment } from '../_shared/environment.ts'
import { createSmtpTransport } from '../_shared/transports/smtp.ts'
import { checkDomains } from '../verify-domains/check.ts'
import { drain } from './drain.ts'

const POLL_MILLISECONDS = 1_000
const HOUSEKEEPING_MILLISECONDS = 60_000

const environment = readMailEnvironment(Deno.env.toObject())
const sql = connect(environment.databaseUrl)
const transport = createSmtpTransport(environment.smtpUrl)
const stopping = new AbortController()
let wake = new AbortController()

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  Deno.addSignalListener(signal, () => {
    stopping.abort()
    wake.abort()
  })
}

// Only a hint: behind a transaction-mode pooler it never comes, and polling does it all.
sql.listen('usher_deliveries', () => wake.abort()).catch(() => {})

const options = {
  deliveries: deliveriesOf(sql),
  transport,
  from: environment.from,
  worker: `worker-${Deno.pid}`,
}
const housekeeping = housekeepingOf(sql)
const domains = domainsOf(sql)
let keptHouseAt = 0
let trouble = 0
while (!stopping.signal.aborted) {
  wake = new AbortController()
  try {
    const counts = await drain(options, stopping.signal)
    if (counts.sent + counts.failed + counts.skipped > 0) console.log(JSON.stringify(counts))
    if (Date.now() - keptHouseAt > HOUSEKEEPING_MILLISECONDS) {
      await keepHouse(housekeeping)
      await checkDomains(domains, resolveTxt)
      keptHouseAt = Date.now()
    }
    trouble = 0
  } catch (error) {
    // The database is away, perhaps restarting. It comes back, or an operator sees this line.
    trouble += 1
    console.error(`Trouble ${trouble}: ${error instanceof Error ? error.message : error}`)
  }
  const pause = POLL_MILLISECONDS * Math.min(2 ** trouble, 30)
  await wait(pause, undefined, { signal: wake.signal }).catch(() => {})
}
transport.close()
await sql.end({ timeout: 5 })
