/**
 * Edge function: reads the environment and wires the parts.
 *
 * @module
 */
import { connect, deliveriesOf, housekeepingOf, keepHouse } from '../_shared/database.ts'
import { readMailEnvironment } from '../_shared/environment.ts'
import { createSmtpTransport } from '../_shared/transports/smtp.ts'
import { drain } from './drain.ts'
import { createHandler } from './handler.ts'

const environment = readMailEnvironment(Deno.env.toObject())
const sql = connect(environment.databaseUrl)
const housekeeping = housekeepingOf(sql)
const options = {
  deliveries: deliveriesOf(sql),
  transport: createSmtpTransport(environment.smtpUrl),
  from: environment.from,
  worker: `function-${crypto.randomUUID().slice(0, 8)}`,
}

Deno.serve(
  createHandler({
    async drain(signal) {
      // Called by a cron job every minute: the one clock that a hosted project has.
      // What goes wrong with it must not keep the mail.
      await keepHouse(housekeeping).catch((error) => console.error(`House not kept: ${error}`))
      return drain(options, signal)
    },
    secret: environment.workerSecret,
  }),
)
