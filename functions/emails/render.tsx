/**
 * Makes a mail of what the database says: subject, HTML and plain text, the last two from one tree.
 *
 * @module
 */
import type { ReactNode } from 'react'
import {
  type AuthDelivery,
  type AuthFacts,
  isOffer,
  type PreparedDelivery,
} from '../_shared/delivery.ts'
import { AuthMail, senderOf } from './auth.tsx'
import { Invite, inviteSubject } from './invite.tsx'
import { type Language, languageFor } from './language.ts'
import { Notice, noticeSubject } from './notice.tsx'
import { toLine, withoutControls } from './one-line.ts'
import { toHtml, toText } from './to-html.ts'

export interface RenderedMail {
  /** Whose name it comes under; one line. Of an organisation: `Organisation via Site`. */
  senderName: string
  /** One line of at most 200 characters. */
  subject: string
  html: string
  text: string
  /** Why the organisation's own wording could not be drawn, so that it is said as built in; null: nothing is wrong. */
  templateFailure: string | null
}

export interface RenderOptions {
  /** When it is sent; relative times are counted from it. Default: now */
  now?: Date
  /** Who sends what no organisation sends. */
  projectName: string
  /** Opens what a mail of Supabase Auth says. Throws when it cannot. */
  openAuthMail?: (mail: AuthDelivery) => Promise<AuthFacts>
}

/** Throws when a mail of Supabase Auth cannot be opened. */
export async function render(
  prepared: PreparedDelivery,
  options: RenderOptions,
): Promise<RenderedMail> {
  const mail = withoutControls(prepared)
  if (!mail.template) return renderAs(mail, options)
  try {
    const drawn = await renderAs(mail, options)
    if (drawn.subject !== '') return drawn
    // What a placeholder stands for may be empty, and providers take no mail without a subject.
    return await renderAs({ ...mail, template: { ...mail.template, subject: null } }, options)
  } catch (error) {
    const builtIn = await renderAs({ ...mail, template: null }, options)
    return { ...builtIn, templateFailure: String(error) }
  }
}

async function renderAs(mail: PreparedDelivery, options: RenderOptions): Promise<RenderedMail> {
  const { senderName, subject, body } = await draw(mail, languageFor(mail.locale), options)
  const html = toHtml(body)
  return {
    senderName: toLine(senderName),
    subject: toLine(subject),
    html,
    text: toText(html),
    templateFailure: null,
  }
}

interface Drawn {
  senderName: string
  subject: string
  body: ReactNode
}

async function draw(
  mail: PreparedDelivery,
  language: Language,
  { now = new Date(), projectName, openAuthMail }: RenderOptions,
): Promise<Drawn> {
  if (mail.kind === 'auth') {
    if (!openAuthMail) throw new Error('Mails of Supabase Auth need SEND_EMAIL_HOOK_SECRET.')
    const facts = withoutControls(await openAuthMail(mail))
    const sender = senderOf(mail, facts)
    return {
      senderName: sender ? viaSite(sender.sender_name, projectName, mail.site_url) : projectName,
      subject: language.texts.auth[facts.action].subject,
      body: <AuthMail {...{ mail, facts, language, now, projectName }} />,
    }
  }
  const senderName = viaSite(mail.organisation.sender_name, projectName, mail.site_url)
  if (isOffer(mail)) {
    const props = { mail, language, now }
    return { senderName, subject: inviteSubject(props), body: <Invite {...props} /> }
  }
  const props = { mail, language }
  return { senderName, subject: noticeSubject(props), body: <Notice {...props} /> }
}

/**
 * The address that a mail comes from is the project's, and anybody may call an organisation what they like: so the
 * reader is told whose address it is, whatever the organisation is called.
 */
function viaSite(organisation: string, projectName: string, siteUrl: string): string {
  return `${toLine(organisation, 100)} via ${toLine(projectName || new URL(siteUrl).host, 90)}`
}
