/**
 * Edge function: `POST /sync-directories` tells other applications what has changed. For a cron job, where no
 * worker runs all the time.
 *
 * @module
 */
import '../_shared/production.ts'
import { connect } from '../_shared/database.ts'
import { readWorkerEnvironment } from '../_shared/environment.ts'
import { createOutgoing } from '../_shared/outgoing.ts'
import { createWorkerHandler } from '../_shared/worker-request.ts'
import { changesOf } from './changes.ts'
import { syncDirectories } from './sync.ts'

const variables = Deno.env.toObject()
const { databaseUrl, workerSecret } = readWorkerEnvironment(variables)
const options = {
  changes: changesOf(connect(databaseUrl)),
  outgoing: createOutgoing({ allow: variables.USHER_ALLOW_PRIVATE_TARGETS }),
}

// A function may run for 150 seconds.
Deno.serve(
  createWorkerHandler(workerSecret, () => syncDirectories(options, AbortSignal.timeout(100_000))),
)
