/**
 * The parts that sending mail takes, made of the environment: for the edge function and for the worker.
 *
 * @module
 */
import { connect, deliveriesOf, housekeepingOf, noteSignatureOf } from '../_shared/database.ts'
import { readMailEnvironment } from '../_shared/environment.ts'
import { logTrouble } from '../_shared/log.ts'
import { createMailMetrics } from '../_shared/metrics.ts'
import { outboxOf } from '../_shared/outbox.ts'
import { createSeal } from '../_shared/seal.ts'
import { createTransport } from '../_shared/transports/create.ts'
import type { DrainOptions } from './drain.ts'

/** @param worker - its name in the log, and after `usher-` that of its connections */
export function wire(variables: Record<string, string>, worker: string) {
  const environment = readMailEnvironment(variables)
  const sql = connect(environment.databaseUrl, `usher-${worker}`)
  const transport = createTransport(environment.transport)
  const metrics = createMailMetrics(sql)
  const noteSignature = noteSignatureOf(sql)
  let isNoted = false
  const drainOptions: DrainOptions = {
    deliveries: deliveriesOf(sql, { hasReturnTags: environment.returnPath !== null }),
    transport,
    from: environment.from,
    returnPath: environment.returnPath,
    seal: environment.authHookSecret ? createSeal(environment.authHookSecret) : null,
    worker,
    onDone(outcome) {
      metrics.count(outcome)
      if (outcome !== 'sent' || isNoted || transport.signature === undefined) return
      isNoted = true
      // Where it cannot be written down now, the next worker does.
      noteSignature(transport.signature).catch((error) => logTrouble('mail.signature', { error }))
    },
  }
  return {
    environment,
    sql,
    transport,
    metrics,
    housekeeping: housekeepingOf(sql),
    fanOut: outboxOf(sql),
    drainOptions,
  }
}
