/**
 * The parts that sending webhooks takes: for the edge function and for the worker.
 *
 * @module
 */
import type postgres from 'postgres'
import type { Variables } from '../_shared/environment.ts'
import { createOutgoing } from '../_shared/outgoing.ts'
import { webhookDeliveriesOf } from '../_shared/webhook-deliveries.ts'
import type { DrainOptions } from './drain.ts'

/**
 * Throws when USHER_ALLOW_PRIVATE_TARGETS cannot be read.
 *
 * @param worker - its name in the log
 */
export function wire(sql: postgres.Sql, variables: Variables, worker: string): DrainOptions {
  return {
    deliveries: webhookDeliveriesOf(sql),
    outgoing: createOutgoing({ allow: variables.USHER_ALLOW_PRIVATE_TARGETS }),
    worker,
  }
}
