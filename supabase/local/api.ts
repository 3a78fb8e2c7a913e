/**
 * The gateway of the local stack: what hosted Supabase has in front of REST, Auth and edge functions. It says
 * which pages may call (CORS), knows keys, and passes on.
 *
 * @module
 */
import type { Server } from 'node:http'
import { type HttpBindings, serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { proxy } from 'hono/proxy'
import postgres from 'postgres'
import { authRoutes } from './auth.ts'
import { createAuthMails } from './auth-mails.ts'
import { createLite } from './lite.ts'
import { passToPostgrest } from './postgrest.ts'
import type { Secrets } from './secrets.ts'

export interface ApiOptions {
  databaseUrl: string
  /** Whether there is any use in asking the database. Default: there always is */
  isDatabaseUp?: () => boolean
  port: number
  /** Where the pages are; links in the mails of Auth lead there. */
  siteUrl: string
  /** Whether an address has to be confirmed by mail, or is as soon as it registers. Default: false */
  confirmsAddresses?: boolean
  /** Auth's Send Email hook; without it, its mails go nowhere. */
  emailHook?: { url: string; secret: string }
  /** Where PostgREST answers, without `/rest/v1`. Default: its stand-in does */
  postgrestUrl?: string
  /** Where edge functions answer, without `/functions/v1`. */
  functionsUrl?: string
  secrets: Pick<Secrets, 'jwtSecret' | 'publishableKey' | 'secretKey'>
}

type Env = { Bindings: HttpBindings }

/** Any page may call: there are no cookies, so it can do no more than any program that has the same key. */
const acrossOrigins = cors({
  origin: '*',
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  exposeHeaders: [
    'Content-Encoding',
    'Content-Location',
    'Content-Range',
    'Content-Type',
    'Date',
    'Link',
    'Location',
    'Preference-Applied',
    'Range-Unit',
    'Retry-After',
    'Server',
    'Transfer-Encoding',
    'X-Supabase-Api-Version',
    'X-Total-Count',
  ],
  maxAge: 3600,
})

/** Starts to answer at `url`. It reads the schema once, so migrate first. */
export async function startApi(options: ApiOptions) {
  const { port, isDatabaseUp = () => true } = options
  let behind = await connect(options)
  let isConnecting = false

  const app = new Hono<Env>()
  app.use('/rest/v1/*', acrossOrigins)
  app.use('/auth/v1/*', acrossOrigins)
  app.on('ALL', ['/rest/v1/*', '/auth/v1/*'], (c, next) =>
    isDatabaseUp() && !isConnecting ? next() : noDatabase(c),
  )
  // What waits over a connection that is lost would wait for ever.
  const orNoDatabase = (c: Context<Env>, answer: Promise<Response>) =>
    Promise.race([answer, behind.ended.then(() => noDatabase(c))])
  const pass = options.postgrestUrl && passToPostgrest(options.postgrestUrl, options.secrets)
  app.all('/rest/v1/*', (c) =>
    pass
      ? pass(withClientAddress(c)).catch(() => noDatabase(c))
      : orNoDatabase(c, behind.lite.fetch(withClientAddress(c), peerOf(c))),
  )
  app.all('/auth/v1/*', (c) => {
    const { mails, auth } = behind
    const redirectTo = c.req.query('redirect_to') ?? null
    return orNoDatabase(
      c,
      mails.leadingTo(redirectTo, async () => auth.fetch(withClientAddress(c))),
    )
  })
  // Functions say themselves which pages may call them, as they have to on a hosted project.
  app.all('/functions/v1/*', async (c) => {
    const { pathname, search } = new URL(c.req.url)
    const path = pathname.slice('/functions/v1'.length) + search
    if (!options.functionsUrl) return noRoute(c)
    return proxy(options.functionsUrl + path, { raw: withClientAddress(c) })
  })
  app.notFound(noRoute)
  app.onError((error, c) => {
    console.error(error)
    return c.json({ message: 'An invalid response was received from the upstream server' }, 502)
  })

  const server = serve({ hostname: '127.0.0.1', port, fetch: app.fetch }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  return {
    url: `http://127.0.0.1:${port}`,
    /**
     * Asks the database over new connections from now on: `postgres` may keep one that it has lost, and write to it
     * for ever (https://github.com/porsager/postgres/issues/1154). Until they are there, the answer is 503.
     */
    async reconnect() {
      isConnecting = true
      behind.stop(0).catch(() => {})
      behind = await connect(options)
      isConnecting = false
    },
    async stop() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      await behind.stop()
    },
  }
}

/** What answers behind the gateway. */
async function connect(options: ApiOptions) {
  const { databaseUrl, siteUrl, confirmsAddresses = false, emailHook, secrets } = options
  const sql = postgres(databaseUrl, { max: 2, onnotice: () => {} })
  const mails = createAuthMails({ sql, siteUrl, hook: emailHook })
  const lite = await createLite({
    ...{ databaseUrl, siteUrl, confirmsAddresses, secrets },
    send: mails.sendMessage,
  })
  const auth = authRoutes({
    ...{ sql, confirmsAddresses, mails },
    pass: (request) => lite.fetch(request, null),
  })
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return {
    lite,
    mails,
    auth,
    /** Settles once it is told to stop. */
    ended,
    /** @param timeout - seconds for what is under way; without a database, its end would never come */
    async stop(timeout = 5) {
      end()
      await Promise.all([lite.stop(timeout), sql.end({ timeout })])
    },
  }
}

const noRoute = (c: Context) => c.json({ message: 'no Route matched with those values' }, 404)

/**
 * As PostgREST says it (https://docs.postgrest.org/en/stable/references/errors.html). supabase-js keeps the session
 * of whoever hears it, and tries again.
 */
function noDatabase(c: Context) {
  const message = 'Database connection error. Retrying the connection.'
  const body = { code: 'PGRST001', details: null, hint: null, message }
  return c.json(body, 503, { 'Retry-After': '1' })
}

const peerOf = (c: Context<Env>) => c.env.incoming.socket.remoteAddress ?? null

/**
 * As in front of hosted projects: who called stands in a header that callers cannot write, and behind whatever they have
 * written into the other one.
 */
function withClientAddress(c: Context<Env>): Request {
  const address = peerOf(c)?.replace(/^::ffff:/, '')
  const headers = new Headers(c.req.raw.headers)
  headers.delete('cf-connecting-ip')
  if (address) {
    headers.set('cf-connecting-ip', address)
    headers.set(
      'x-forwarded-for',
      [headers.get('x-forwarded-for'), address].filter(Boolean).join(', '),
    )
  }
  return new Request(c.req.raw, { headers })
}
