/**
 * A mailbox that mails come back to, read by IMAP, where the mail server cannot pass on what comes to it.
 *
 * @module
 */

import { log, logTrouble } from './log.ts'
import { MAX_REPORT_BYTES, type MailReport, readMailReport } from './mail-report.ts'
import { isOwnFault } from './own-fault.ts'

export interface ReturnedMailbox {
  /** `imaps://user:password@host:993/INBOX`; `imap://` has to be able to STARTTLS. */
  url: URL
  /** As of SMTP: certificates in PEM that are trusted beside those of the system. */
  ca?: string | null
  /** Answers recorded, duplicate, unknown or ignored. */
  record(report: MailReport): Promise<string>
}

/** What is read in one turn; there is another soon. */
const MAX_MAILS = 200

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Reads what has not been read yet, writes down what the reports in it say, and marks it as read. What could not be
 * written down stays unread. Throws when the mailbox or the database is away.
 *
 * @returns how many reports there were
 */
export async function readReturnedMail({ url, ca, record }: ReturnedMailbox): Promise<number> {
  const isEncryptedFromStart = url.protocol === 'imaps:'
  const { ImapFlow } = await import('imapflow')
  const { trust } = await import('./transports/trust.ts')
  const client = new ImapFlow({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (isEncryptedFromStart ? 993 : 143),
    secure: isEncryptedFromStart,
    // Never a password in the clear. Source: RFC 8314
    ...(!isEncryptedFromStart && !LOOPBACK.includes(url.hostname) && { doSTARTTLS: true }),
    auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    ...(ca && { tls: trust(ca) }),
    logger: false,
    disableAutoIdle: true,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
  })
  // What breaks between two commands is told by the next one.
  client.on('error', () => {})
  let count = 0
  try {
    await client.connect()
    const lock = await client.getMailboxLock(decodeURIComponent(url.pathname.slice(1)) || 'INBOX')
    try {
      const unread = (await client.search({ seen: false }, { uid: true })) || []
      for (const uid of unread.slice(0, MAX_MAILS)) {
        const mail = await client.fetchOne(
          String(uid),
          { source: { start: 0, maxLength: MAX_REPORT_BYTES } },
          { uid: true },
        )
        const source = (mail || null)?.source
        if (source) count += await take(source, record)
        await client.messageFlagsAdd(String(uid), ['\\Seen'], { uid: true })
      }
    } finally {
      lock.release()
    }
    await client.logout()
  } finally {
    client.close()
  }
  return count
}

async function take(source: Uint8Array, record: ReturnedMailbox['record']): Promise<number> {
  const reports = await readMailReport(source)
  for (const report of reports) {
    try {
      const outcome = await record(report)
      log('mail_report.taken', { action: report.action, about: report.about, outcome })
    } catch (error) {
      if (!isOwnFault(error)) throw error
      // One that the database does not let be written down holds up no other.
      logTrouble('mail_report.refused', { error })
    }
  }
  return reports.length
}
