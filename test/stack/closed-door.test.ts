/** Where sign-up is for the invited only, Auth says so in words: the local one as well as Supabase's own. */
import { randomUUID } from 'node:crypto'
import { createClient } from '@supabase/supabase-js'
import { describe, expect } from 'vitest'
import { test as base } from '../support/acme.ts'
import { startTestApi } from '../support/api.ts'
import { KEYS } from '../support/keys.ts'

const PASSWORD = 'a-long-password'
const WORDS = 'Only people who have been invited can make an account.'
const newAddress = () => `new-${randomUUID().slice(0, 8)}@example.com`

/** `test` with `auth`, of a project whose door is closed, which confirms addresses by mail or at once. */
const testOf = (confirmsAddresses: boolean) =>
  base
    .extend('url', { scope: 'file' }, async ({ database }, { onCleanup }) => {
      const api = await startTestApi(database, { confirmsAddresses })
      onCleanup(() => api.stop())
      return api.url
    })
    .extend('auth', async ({ acme, url }, { onCleanup }) => {
      const { sql } = acme
      // Closed once all are there whom the test knows.
      await sql`select usher.update_settings('{"sign_up": "invite_only"}')`
      onCleanup(async () => {
        await sql`select usher.update_settings('{"sign_up": "open"}')`
      })
      return createClient(url, KEYS.publishableKey, { auth: { persistSession: false } }).auth
    })

const REFUSED = { status: 403, message: WORDS }

describe.for([
  ['by mail', testOf(true)],
  ['at once', testOf(false)],
] as const)('the closed door of a project that confirms addresses %s', ([way, test]) => {
  test('refuses a new account with 403 and words, whichever way it is asked for', async ({
    auth,
    url,
  }) => {
    const data = { full_name: 'New' }

    for (const options of [undefined, { data }]) {
      const { error } = await auth.signUp({
        email: newAddress(),
        password: PASSWORD,
        ...(options && { options }),
      })
      expect(error).toMatchObject(REFUSED)
    }
    for (const options of [undefined, { data }, { shouldCreateUser: true }]) {
      const { error } = await auth.signInWithOtp({
        email: newAddress(),
        ...(options && { options }),
      })
      expect(error).toMatchObject(REFUSED)
    }
    const answer = await fetch(`${url}/auth/v1/magiclink`, {
      method: 'POST',
      headers: { apikey: KEYS.publishableKey, 'content-type': 'application/json' },
      body: JSON.stringify({ email: newAddress() }),
    })
    expect([answer.status, (await answer.json()).msg]).toEqual([403, WORDS])
  })

  test('lets in who is invited, by password and by code', async ({ acme, auth }) => {
    const [byPassword, byCode] = [newAddress(), newAddress()]
    await acme.invite(byPassword)
    await acme.invite(byCode)

    const { data, error } = await auth.signUp({ email: byPassword, password: PASSWORD })
    expect(error).toBeNull()
    expect(Boolean(data.session)).toBe(way === 'at once')
    expect((await auth.signInWithOtp({ email: byCode })).error).toBeNull()
  })

  test('lets in who has been invited to have it sent once more, and who has an account', async ({
    acme,
    auth,
  }) => {
    const { email } = acme.stranger
    const { invite } = await acme.invite(newAddress())
    await auth.signUp({ email: invite.email, password: PASSWORD })

    expect((await auth.signInWithOtp({ email })).error).toBeNull()
    // Asked again too soon, or known already: a refusal of its own, and not that of the door.
    const { error } = await auth.signUp({ email: invite.email, password: PASSWORD })
    expect(error?.status).not.toBe(403)
    expect(error?.status).not.toBe(500)
  })

  test('lets in who has an address of a domain that lets its people join', async ({
    acme,
    auth,
  }) => {
    const domain = `${randomUUID().slice(0, 8)}.example`
    await acme.owner.rpc('create_organisation_domain', { organisation_id: acme.id, domain })
    await acme.sql`update public.organisation_domains
      set verified_at = now(), join_policy = 'join' where domain = ${domain}`

    const { error } = await auth.signUp({ email: `anna@${domain}`, password: PASSWORD })
    expect(error).toBeNull()
    const other = await auth.signUp({ email: `anna@not-${domain}`, password: PASSWORD })
    expect(other.error).toMatchObject(REFUSED)
  })

  test('lets a device in that brings its code', async ({ acme, auth }) => {
    const { code } = await acme.admin.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Scanner',
      roles: ['member'],
    })
    const signUp = (device_code: string) =>
      auth.signUp({
        email: newAddress(),
        password: PASSWORD,
        options: { data: { device_code } },
      })

    expect((await signUp('AAAAA-AAAAA')).error).toMatchObject(REFUSED)
    expect((await signUp(code)).error).toBeNull()
  })

  test.for([
    ['no address', {}],
    ['an address that is none', { email: 'nobody' }],
    ['an address that is a number', { email: 7 }],
    ['an address with a NUL', { email: 'a\u0000@example.com' }],
    ['data that is a text', { email: newAddress(), data: 'text' }],
    ['data that is a list', { email: newAddress(), data: [1] }],
    ['a code that is a number', { email: newAddress(), data: { device_code: 7 } }],
    ['a code with a NUL', { email: newAddress(), data: { device_code: '\u0000' } }],
    ['half a pair of surrogates', { email: newAddress(), data: { full_name: '\ud800' } }],
    ['a code of a megabyte', { email: newAddress(), data: { device_code: 'A'.repeat(1e6) } }],
  ] as const)(
    'answers %s with a refusal, never with an error of its own',
    async ([, body], { auth, url }) => {
      expect(auth).toBeDefined()
      for (const [path, more] of [
        ['signup', { password: PASSWORD }],
        ['otp', {}],
      ] as const) {
        const answer = await fetch(`${url}/auth/v1/${path}`, {
          method: 'POST',
          headers: { apikey: KEYS.publishableKey, 'content-type': 'application/json' },
          body: JSON.stringify({ ...body, ...more }),
        })
        expect([400, 403, 422], `${path}: ${await answer.text()}`).toContain(answer.status)
      }
    },
  )
})
