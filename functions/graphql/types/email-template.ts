/**
 * Email templates: how an organisation words its mails.
 *
 * @module
 */
import { builder, command, operation, snakeCased } from '../builder.ts'
import type { EmailTemplateRow } from '../rows.ts'
import { inOrganisation } from './page.ts'

const EmailTemplate = builder.objectRef<EmailTemplateRow>('EmailTemplate')

builder.objectType(EmailTemplate, {
  description: 'One kind of mail in one language. What is null is said as built in.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID', description: 'The templateId of an invite.' }),
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    kind: t.exposeString('kind', { description: 'Which mail, such as invite.' }),
    locale: t.exposeString('locale', { description: 'Its language, such as de or de-AT.' }),
    name: t.exposeString('name', { description: 'Tells several of one kind and language apart.' }),
    subject: t.exposeString('subject', { nullable: true }),
    heading: t.exposeString('heading', { nullable: true }),
    body: t.exposeString('body', { nullable: true }),
    button: t.exposeString('button', { nullable: true }),
    isDefault: t.exposeBoolean('is_default', {
      description: 'Whether it counts for mails that name no template.',
    }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
    updatedAt: t.expose('updated_at', { type: 'DateTime' }),
    failedAt: t.expose('failed_at', {
      type: 'DateTime',
      nullable: true,
      description:
        'Since when mails go out as built in, because it could not be drawn; null: it can.',
    }),
    failure: t.exposeString('failure', { nullable: true }),
  }),
})

export const EmailTemplateConnection = builder.connectionObject({
  type: EmailTemplate,
  name: 'EmailTemplateConnection',
})

const LINE = 'One line of at most 200 characters, with placeholders such as {{organisation}}.'
const PARTS = {
  name: 'One line, 1 to 100 characters.',
  subject: LINE,
  heading: LINE,
  body: 'At most 5,000 characters, with placeholders and a little Markdown: paragraphs, lists, **bold**, *italic*, links to https addresses.',
  button: 'One line of at most 60 characters, without placeholders.',
  isDefault: 'Whether it takes the place of the one that counts without being named.',
}

const EmailTemplateChanges = builder.inputType('EmailTemplateChanges', {
  description: 'What is left out stays; null: as built in.',
  fields: (t) => ({
    locale: t.string({ description: 'Such as de or de-AT.' }),
    name: t.string({ description: PARTS.name }),
    subject: t.string({ description: PARTS.subject }),
    heading: t.string({ description: PARTS.heading }),
    body: t.string({ description: PARTS.body }),
    button: t.string({ description: PARTS.button }),
    isDefault: t.boolean({ description: PARTS.isDefault }),
  }),
})
const ofTemplate = builder.args((t) => ({ templateId: t.field({ type: 'UUID', required: true }) }))

builder.mutationFields((t) => ({
  createEmailTemplate: t.field({
    type: EmailTemplate,
    description:
      'Words a kind of mail in one language; what is left out is as built in. Needs organisation.update.',
    args: {
      ...inOrganisation,
      kind: t.arg.string({ required: true, description: 'Such as invite or invite_reminder.' }),
      locale: t.arg.string({ required: true, description: 'Such as de or de-AT.' }),
      name: t.arg.string({ description: `${PARTS.name} Default: default.` }),
      subject: t.arg.string({ description: PARTS.subject }),
      heading: t.arg.string({ description: PARTS.heading }),
      body: t.arg.string({ description: PARTS.body }),
      button: t.arg.string({ description: PARTS.button }),
      isDefault: t.arg.boolean({ description: `${PARTS.isDefault} Default: true.` }),
    },
    ...operation('create_organisation_email_template'),
  }),
  updateEmailTemplate: t.field({
    type: EmailTemplate,
    description:
      'Changes a template; mails that go out from now on say it so. Needs organisation.update.',
    args: { ...ofTemplate, changes: t.arg({ type: EmailTemplateChanges, required: true }) },
    ...operation(
      'update_organisation_email_template',
      ({ templateId, changes }: { templateId: string; changes: object }) => ({
        template_id: templateId,
        changes: snakeCased(changes),
      }),
    ),
  }),
  deleteEmailTemplate: t.field({
    description:
      'Deletes a template; open invites that name it are mailed by the default. Needs organisation.update.',
    args: ofTemplate,
    ...command('delete_organisation_email_template'),
  }),
}))
