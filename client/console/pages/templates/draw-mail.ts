/**
 * Draws a mail with sample data, by what also draws those that are sent. Large: fetch it when it is needed.
 *
 * @module
 */
import { render } from '../../../../functions/emails/render.tsx'
import { PROJECT_NAME, SENT_AT, samples } from '../../../../functions/emails/samples.ts'
import type { MailKind, Organisation } from '../../../index.ts'
import type { Wording } from './wording.ts'

interface DrawOptions {
  kind: MailKind
  /** In which language. */
  locale: string
  /** null: as built in. */
  wording: Wording | null
  organisation: Pick<Organisation, 'id' | 'name' | 'senderName' | 'logoUrl' | 'accentColour'>
  scheme: 'light' | 'dark'
}

export interface DrawnMail {
  senderName: string
  subject: string
  /** A document of its own, which shows itself light or dark as asked for. */
  html: string
}

export async function drawMail(options: DrawOptions): Promise<DrawnMail> {
  const { kind, locale, wording, organisation, scheme } = options
  const { senderName, subject, html, templateFailure } = await render(
    {
      ...samples[kind],
      locale,
      template: wording,
      organisation: {
        id: organisation.id,
        name: organisation.name,
        sender_name: organisation.senderName ?? organisation.name,
        logo_url: organisation.logoUrl,
        accent_colour: organisation.accentColour,
      },
    },
    { now: SENT_AT, projectName: PROJECT_NAME },
  )
  // A mail that is sent would go out as built in: whoever writes it is to see that it does.
  if (templateFailure) throw new Error(templateFailure)
  return { senderName, subject, html: shownAs(scheme, html) }
}

/**
 * A frame takes light or dark from the device, not from what is chosen beside it; and its links, which lead
 * nowhere, would take the mail's place.
 */
function shownAs(scheme: DrawOptions['scheme'], html: string): string {
  const query = scheme === 'dark' ? 'all' : 'not all'
  return html
    .replaceAll('@media (prefers-color-scheme: dark)', `@media ${query}`)
    .replaceAll('color-scheme: light dark', `color-scheme: ${scheme}`)
    .replace('<head>', '<head><base target="_blank">')
}
