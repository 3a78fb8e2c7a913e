/**
 * SMTP by nodemailer: pooled, and encrypted everywhere but on this machine itself.
 *
 * @module
 */
import { Readable } from 'node:stream'
import { domainToASCII } from 'node:url'
import { createTransport } from 'nodemailer'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import { judge, type Step } from './answers.ts'
import { createSigner } from './dkim.ts'
import { headersOf, type Message, type Outcome, type Transport } from './index.ts'
import { trust } from './trust.ts'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** Ports on which TLS comes before the first word, whatever the scheme says. */
const ENCRYPTED_PORTS = ['465', '2465']

/**
 * After so long a mail is given up, from waiting for a connection to the last answer. A lease is one
 * minute: a server that answers each step just in time must not keep a mail that another worker has
 * taken over meanwhile.
 */
const SEND_MILLISECONDS = 45_000

/** With what mails are signed. */
export interface DkimKey {
  /** The domain of MAIL_FROM, or one above it. */
  domain: string
  /** Where its DNS holds the public key: <selector>._domainkey.<domain>. */
  selector: string
  /** In PEM, as toDkimKey makes it. */
  privateKey: string
}

export interface SmtpOptions {
  /** Milliseconds for one mail in all. Default: 45,000 */
  timeout?: number
  /** Signs each mail, where the server does not. Source: RFC 6376 */
  dkim?: DkimKey | null
  /**
   * Certificates in PEM that are trusted beside those of the system: of an authority, or the server's own, which is then
   * believed by whatever name it is called.
   */
  ca?: string | null
  /** What we call ourselves in EHLO. Default: the name of this machine, if it is a whole one */
  helloName?: string | null
}

interface SmtpError extends Error {
  /** nodemailer's word, such as ECONNECTION. */
  code?: string
  response?: string
  responseCode?: number
  /** What the server was told last. */
  command?: string
}

/**
 * @param url - `smtps://` is TLS from the first byte (465, 2465); `smtp://` must be able to STARTTLS
 *   (587, 2587), and is refused in the clear unless the server is on this machine. Source: RFC 8314
 */
export function createSmtpTransport(
  url: URL,
  { timeout = SEND_MILLISECONDS, dkim, ca, helloName }: SmtpOptions = {},
): Transport {
  const isEncryptedFromStart = url.protocol === 'smtps:' || ENCRYPTED_PORTS.includes(url.port)
  const server = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (isEncryptedFromStart ? 465 : 587),
    secure: isEncryptedFromStart,
    requireTLS: !isEncryptedFromStart && !LOOPBACK.includes(url.hostname),
    ...(ca && { tls: trust(ca) }),
    ...(helloName && { name: helloName }),
    // A server that says nothing for so long will not answer any more: RFC 5321 4.5.3.2 allows
    // minutes, but the lease of a mail is one minute, and a retry comes anyway.
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
  }
  const pool = createTransport({
    ...server,
    ...(url.username && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    }),
    pool: true,
    maxConnections: 8,
    maxMessages: 500,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const signer = dkim && createSigner(dkim)
  const extensions = createExtensions(server)

  // Which messages have left this process to the last byte; what is lost after that is in doubt. The
  // stream that nodemailer takes is read only once the server has asked for the message, unlike one
  // put before it (`transform`), which is read ahead while the recipient is still being named.
  const handedOver = new WeakSet<Message>()
  pool.use('stream', (mail, done) => {
    const { message } = mail.data as { message?: Message }
    const carry = (bytes: Buffer) => {
      // In large pieces: written as it is composed, it would take many small ones.
      mail.message.createReadStream = () => {
        const stream = Readable.from(pieces(bytes), { objectMode: false })
        if (message) stream.once('end', () => handedOver.add(message))
        return stream
      }
      if (message) {
        const envelope = envelopeOf(message, bytes)
        mail.message.getEnvelope = () => ({ ...envelope })
      }
      done()
    }
    mail.message.build((error, bytes) => {
      if (error) return done(error)
      // Here and not by nodemailer's own option, which signs what `createReadStream` gave before it was replaced.
      if (signer) signer.sign(bytes).then(carry, done)
      else carry(bytes)
    })
  })

  return {
    signature: signer?.signature ?? null,
    async send(message) {
      const deadline = new AbortController()
      const tooSlow = new Error(`Given up after ${timeout / 1000} seconds.`)
      const timer = setTimeout(() => deadline.abort(tooSlow), timeout)
      try {
        if (!isAscii(localPartOf(message.to)) && !(await extensions()).includes('SMTPUTF8')) {
          return notCarried
        }
        const { response } = await pool.sendMail({
          ...toMail(message),
          message,
          signal: deadline.signal,
          ...(message.returnPath && { dsn: reportsOf(message) }),
        } as object)
        return { ok: true, response, providerMessageId: null }
      } catch (error) {
        return classify(error as SmtpError, message, handedOver.has(message))
      } finally {
        clearTimeout(timer)
      }
    },
    close: () => pool.close(),
  }
}

/** Said in the words that a server has for it. Source: RFC 6531 sections 3.1 and 4.2 */
const notCarried: Outcome = {
  ok: false,
  failure: 'permanent',
  about: 'recipient',
  response: 'The name before the @ is not ASCII, and our mail server has no SMTPUTF8 (RFC 6531).',
  statusCode: '5.6.7',
}

/** Asks a server what it can do, and asks again after an hour. */
function createExtensions(server: object): () => Promise<string> {
  let asked: { at: number; answer: Promise<string> } | null = null
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      const connection = new SMTPConnection(server)
      connection.once('error', reject)
      connection.once('end', () => reject(new Error('The connection was closed.')))
      // By then it has answered EHLO, after STARTTLS where there is one.
      connection.connect(() => {
        resolve(String(connection.lastServerResponse))
        connection.quit()
      })
    })
  return () => {
    if (!asked || asked.at < Date.now() - 3_600_000) {
      const answer = ask()
      asked = { at: Date.now(), answer }
      // Whoever could not be asked is asked again next time.
      answer.catch(() => {
        asked = null
      })
    }
    return asked.answer
  }
}

/** As it goes over the wire: the domain in ASCII whatever the server can do, because every server can read that. */
function envelopeOf(message: Message, bytes: Buffer) {
  return {
    from: toAsciiDomain(message.returnPath ?? message.from.address),
    to: [toAsciiDomain(oneLine(message.to))],
    // A server that does not take so much says so before it gets it all. Source: RFC 1870
    size: bytes.length,
    use8BitMime: !isAscii(bytes.toString('latin1')),
  }
}

/**
 * Asks for a report on failure that has the headers only: the links of a mail let people in, and a bounce mailbox is no
 * place for them. Servers without it report as they like. Source: RFC 3461
 */
function reportsOf({ deliveryId, to }: Message) {
  return {
    id: deliveryId,
    return: 'headers',
    notify: ['failure'],
    ...(isAscii(to) && { recipient: `rfc822;${to}` }),
  }
}

const isAscii = (text: string) => !/\P{ASCII}/u.test(text)
const localPartOf = (address: string) => address.slice(0, Math.max(address.lastIndexOf('@'), 0))
/** As nodemailer has it in the header: no character of an address starts another command. */
const oneLine = (address: string) => address.replace(/[\p{Cc}<>]+/gu, ' ').trim()

/** The domain of an address in its form for the wire (RFC 5890); as it is, where it has none. */
export function toAsciiDomain(address: string): string {
  const at = address.lastIndexOf('@')
  const domain = domainToASCII(address.slice(at + 1))
  return at > 0 && domain ? `${address.slice(0, at + 1)}${domain}` : address
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

const STEPS: Record<string, Step> = { 'MAIL FROM': 'sender', 'RCPT TO': 'recipient', DATA: 'data' }

/** What an error of nodemailer means for the delivery. */
function classify(error: SmtpError, { to }: Message, isHandedOver: boolean): Outcome {
  const { code, responseCode, command = '' } = error
  // nodemailer's own words for a deadline do not say which: its cause does.
  const { message } = error.cause instanceof Error && code === 'EABORT' ? error.cause : error
  const response = error.response ?? message
  if (responseCode) {
    const isAboutMail = code === 'EENVELOPE' || code === 'EMESSAGE'
    const step = (isAboutMail && STEPS[command]) || 'session'
    return { ok: false, response, ...judge({ step, text: response, recipient: to }) }
  }
  const failed = { ok: false as const, response, statusCode: null }
  // Longer than the server said it would take.
  if (code === 'EMESSAGE') return { ...failed, failure: 'permanent', about: 'message' }
  // An address that SMTP cannot carry, today or tomorrow.
  if (code === 'EENVELOPE') return { ...failed, failure: 'permanent', about: 'recipient' }
  if (isCertificate(message)) {
    return { ...failed, failure: 'temporary', about: 'sender', response: `${message}. ${TRUST}` }
  }
  // A password, STARTTLS or a key that is missing: all mails fail alike until an operator has mended it.
  if (OF_OURS.includes(code ?? '')) return { ...failed, failure: 'temporary', about: 'sender' }
  // Without a last word from the server, it may or may not have been taken.
  return { ...failed, failure: isHandedOver ? 'in_doubt' : 'temporary', about: null }
}

const OF_OURS = ['EAUTH', 'ENOAUTH', 'ETLS', 'ECONFIG']

const isCertificate = (message: string) => /certificate|self.signed|altname/i.test(message)

const TRUST =
  'To trust this server, give its certificate, or that of its authority, in SMTP_CA_FILE or SMTP_CA'
