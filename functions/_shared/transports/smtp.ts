/**
 * SMTP by nodemailer: pooled, and encrypted everywhere but on this machine itself.
 *
 * @module
 */
import { PassThrough } from 'node:stream'
import { createTransport } from 'nodemailer'
import type { Message, Outcome, Transport } from './index.ts'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

interface SmtpError extends Error {
  /** nodemailer's word, such as ECONNECTION. */
  code?: string
  response?: string
  responseCode?: number
}

/**
 * @param url - `smtps://` is TLS from the first byte (465, 2465); `smtp://` must be able to STARTTLS
 *   (587, 2587), and is refused in the clear unless the server is on this machine. Source: RFC 8314
 */
export function createSmtpTransport(url: URL): Transport {
  const isEncryptedFromStart = url.protocol === 'smtps:'
  const pool = createTransport({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (isEncryptedFromStart ? 465 : 587),
    secure: isEncryptedFromStart,
    requireTLS: !isEncryptedFromStart && !LOOPBACK.includes(url.hostname),
    ...(url.username && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    }),
    pool: true,
    maxConnections: 8,
    maxMessages: 500,
    // A server that says nothing for so long will not answer any more: RFC 5321 4.5.3.2 allows
    // minutes, but the lease of a mail is one minute, and a retry comes anyway.
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  })

  // Which messages have left this process to the last byte; what is lost after that is in doubt.
  const handedOver = new WeakSet<Message>()
  pool.use('stream', (mail, done) => {
    const { message } = mail.data as { message?: Message }
    mail.message.transform(() => {
      const through = new PassThrough()
      if (message) through.once('end', () => handedOver.add(message))
      return through
    })
    done()
  })

  return {
    async send(message) {
      try {
        const { response } = await pool.sendMail({ ...toMail(message), message } as object)
        return { ok: true, response, providerMessageId: null }
      } catch (error) {
        return classify(error as SmtpError, handedOver.has(message))
      }
    },
    close: () => pool.close(),
  }
}

function toMail(message: Message) {
  return {
    messageId: `<${message.id}>`,
    from: message.from,
    // As an object, so that no character of the address can start a second recipient.
    to: { name: '', address: message.to },
    ...(message.replyTo && { replyTo: { name: '', address: message.replyTo } }),
    subject: message.subject,
    text: message.text,
    html: message.html,
    headers: {
      // Nobody's holiday reply should come back. Source: RFC 3834
      'Auto-Submitted': 'auto-generated',
    },
  }
}

/** What an error of nodemailer means for the delivery. */
function classify(error: SmtpError, isHandedOver: boolean): Outcome {
  const response = error.response ?? error.message
  const [, statusCode = null] = response.match(/^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/) ?? []
  if (error.responseCode) {
    const isForGood = error.responseCode >= 500
    return { ok: false, failure: isForGood ? 'permanent' : 'temporary', response, statusCode }
  }
  // An address that the server's own rules could not carry will not do better next time.
  if (error.code === 'EENVELOPE' || error.code === 'EMESSAGE') {
    return { ok: false, failure: 'permanent', response, statusCode }
  }
  // Without a last word from the server, it may or may not have been taken.
  return { ok: false, failure: isHandedOver ? 'in_doubt' : 'temporary', response, statusCode }
}
