import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, onTestFinished } from 'vitest'
import { connect } from '../../functions/_shared/database.ts'
import { parseRetryAfter } from '../../functions/_shared/retry-after.ts'
import { drain } from '../../functions/send-webhooks/drain.ts'
import { createHandler } from '../../functions/send-webhooks/handler.ts'
import { wire } from '../../functions/send-webhooks/wire.ts'
import { denoArguments } from '../../supabase/local/functions.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { type Answer, startReceiver } from '../support/receiver.ts'
import {
  createWebhook,
  happen,
  webhook,
  webhookLog,
  webhookTimePasses,
} from '../support/webhooks.ts'
import { workerUrl } from './worker-role.ts'

const HERE = '127.0.0.0/8'
const EVENTS = ['member.roles_updated']

/** A worker with its own connection, as the role that the real one has. */
async function worker(acme: Organisation, databaseUrl: string, allow = HERE, timeout = 300) {
  await fanOut(acme.sql)
  await acme.sql`delete from public.organisation_webhooks where organisation_id <> ${acme.id}`
  await acme.sql`select usher.update_settings('{"allow_private_targets": true}')`
  const sql = connect(await workerUrl(acme.sql, databaseUrl))
  onTestFinished(() => sql.end())
  const options = { ...wire(sql, { USHER_ALLOW_PRIVATE_TARGETS: allow }, 'test'), timeout }
  return async (signal?: AbortSignal) => {
    await fanOut(acme.sql)
    return drain(options, signal)
  }
}

/** A receiver that an endpoint of the organisation leads to. */
async function connected(acme: Organisation, answer?: (nth: number) => Answer | 'hang') {
  const receiver = await startReceiver(answer)
  const { webhook_id, secret } = await createWebhook(acme, { url: receiver.url, events: EVENTS })
  receiver.trust(secret)
  return { ...receiver, webhook_id, secret }
}

describe('the worker', () => {
  test('tells an endpoint what happens, and it can verify who says so', async ({
    acme,
    database,
  }) => {
    const work = await worker(acme, database.url)
    const { heard, refused } = await connected(acme)
    await happen(acme)

    expect(await work()).toEqual({ delivered: 1, failed: 0, skipped: 0 })

    expect(heard).toMatchObject([
      {
        type: 'member.roles_updated',
        headers: { 'content-type': 'application/json', 'user-agent': 'Usher-Webhooks/1' },
      },
    ])
    expect(refused()).toBe(0)
    expect(await work()).toEqual({ delivered: 0, failed: 0, skipped: 0 })
  })

  test('loses no event while a secret is rotated', async ({ acme, database }) => {
    const work = await worker(acme, database.url)
    const { heard, refused, trust, webhook_id } = await connected(acme)

    await happen(acme)
    await work()
    const { secret } = await acme.admin.rpc('rotate_organisation_webhook_secret', { webhook_id })
    await happen(acme)
    await work()
    trust(secret)
    await happen(acme)
    await work()
    await acme.sql`update usher.webhook_secrets set expires_at = now()
      where webhook_id = ${webhook_id} and expires_at is not null`
    await happen(acme)
    await work()

    expect(new Set(heard.map(({ id }) => id)).size).toBe(4)
    expect(refused()).toBe(0)
  })

  test('tries again under the same webhook-id until it is taken', async ({ acme, database }) => {
    const work = await worker(acme, database.url)
    const { heard } = await connected(acme, (nth) => ({
      status: nth < 2 ? 503 : 200,
      body: 'Down for a moment',
    }))
    await happen(acme)

    expect(await work()).toMatchObject({ failed: 1 })
    expect((await webhookLog(acme))[0]).toMatchObject({
      status: 'queued',
      last_status_code: 503,
      last_response: 'Down for a moment',
    })
    await webhookTimePasses(acme)
    expect(await work()).toMatchObject({ failed: 1 })
    await webhookTimePasses(acme)
    expect(await work()).toMatchObject({ delivered: 1 })

    expect(heard).toHaveLength(3)
    expect(new Set(heard.map(({ id }) => id)).size).toBe(1)
  })

  test('heeds Retry-After', async ({ acme, database }) => {
    const work = await worker(acme, database.url)
    await connected(acme, () => ({ status: 429, headers: { 'retry-after': '900' } }))
    await happen(acme)

    await work()

    expect((await webhookLog(acme))[0]?.due_in).toBeCloseTo(900, -1)
  })

  test('410 switches the endpoint off', async ({ acme, database }) => {
    const work = await worker(acme, database.url)
    const { webhook_id } = await connected(acme, () => ({ status: 410 }))
    await happen(acme)

    await work()

    expect(await webhook(acme, webhook_id)).toMatchObject({ is_enabled: false })
  })

  test('follows no redirect', async ({ acme, database }) => {
    const work = await worker(acme, database.url)
    const other = await connected(acme)
    await acme.admin.rpc('update_organisation_webhook', {
      webhook_id: other.webhook_id,
      changes: { events: ['role.created'] },
    })
    await connected(acme, () => ({ status: 307, headers: { location: other.url } }))
    await happen(acme)

    expect(await work()).toMatchObject({ failed: 1 })
    expect(other.heard).toEqual([])
  })

  test('calls nobody on a private network that the operator has not allowed', async ({
    acme,
    database,
  }) => {
    const work = await worker(acme, database.url, '10.0.0.0/8')
    const { heard } = await connected(acme)
    await happen(acme)

    expect(await work()).toMatchObject({ failed: 1 })

    expect(heard).toEqual([])
    expect((await webhookLog(acme))[0]).toMatchObject({ last_status_code: null })
  })

  test('one endpoint that hangs holds up no other', async ({ acme, database }) => {
    const work = await worker(acme, database.url, HERE, 60_000)
    const hanging = await connected(acme, () => 'hang')
    const healthy = await connected(acme)
    for (let i = 0; i < 12; i++) await happen(acme)

    const working = work()
    await expect.poll(() => healthy.heard.length).toBe(12)
    // What becomes due while all that is under way hangs is not kept waiting either.
    await happen(acme)
    await fanOut(acme.sql)
    await expect.poll(() => healthy.heard.length).toBe(13)
    await acme.admin.rpc('delete_organisation_webhook', { webhook_id: hanging.webhook_id })
    hanging.hangUp()
    await working

    expect(hanging.heard.length).toBeLessThanOrEqual(6)
  })

  test('one that is told to stop finishes what is under way, and takes no more', async ({
    acme,
    database,
  }) => {
    const work = await worker(acme, database.url)
    const { heard } = await connected(acme)
    await happen(acme)

    expect(await work(AbortSignal.abort())).toEqual({ delivered: 0, failed: 0, skipped: 0 })
    expect(heard).toEqual([])
  })

  test('one that is killed in mid-flight loses nothing', { timeout: 90_000 }, async ({
    acme,
    database,
  }) => {
    const work = await worker(acme, database.url)
    const { heard } = await connected(acme, (nth) => (nth === 0 ? 'hang' : { status: 204 }))
    await happen(acme)
    await fanOut(acme.sql)
    const port = await freePort()
    const killed = spawn('deno', denoArguments('send-webhooks/index.ts'), {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
        USHER_DATABASE_URL: await workerUrl(acme.sql, database.url),
        USHER_WORKER_SECRET: 'a secret of the worker',
        USHER_ALLOW_PRIVATE_TARGETS: HERE,
      },
      stdio: 'ignore',
    })
    onTestFinished(() => {
      killed.kill('SIGKILL')
    })
    const ask = () =>
      fetch(`http://127.0.0.1:${port}/send-webhooks`, {
        method: 'POST',
        headers: { authorization: 'Bearer a secret of the worker' },
      }).catch(() => {})
    await expect
      .poll(
        () => {
          void ask()
          return heard.length
        },
        { timeout: 60_000, interval: 200 },
      )
      .toBe(1)

    killed.kill('SIGKILL')
    await once(killed, 'exit')
    expect((await webhookLog(acme))[0]).toMatchObject({ status: 'sending' })
    await webhookTimePasses(acme)
    expect(await work()).toMatchObject({ delivered: 1 })

    expect(heard).toHaveLength(2)
    expect(heard[0]?.id).toBe(heard[1]?.id)
  })
})

describe('the function', () => {
  const handler = createHandler({
    drain: async () => ({ delivered: 1, failed: 0, skipped: 0 }),
    secret: 'a secret of the worker',
  })
  const post = (secret: string) =>
    handler(
      new Request('http://localhost/send-webhooks', {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}` },
      }),
    )

  test('works for whoever knows the secret, and for nobody else', async () => {
    expect(await (await post('a secret of the worker')).json()).toMatchObject({ delivered: 1 })
    expect((await post('a guess')).status).toBe(401)
  })
})

describe('parseRetryAfter', () => {
  const NOW = Date.parse('2026-11-21T12:00:00Z')

  test.for([
    ['120', 120],
    ['Sat, 21 Nov 2026 12:01:00 GMT', 60],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
    ['9999999', 86_400],
    ['soon', null],
    [undefined, null],
  ] as const)('%s is %s seconds', ([header, seconds]) => {
    expect(parseRetryAfter(header, NOW)).toBe(seconds)
  })
})
