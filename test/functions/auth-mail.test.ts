import { randomBytes, randomUUID } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import type { AuthFacts } from '../../functions/_shared/delivery.ts'
import { createSeal } from '../../functions/_shared/seal.ts'
import { createHandler, type QueuedAuthMail } from '../../functions/auth-mail/handler.ts'

const secret = `v1,whsec_${randomBytes(24).toString('base64')}`
const seal = createSeal(secret)
const user = { id: randomUUID(), email: 'new@example.com', user_metadata: {} as object }

/** As Supabase Auth documents it. */
const data = (changes: object = {}) => ({
  token: '305805',
  token_hash: '7d5b7b1964cf5d388340a7f04f1dbb5eeb6c7b52ef8270e1737a58d0',
  redirect_to: 'https://app.example.com/invite',
  email_action_type: 'signup',
  site_url: 'https://project.example.com/auth/v1',
  token_new: '',
  token_hash_new: '',
  ...changes,
})

function signed(payload: object, { key = secret, at = new Date() } = {}): Request {
  const body = JSON.stringify(payload)
  const id = `msg_${randomUUID()}`
  return new Request('https://functions.test/auth-mail', {
    method: 'POST',
    body,
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(key.replace('v1,', '')).sign(id, at, body),
    },
  })
}

function hook(enqueue?: (mail: QueuedAuthMail) => Promise<boolean>) {
  const queued: QueuedAuthMail[] = []
  const handler = createHandler({
    secret,
    supabaseUrl: 'https://project.example.com',
    seal,
    enqueue: enqueue ?? (async (mail) => queued.push(mail) > 0),
  })
  return { handler, queued }
}

/** What was queued, opened. */
const mails = (queued: QueuedAuthMail[]) =>
  Promise.all(
    queued.map(async ({ to, sealed }) => ({ to, ...(await seal.open<AuthFacts>(sealed)) })),
  )

describe("Supabase Auth's Send Email hook", () => {
  test('queues the mail with its code and its link, sealed, and answers at once', async () => {
    const { handler, queued } = hook()

    const answer = await handler(signed({ user, email_data: data() }))

    expect([answer.status, await answer.json()]).toEqual([200, {}])
    expect(JSON.stringify(queued)).not.toMatch(/305805|7d5b7b19/)
    expect(await mails(queued)).toEqual([
      {
        to: 'new@example.com',
        action: 'signup',
        email: 'new@example.com',
        code: '305805',
        link: 'https://project.example.com/auth/v1/verify?token=7d5b7b1964cf5d388340a7f04f1dbb5eeb6c7b52ef8270e1737a58d0&type=signup&redirect_to=https%3A%2F%2Fapp.example.com%2Finvite',
      },
    ])
  })

  test('asks both addresses when a change needs both, each with its own code and link', async () => {
    const { handler, queued } = hook()

    await handler(
      signed({
        user: { ...user, new_email: 'newer@example.com' },
        email_data: data({
          email_action_type: 'email_change',
          token: 'for-old',
          token_hash_new: 'hash-for-old',
          token_new: 'for-new',
          token_hash: 'hash-for-new',
        }),
      }),
    )

    expect(await mails(queued)).toMatchObject([
      { to: 'new@example.com', code: 'for-old', link: expect.stringContaining('hash-for-old') },
      { to: 'newer@example.com', code: 'for-new', link: expect.stringContaining('hash-for-new') },
    ])
  })

  test('asks the new address alone when that is enough', async () => {
    const { handler, queued } = hook()

    await handler(
      signed({
        user: { ...user, new_email: 'newer@example.com' },
        email_data: data({ email_action_type: 'email_change' }),
      }),
    )

    expect(await mails(queued)).toMatchObject([{ to: 'newer@example.com', code: '305805' }])
  })

  test('tells the old address that it was changed', async () => {
    const { handler, queued } = hook()

    await handler(
      signed({
        user,
        email_data: data({
          email_action_type: 'email_changed_notification',
          old_email: 'old@example.com',
          token: '',
          token_hash: '',
        }),
      }),
    )

    expect(await mails(queued)).toEqual([
      {
        to: 'old@example.com',
        action: 'email_changed_notification',
        email: 'new@example.com',
        code: null,
        link: null,
      },
    ])
  })

  test('gives a code alone to show who one is', async () => {
    const { handler, queued } = hook()

    await handler(
      signed({
        user,
        email_data: data({ email_action_type: 'reauthentication', token_hash: '' }),
      }),
    )

    expect(await mails(queued)).toMatchObject([{ code: '305805', link: null }])
  })

  test('knows a repetition, and no other mail, by its key', async () => {
    const { handler, queued } = hook()
    const payload = { user, email_data: data() }
    await handler(signed(payload))
    await handler(signed(payload))
    await handler(signed({ user, email_data: data({ token_hash: 'another' }) }))

    const keys = queued.map(({ dedupeKey }) => Buffer.from(dedupeKey).toString('hex'))
    expect(keys[0]).toBe(keys[1])
    expect(keys[2]).not.toBe(keys[0])
  })

  test('takes the language that the user has named', async () => {
    const { handler, queued } = hook()

    await handler(
      signed({ user: { ...user, user_metadata: { locale: 'de_AT' } }, email_data: data() }),
    )

    expect(queued[0]?.locale).toBe('de-AT')
  })

  test.for([
    ['signed with another secret', { key: `v1,whsec_${randomBytes(24).toString('base64')}` }],
    ['an hour old', { at: new Date(Date.now() - 3_600_000) }],
  ] as const)('refuses what is %s', async ([, options]) => {
    const { handler, queued } = hook()

    const answer = await handler(signed({ user, email_data: data() }, options))

    expect(answer.status).toBe(401)
    expect(queued).toEqual([])
  })

  test('refuses at once what is longer than anything that Auth says, before it is checked', async () => {
    const { handler, queued } = hook()
    const user_metadata = { about: 'x'.repeat(1_000_000) }

    const answer = await handler(signed({ user: { ...user, user_metadata }, email_data: data() }))

    expect([answer.status, queued]).toEqual([413, []])
  })

  test('refuses what is not signed at all', async () => {
    const { handler } = hook()

    const request = new Request('https://functions.test', { method: 'POST', body: '{}' })
    expect((await handler(request)).status).toBe(401)
    expect((await handler(new Request('https://functions.test'))).status).toBe(405)
  })

  test('says so when there is no such mail', async () => {
    const { handler } = hook()
    const answer = await handler(
      signed({ user, email_data: data({ email_action_type: 'horoscope' }) }),
    )

    expect(answer.status).toBe(422)
    expect(await answer.json()).toEqual({
      error: { http_code: 422, message: 'There is no mail for horoscope.' },
    })
  })

  test.for([
    ['without a user', { email_data: data() }],
    ['without what it is for', { user, email_data: {} }],
    ['of nothing', {}],
  ] as const)('refuses for good what is signed, but %s', async ([, payload]) => {
    const { handler, queued } = hook()

    expect((await handler(signed(payload))).status).toBe(422)
    expect(queued).toEqual([])
  })

  test('refuses for good an address that no mail can be sent to', async () => {
    const { handler } = hook(async () => false)

    expect((await handler(signed({ user, email_data: data() }))).status).toBe(422)
  })

  test('asks to come again when the database is away', async () => {
    const { handler } = hook(() => Promise.reject(new Error('gone')))

    expect((await handler(signed({ user, email_data: data() }))).status).toBe(503)
  })
})

describe('the seal', () => {
  test('opens with no other secret, and not once it was changed', async () => {
    const sealed = await seal.seal({ code: '123456' })
    const changed = `${sealed.slice(0, -4)}AAA=`

    expect(await seal.open(sealed)).toEqual({ code: '123456' })
    await expect(createSeal('another').open(sealed)).rejects.toThrow()
    await expect(seal.open(changed)).rejects.toThrow()
  })
})
