/**
 * `/auth/v1`: the stand-in for Supabase Auth, with what it does otherwise than Supabase Auth put right:
 * who may sign up, what happens before an address is confirmed, and how often mail goes out.
 *
 * Source: internal/api/{signup,otp,resend,verify,errors}.go of github.com/supabase/auth.
 *
 * @module
 */
import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto'
import { type Context, Hono } from 'hono'
import type postgres from 'postgres'
import type { AuthMails } from './auth-mails.ts'

export interface AuthOptions {
  /** As the role that owns Auth's tables. */
  sql: postgres.Sql
  /** Whether an address has to be confirmed by mail. */
  confirmsAddresses: boolean
  mails: AuthMails
  /** The stand-in itself, for all that it does as Supabase Auth does. */
  pass(request: Request): Promise<Response>
}

interface User {
  id: string
  email: string
  raw_user_meta_data: Record<string, unknown>
  email_confirmed_at: Date | null
  confirmation_sent_at: Date | null
  recovery_sent_at: Date | null
}

type Body = Record<string, unknown>

export function authRoutes({ sql, confirmsAddresses, mails, pass }: AuthOptions): Hono {
  // Between two mails to one address: as hosted projects have it, or as `supabase start` has it.
  const secondsBetweenMails = confirmsAddresses ? 60 : 1

  async function find(email: unknown): Promise<User | undefined> {
    if (typeof email !== 'string') return undefined
    const [user] = await sql<User[]>`
      select u.id, u.email, u.raw_user_meta_data, u.email_confirmed_at, u.confirmation_sent_at, u.recovery_sent_at
      from auth.users u where u.email = ${email.toLowerCase()} and not u.is_sso_user`
    return user
  }

  /** What the before-user-created hook says against a new account, as Supabase Auth passes it on. */
  async function refusalOf({ email, data }: Body): Promise<Refusal | null> {
    const user = { id: randomUUID(), email, user_metadata: data ?? {} }
    const [row] =
      await sql`select usher.before_user_created(${sql.json({ user } as never)}) as said`
    const { error } = row?.said ?? {}
    return error ? { status: error.http_code, code: 'unknown', message: error.message } : null
  }

  function tooSoon(sentAt: Date | null): Refusal | null {
    const passed = sentAt ? (Date.now() - sentAt.getTime()) / 1000 : Number.POSITIVE_INFINITY
    const left = Math.ceil(secondsBetweenMails - passed)
    if (left <= 0) return null
    const message = `For security purposes, you can only request this after ${left} seconds.`
    return { status: 429, code: 'over_email_send_rate_limit', message }
  }

  /** A new code and link for an account that waits for its confirmation; the older ones are dead. */
  async function sendConfirmationAgain(user: User, redirectTo: string | null) {
    const code = String(randomInt(1_000_000)).padStart(6, '0')
    const hash = createHash('sha256')
      .update(user.email + code)
      .digest('hex')
    await sql`update auth.users set confirmation_token = ${hash}, confirmation_sent_at = now()
      where id = ${user.id}`
    await mails.send({ to: user.email, action: 'signup', code, hash, redirectTo })
  }

  /** As `POST /signup` does, whoever asks for it. */
  async function signUp(c: Context, body: Body): Promise<Response> {
    if (typeof body.email !== 'string') return refuse(NO_ADDRESS)
    const user = await find(body.email)
    if (!user) {
      const refusal = await refusalOf(body)
      return refusal ? refuse(refusal) : pass(withBody(c.req.raw, '/auth/v1/signup', body))
    }
    // Then the stand-in says that there is such an account, as Supabase Auth does.
    if (!confirmsAddresses) return pass(withBody(c.req.raw, '/auth/v1/signup', body))
    // Whoever asks does not learn whether there is one.
    if (user.email_confirmed_at) return Response.json(likeANewOne(user.email, body.data))
    const refusal = tooSoon(user.confirmation_sent_at)
    if (refusal) return refuse(refusal)
    // What was sent this time, the password too, is not taken: anyone could have sent it.
    await sendConfirmationAgain(user, c.req.query('redirect_to') ?? null)
    return Response.json(likeANewOne(user.email, user.raw_user_meta_data, user.id))
  }

  const app = new Hono().basePath('/auth/v1')
  app.use(async (c, next) => {
    if (c.req.method === 'GET' || isStorable(await c.req.raw.clone().text())) return next()
    const message = 'Could not parse request body as JSON'
    return refuse({ status: 400, code: 'bad_json', message })
  })
  app.post('/signup', async (c) => signUp(c, await bodyOf(c)))

  // The second is the older name of the first.
  app.on('POST', ['/otp', '/magiclink'], async (c) => {
    const body = await bodyOf(c)
    if (typeof body.email !== 'string') return refuse(NO_ADDRESS)
    const user = await find(body.email)
    const isNew = user ? !user.email_confirmed_at : body.create_user !== false
    if (isNew) {
      // The mail that confirms the address holds the code to sign in with.
      const password = randomBytes(24).toString('base64url')
      const answer = await signUp(c, { email: body.email, password, data: body.data })
      if (!answer.ok) return answer
      if (confirmsAddresses) return c.json({})
    }
    const refusal = tooSoon(user?.recovery_sent_at ?? null)
    return refusal
      ? refuse(refusal)
      : pass(withBody(c.req.raw, '/auth/v1/otp', { ...body, create_user: false }))
  })

  app.post('/recover', async (c) => {
    const body = await bodyOf(c)
    const refusal = tooSoon((await find(body.email))?.recovery_sent_at ?? null)
    return refusal ? refuse(refusal) : pass(withBody(c.req.raw, '/auth/v1/recover', body))
  })

  app.post('/resend', async (c) => {
    const body = await bodyOf(c)
    if (body.type !== 'signup') return pass(withBody(c.req.raw, '/auth/v1/resend', body))
    const user = await find(body.email)
    if (!user || user.email_confirmed_at) return c.json({})
    const refusal = tooSoon(user.confirmation_sent_at)
    if (refusal) return refuse(refusal)
    await sendConfirmationAgain(user, c.req.query('redirect_to') ?? null)
    return c.json({})
  })

  app.post('/verify', async (c) => {
    const body = await bodyOf(c)
    // Supabase Auth takes a code from any of its mails as `email`; the stand-in knows only the older words.
    if (body.type === 'email') {
      const [user] = body.token_hash
        ? await sql`select null as email_confirmed_at from auth.users
            where confirmation_token = ${String(body.token_hash)}`
        : [await find(body.email)]
      body.type = user?.email_confirmed_at === null ? 'signup' : 'magiclink'
    }
    return pass(withBody(c.req.raw, '/auth/v1/verify', body))
  })

  app.all('*', (c) => pass(c.req.raw))
  return app
}

interface Refusal {
  status: number
  code: string
  message: string
}

const NO_ADDRESS: Refusal = {
  status: 400,
  code: 'validation_failed',
  message: 'An email address is needed: the local Auth knows no other way to sign up.',
}

function refuse({ status, code, message }: Refusal): Response {
  return Response.json({ code: status, error_code: code, msg: message }, { status })
}

/** An account as it looks while it waits for its confirmation. */
function likeANewOne(email: string, data: unknown, id: string = randomUUID()) {
  const now = new Date().toISOString()
  return {
    id,
    aud: 'authenticated',
    role: 'authenticated',
    email,
    phone: '',
    confirmation_sent_at: now,
    app_metadata: { provider: 'email', providers: ['email'] },
    user_metadata: data ?? {},
    identities: [],
    created_at: now,
    updated_at: now,
    is_anonymous: false,
  }
}

/** What was sent, where it is an object of JSON; the stand-in says what is wrong with anything else. */
async function bodyOf(c: Context): Promise<Body> {
  const body: unknown = await c.req.json().catch(() => null)
  return typeof body === 'object' && body !== null ? (body as Body) : {}
}

/** Whether Postgres can hold the texts of a body: no NUL, and no half of a pair of surrogates. */
function isStorable(body: string): boolean {
  const fits = (value: unknown) => typeof value !== 'string' || !/\0|\p{Surrogate}/u.test(value)
  let isFine = true
  try {
    JSON.parse(body, (name, value) => {
      isFine &&= fits(name) && fits(value)
      return value
    })
  } catch {
    // What is no JSON, the stand-in refuses itself.
  }
  return isFine
}

function withBody(request: Request, path: string, body: Body): Request {
  const url = new URL(request.url)
  const headers = new Headers(request.headers)
  headers.delete('content-length')
  return new Request(new URL(path + url.search, url), {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
}
