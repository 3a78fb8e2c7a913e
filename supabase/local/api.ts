/**
 * REST and Auth over the local Postgres, as supabase-js expects them of a Supabase project.
 *
 * @module
 */
import { type Http2Bindings, type HttpBindings, serve } from '@hono/node-server'
import type { Secrets } from './secrets.ts'

export interface ApiOptions {
  databaseUrl: string
  port: number
  /** Where the pages are; links in the mails of Auth lead there. */
  siteUrl: string
  /** Where Auth hands in its mails, such as one-time codes, and whom they are from; without it: nowhere. */
  mail?: { smtpUrl: string; from: string }
  secrets: Pick<Secrets, 'jwtSecret' | 'publishableKey' | 'secretKey'>
}

/**
 * Where this REST differs from PostgREST on the wire: times come as Postgres writes them, without
 * the T of ISO 8601, and JSON arguments are encoded twice.
 */
const asJson = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
const TYPES = {
  json: { to: 114, from: [114], serialize: asJson, parse: (text: string) => JSON.parse(text) },
  jsonb: { to: 3802, from: [3802], serialize: asJson, parse: (text: string) => JSON.parse(text) },
  timestamptz: {
    to: 1184,
    from: [1184],
    serialize: (value: unknown) => value,
    parse: (text: string) => text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'),
  },
}

/** Starts to answer at `url`. It reads the schema once, so migrate first. */
export async function startApi(options: ApiOptions) {
  const { databaseUrl, port, siteUrl, mail, secrets } = options
  process.env.DO_NOT_TRACK = '1'
  const { App, SmtpEmailDriver } = await import('@supabase/lite')
  const { PostgresConnection } = await import('@supabase/lite/postgres')

  const connection = new PostgresConnection({
    url: databaseUrl,
    postgresOptions: { types: TYPES },
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
      // As `supabase start` does: an address is confirmed as soon as it has registered.
      email: { enable_signup: true, enable_confirmations: false },
    },
    // Requests without a key stay without rights, as they do on a hosted project.
    options: {
      server: { admin: false, disableStudio: true },
      ...(mail && { drivers: { email: new SmtpEmailDriver(smtpOptions(mail)) } }),
    },
  })
  await app.init()

  const server = serve({
    hostname: '127.0.0.1',
    port,
    fetch: async (request, env: HttpBindings | Http2Bindings) => {
      const peerAddress = env.incoming.socket.remoteAddress ?? null
      const asked = await withKnownOtpType(request)
      return app.fetch(withClientAddress(asked, peerAddress), { peerAddress })
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      })
      await app.connection.close()
    },
  }
}

/** Supabase takes a code from any of its mails as `email`; this Auth knows only the older word. */
async function withKnownOtpType(request: Request): Promise<Request> {
  const isVerifying = request.method === 'POST' && request.url.includes('/auth/v1/verify')
  if (!isVerifying) return request
  const body = await request.text()
  return new Request(request.url, {
    method: 'POST',
    headers: request.headers,
    body: body.replace('"type":"email"', '"type":"magiclink"'),
  })
}

function smtpOptions({ smtpUrl, from }: { smtpUrl: string; from: string }) {
  const { hostname, port } = new URL(smtpUrl)
  return { host: hostname, port: Number(port), from, requireTls: false }
}

/** A hosted project's gateway says who called; here there is none, so we are the gateway. */
function withClientAddress(request: Request, address: string | null): Request {
  if (!address || request.headers.has('x-forwarded-for')) return request
  const headers = new Headers(request.headers)
  headers.set('x-forwarded-for', address)
  return new Request(request, { headers })
}
