/**
 * Edge function: reads the environment and wires the parts.
 *
 * @module
 */
import { connect } from '../_shared/database.ts'
import { readWorkerEnvironment } from '../_shared/environment.ts'
import { logTrouble } from '../_shared/log.ts'
import { outboxOf } from '../_shared/outbox.ts'
import { drain } from './drain.ts'
import { createHandler } from './handler.ts'
import { wire } from './wire.ts'

const variables = Deno.env.toObject()
const { databaseUrl, workerSecret } = readWorkerEnvironment(variables)
const sql = connect(databaseUrl)
const fanOut = outboxOf(sql)
const options = wire(sql, variables, `function-${crypto.randomUUID().slice(0, 8)}`)

Deno.serve(
  createHandler({
    async drain(signal) {
      // What is queued goes out, also where nothing can be added to it.
      await fanOut().catch((error) => logTrouble('outbox.failed', { error }))
      return drain(options, signal)
    },
    secret: workerSecret,
  }),
)
