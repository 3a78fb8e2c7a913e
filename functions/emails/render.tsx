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
import { toLine, withoutControls } from './one-line.ts'

export interface RenderedMail {
  /** One line of at most 200 characters. */
  subject: string
  html: string
  text: string
}

/** @param now - when it is sent; relative times are counted from it */
export async function render(prepared: PreparedDelivery, now = new Date()): Promise<RenderedMail> {
  const mail = withoutControls(prepared)
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
