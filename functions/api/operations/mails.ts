/**
 * Mails: what was sent and to be sent, how they are worded, and who gets none.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { address, changes, line, lines, locale, words } from '../inputs.ts'
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
  text,
  value,
} from '../operation.ts'
import type { RefusalCode } from '../refusals.ts'
import { Delivery, EmailTemplate } from '../schemas.ts'

const tag = 'Mails'
const template = z.object({ template_id: id })
const templates = '/organisations/{organisation_id}/email-templates'
const CHANGE: RefusalCode[] = ['unauthenticated', 'template_not_found', 'permission_denied']
const wording = {
  subject: line(200).optional().openapi({
    minLength: 1,
    description: 'With placeholders.',
    example: '{{inviter}} invites you to {{organisation}}',
  }),
  heading: line(200).optional().openapi({ minLength: 1, description: 'With placeholders.' }),
  body: lines(5000).optional().openapi({
    minLength: 1,
    description: 'With placeholders and a little Markdown.',
  }),
  button: line(60).optional().openapi({ minLength: 1 }),
}

export const mails: Operation[] = [
  {
    id: 'listDeliveries',
    method: 'get',
    path: '/organisations/{organisation_id}/deliveries',
    tag,
    summary:
      'Mails, sent and to be sent, newest first. For those with invite.read; none for others.',
    source: {
      table: 'organisation_deliveries',
      equal: ['organisation_id', 'status', 'kind', 'invite_id'],
      order: [
        ['created_at', 'desc'],
        ['id', 'desc'],
      ],
    },
    params: inOrganisation,
    query: z.strictObject({
      status: Delivery.shape.status.optional(),
      kind: words.optional().openapi({ example: 'invite' }),
      invite_id: id.optional(),
      ...pageOfTable,
    }),
    answers: page(Delivery),
    refuses: ['unauthenticated'],
  },
  {
    id: 'retryDelivery',
    method: 'post',
    path: '/deliveries/{delivery_id}/retry',
    tag,
    summary: 'Tries a mail anew that has failed or was suppressed.',
    description:
      'One to an address that still gets no mail is suppressed again: lift that first. ' +
      'invite_not_pending: it has not failed, details is its status.',
    source: { function: 'retry_organisation_delivery' },
    params: z.object({ delivery_id: id }),
    answers: row(Delivery),
    refuses: ['unauthenticated', 'delivery_not_found', 'permission_denied', 'invite_not_pending'],
  },
  {
    id: 'liftMailSuppression',
    method: 'post',
    path: '/organisations/{organisation_id}/lift-mail-suppression',
    tag,
    summary: 'Lets mails go again to an address that a mail server said does not exist.',
    description: 'False when it was not stopped for that. 50 a day. Complaints stay.',
    source: { function: 'lift_organisation_mail_suppression' },
    params: inOrganisation,
    body: z.strictObject({ email: address }),
    answers: value('was_suppressed', z.boolean()),
    refuses: [...OUTSIDE, 'invalid_email', 'rate_limited'],
  },
  {
    id: 'stopMail',
    method: 'post',
    path: '/stop-mail',
    tag,
    summary: 'Stops invitations and reminders to the mailbox of a mail.',
    description:
      'Of the organisation that sent it, or of all. Whoever holds the link of that mail may, with or without an account.',
    source: { function: 'stop_organisation_mail' },
    body: z.strictObject({
      token: words.openapi({
        description: "From the mail's link to stop; good for nothing else.",
        example: 'stp_…',
      }),
      stop: z.boolean().optional().openapi({ description: 'false takes it back.' }),
      everywhere: z
        .boolean()
        .optional()
        .openapi({ description: 'true: of every organisation, also of those to come.' }),
    }),
    answers: value('organisation_name', text),
    refuses: ['invite_invalid'],
    isOpen: true,
  },
  {
    id: 'listEmailTemplates',
    method: 'get',
    path: templates,
    tag,
    summary: 'How the organisation words its mails. For those with invite.read; none for others.',
    source: {
      table: 'organisation_email_templates',
      equal: ['organisation_id', 'kind', 'locale'],
      order: [
        ['kind', 'asc'],
        ['locale', 'asc'],
        ['name', 'asc'],
      ],
    },
    params: inOrganisation,
    query: z.strictObject({
      kind: words.optional().openapi({ example: 'invite' }),
      locale: words.optional().openapi({ example: 'de-AT' }),
      ...pageOfTable,
    }),
    answers: page(EmailTemplate),
    refuses: ['unauthenticated'],
  },
  {
    id: 'createEmailTemplate',
    method: 'post',
    path: templates,
    tag,
    summary: 'Words a kind of mail in one language; what is left out is said as built in.',
    description:
      'Placeholders are {{organisation}} everywhere, and for invitations {{inviter}}, {{invitee}}, ' +
      '{{roles}}, {{expires_in}} and {{expires_at}}; detail of a refusal lists those of other kinds. ' +
      'Markdown: paragraphs, lists, **bold**, *italic*, [links](https://…).',
    source: { function: 'create_organisation_email_template' },
    params: inOrganisation,
    body: z.strictObject({
      kind: words.openapi({ example: 'invite' }),
      locale,
      name: line(100).optional().openapi({ description: 'Tells several of one kind apart.' }),
      ...wording,
      is_default: z.boolean().optional().openapi({
        description: 'Whether it counts for mails that name no template; without it, true.',
      }),
    }),
    answers: created(EmailTemplate),
    refuses: [...OUTSIDE, 'invalid_settings'],
    creates: { at: (created) => `/email-templates/${created.id}` },
  },
  {
    id: 'getEmailTemplate',
    method: 'get',
    path: '/email-templates/{template_id}',
    tag,
    summary: 'One template.',
    source: {
      table: 'organisation_email_templates',
      byId: 'template_id',
      equal: [],
      order: [['id', 'asc']],
    },
    params: template,
    answers: row(EmailTemplate),
    refuses: ['unauthenticated', 'template_not_found'],
  },
  {
    id: 'updateEmailTemplate',
    method: 'patch',
    path: '/email-templates/{template_id}',
    tag,
    summary: 'Changes a template; what is left out stays, and null is said as built in.',
    source: {
      function: 'update_organisation_email_template',
      toArguments: ({ template_id, ...changes }) => ({ template_id, changes }),
    },
    params: template,
    body: changes({
      locale,
      name: line(100),
      subject: wording.subject.nullable(),
      heading: wording.heading.nullable(),
      body: wording.body.nullable(),
      button: wording.button.nullable(),
      is_default: z.boolean(),
    }).openapi({ example: { subject: 'Welcome to {{organisation}}' } }),
    answers: row(EmailTemplate),
    refuses: [...CHANGE, 'invalid_settings'],
  },
  {
    id: 'deleteEmailTemplate',
    method: 'delete',
    path: '/email-templates/{template_id}',
    tag,
    summary: 'Deletes a template; open invitations that name it are mailed as built in.',
    source: { function: 'delete_organisation_email_template' },
    params: template,
    answers: nothing,
    refuses: CHANGE,
  },
]
