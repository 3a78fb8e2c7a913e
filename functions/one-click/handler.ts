/**
 * `POST /one-click` with `{"token": "inv_…"}`: a fresh link of somebody new, for a one-time code of Supabase Auth.
 *
 * It takes nothing but POST, because mail scanners follow links. Whatever stands in the way (an account with the
 * address, a link that is late, used or no good, the setting, Auth), the answer is the same: the ordinary way.
 *
 * @module
 */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import { CLIENT_HEADERS } from '../_shared/cors.ts'
import { codeOf } from '../_shared/database.ts'
import { logTrouble } from '../_shared/log.ts'
import type { MadeCode } from './auth.ts'
import type { OneClick, OneClickRules } from './rules.ts'

export interface OneClickParts {
  rules: OneClickRules
  makeCode(email: string): Promise<MadeCode>
  /** Whose pages may call from a browser: `*` for all, or origins. */
  allowedOrigins: string[]
}

/** Bytes; a token has 120. */
const BODY_LIMIT = 1024
const ORDINARY_WAY = { token_hash: null, type: null }

/** Answers any request; never throws. */
export function createHandler(parts: OneClickParts): (request: Request) => Promise<Response> {
  const { allowedOrigins } = parts
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    // A code opens an account: nobody is to keep it.
    c.header('cache-control', 'no-store')
    c.header('x-content-type-options', 'nosniff')
  })
  app.use(
    cors({
      origin: (origin) =>
        allowedOrigins.includes('*') ? '*' : allowedOrigins.includes(origin) ? origin : undefined,
      allowMethods: ['POST'],
      allowHeaders: CLIENT_HEADERS,
      exposeHeaders: ['retry-after'],
      maxAge: 600,
    }),
  )
  const limit = bodyLimit({ maxSize: BODY_LIMIT, onError: (c) => c.json(ORDINARY_WAY, 413) })
  app.post('*', limit, async (c) => {
    const body: unknown = await c.req.json().catch(() => null)
    const token = (body as { token?: unknown } | null)?.token
    if (typeof token !== 'string' || token.includes('\0')) return c.json(ORDINARY_WAY)
    const tokenHash = await exchange(token, parts)
    return c.json(tokenHash ? { token_hash: tokenHash, type: 'invite' } : ORDINARY_WAY)
  })
  app.all('*', (c) => c.text('Use POST.', 405, { allow: 'POST' }))
  app.onError((error, c) => {
    if (codeOf(error) === 'rate_limited') {
      c.header('retry-after', waitOf(error))
      return c.json({ ...ORDINARY_WAY, code: 'rate_limited' }, 429)
    }
    logTrouble('one_click.failed', { error })
    c.header('retry-after', '2')
    return c.json({ ...ORDINARY_WAY, code: 'unavailable' }, 503)
  })
  return async (request) => app.fetch(request)
}

/** The code; null for the ordinary way. */
async function exchange(token: string, { rules, makeCode }: OneClickParts): Promise<string | null> {
  const oneClick = await rules.start(token)
  if (!oneClick) return null
  const made = await makeCode(oneClick.email).catch((error) => {
    logTrouble('one_click.no_code', { inviteId: oneClick.inviteId, error })
    return null
  })
  return (await mayHandOut(rules, oneClick, made)) ? (made?.tokenHash ?? null) : null
}

/** When the database cannot be asked, nothing is handed out: the link is used, and the ordinary way is open. */
function mayHandOut(rules: OneClickRules, oneClick: OneClick, made: MadeCode | null) {
  return rules.finish(oneClick, made?.userId ?? null).catch((error) => {
    logTrouble('one_click.not_finished', { inviteId: oneClick.inviteId, error })
    return false
  })
}

/** Seconds, as usher.fail_rate_limited says them. */
function waitOf(error: Error): string {
  return (JSON.parse(error.message) as { details: string }).details
}
