/**
 * SMTP by nodemailer: pooled, and encrypted everywhere but on this machine itself.
 *
 * @module
 */
import { Readable } from 'node:stream'
import { createTransport } from 'nodemailer'
import { headersOf, type Message, type Outcome, type Transport } from './index.ts'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** Ports on which TLS comes before the first word, whatever the scheme says. */
const ENCRYPTED_PORTS = ['465', '2465']

/**
 * After so long a mail is given up, from waiting for a connection to the last answer. A lease is one
 * minute: a server that answers each step just in time must not keep a mail that another worker has
 * taken over meanwhile.
 */
const SEND_MILLISECONDS = 45_000

/** The server does not know us: nothing is said of the mail. Source: RFC 4954 section 6 */
const AUTHENTICATION_CODES = [530, 534, 535, 538]

/** With what mails are signed. */
export interface DkimKey {
  /** The domain of MAIL_FROM. */
  domain: string
  /** Where its DNS holds the public key: <selector>._domainkey.<domain>. */
  selector: string
  /** In PEM. */
  privateKey: string
}

interface SmtpError extends Error {
  /** nodemailer's word, such as ECONNECTION. */
  code?: string
  response?: string
  responseCode?: number
}

/**
 * @param url - `smtps://` is TLS from the first byte (465, 2465); `smtp://` must be able to STARTTLS
 *   (587, 2587), and is refused in the clear unless the server is on this machine. Source: RFC 8314
 * @param options.timeout - milliseconds for one mail in all. Default: 45,000
 * @param options.dkim - signs each mail, where the server does not. Source: RFC 6376
 */
export function createSmtpTransport(
  url: URL,
  { timeout = SEND_MILLISECONDS, dkim }: { timeout?: number; dkim?: DkimKey | null } = {},
): Transport {
  const isEncryptedFromStart = url.protocol === 'smtps:' || ENCRYPTED_PORTS.includes(url.port)
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
    ...(dkim && {
      dkim: { domainName: dkim.domain, keySelector: dkim.selector, privateKey: dkim.privateKey },
    }),
    disableFileAccess: true,
    disableUrlAccess: true,
  })

  // Which messages have left this process to the last byte; what is lost after that is in doubt. The
  // stream that nodemailer takes is read only once the server has asked for the message, unlike one
  // put before it (`transform`), which is read ahead while the recipient is still being named.
  const handedOver = new WeakSet<Message>()
  pool.use('stream', (mail, done) => {
    const { message } = mail.data as { message?: Message }
    mail.message.build((error, bytes) => {
      if (error) return done(error)
      // In large pieces: written as it is composed, it would take many small ones.
      mail.message.createReadStream = () => {
        const stream = Readable.from(pieces(bytes), { objectMode: false })
        if (message) stream.once('end', () => handedOver.add(message))
        return stream
      }
      done()
    })
  })

  return {
    async send(message) {
      const deadline = new AbortController()
      const tooSlow = new Error(`Given up after ${timeout / 1000} seconds.`)
      const timer = setTimeout(() => deadline.abort(tooSlow), timeout)
      try {
        const { response } = await pool.sendMail({
          ...toMail(message),
          message,
          signal: deadline.signal,
        } as object)
        return { ok: true, response, providerMessageId: null }
      } catch (error) {
        return classify(error as SmtpError, handedOver.has(message))
      } finally {
        clearTimeout(timer)
      }
    },
    close: () => pool.close(),
  }
}

function* pieces(bytes: Buffer, size = 64 * 1024): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** As nodemailer takes it. */
export function toMail(message: Message) {
  return {
    messageId: `<${message.id}>`,
    from: message.from,
    // As an object, so that no character of the address can start a second recipient.
    to: { name: '', address: message.to },
    ...(message.replyTo && { replyTo: { name: '', address: message.replyTo } }),
    subject: message.subject,
    text: message.text,
    html: message.html,
    headers: headersOf(message),
  }
}

/** What an error of nodemailer means for the delivery. */
function classify(error: SmtpError, isHandedOver: boolean): Outcome {
  // nodemailer's own words for a deadline do not say which: its cause does.
  const { message } = error.cause instanceof Error && error.code === 'EABORT' ? error.cause : error
  const response = error.response ?? message
  const [, statusCode = null] = response.match(/^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/) ?? []
  const { code, responseCode } = error
  // Only these two speak of this mail. A wrong password, a server that greets with 554 or has no
  // STARTTLS today: all mails fail alike until an operator has mended it, and none must be lost.
  const isAboutMail = code === 'EENVELOPE' || code === 'EMESSAGE'
  if (responseCode || isAboutMail) {
    // Without a code: nodemailer found an address that SMTP cannot carry, today or tomorrow.
    const isForGood =
      isAboutMail &&
      (!responseCode || (responseCode >= 500 && !AUTHENTICATION_CODES.includes(responseCode)))
    return { ok: false, failure: isForGood ? 'permanent' : 'temporary', response, statusCode }
  }
  // Without a last word from the server, it may or may not have been taken.
  return { ok: false, failure: isHandedOver ? 'in_doubt' : 'temporary', response, statusCode }
}
