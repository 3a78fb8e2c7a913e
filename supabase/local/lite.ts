/**
 * The stand-in for PostgREST and Supabase Auth: `@supabase/lite` over the local Postgres, mended where a
 * client would notice that it is none.
 *
 * @module
 */
import type { Secrets } from './secrets.ts'

/** A mail as Auth words it: the code and, where there is one, the link stand in its text. */
export interface AuthMessage {
  to: string
  text?: string
}

export interface LiteOptions {
  databaseUrl: string
  /** Where the pages are; links in the mails of Auth lead there. */
  siteUrl: string
  /** Whether an address has to be confirmed by mail, as on hosted projects, or is as soon as it registers. */
  confirmsAddresses: boolean
  /** Takes a mail of Auth. */
  send(message: AuthMessage): Promise<void>
  secrets: Pick<Secrets, 'jwtSecret' | 'publishableKey' | 'secretKey'>
}

export interface Lite {
  fetch(request: Request, peerAddress: string | null): Promise<Response>
  /** @param timeout - seconds for what is under way */
  stop(timeout: number): Promise<void>
}

const asItIs = (value: unknown) => value
const withT = (text: string) => text.replace(' ', 'T')
const asJson = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
/** Stands for a quote inside of a text in a filter; no text holds it, because it is no character. */
const QUOTE = '\u{10ffff}'
/**
 * Where this REST differs from PostgREST on the wire: times come as Postgres writes them, without the T of ISO
 * 8601, numbers with a point as texts, bytes as lists of numbers, and JSON arguments are encoded twice.
 */
const TYPES = {
  json: { to: 114, from: [114], serialize: asJson, parse: (text: string) => JSON.parse(text) },
  jsonb: { to: 3802, from: [3802], serialize: asJson, parse: (text: string) => JSON.parse(text) },
  timestamptz: {
    to: 1184,
    from: [1184],
    serialize: asItIs,
    parse: (text: string) => withT(text).replace(/([+-]\d\d)$/, '$1:00'),
  },
  timestamp: { to: 1114, from: [1114], serialize: asItIs, parse: withT },
  numeric: { to: 1700, from: [1700], serialize: String, parse: Number },
  bytea: { to: 17, from: [17], serialize: asItIs, parse: (text: string) => text },
  text: {
    to: 25,
    from: [25],
    serialize: (text: unknown) => String(text).replaceAll(QUOTE, '"'),
    parse: (text: string) => text,
  },
}

/** As a hosted project's REST has them (see `platform.ts`). It has one limit for all who ask. */
const SESSION = {
  statement_timeout: 8_000,
  lock_timeout: 8_000,
  search_path: 'public, extensions',
}

/** It reads the schema once, so migrate first. */
export async function createLite(options: LiteOptions): Promise<Lite> {
  const { databaseUrl, siteUrl, confirmsAddresses, send, secrets } = options
  process.env.DO_NOT_TRACK = '1'
  const { App } = await import('@supabase/lite')
  const { PostgresConnection } = await import('@supabase/lite/postgres')

  const connection = new PostgresConnection({
    url: databaseUrl,
    postgresOptions: { types: TYPES, connection: SESSION, onnotice: () => {} },
  })
  // Left alone, it grants all rights on every table to the API's roles, also those that we refuse.
  // It does so once, unless it believes that it has.
  Object.assign(connection, { rlsState: 'active' })
  // PostgREST embeds a single row only where a constraint says that there is one. This REST goes by
  // unique indexes too, also by one over some of the rows, such as "one owner an organisation".
  const introspect = connection.introspect.bind(connection)
  connection.introspect = async (options) => {
    const found = await introspect(options)
    return { ...found, indexes: found.indexes.map((index) => ({ ...index, unique: false })) }
  }

  const app = new App({
    connection,
    auth: {
      enabled: true,
      site_url: siteUrl,
      jwt_secret: secrets.jwtSecret,
      publishable_key: secrets.publishableKey,
      secret_key: secrets.secretKey,
      email: {
        enable_signup: true,
        enable_confirmations: confirmsAddresses,
        // It has no flow with both mailboxes, as hosted projects have it.
        double_confirm_changes: false,
      },
    },
    // Requests without a key stay without rights, as they do on a hosted project.
    options: {
      server: { admin: false, disableStudio: true },
      drivers: { email: { send } },
    },
  })
  await app.init()
  return {
    fetch: (request, peerAddress) =>
      Promise.resolve(app.fetch(withQuotes(request), { peerAddress })),
    stop: (timeout) => connection.driver.end({ timeout }),
  }
}

/** This REST takes an escaped quote in `or=(…)` for the end of its text. PostgREST does not. */
function withQuotes(request: Request): Request {
  const url = new URL(request.url)
  const or = url.searchParams.get('or')
  if (!or?.includes('\\"')) return request
  url.searchParams.set(
    'or',
    or.replace(/\\(.)/gs, (pair, each) => (each === '"' ? QUOTE : pair)),
  )
  return new Request(url, request)
}
