/**
 * Edge function: reads the environment and wires the parts.
 *
 * @module
 */
import { connect, deliveriesOf } from '../_shared/database.ts'
import { readMailEnvironment } from '../_shared/environment.ts'
import { createSmtpTransport } from '../_shared/transports/smtp.ts'
import { drain } from './drain.ts'
import { createHandler } from './handler.ts'

const environment = readMailEnvironment(Deno.env.toObject())
const options = {
  deliveries: deliveriesOf(connect(environment.databaseUrl)),
  transport: createSmtpTransport(environment.smtpUrl),
  from: environment.from,
  worker: `function-${crypto.randomUUID().slice(0, 8)}`,
}

Deno.serve(
  createHandler({ drain: (signal) => drain(options, signal), secret: environment.workerSecret }),
)
