/**
 * Webhooks of mail providers and of Supabase Auth, genuine and forged, of any content: what is genuine is
 * never answered with a fault, which its sender would repeat for days; what is not changes nothing.
 *
 * @module-tag long
 */
import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import postgres from 'postgres'
import { describe, expect } from 'vitest'
import { enqueueAuthMailOf, recordDeliveryEventOf } from '../../functions/_shared/database.ts'
import { createSeal } from '../../functions/_shared/seal.ts'
import { createHandler as createAuthHandler } from '../../functions/auth-mail/handler.ts'
import { createHandler } from '../../functions/mail-webhooks/handler.ts'
import { createPostmarkReader } from '../../functions/mail-webhooks/postmark.ts'
import { createSesReader } from '../../functions/mail-webhooks/ses.ts'
import { createStandardReader } from '../../functions/mail-webhooks/standard.ts'
import { workerUrl } from '../functions/worker-role.ts'
import { test as base } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import * as senders from '../support/senders.ts'
import { holds, TIMEOUT } from './budget.ts'

const BUDGET = { runs: 300, share: 4 }
const AUTH_SECRET = `v1,whsec_${randomBytes(24).toString('base64')}`

/** `test` with the worker's own connection, as the functions have it. */
const test = base.extend('worker', { scope: 'file' }, async ({ database }, { onCleanup }) => {
  const sql = postgres(await workerUrl(database.sql, database.url), { max: 2, onnotice: () => {} })
  onCleanup(() => sql.end())
  return sql
})

const HOSTILE = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      null,
      undefined,
      true,
      -1,
      1e300,
      '',
      ' ',
      '\0',
      'a\0b',
      '\ud800',
      [],
      {},
      [null],
      { toString: 1 },
    ],
    ...[
      'constructor',
      '__proto__',
      'toString',
      'hasOwnProperty',
      'x'.repeat(20_000),
      '550 5.1.1 x\r\n.',
    ],
    ...[
      '+275760-09-13T00:00:00Z',
      '-271821-04-20T00:00:00Z',
      '0000-00-00',
      '9999-12-31T23:59:59Z',
      'now',
    ],
  ),
  fc.string({ unit: 'binary' }),
  fc.jsonValue({ maxDepth: 2 }),
)

/** The places in a body where something stands. */
function pathsOf(body: unknown, path: string[] = []): string[][] {
  if (typeof body !== 'object' || body === null) return [path]
  return [path, ...Object.entries(body).flatMap(([key, value]) => pathsOf(value, [...path, key]))]
}

function replaced(body: unknown, [key, ...rest]: string[], value: unknown): unknown {
  if (key === undefined) return value
  const copy: Record<string, unknown> = { ...(body as object) }
  copy[key] = replaced(copy[key], rest, value)
  return Array.isArray(body) ? Object.values(copy) : copy
}

/** A fitting body with something else in one place or two, or no fitting body at all. */
const variantsOf = (body: object) => {
  const path = fc.constantFrom(...pathsOf(body))
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(path, HOSTILE).map(([at, value]) => replaced(body, at, value)),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          path,
          HOSTILE,
          fc.constantFrom(...pathsOf(body).filter(({ length }) => length === 1)),
          HOSTILE,
        )
        .map(([at, value, first, other]) => replaced(replaced(body, first, other), at, value)),
    },
    { weight: 1, arbitrary: HOSTILE },
  )
}
const asText = (body: unknown) => JSON.stringify(body) ?? ''

describe('of mail providers', () => {
  const setUp = async (worker: postgres.Sql) =>
    createHandler({
      readers: {
        standard: createStandardReader(senders.secret),
        postmark: createPostmarkReader('usher:a-password'),
        ses: createSesReader({
          topicArn: senders.TOPIC,
          validate: await senders.amazon(),
          confirm: async () => {},
        }),
      },
      record: recordDeliveryEventOf(worker),
    })
  const request = (provider: string, body: string, headers: Record<string, string>) =>
    new Request(`https://functions.test/mail-webhooks/${provider}`, {
      method: 'POST',
      headers,
      body,
    })

  test('a genuine one of any content is answered', { timeout: TIMEOUT }, async ({
    worker,
    acme,
  }) => {
    await acme.invite()
    await fanOut(acme.sql)
    const [mail] = await acme.sql`update public.organisation_deliveries set fence = 1
      where organisation_id = ${acme.id} returning id`
    // About a mail that is there, so that all of it gets to the database.
    const about = <Body>(body: Body): Body =>
      JSON.parse(JSON.stringify(body).replaceAll(senders.ID, mail?.id))
    const handler = await setUp(worker)
    const genuine = fc.oneof(
      variantsOf(about(senders.resendBounce)).map((body) => {
        const text = asText(body)
        return request('standard', text, senders.signature(text))
      }),
      variantsOf(about(senders.postmarkBounce)).map((body) =>
        request('postmark', asText(body), senders.basic),
      ),
      variantsOf(about(senders.sesBounce)).map((body) =>
        request('ses', asText(senders.sns({ Message: asText(body) })), {}),
      ),
      HOSTILE.filter((url) => typeof url === 'string').map((url) =>
        request(
          'ses',
          asText(
            senders.sns({
              Type: 'SubscriptionConfirmation',
              Message: 'x',
              Token: 't',
              SubscribeURL: url as string,
            }),
          ),
          {},
        ),
      ),
    )
    await holds(
      fc.asyncProperty(genuine, async (asked) => {
        const body = await asked.clone().text()
        expect((await handler(asked)).status, `${asked.url} ${body}`).toBeLessThan(500)
      }),
      BUDGET,
    )
  })

  test('a forged one of any content is refused, and nothing comes of it', {
    timeout: TIMEOUT,
  }, async ({ worker, database }) => {
    const handler = await setUp(worker)
    const before = await database.sql`select count(*) from usher.delivery_events`
    const letters = fc.string({
      unit: fc.constantFrom(...'Bcasi v1,=+/x0123456789:'),
      maxLength: 80,
    })
    const forged = fc.oneof(
      fc
        .tuple(
          variantsOf(senders.resendBounce),
          letters,
          letters,
          fc.constantFrom('webhook', 'svix'),
        )
        .map(([body, id, text, prefix]) => ({
          provider: 'standard',
          body: asText(body),
          headers: {
            [`${prefix}-id`]: id,
            [`${prefix}-timestamp`]: String(Math.floor(Date.now() / 1000)),
            [`${prefix}-signature`]: text,
          },
        })),
      // Signed, then changed.
      fc.tuple(variantsOf(senders.resendBounce), fc.nat(400)).map(([body, at]) => {
        const text = asText(body)
        return {
          provider: 'standard',
          body: `${text.slice(0, at)} ${text.slice(at)}`,
          headers: senders.signature(text),
        }
      }),
      fc.tuple(variantsOf(senders.postmarkBounce), letters).map(([body, authorization]) => ({
        provider: 'postmark',
        body: asText(body),
        headers: { authorization },
      })),
      variantsOf(senders.sns({ Message: asText(senders.sesBounce) })).map((body) => ({
        provider: 'ses',
        body: asText(body),
        headers: {},
      })),
    )
    await holds(
      fc.asyncProperty(forged, async ({ provider, body, headers }) => {
        // What was put in may be what was there, or a part that is not signed.
        const { status } = await handler(request(provider, body, headers as Record<string, string>))
        if (provider === 'ses') expect(status).toBeLessThan(500)
        else expect([400, 401]).toContain(status)
      }),
      BUDGET,
    )
    expect(await database.sql`select count(*) from usher.delivery_events`).toEqual(before)
  })
})

describe('of Supabase Auth', () => {
  const payload = {
    user: {
      id: randomUUID(),
      email: 'new@example.com',
      new_email: '',
      user_metadata: { locale: 'de' },
    },
    email_data: {
      token: '305805',
      token_hash: '7d5b7b1964cf5d388340a7f04f1dbb5eeb6c7b52ef8270e1737a58d0',
      redirect_to: 'https://app.example.com/invite',
      email_action_type: 'signup',
      site_url: 'https://project.example.com/auth/v1',
      token_new: '',
      token_hash_new: '',
      old_email: '',
    },
  }
  const setUp = (worker: postgres.Sql) =>
    createAuthHandler({
      secret: AUTH_SECRET,
      supabaseUrl: 'https://project.example.com',
      seal: createSeal(AUTH_SECRET),
      enqueue: enqueueAuthMailOf(worker),
    })
  const request = (body: string, headers: Record<string, string>) =>
    new Request('https://functions.test/auth-mail', { method: 'POST', headers, body })
  const actions = fc.constantFrom(
    ...[
      'signup',
      'email_change',
      'email_changed_notification',
      'reauthentication',
      'recovery',
      'x',
    ],
  )
  const bodies = fc
    .tuple(variantsOf(payload), actions)
    .map(([body, action]) =>
      (body as typeof payload | null)?.email_data?.email_action_type === 'signup'
        ? replaced(body, ['email_data', 'email_action_type'], action)
        : body,
    )

  test('a genuine one of any content is queued, or refused for good', { timeout: TIMEOUT }, async ({
    worker,
  }) => {
    const handler = setUp(worker)
    const key = AUTH_SECRET.replace('v1,', '')
    await holds(
      fc.asyncProperty(bodies, async (body) => {
        const text = asText(body)
        const { status } = await handler(request(text, senders.signature(text, { key })))
        expect([200, 401, 422], text).toContain(status)
      }),
      BUDGET,
    )
  })

  test('a forged one of any content is refused, and no mail comes of it', {
    timeout: TIMEOUT,
  }, async ({ worker, database }) => {
    const handler = setUp(worker)
    const count = () => database.sql`select count(*) from public.organisation_deliveries`
    await fanOut(database.sql)
    const before = await count()
    const key = `whsec_${randomBytes(24).toString('base64')}`
    await holds(
      fc.asyncProperty(bodies, fc.boolean(), async (body, isSigned) => {
        const text = asText(body)
        const headers = isSigned ? senders.signature(text, { key }) : {}
        expect((await handler(request(text, headers))).status).toBe(401)
      }),
      BUDGET,
    )
    await fanOut(database.sql)
    expect(await count()).toEqual(before)
  })
})
