/** The local Auth where it confirms addresses by mail, as that of a hosted project does. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createClient } from '@supabase/supabase-js'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUsher } from '../../client/index.ts'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { freeRange, type Run, runStart, temporaryFolder, untilReady } from '../support/stack.ts'

let folder: string
let run: Run
let stack: Stack
let sql: postgres.Sql

beforeAll(async () => {
  folder = await temporaryFolder()
  run = runStart({
    USHER_DATA: folder,
    USHER_PORT: String(await freeRange()),
    USHER_CONFIRM_ADDRESSES: 'by-mail',
  })
  stack = await untilReady(run, folder)
  sql = postgres(stack.databaseUrl, { max: 1, onnotice: () => {} })
})

afterAll(async () => {
  await sql.end()
  run.process.kill('SIGTERM')
  await run.ended
  await rm(folder, { recursive: true, force: true })
})

const PASSWORD = 'a-long-password'
const newAddress = () => `new-${randomUUID().slice(0, 8)}@example.com`
const connect = () =>
  createClient(stack.apiUrl, stack.publishableKey, { auth: { persistSession: false } })

interface Mail {
  text: string
  to: { address: string }[]
}

async function mailsTo(address: string): Promise<Mail[]> {
  const all = (await (await fetch(`${stack.mailboxUrl}/email`)).json()) as Mail[]
  return all.filter(({ to }) => to.some((each) => each.address === address))
}

/** The newest mail to an address, once there are so many. */
async function mailTo(address: string, count = 1): Promise<Mail> {
  for (;;) {
    const theirs = await mailsTo(address)
    const newest = theirs.at(-1)
    if (newest && theirs.length >= count) return newest
    await wait(100)
  }
}

const linkIn = ({ text }: Mail) => text.match(/https?:\S+\/auth\/v1\/verify\S+/)?.[0] ?? ''
const codeIn = ({ text }: Mail) => text.match(/\b\d{6}\b/)?.[0] ?? ''

/** Where a link leads. */
async function follow(link: string): Promise<URL> {
  const answer = await fetch(link, { redirect: 'manual' })
  return new URL(answer.headers.get('location') ?? '')
}

/** Lets the minute between two mails to an address pass. */
const aMinuteLater = (email: string) =>
  sql`update auth.users set confirmation_sent_at = confirmation_sent_at - interval '1 minute',
    recovery_sent_at = recovery_sent_at - interval '1 minute' where email = ${email}`

describe('an address that is to be confirmed by mail', { timeout: 120_000 }, () => {
  test('has no session before; its link works once and leads to where sign-up said', async () => {
    const email = newAddress()
    const client = connect()
    const emailRedirectTo = `${stack.consoleUrl}/invite?from=sign-up`

    const { data } = await client.auth.signUp({
      email,
      password: PASSWORD,
      options: { emailRedirectTo },
    })
    expect(data).toMatchObject({ user: { email }, session: null })
    const early = await client.auth.signInWithPassword({ email, password: PASSWORD })
    expect(early.error).toMatchObject({ status: 400, code: 'email_not_confirmed' })
    const link = linkIn(await mailTo(email))

    const first = await follow(link)
    expect(first.href).toContain(`${emailRedirectTo}#access_token=`)
    expect((await follow(link)).hash).toContain('error_code=otp_expired')
    expect((await client.auth.signInWithPassword({ email, password: PASSWORD })).error).toBeNull()
  })

  test('gets another mail when it signs up again, a minute later, and the older link is dead', async () => {
    const email = newAddress()
    const client = connect()
    await client.auth.signUp({ email, password: PASSWORD })
    const older = linkIn(await mailTo(email))

    const again = await client.auth.signUp({ email, password: PASSWORD })
    expect(again.error).toMatchObject({ status: 429, code: 'over_email_send_rate_limit' })
    await aMinuteLater(email)
    expect((await client.auth.signUp({ email, password: PASSWORD })).error).toBeNull()
    await aMinuteLater(email)
    expect((await client.auth.resend({ type: 'signup', email })).error).toBeNull()

    const newest = linkIn(await mailTo(email, 3))
    expect((await follow(older)).hash).toContain('error_code=otp_expired')
    expect((await follow(newest)).hash).toContain('access_token=')
  })

  test('is confirmed by npm run demo, which does the whole job here as well', async () => {
    const { stdout } = await promisify(execFile)('node', ['scripts/demo.ts'], {
      env: { ...process.env, USHER_DATA: folder },
    })

    expect(stdout.trim()).toMatch(/All of it worked\.$/)
  })

  test('that has an account already is told nothing of it', async () => {
    const { data, error } = await connect().auth.signUp({
      email: 'owner@example.com',
      password: PASSWORD,
    })

    expect(error).toBeNull()
    expect(data).toMatchObject({
      session: null,
      user: { email: 'owner@example.com', identities: [] },
    })
  })

  test('is confirmed by the code with which somebody new signs in', async () => {
    const email = newAddress()
    const client = connect()

    await client.auth.signInWithOtp({ email })
    const [waiting] = await sql`select email_confirmed_at from auth.users where email = ${email}`
    expect(waiting).toEqual({ email_confirmed_at: null })
    const token = codeIn(await mailTo(email))
    const { data } = await client.auth.verifyOtp({ email, token, type: 'email' })
    expect(data.session?.user.email).toBe(email)

    await client.auth.signInWithOtp({ email })
    const next = codeIn(await mailTo(email, 2))
    expect((await client.auth.verifyOtp({ email, token: next, type: 'email' })).error).toBeNull()
  })

  test('whose link is opened elsewhere is a member at once, with the token of the sign-up', async () => {
    const owner = connect()
    await owner.auth.signInWithPassword({ email: 'owner@example.com', password: 'password' })
    const usher = createUsher(owner).throwOnError()
    const { data: mine } = await usher.organisations.listMine()
    const email = newAddress()
    const { data: invite } = await usher.invites.create(mine[0]?.id ?? '', {
      email,
      roles: ['member'],
    })
    const token = (await usher.invites.revealLink(invite.id)).data.split('#')[1]

    await connect().auth.signUp({
      email,
      password: PASSWORD,
      options: { data: { invite_token: token } },
    })
    // The invitation's own mail comes, too, sooner or later.
    let link = ''
    while (!link) {
      link = (await mailsTo(email)).map(linkIn).find(Boolean) ?? (await wait(100, ''))
    }
    await follow(link)

    const newcomer = connect()
    await newcomer.auth.signInWithPassword({ email, password: PASSWORD })
    const { data: theirs } = await createUsher(newcomer).throwOnError().organisations.listMine()
    expect(theirs).toMatchObject([{ id: mine[0]?.id, roles: ['member'] }])
  })
})

describe('a forgotten password', { timeout: 120_000 }, () => {
  test('is chosen anew by a link that leads to where it was asked for', async () => {
    const email = newAddress()
    const client = connect()
    await client.auth.signUp({ email, password: PASSWORD })
    await follow(linkIn(await mailTo(email)))

    await client.auth.resetPasswordForEmail(email, { redirectTo: `${stack.consoleUrl}/somewhere` })
    const to = await follow(linkIn(await mailTo(email, 2)))

    expect(to.pathname).toBe('/somewhere')
    expect(to.hash).toContain('type=recovery')
  })
})

describe('the closed door', { timeout: 120_000 }, () => {
  test('is said with 403 and in words, by password and by code, and opens for the invited', async () => {
    const client = connect()
    await sql`select usher.update_settings('{"sign_up": "invite_only"}')`

    const refused = { status: 403, message: expect.stringContaining('invited') }
    const email = newAddress()
    expect((await client.auth.signUp({ email, password: PASSWORD })).error).toMatchObject(refused)
    expect((await client.auth.signInWithOtp({ email })).error).toMatchObject(refused)
    const options = { data: { device_code: 'AAAAA-AAAAA' } }
    expect((await client.auth.signInWithOtp({ email, options })).error).toMatchObject(refused)
    const [made] = await sql`select count(*)::int as n from auth.users where email = ${email}`
    expect(made).toEqual({ n: 0 })

    await client.auth.signInWithPassword({ email: 'owner@example.com', password: 'password' })
    const usher = createUsher(client).throwOnError()
    const { data: mine } = await usher.organisations.listMine()
    await usher.invites.create(mine[0]?.id ?? '', { email, roles: ['member'] })
    const { error } = await connect().auth.signUp({ email, password: PASSWORD })
    expect(error).toBeNull()
  })
})

describe('the gateway', () => {
  const ASKED = 'apikey,authorization,content-type,x-client-info'

  test.for([
    ['POST', 'auth/v1/token?grant_type=password'],
    ['POST', 'auth/v1/signup'],
    ['PUT', 'auth/v1/user'],
    ['POST', 'rest/v1/rpc/validate_organisation_invite'],
    ['POST', 'rest/v1/rpc/accept_organisation_invite'],
    ['GET', 'rest/v1/organisations'],
    ['POST', 'functions/v1/graphql'],
    ['POST', 'functions/v1/api/invitations'],
  ])('answers the preflight of %s /%s', async ([method, path]) => {
    const answer = await fetch(`${stack.apiUrl}/${path}`, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://127.0.0.1:23005',
        'access-control-request-method': method ?? '',
        'access-control-request-headers': ASKED,
      },
    })

    expect(answer.status).toBe(204)
    expect(['*', 'http://127.0.0.1:23005']).toContain(
      answer.headers.get('access-control-allow-origin'),
    )
    const allowed = answer.headers.get('access-control-allow-headers')?.split(/, */)
    expect(allowed).toEqual(expect.arrayContaining(ASKED.split(',')))
  })

  test('lets pages read answers and refusals, with the headers that they need', async () => {
    for (const path of ['auth/v1/user', 'rest/v1/organisations', 'rest/v1/rpc/none']) {
      const answer = await fetch(`${stack.apiUrl}/${path}`, {
        headers: { apikey: stack.publishableKey, origin: 'http://127.0.0.1:23005' },
      })
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
      for (const name of ['Link', 'Location', 'Retry-After', 'Content-Range']) {
        expect(answer.headers.get('access-control-expose-headers')).toContain(name)
      }
    }
  })

  test("has the REST door below /api/ on the pages' origin, which answers unknown paths itself", async () => {
    const known = await fetch(`${stack.consoleUrl}/api/openapi.json`)
    const unknown = await fetch(`${stack.consoleUrl}/api/there/is/nothing`)

    expect(((await known.json()) as { openapi: string }).openapi).toMatch(/^3\.1/)
    expect(unknown.status).toBe(404)
    expect(unknown.headers.get('content-type')).toBe('application/problem+json')
  })
})
