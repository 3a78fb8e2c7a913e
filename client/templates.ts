/**
 * Templates: how an organisation words its mails.
 *
 * @module
 */
import { type Connection, call, type RowOf } from './call.ts'
import type { MailKind } from './deliveries.ts'
import type { Order } from './keyset.ts'
import { type Camel, snakeise } from './names.ts'
import { allOf } from './pages.ts'
import type { Result } from './result.ts'

/** One kind of mail in one language. What is null is said as built in. */
export type EmailTemplate = Omit<Camel<RowOf<'organisation_email_templates'>>, 'kind'> & {
  kind: MailKind
}

/** What is left out, or null, is said as built in; one of the four texts has to be there. */
export interface EmailTemplateDraft {
  kind: MailKind
  /** Its language, such as `de` or `de-AT`. */
  locale: string
  /** Tells several of one kind and language apart: one line, 1 to 100 characters; default: `default`. */
  name?: string | undefined
  /** One line of at most 200 characters, with placeholders such as `{{organisation}}`. */
  subject?: string | null | undefined
  /** The same. */
  heading?: string | null | undefined
  /**
   * At most 5,000 characters, with placeholders and a little Markdown: paragraphs, lists, `**bold**`,
   * `*italic*`, `[links](https://…)`.
   */
  body?: string | null | undefined
  /** One line of at most 60 characters, without placeholders. */
  button?: string | null | undefined
  /** Whether it counts for mails that name no template, in place of the one that did; default: true. */
  isDefault?: boolean | undefined
}
/** What is left out stays; null: as built in. */
export type EmailTemplateChanges = Partial<Omit<EmailTemplateDraft, 'kind'>>

/** `usher.templates` */
export function templates(connection: Connection) {
  return {
    /**
     * The templates of an organisation, by kind, language and name; at most 500. Needs `invite.read`;
     * otherwise empty.
     *
     * @param filter.kind - only those of this kind, such as `invite`
     */
    list(
      organisationId: string,
      { kind }: { kind?: MailKind | undefined } = {},
    ): Promise<Result<EmailTemplate[]>> {
      const order: Order = [
        ['kind', 'asc'],
        ['locale', 'asc'],
        ['name', 'asc'],
      ]
      return allOf(connection, 'organisation_email_templates', order, (select) => {
        const templates = select.eq('organisation_id', organisationId)
        return kind ? templates.eq('kind', kind) : templates
      })
    },

    /**
     * Words a kind of mail in one language.
     *
     * @returns the template, whose id is the `templateId` of an invite, or `unauthenticated`,
     *   `organisation_not_found`, `permission_denied`, `invalid_settings` (hint says what is wrong)
     */
    create(organisationId: string, draft: EmailTemplateDraft): Promise<Result<EmailTemplate>> {
      const { kind, locale, name, subject, heading, body, button, isDefault } = draft
      return call(connection, 'create_organisation_email_template', {
        ...{ organisationId, kind, locale, name, isDefault },
        // The generated type knows no null; the function does.
        ...({ subject, heading, body, button } as Record<string, string>),
      })
    },

    /**
     * Changes a template; mails that go out from now on say it so.
     *
     * @returns the template, or as `create`; `template_not_found`
     */
    update(templateId: string, changes: EmailTemplateChanges): Promise<Result<EmailTemplate>> {
      return call(connection, 'update_organisation_email_template', {
        templateId,
        changes: snakeise(changes) as Record<string, string>,
      })
    },

    /**
     * Deletes a template; open invites that name it are mailed by the default from now on.
     *
     * @returns nothing, or `unauthenticated`, `template_not_found`,
     *   `permission_denied`
     */
    delete(templateId: string): Promise<Result<null>> {
      return call(connection, 'delete_organisation_email_template', { templateId })
    },
  }
}
