/**
 * The environment of the functions, read once into typed values.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { domainToASCII } from 'node:url'
import { toDkimKey } from './transports/dkim-key.ts'
import type { SesSettings } from './transports/ses.ts'
import type { DkimKey } from './transports/smtp.ts'
import { toCertificates } from './transports/trust.ts'

export type Variables = Record<string, string | undefined>

export interface WorkerEnvironment {
  /** The worker's own connection, as the role usher_worker. */
  databaseUrl: string
  /** What a caller of the function has to know. */
  workerSecret: string
}

/** Which way mails go. */
export type TransportSettings =
  | { name: 'smtp'; url: URL; dkim: DkimKey | null; ca: string | null; helloName: string | null }
  | { name: 'resend'; apiKey: string }
  | { name: 'postmark'; serverToken: string; stream: string | undefined }
  | ({ name: 'ses' } & SesSettings)

export interface MailEnvironment extends WorkerEnvironment {
  transport: TransportSettings
  from: { name: string; address: string }
  /** Makes the address of its own that a mail comes from; null: all come from `from`. */
  returnPath: ((tag: string) => string) | null
  /** Where mails come back to, to be read by IMAP; null: no mailbox is read. */
  returnedMail: { url: URL; ca: string | null } | null
  /** Of Supabase Auth's Send Email hook; null where its mails do not come this way. */
  authHookSecret: string | null
}

export interface WebhookEnvironment {
  databaseUrl: string
  /** Secrets of the providers whose webhooks are taken; null: those of this one are not. */
  resend: string | null
  standard: string | null
  /** User name and password that Postmark is told to send, as user:password. */
  postmark: string | null
  /** The topic that SES reports to. */
  sesTopicArn: string | null
  /** What a mail server sends that passes on what came back. */
  report: string | null
}

export type Read = <T>(name: string, parse: (text: string) => T | null, shape: string) => T

/** What every function of a worker needs. Throws one error that names all that is wrong. */
export function readWorkerEnvironment(variables: Variables): WorkerEnvironment {
  return readAll(variables, readWorker)
}

/** What sending mail needs. Throws one error that names all that is wrong. */
export function readMailEnvironment(variables: Variables): MailEnvironment {
  return readAll(variables, (read) => ({
    ...readWorker(read),
    transport: readTransport(read, variables),
    from: read('MAIL_FROM', parseMailbox, '"Name <address@example.com>" or an address alone'),
    returnPath: variables.MAIL_RETURN_PATH
      ? read(
          'MAIL_RETURN_PATH',
          parseReturnPath,
          'bounces@example.com or bounces-{tag}@example.com',
        )
      : null,
    returnedMail: variables.MAIL_RETURN_MAILBOX
      ? {
          url: read('MAIL_RETURN_MAILBOX', parseImapUrl, 'imaps://user:password@host:993/INBOX'),
          ca: readCertificates(read, variables),
        }
      : null,
    authHookSecret: variables.SEND_EMAIL_HOOK_SECRET || null,
  }))
}

/** What the hook of Supabase Auth needs. Throws one error that names all that is wrong. */
export function readAuthHookEnvironment(variables: Variables) {
  return readAll(variables, (read) => ({
    databaseUrl: readDatabaseUrl(read),
    authHookSecret: read(
      'SEND_EMAIL_HOOK_SECRET',
      matching(/^(v1,)?whsec_[A-Za-z0-9+/=]+$/),
      "v1,whsec_…, as Supabase's dashboard shows it",
    ),
    supabaseUrl: read('SUPABASE_URL', matching(/^https?:\/\//), "the project's address"),
  }))
}

/** What taking the webhooks of mail providers needs. Throws one error that names all that is wrong. */
export function readWebhookEnvironment(variables: Variables): WebhookEnvironment {
  return readAll(variables, (read) => ({
    databaseUrl: readDatabaseUrl(read),
    resend: variables.RESEND_WEBHOOK_SECRET || null,
    standard: variables.MAIL_WEBHOOK_SECRET || null,
    postmark: variables.POSTMARK_WEBHOOK_USER || null,
    sesTopicArn: variables.SES_TOPIC_ARN || null,
    report: variables.MAIL_REPORT_SECRET
      ? read('MAIL_REPORT_SECRET', matching(/^.{16,}$/), 'at least 16 characters')
      : null,
  }))
}

/** What a function that only asks the database needs. */
export function readDatabaseEnvironment(variables: Variables): { databaseUrl: string } {
  return readAll(variables, (read) => ({ databaseUrl: readDatabaseUrl(read) }))
}

function readTransport(read: Read, variables: Variables): TransportSettings {
  const filled = matching(/./)
  const name = variables.MAIL_TRANSPORT || 'smtp'
  switch (name) {
    case 'resend':
      return { name, apiKey: read('RESEND_API_KEY', filled, 'a key of Resend') }
    case 'postmark':
      return {
        name,
        serverToken: read('POSTMARK_SERVER_TOKEN', filled, 'a server token of Postmark'),
        stream: variables.POSTMARK_MESSAGE_STREAM || undefined,
      }
    case 'ses':
      return {
        name,
        region: read('AWS_REGION', filled, 'a region such as eu-central-1'),
        accessKeyId: read('AWS_ACCESS_KEY_ID', filled, 'an access key of AWS'),
        secretAccessKey: read('AWS_SECRET_ACCESS_KEY', filled, 'its secret'),
        sessionToken: variables.AWS_SESSION_TOKEN || null,
        configurationSet: variables.SES_CONFIGURATION_SET || null,
      }
    case 'smtp':
      return {
        name,
        url: read('SMTP_URL', parseSmtpUrl, 'smtp://user:password@host:587 or smtps://…:465'),
        dkim: readDkim(read, variables),
        ca: readCertificates(read, variables),
        helloName:
          // An address in brackets (RFC 5321 section 4.1.3) is no domain.
          parseDomain(variables.SMTP_HELLO_NAME ?? '') ||
          variables.SMTP_HELLO_NAME ||
          parseMailbox(variables.MAIL_FROM ?? '')?.address.split('@')[1] ||
          null,
      }
    default:
      return read<TransportSettings>('MAIL_TRANSPORT', () => null, 'smtp, resend, postmark or ses')
  }
}

/** All of it or nothing: half of it would send mails that nobody has signed. */
function readDkim(read: Read, variables: Variables): DkimKey | null {
  const { DKIM_DOMAIN, DKIM_SELECTOR, DKIM_PRIVATE_KEY } = variables
  if (!DKIM_DOMAIN && !DKIM_SELECTOR && !DKIM_PRIVATE_KEY) return null
  const name = /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i
  return {
    domain: read('DKIM_DOMAIN', (text) => parseDomain(text), 'the domain of MAIL_FROM'),
    selector: read('DKIM_SELECTOR', matching(name), 'the selector of its DNS record'),
    privateKey: read('DKIM_PRIVATE_KEY', toDkimKey, 'an RSA key in PEM'),
  }
}

function readCertificates(read: Read, variables: Variables): string | null {
  const pem = (text: string) => {
    const plain = text.replaceAll('\\n', '\n')
    return toCertificates(plain).length > 0 ? plain : null
  }
  if (variables.SMTP_CA) return read('SMTP_CA', pem, 'certificates in PEM')
  if (!variables.SMTP_CA_FILE) return null
  return read(
    'SMTP_CA_FILE',
    (path) => pem(readFileSync(path, 'utf8')),
    'a file of certificates in PEM',
  )
}

/** Where the database is; every function that connects does so as the role usher_worker. */
export function readDatabaseUrl(read: Read): string {
  return read('USHER_DATABASE_URL', matching(/^postgres(ql)?:\/\//), 'a postgres:// address')
}

function readWorker(read: Read): WorkerEnvironment {
  return {
    databaseUrl: readDatabaseUrl(read),
    workerSecret: read('USHER_WORKER_SECRET', matching(/^.{16,}$/), 'at least 16 characters'),
  }
}

/** Parses all, and throws one error that names all that is wrong. */
export function readAll<Environment>(
  variables: Variables,
  parse: (read: Read) => Environment,
): Environment {
  const problems: string[] = []
  const environment = parse((name, parseOne, shape) => {
    const text = variables[name]
    let value: ReturnType<typeof parseOne> | null = null
    try {
      value = text ? parseOne(text) : null
      if (value === null)
        problems.push(`${name} is ${text ? 'not' : 'missing; it has to be'} ${shape}`)
    } catch (error) {
      problems.push(`${name} ${error instanceof Error ? error.message : error}`)
    }
    // A value that is missing is never used: the error below ends it.
    return value as never
  })
  if (problems.length > 0) {
    throw new Error(`The environment is not complete. ${problems.join('. ')}.`)
  }
  return environment
}

export const matching = (shape: RegExp) => (text: string) => (shape.test(text) ? text : null)

/** Of addresses that are not of the web, URL leaves a name that is not ASCII as it is, which no resolver knows. */
function parseServer(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && !url.hostname.startsWith('[')) {
    url.hostname = domainToASCII(decodeURIComponent(url.hostname))
  }
  return url
}

function parseSmtpUrl(text: string): URL | null {
  const url = parseServer(text)
  return url && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname ? url : null
}

function parseImapUrl(text: string): URL | null {
  const url = parseServer(text)
  return url && ['imap:', 'imaps:'].includes(url.protocol) && url.hostname && url.username
    ? url
    : null
}

function parseMailbox(text: string): { name: string; address: string } | null {
  const [, name = '', address = text] = text.match(/^\s*"?([^"<>\r\n]*?)"?\s*<([^<>]*)>\s*$/) ?? []
  const [, local, domain] = address.match(/^([^\s<>@]+)@([^\s<>@]+)$/) ?? []
  const ascii = parseDomain(domain ?? '')
  return local && ascii ? { name, address: `${local}@${ascii}` } : null
}

const TAG_LENGTH = 52

/** Where {tag} stands in it or, without one, behind a plus. Local parts have 64 characters: RFC 5321 section 4.5.3.1.1 */
function parseReturnPath(text: string): ((tag: string) => string) | null {
  const address = parseMailbox(text.replace('{tag}', 'TAG'))?.address
  if (!address) return null
  const [local = '', domain] = address.split('@')
  const place = text.includes('{tag}') ? local.replace('TAG', '{tag}') : `${local}+{tag}`
  if (/[^\x21-\x7e]/.test(place)) return null
  const room = 64 - TAG_LENGTH
  if (place.replace('{tag}', '').length > room) {
    throw new Error(`has no room for the tag: beside it, ${room} characters fit before the @`)
  }
  return (tag) => `${place.replace('{tag}', tag)}@${domain}`
}

/** In ASCII, as it stands in the wire and in the headers of a mail (RFC 5890). */
function parseDomain(text: string): string | null {
  return domainToASCII(text) || null
}
