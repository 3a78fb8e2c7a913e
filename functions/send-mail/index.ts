/**
 * Edge function: reads the environment and wires the parts.
 *
 * @module
 */
import '../_shared/production.ts'
import { keepHouse } from '../_shared/database.ts'
import { logTrouble } from '../_shared/log.ts'
import { drain } from './drain.ts'
import { createHandler } from './handler.ts'
import { wire } from './wire.ts'

const { environment, metrics, housekeeping, fanOut, drainOptions } = wire(
  Deno.env.toObject(),
  `function-${crypto.randomUUID().slice(0, 8)}`,
)

Deno.serve(
  createHandler({
    async drain(signal) {
      // Called by a cron job every minute: the one clock that a hosted project has.
      // What goes wrong with it does not keep the mail.
      await keepHouse(housekeeping)
      // What is queued goes out, also where nothing can be added to it.
      await fanOut().catch((error) => logTrouble('outbox.failed', { error }))
      return drain(drainOptions, signal)
    },
    metrics,
    secret: environment.workerSecret,
  }),
)
