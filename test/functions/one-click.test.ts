import { randomUUID } from 'node:crypto'
import { createClient } from '@supabase/supabase-js'
import { describe, expect, onTestFinished, vi } from 'vitest'
import { connect } from '../../functions/_shared/database.ts'
import { createCodeMaker } from '../../functions/one-click/auth.ts'
import { readOneClickEnvironment } from '../../functions/one-click/environment.ts'
import { createHandler, type OneClickParts } from '../../functions/one-click/handler.ts'
import { oneClickRulesOf } from '../../functions/one-click/rules.ts'
import { type Organisation, test } from '../support/acme.ts'
import { AUTH_KEY, allowOneClick, mailedLink, startAuth } from '../support/one-click.ts'
import { Caller } from '../support/people.ts'
import { workerUrl } from './worker-role.ts'

const ORDINARY_WAY = { token_hash: null, type: null }

/** The function on a real database, with a stand-in for Auth. */
async function oneClick(
  acme: Organisation,
  databaseUrl: string,
  {
    before,
    parts,
  }: { before?: Parameters<typeof startAuth>[1]; parts?: Partial<OneClickParts> } = {},
) {
  const auth = await startAuth(acme, before)
  const sql = connect(await workerUrl(acme.sql, databaseUrl))
  onTestFinished(() => sql.end())
  const handle = createHandler({
    rules: oneClickRulesOf(sql),
    makeCode: createCodeMaker(auth.url, AUTH_KEY),
    allowedOrigins: ['https://app.test'],
    ...parts,
  })
  const press = (body: unknown, init: RequestInit = {}) =>
    handle(
      new Request('https://project.test/functions/v1/one-click', {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: 'https://app.test' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
      }),
    )
  return { auth, handle, press }
}

/** What goes wrong is logged; here it is no news. */
function quiet() {
  const spy = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => spy.mockRestore())
  return spy
}

describe('the mail and one button', () => {
  test('register, sign in and accept', async ({ acme, database }) => {
    await allowOneClick(acme)
    const { auth, press } = await oneClick(acme, database.url)
    const { email, token } = await mailedLink(acme)

    const answer = await press({ token })
    const code = await answer.json()
    const supabase = createClient(auth.url, 'sb_publishable_x', { auth: { persistSession: false } })
    const { data, error } = await supabase.auth.verifyOtp(code)
    expect(error).toBeNull()
    const id = data.user?.id ?? ''
    const invitee = new Caller(acme.sql, 'authenticated', { id, email })

    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(Object.keys(code).sort()).toEqual(['token_hash', 'type'])
    expect(code.type).toBe('invite')
    expect(await invitee.rpc('accept_organisation_invite', { token })).toMatchObject({
      user_id: id,
      roles: ['member'],
    })
    expect(auth.asked).toEqual([{ type: 'invite', email }])
    expect(await acme.events()).toEqual(
      expect.arrayContaining(['invite.one_click_started', 'invite.one_click_done']),
    )
  })

  test('work where only invited people may sign up', async ({ acme, database }) => {
    await allowOneClick(acme, { sign_up: 'invite_only' })
    onTestFinished(async () => {
      await acme.sql`select usher.update_settings('{"sign_up": "open"}')`
    })
    const { press } = await oneClick(acme, database.url)
    const { token } = await mailedLink(acme)

    expect(await (await press({ token })).json()).toMatchObject({ type: 'invite' })
  })
})

describe('the ordinary way', () => {
  test('looks alike whatever it is for, and Auth is not asked', async ({ acme, database }) => {
    await allowOneClick(acme)
    const { auth, press } = await oneClick(acme, database.url)
    const known = await mailedLink(acme, acme.stranger.email)
    const revoked = await acme.inviteIn('revoked')
    const bodies = [
      { token: known.token },
      { token: revoked.token },
      { token: `inv_${'A'.repeat(116)}` },
      { token: 'inv_\0' },
      { token: 7 },
      {},
      [],
      'not JSON',
      '',
    ]

    for (const body of bodies) {
      const answer = await press(body)
      expect([answer.status, await answer.json()]).toEqual([200, ORDINARY_WAY])
    }
    expect(auth.asked).toEqual([])
  })

  test('a second press gets nothing, and makes no second account', async ({ acme, database }) => {
    await allowOneClick(acme)
    const { auth, press } = await oneClick(acme, database.url)
    const { token } = await mailedLink(acme)

    const answers = await Promise.all(
      Array.from({ length: 3 }, async () => (await press({ token })).json()),
    )

    expect(answers.filter(({ token_hash }) => token_hash)).toHaveLength(1)
    expect(auth.asked).toHaveLength(1)
  })

  test('when Auth does not answer; the link stays used, the invite open', async ({
    acme,
    database,
  }) => {
    const errors = quiet()
    await allowOneClick(acme)
    const { press } = await oneClick(acme, database.url, { before: async () => 'down' })
    const { email, token } = await mailedLink(acme)

    expect(await (await press({ token })).json()).toEqual(ORDINARY_WAY)
    expect(await (await press({ token })).json()).toEqual(ORDINARY_WAY)
    expect(await acme.events()).toContain('invite.one_click_failed')
    const invitee = await acme.person(email)
    expect(await invitee.rpc('accept_organisation_invite', { token })).toMatchObject({
      status: 'active',
    })
    expect(JSON.stringify(errors.mock.calls)).not.toContain(token)
  })

  test('when somebody confirmed an account in between: Auth refuses', async ({
    acme,
    database,
  }) => {
    quiet()
    await allowOneClick(acme)
    const { auth, press } = await oneClick(acme, database.url, {
      before: (email) => acme.person(email),
    })
    const { token } = await mailedLink(acme)

    expect(await (await press({ token })).json()).toEqual(ORDINARY_WAY)
    expect(auth.asked).toHaveLength(1)
  })

  test('when somebody began an account with a password of theirs in between', async ({
    acme,
    database,
  }) => {
    await allowOneClick(acme)
    const { press } = await oneClick(acme, database.url, {
      before: (email) => acme.sql`insert into auth.users (id, email, encrypted_password)
        values (${randomUUID()}, ${email}, '$2a$10$theirs')`,
    })
    const { token } = await mailedLink(acme)

    expect(await (await press({ token })).json()).toEqual(ORDINARY_WAY)
    expect(await acme.events()).toContain('invite.one_click_failed')
  })

  test('when the database is lost after Auth has answered', async ({ acme, database }) => {
    quiet()
    await allowOneClick(acme)
    const sql = connect(await workerUrl(acme.sql, database.url))
    onTestFinished(() => sql.end())
    const rules = oneClickRulesOf(sql)
    const { press } = await oneClick(acme, database.url, {
      parts: { rules: { ...rules, finish: () => Promise.reject(new Error('gone')) } },
    })
    const { token } = await mailedLink(acme)

    expect(await (await press({ token })).json()).toEqual(ORDINARY_WAY)
    expect(await (await press({ token })).json()).toEqual(ORDINARY_WAY)
  })
})

describe('the door', () => {
  test('takes nothing but POST, so that no scanner spends a link', async ({ acme, database }) => {
    await allowOneClick(acme)
    const { auth, handle } = await oneClick(acme, database.url)
    const { token } = await mailedLink(acme)
    const url = `https://project.test/functions/v1/one-click?token=${token}`

    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      expect((await handle(new Request(url, { method }))).status).toBe(405)
    }
    expect(auth.asked).toEqual([])
    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      one_click: true,
    })
  })

  test('takes no large body', async ({ acme, database }) => {
    const { press } = await oneClick(acme, database.url)

    expect((await press({ token: 'x'.repeat(5000) })).status).toBe(413)
  })

  test('answers the pages that it is told of', async ({ acme, database }) => {
    const { handle } = await oneClick(acme, database.url)
    const ask = async (origin: string) => {
      const headers = { origin, 'access-control-request-method': 'POST' }
      const answer = await handle(
        new Request('https://project.test/functions/v1/one-click', { method: 'OPTIONS', headers }),
      )
      return answer.headers.get('access-control-allow-origin')
    }

    expect(await ask('https://app.test')).toBe('https://app.test')
    expect(await ask('https://elsewhere.test')).toBeNull()
  })

  test('says how long to wait when there were too many', async ({ acme, database }) => {
    await allowOneClick(acme)
    const { auth, press } = await oneClick(acme, database.url)
    const { token } = await mailedLink(acme)
    await acme.sql`insert into usher.rate_limits (key, window_start, used)
      values (${`one_clicks:${acme.id}`}, now(), 1000)`

    const answer = await press({ token })

    expect(answer.status).toBe(429)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await answer.json()).toEqual({ ...ORDINARY_WAY, code: 'rate_limited' })
    expect(auth.asked).toEqual([])
  })

  test('asks to come again when the database is away', async ({ acme, database }) => {
    quiet()
    const rules = {
      start: () => Promise.reject(new Error('gone')),
      finish: () => Promise.resolve(false),
    }
    const { press } = await oneClick(acme, database.url, { parts: { rules } })

    const answer = await press({ token: 'inv_x' })

    expect([answer.status, await answer.json()]).toEqual([
      503,
      { ...ORDINARY_WAY, code: 'unavailable' },
    ])
  })
})

describe('its environment', () => {
  const variables = {
    SUPABASE_URL: 'https://project.supabase.test',
    SUPABASE_ANON_KEY: 'anon',
    USHER_DATABASE_URL: 'postgres://usher_worker@db.test/postgres',
  }

  test('takes the secret key of today, and the older one', () => {
    const of = (more: object) => readOneClickEnvironment({ ...variables, ...more }).secretKey

    expect(of({ SUPABASE_SECRET_KEYS: '{"default":"sb_secret_a"}' })).toBe('sb_secret_a')
    expect(of({ SUPABASE_SECRET_KEY: 'sb_secret_b' })).toBe('sb_secret_b')
    expect(of({ SUPABASE_SERVICE_ROLE_KEY: 'eyJ' })).toBe('eyJ')
  })

  test('names all that is missing', () => {
    expect(() => readOneClickEnvironment({})).toThrow(
      /SUPABASE_URL.*SUPABASE_ANON_KEY.*USHER_DATABASE_URL.*SUPABASE_SERVICE_ROLE_KEY/,
    )
  })
})
