/**
 * Deliveries: mails, sent and to be sent.
 *
 * @module
 */
import { builder } from '../builder.ts'
import type { DeliveryRow } from '../rows.ts'

const Delivery = builder.objectRef<DeliveryRow>('Delivery')

builder.objectType(Delivery, {
  description: 'One mail to one address.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID', description: 'Also its Message-ID.' }),
    inviteId: t.expose('invite_id', { type: 'UUID', nullable: true }),
    memberId: t.expose('member_id', { type: 'UUID', nullable: true }),
    kind: t.exposeString('kind', { description: 'What it tells of, such as invite.' }),
    recipient: t.exposeString('recipient'),
    status: t.exposeString('status', {
      description: 'queued, sending, sent, failed, cancelled or suppressed.',
    }),
    attempts: t.exposeInt('attempts'),
    dueAt: t.expose('due_at', { type: 'DateTime' }),
    sentAt: t.expose('sent_at', { type: 'DateTime', nullable: true }),
    inDoubtAt: t.expose('in_doubt_at', { type: 'DateTime', nullable: true }),
    lastResponse: t.exposeString('last_response', { nullable: true }),
    lastStatusCode: t.exposeString('last_status_code', { nullable: true }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
  }),
})

export const DeliveryConnection = builder.connectionObject({
  type: Delivery,
  name: 'DeliveryConnection',
})
