/**
 * What sending webhooks asks of the database. Requests come from there ready and signed; what an answer
 * leads to is decided there.
 *
 * @module
 */
import type postgres from 'postgres'
import { type Lease, storable } from './database.ts'

/** A request as it is to be sent, at once: its signature is of this moment. */
export interface PreparedWebhook {
  url: string
  body: string
  headers: Record<string, string>
}

/** One try, as far as the endpoint has answered. */
export interface WebhookTry {
  /** Of HTTP; null: there was no answer. */
  statusCode: number | null
  /** The body of the answer, or why there was none. */
  response: string
  milliseconds: number
  /** In seconds, where the endpoint says so. */
  retryAfter: number | null
}

export interface WebhookDeliveries {
  /** Takes up to this many that are due. */
  lease(worker: string, batchSize: number): Promise<Lease[]>
  /** Null when it is not to be sent any more. */
  prepare(lease: Lease): Promise<PreparedWebhook | null>
  /** delivered, queued or failed; null when another worker has taken over. */
  record(lease: Lease, webhookTry: WebhookTry): Promise<string | null>
}

export function webhookDeliveriesOf(sql: postgres.Sql): WebhookDeliveries {
  return {
    async lease(worker, batchSize) {
      return sql<Lease[]>`
        select l.delivery_id as "deliveryId", l.fence, l.attempts
        from usher.lease_webhook_deliveries(${worker}, ${batchSize}) l`
    },
    async prepare({ deliveryId, fence }) {
      const [row] = await sql<{ request: PreparedWebhook | null }[]>`
        select usher.prepare_webhook_delivery(${deliveryId}, ${fence}) as request`
      return row?.request ?? null
    },
    async record({ deliveryId, fence }, { statusCode, response, milliseconds, retryAfter }) {
      const [row] = await sql<{ status: string | null }[]>`
        select usher.record_webhook_try(
          ${deliveryId}, ${fence}, ${statusCode}, ${storable(response)}, ${milliseconds},
          ${retryAfter}) as status`
      return row?.status ?? null
    },
  }
}
