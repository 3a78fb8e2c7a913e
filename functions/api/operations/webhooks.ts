/**
 * Webhooks: endpoints that hear what happens, what they were sent, and sending it again.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { changes, instant, interval, line, someNames, webAddress, words } from '../inputs.ts'
import {
  created,
  id,
  inOrganisation,
  nothing,
  type Operation,
  OUTSIDE,
  page,
  pageOfTable,
  row,
  value,
} from '../operation.ts'
import type { RefusalCode } from '../refusals.ts'
import { Webhook, WebhookDelivery, WebhookSecret } from '../schemas.ts'

const tag = 'Webhooks'
const path = '/organisations/{organisation_id}/webhooks'
const url = webAddress.openapi({
  description: 'https, on the public internet.',
  example: 'https://hooks.example.com/usher',
})
const events = someNames.openapi({ minItems: 1, maxItems: 200, example: ['member.joined'] })
const ofWebhook = z.object({ webhook_id: id })
const CHANGE: RefusalCode[] = ['unauthenticated', 'webhook_not_found', 'permission_denied']

export const webhooks: Operation[] = [
  {
    id: 'listWebhooks',
    method: 'get',
    path,
    tag,
    summary: 'The endpoints of the organisation. For those with webhook.manage; none for others.',
    source: {
      table: 'organisation_webhooks',
      equal: ['organisation_id'],
      order: [
        ['created_at', 'asc'],
        ['id', 'asc'],
      ],
    },
    params: inOrganisation,
    query: z.strictObject(pageOfTable),
    answers: page(Webhook),
    refuses: ['unauthenticated'],
  },
  {
    id: 'createWebhook',
    method: 'post',
    path,
    tag,
    summary: 'Lets an endpoint hear what happens, by Standard Webhooks; its secret is shown once.',
    source: { function: 'create_organisation_webhook' },
    params: inOrganisation,
    body: z.strictObject({
      url,
      events: events.optional().openapi({ description: 'Which types; without it, all.' }),
      description: line(200).optional(),
    }),
    answers: created(WebhookSecret),
    refuses: [...OUTSIDE, 'invalid_settings'],
    creates: { at: (created) => `/webhooks/${created.webhook_id}` },
  },
  {
    id: 'getWebhook',
    method: 'get',
    path: '/webhooks/{webhook_id}',
    tag,
    summary: 'One endpoint.',
    source: {
      table: 'organisation_webhooks',
      byId: 'webhook_id',
      equal: [],
      order: [['id', 'asc']],
    },
    params: ofWebhook,
    answers: row(Webhook),
    refuses: ['unauthenticated', 'webhook_not_found'],
  },
  {
    id: 'updateWebhook',
    method: 'patch',
    path: '/webhooks/{webhook_id}',
    tag,
    summary: 'Changes an endpoint, or switches it off and on; what is left out stays.',
    source: {
      function: 'update_organisation_webhook',
      toArguments: ({ webhook_id, ...changes }) => ({ webhook_id, changes }),
    },
    params: ofWebhook,
    body: changes({
      url,
      events: events.nullable().openapi({ description: 'null: all.' }),
      description: line(200),
      is_enabled: z.boolean(),
    }).openapi({ example: { is_enabled: true } }),
    answers: row(Webhook),
    refuses: [...CHANGE, 'invalid_settings'],
  },
  {
    id: 'deleteWebhook',
    method: 'delete',
    path: '/webhooks/{webhook_id}',
    tag,
    summary: 'Deletes an endpoint, its secrets and its log.',
    source: { function: 'delete_organisation_webhook' },
    params: ofWebhook,
    answers: nothing,
    refuses: CHANGE,
  },
  {
    id: 'rotateWebhookSecret',
    method: 'post',
    path: '/webhooks/{webhook_id}/rotate-secret',
    tag,
    summary: 'Makes a new secret; older ones sign beside it for a while. Ten times a day.',
    source: { function: 'rotate_organisation_webhook_secret' },
    params: ofWebhook,
    body: z.strictObject({
      keep_old_for: interval.optional().openapi({
        description: 'An interval from 0 to 7 days; without it, a day.',
        example: '2 hours',
      }),
    }),
    answers: row(WebhookSecret),
    refuses: [...CHANGE, 'invalid_settings', 'rate_limited'],
  },
  {
    id: 'testWebhook',
    method: 'post',
    path: '/webhooks/{webhook_id}/test',
    tag,
    summary: 'Sends an event of type webhook.tested to this endpoint. 60 an hour.',
    source: { function: 'test_organisation_webhook' },
    params: ofWebhook,
    answers: row(WebhookDelivery),
    refuses: [...CHANGE, 'webhook_disabled', 'rate_limited'],
  },
  {
    id: 'replayWebhookDeliveries',
    method: 'post',
    path: '/webhooks/{webhook_id}/replay',
    tag,
    summary: 'Sends again what the endpoint has missed; says how much.',
    description:
      'Either delivery_id, for that one, or since, for all that failed since then or was never sent.',
    source: { function: 'replay_organisation_webhook_deliveries' },
    params: ofWebhook,
    body: z.strictObject({
      delivery_id: id.optional(),
      since: instant.optional(),
    }),
    answers: value('deliveries', z.number().int()),
    refuses: [...CHANGE, 'webhook_disabled', 'invalid_settings', 'rate_limited'],
  },
  {
    id: 'listWebhookDeliveries',
    method: 'get',
    path: '/organisations/{organisation_id}/webhook-deliveries',
    tag,
    summary:
      'What webhooks were sent and are to be sent, newest first. For those with webhook.manage.',
    source: {
      table: 'organisation_webhook_deliveries',
      equal: ['organisation_id', 'webhook_id', 'status', 'event'],
      order: [
        ['created_at', 'desc'],
        ['id', 'desc'],
      ],
    },
    params: inOrganisation,
    query: z.strictObject({
      webhook_id: id.optional(),
      status: WebhookDelivery.shape.status.optional(),
      event: words.optional().openapi({ example: 'member.joined' }),
      ...pageOfTable,
    }),
    answers: page(WebhookDelivery),
    refuses: ['unauthenticated'],
  },
]
