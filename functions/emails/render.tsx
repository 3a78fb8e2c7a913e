/**
 * Makes a mail of what the database says: subject, HTML and plain text, the last two from one tree.
 *
 * @module
 */
import { render as renderEmail, toPlainText } from 'react-email'
import type { PreparedDelivery } from '../_shared/database.ts'
import { Invite, inviteSubject } from './invite.tsx'
import { languageFor } from './language.ts'
import { Notice, noticeSubject } from './notice.tsx'

export interface RenderedMail {
  /** One line. */
  subject: string
  html: string
  text: string
}

/** @param now - when it is sent; relative times are counted from it */
export async function render(mail: PreparedDelivery, now = new Date()): Promise<RenderedMail> {
  const language = languageFor(mail.locale)
  const { subject, body } =
    mail.kind === 'invite' || mail.kind === 'invite_reminder'
      ? {
          subject: inviteSubject({ mail, language, now }),
          body: <Invite mail={mail} language={language} now={now} />,
        }
      : {
          subject: noticeSubject({ kind: mail.kind, mail, language }),
          body: <Notice kind={mail.kind} mail={mail} language={language} />,
        }
  const html = await renderEmail(body)
  return {
    subject: toLine(subject),
    html,
    text: toPlainText(html, {
      selectors: [{ selector: 'h1', options: { uppercase: false } }],
    }),
  }
}

/**
 * A subject of one line and at most 200 characters, without anything that turns the direction of
 * text. The database refuses such names already; what an account calls itself is not ours, though.
 */
function toLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
  return line.length <= 200 ? line : `${line.slice(0, 199)}…`
}
