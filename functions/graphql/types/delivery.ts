/**
 * Deliveries: mails, sent and to be sent; trying one again, and stopping them.
 *
 * @module
 */
import { builder, operation } from '../builder.ts'
import type { DeliveryRow } from '../rows.ts'
import { inOrganisation } from './page.ts'

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
      description:
        'queued, sending, sent, failed, cancelled or suppressed; and where the mail provider tells, delivered, opened, bounced or complained.',
    }),
    attempts: t.exposeInt('attempts'),
    dueAt: t.expose('due_at', { type: 'DateTime' }),
    sentAt: t.expose('sent_at', { type: 'DateTime', nullable: true }),
    deliveredAt: t.expose('delivered_at', { type: 'DateTime', nullable: true }),
    openedAt: t.expose('opened_at', {
      type: 'DateTime',
      nullable: true,
      description: 'Only where the organisation records that.',
    }),
    bouncedAt: t.expose('bounced_at', { type: 'DateTime', nullable: true }),
    complainedAt: t.expose('complained_at', { type: 'DateTime', nullable: true }),
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

builder.mutationFields((t) => ({
  retryDelivery: t.field({
    type: Delivery,
    description: 'Sends a mail anew that has failed or was suppressed. Needs invite.resend.',
    args: { deliveryId: t.arg({ type: 'UUID', required: true }) },
    ...operation('retry_organisation_delivery'),
  }),
  liftMailSuppression: t.field({
    type: 'Boolean',
    description:
      'Lets mails go again to an address that one came back from; says whether it was stopped for that. Needs invite.resend.',
    args: {
      ...inOrganisation,
      email: t.arg.string({ required: true, description: 'That of a delivery.' }),
    },
    ...operation('lift_organisation_mail_suppression'),
  }),
  stopMail: t.field({
    type: 'String',
    description:
      'Stops invites and reminders of an organisation, or of all, to the mailbox of a mail, and says the name of the one that sent it. Anyone with the link may.',
    args: {
      token: t.arg.string({
        required: true,
        description: 'As the mail’s link to stop carries it; not that of an invite.',
      }),
      stop: t.arg.boolean({ description: 'false takes it back; default: true.' }),
      everywhere: t.arg.boolean({
        description: 'Of every organisation, also of those to come; default: false.',
      }),
    },
    ...operation('stop_organisation_mail'),
  }),
}))
