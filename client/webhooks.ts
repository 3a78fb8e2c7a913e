/**
 * Webhooks: where an organisation wants to hear what happens to it, and what became of it.
 *
 * @module
 */
import { type Connection, call, type Returned, type RowOf } from './call.ts'
import type { WebhookEventType } from './generated/webhook-event-types.ts'
import type { Order } from './keyset.ts'
import { type Camel, snakeise } from './names.ts'
import { allOf, eachOf, type IterateOptions, type PageOptions, pageOf } from './pages.ts'
import type { PageResult, Result } from './result.ts'

/** A type of events; a newer server may know more than this client. */
export type WebhookEvent = WebhookEventType | (string & {})
/** `failing`: for days nothing was taken; `gone`: it answered 410. */
export type WebhookDisabledReason = 'by_hand' | 'failing' | 'gone'
/** An endpoint. `events` null: it hears all types. */
export type Webhook = Omit<Camel<RowOf<'organisation_webhooks'>>, 'events' | 'disabledReason'> & {
  events: WebhookEvent[] | null
  disabledReason: WebhookDisabledReason | null
}

type SecretRow = Camel<Returned<'create_organisation_webhook'>>
/** The secret of an endpoint, `whsec_…`, shown this once; `oldSecretsEnd`: until when older ones sign beside it. */
export type WebhookSecret = {
  [K in keyof SecretRow]: K extends 'oldSecretsEnd' ? SecretRow[K] : NonNullable<SecretRow[K]>
}

export type WebhookDeliveryStatus = 'queued' | 'sending' | 'delivered' | 'failed'
export interface WebhookTry {
  at: string
  /** Of HTTP; null: there was no answer. */
  status_code: number | null
  milliseconds: number
}
/** One event on its way to one endpoint; `tries` are the last 20. */
export type WebhookDelivery = Omit<
  Camel<RowOf<'organisation_webhook_deliveries'>>,
  'status' | 'event' | 'tries'
> & {
  status: WebhookDeliveryStatus
  event: WebhookEvent
  tries: WebhookTry[]
}

export interface WebhookDraft {
  /** https, on the public internet, at most 2,000 characters. */
  url: string
  /** Which types it hears; default: all. */
  events?: WebhookEvent[] | undefined
  /** What it is for: one line of at most 200 characters. */
  description?: string | undefined
}

export interface WebhookChanges {
  url?: string | undefined
  /** null: all. */
  events?: WebhookEvent[] | null | undefined
  description?: string | undefined
  isEnabled?: boolean | undefined
}

export interface WebhookDeliveryFilter extends PageOptions {
  webhookId?: string | undefined
  status?: WebhookDeliveryStatus | undefined
  event?: WebhookEvent | undefined
}

/** Which deliveries go out again. */
export type WebhookReplay =
  /** This one, also if it was taken before. */
  | { deliveryId: string }
  /** All that failed since then, ISO 8601, and all that happened and was never put on its way. */
  | { since: string }

function listDeliveries(
  connection: Connection,
  organisationId: string,
  { webhookId, status, event, ...page }: WebhookDeliveryFilter,
): Promise<PageResult<WebhookDelivery>> {
  return pageOf(connection, 'organisation_webhook_deliveries', 'created_at', page, (select) => {
    let deliveries = select.eq('organisation_id', organisationId)
    if (webhookId) deliveries = deliveries.eq('webhook_id', webhookId)
    if (status) deliveries = deliveries.eq('status', status)
    return event ? deliveries.eq('event', event) : deliveries
  })
}

/** `usher.webhooks` */
export function webhooks(connection: Connection) {
  return {
    /** The endpoints of an organisation, oldest first. Needs `webhook.manage`; otherwise empty. */
    list(organisationId: string): Promise<Result<Webhook[]>> {
      const order: Order = [
        ['created_at', 'asc'],
        ['id', 'asc'],
      ]
      return allOf(connection, 'organisation_webhooks', order, (select) =>
        select.eq('organisation_id', organisationId),
      )
    },

    /**
     * Lets an endpoint hear what happens; at most 20 of an organisation.
     *
     * @returns its id and its secret, or `unauthenticated`, `organisation_not_found`,
     *   `permission_denied`, `invalid_settings` (hint says what is wrong)
     */
    create(organisationId: string, draft: WebhookDraft): Promise<Result<WebhookSecret>> {
      const { url, events, description } = draft
      const args = { organisationId, url, events, description }
      return call(connection, 'create_organisation_webhook', args)
    },

    /**
     * Changes an endpoint; what is left out stays. What waits for one that is switched off fails.
     *
     * @returns the endpoint, or `unauthenticated`, `webhook_not_found`, `permission_denied`,
     *   `invalid_settings`
     */
    update(webhookId: string, changes: WebhookChanges): Promise<Result<Webhook>> {
      return call(connection, 'update_organisation_webhook', {
        webhookId,
        changes: snakeise(changes) as Record<string, string>,
      })
    },

    /**
     * Deletes an endpoint, its secrets and its log.
     *
     * @returns nothing, or `unauthenticated`, `webhook_not_found`, `permission_denied`
     */
    delete(webhookId: string): Promise<Result<null>> {
      return call(connection, 'delete_organisation_webhook', { webhookId })
    },

    /**
     * Makes a new secret; older ones sign beside it for a while.
     *
     * @param options.keepOldFor - an interval from `0` to `7 days`; default: a day
     * @returns the secret, or `unauthenticated`, `webhook_not_found`, `permission_denied`,
     *   `invalid_settings`, `rate_limited` (ten a day)
     */
    rotateSecret(
      webhookId: string,
      { keepOldFor }: { keepOldFor?: string | undefined } = {},
    ): Promise<Result<WebhookSecret>> {
      return call(connection, 'rotate_organisation_webhook_secret', { webhookId, keepOldFor })
    },

    /**
     * Sends a `webhook.tested` to this one endpoint.
     *
     * @returns the delivery, or `unauthenticated`, `webhook_not_found`, `permission_denied`,
     *   `webhook_disabled`, `rate_limited` (60 an hour)
     */
    test(webhookId: string): Promise<Result<WebhookDelivery>> {
      return call(connection, 'test_organisation_webhook', { webhookId })
    },

    /**
     * Sends again what an endpoint has missed, under the same `webhook-id`.
     *
     * @returns how many go out, or `unauthenticated`, `webhook_not_found` (also: no such delivery),
     *   `permission_denied`, `webhook_disabled`, `invalid_settings`, `rate_limited` (60 an hour)
     */
    replay(webhookId: string, which: WebhookReplay): Promise<Result<number>> {
      const { deliveryId, since } = { deliveryId: undefined, since: undefined, ...which }
      const args = { webhookId, deliveryId, since }
      return call(connection, 'replay_organisation_webhook_deliveries', args)
    },

    /** What was and is to be sent, newest first. Needs `webhook.manage`; otherwise empty. */
    listDeliveries(
      organisationId: string,
      page: WebhookDeliveryFilter = {},
    ): Promise<PageResult<WebhookDelivery>> {
      return listDeliveries(connection, organisationId, page)
    },

    /** All that `listDeliveries` gives, page by page, one at a time. */
    iterateDeliveries(organisationId: string, options: IterateOptions<WebhookDeliveryFilter> = {}) {
      return eachOf(connection, options, (to, page: WebhookDeliveryFilter) =>
        listDeliveries(to, organisationId, page),
      )
    },
  }
}
