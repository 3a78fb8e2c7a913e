/**
 * Webhooks: endpoints, their secrets, what they were sent, and sending it again.
 *
 * @module
 */
import { builder, command, operation, snakeCased } from '../builder.ts'
import type { WebhookDeliveryRow, WebhookRow, WebhookSecretRow } from '../rows.ts'
import { inOrganisation } from './page.ts'

export const Webhook = builder.objectRef<WebhookRow>('Webhook')
const WebhookSecret = builder.objectRef<WebhookSecretRow>('WebhookSecret')
const WebhookDelivery = builder.objectRef<WebhookDeliveryRow>('WebhookDelivery')

builder.objectType(Webhook, {
  description: 'An endpoint that hears what happens in an organisation.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    url: t.exposeString('url'),
    description: t.exposeString('description'),
    events: t.exposeStringList('events', {
      nullable: true,
      description: 'Which types it hears; null: all.',
    }),
    isEnabled: t.exposeBoolean('is_enabled'),
    disabledAt: t.expose('disabled_at', { type: 'DateTime', nullable: true }),
    disabledReason: t.exposeString('disabled_reason', {
      nullable: true,
      description: 'by_hand, failing (nothing taken for days) or gone (it answered 410).',
    }),
    failingSince: t.expose('failing_since', { type: 'DateTime', nullable: true }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
  }),
})

builder.objectType(WebhookSecret, {
  description: 'The secret of an endpoint, which is shown once.',
  fields: (t) => ({
    webhookId: t.expose('webhook_id', { type: 'UUID', nullable: true }),
    organisationId: t.expose('organisation_id', { type: 'UUID', nullable: true }),
    secret: t.exposeString('secret', { nullable: true, description: 'whsec_…' }),
    oldSecretsEnd: t.expose('old_secrets_end', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when older ones sign beside it.',
    }),
  }),
})

builder.objectType(WebhookDelivery, {
  description: 'One event on its way to one endpoint.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    webhookId: t.expose('webhook_id', { type: 'UUID' }),
    eventId: t.expose('event_id', {
      type: 'UUID',
      description: 'Of the audit trail; the webhook-id is made of it.',
    }),
    event: t.exposeString('event', { description: 'Its type, such as member.joined.' }),
    status: t.exposeString('status', { description: 'queued, sending, delivered or failed.' }),
    attempts: t.exposeInt('attempts'),
    dueAt: t.expose('due_at', { type: 'DateTime' }),
    lastStatusCode: t.exposeInt('last_status_code', { nullable: true }),
    lastResponse: t.exposeString('last_response', { nullable: true }),
    tries: t.expose('tries', {
      type: 'JSON',
      nullable: true,
      description: 'The last 20: [{at, status_code, milliseconds}].',
    }),
    deliveredAt: t.expose('delivered_at', { type: 'DateTime', nullable: true }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
  }),
})

export const WebhookDeliveryConnection = builder.connectionObject({
  type: WebhookDelivery,
  name: 'WebhookDeliveryConnection',
})

const WebhookChanges = builder.inputType('WebhookChanges', {
  description: 'What is left out stays.',
  fields: (t) => ({
    url: t.string({ description: 'https, on the public internet.' }),
    events: t.stringList({ description: 'Which types it hears; null: all.' }),
    description: t.string({ description: 'One line of at most 200 characters.' }),
    isEnabled: t.boolean({ description: 'What waits for one that is switched off fails.' }),
  }),
})

const ofWebhook = builder.args((t) => ({ webhookId: t.field({ type: 'UUID', required: true }) }))

builder.mutationFields((t) => ({
  createWebhook: t.field({
    type: WebhookSecret,
    description: 'Lets an endpoint hear what happens. Needs webhook.manage.',
    args: {
      ...inOrganisation,
      url: t.arg.string({ required: true, description: 'https, on the public internet.' }),
      events: t.arg.stringList({ description: 'Which types; default: all.' }),
      description: t.arg.string({ description: 'One line of at most 200 characters.' }),
    },
    ...operation('create_organisation_webhook'),
  }),
  updateWebhook: t.field({
    type: Webhook,
    description: 'Changes an endpoint. Needs webhook.manage.',
    args: { ...ofWebhook, changes: t.arg({ type: WebhookChanges, required: true }) },
    ...operation(
      'update_organisation_webhook',
      ({ webhookId, changes }: { webhookId: string; changes: object }) => ({
        webhook_id: webhookId,
        changes: snakeCased(changes),
      }),
    ),
  }),
  deleteWebhook: t.field({
    description: 'Deletes an endpoint, its secrets and its log. Needs webhook.manage.',
    args: ofWebhook,
    ...command('delete_organisation_webhook'),
  }),
  rotateWebhookSecret: t.field({
    type: WebhookSecret,
    description:
      'Makes a new secret; older ones sign beside it for a while. Ten a day. Needs webhook.manage.',
    args: {
      ...ofWebhook,
      keepOldFor: t.arg.string({ description: 'An interval from 0 to 7 days; default: a day.' }),
    },
    ...operation('rotate_organisation_webhook_secret'),
  }),
  testWebhook: t.field({
    type: WebhookDelivery,
    description: 'Sends a webhook.tested to this endpoint. 60 an hour. Needs webhook.manage.',
    args: ofWebhook,
    ...operation('test_organisation_webhook'),
  }),
  replayWebhookDeliveries: t.field({
    type: 'Int',
    description: 'Sends again what an endpoint has missed; says how many. Needs webhook.manage.',
    args: {
      ...ofWebhook,
      deliveryId: t.arg({ type: 'UUID', description: 'Either this one, taken or not.' }),
      since: t.arg({
        type: 'DateTime',
        description: 'Or all that failed since then, or was never put on its way.',
      }),
    },
    ...operation('replay_organisation_webhook_deliveries'),
  }),
}))
