import { Webhook } from 'standardwebhooks'
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import {
  answerWebhook,
  createWebhook,
  happen,
  leaseWebhook,
  leaseWebhooks,
  prepareWebhook,
  ROLES_UPDATED,
  webhook,
  webhookLog,
  webhookTimePasses,
} from '../support/webhooks.ts'
import { asWorker } from '../support/worker.ts'

/** An endpoint that hears one type, and one event on its way to it. */
async function oneDelivery(acme: Organisation) {
  const made = await createWebhook(acme, { events: ROLES_UPDATED })
  await happen(acme)
  return made
}

/** Tries until the timetable is over, or the endpoint is switched off; answers each wait in seconds. */
async function tryUntilTheEnd(acme: Organisation, statusCode: number | null) {
  const waits: number[] = []
  let status: string | null = 'queued'
  while (status === 'queued') {
    await webhookTimePasses(acme)
    status = await answerWebhook(acme, await leaseWebhook(acme), statusCode)
    const [row] = await webhookLog(acme)
    if (status === 'queued') waits.push(row?.due_in)
  }
  return { status, waits }
}

describe('prepare_webhook_delivery', () => {
  test('is what the public library verifies, with ids and without addresses', async ({ acme }) => {
    const { secret } = await oneDelivery(acme)

    const request = await prepareWebhook(acme, await leaseWebhook(acme))

    const payload = new Webhook(secret).verify(request?.body ?? '', request?.headers ?? {})
    expect(payload).toEqual({
      type: 'member.roles_updated',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      data: {
        id: expect.any(String),
        organisation_id: acme.id,
        actor: { kind: 'user', id: acme.admin.userId },
        target: { kind: 'user', id: acme.member.userId },
        before: expect.objectContaining({ roles: ['member'] }),
        after: expect.objectContaining({ roles: ['finance'] }),
      },
    })
    expect(request?.body).not.toContain('@')
    expect(Object.keys(request?.headers ?? {}).sort()).toEqual([
      'content-type',
      'user-agent',
      'webhook-id',
      'webhook-signature',
      'webhook-timestamp',
    ])
  })

  test('says the same under the same webhook-id on every try', async ({ acme }) => {
    await oneDelivery(acme)
    const lease = await leaseWebhook(acme)
    const first = await prepareWebhook(acme, lease)
    await answerWebhook(acme, lease, 500)
    await webhookTimePasses(acme)

    const second = await prepareWebhook(acme, await leaseWebhook(acme))

    expect(second?.headers['webhook-id']).toMatch(/^msg_[0-9a-f]{32}$/)
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    expect(second?.body).toBe(first?.body)
  })

  test('after a rotation, old and new secret verify, until the old one ends', async ({ acme }) => {
    const { webhook_id, secret: old } = await oneDelivery(acme)
    const { secret } = await acme.admin.rpc('rotate_organisation_webhook_secret', { webhook_id })
    const lease = await leaseWebhook(acme)
    const verifies = (with_: string, { body, headers }: { body: string; headers: object }) => {
      try {
        return !!new Webhook(with_).verify(body, headers as Record<string, string>)
      } catch {
        return false
      }
    }

    const during = await prepareWebhook(acme, lease)
    await acme.sql`update usher.webhook_secrets set expires_at = now() - interval '1 second'
      where webhook_id = ${webhook_id} and expires_at is not null`
    const after = await prepareWebhook(acme, lease)

    if (!during || !after) throw new Error('Nothing was prepared')
    expect([verifies(old, during), verifies(secret, during)]).toEqual([true, true])
    expect([verifies(old, after), verifies(secret, after)]).toEqual([false, true])
  })

  test('is nothing for an old fence, and for an endpoint that is switched off meanwhile', async ({
    acme,
  }) => {
    const { webhook_id } = await oneDelivery(acme)
    const lease = await leaseWebhook(acme)

    expect(await prepareWebhook(acme, { ...lease, fence: '0' })).toBeNull()
    await acme.admin.rpc('update_organisation_webhook', {
      webhook_id,
      changes: { is_enabled: false },
    })
    expect(await prepareWebhook(acme, lease)).toBeNull()
    expect((await webhookLog(acme))[0]).toMatchObject({ status: 'failed' })
  })

  test('only the worker may', async ({ acme }) => {
    await oneDelivery(acme)
    const lease = await leaseWebhook(acme)

    for (const who of [acme.admin, acme.anyone, acme.service]) {
      await expect(
        who.run(
          (tx) => tx`select usher.prepare_webhook_delivery(${lease.delivery_id}, ${lease.fence})`,
        ),
      ).rejects.toMatchObject({ code: '42501' })
    }
  })
})

describe('record_webhook_try', () => {
  test.for([200, 201, 204, 299])('%i is taken', async (statusCode, { acme }) => {
    await oneDelivery(acme)

    expect(await answerWebhook(acme, await leaseWebhook(acme), statusCode)).toBe('delivered')

    expect(await webhookLog(acme)).toMatchObject([
      {
        status: 'delivered',
        last_status_code: statusCode,
        last_response: 'Said so',
        tries: [{ status_code: statusCode, milliseconds: 12 }],
      },
    ])
    expect(await leaseWebhooks(acme)).toEqual([])
  })

  test.for([null, 199, 301, 400, 404, 429, 500, 502, 503])(
    '%s is not, and is tried again',
    async (statusCode, { acme }) => {
      const { webhook_id } = await oneDelivery(acme)

      expect(await answerWebhook(acme, await leaseWebhook(acme), statusCode)).toBe('queued')

      expect(await webhook(acme, webhook_id)).toMatchObject({
        is_enabled: true,
        failing_since: expect.any(Date),
      })
    },
  )

  test('ten tries by the timetable of the specification, and then it has failed', async ({
    acme,
  }) => {
    await oneDelivery(acme)
    const timetable = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]

    const { status, waits } = await tryUntilTheEnd(acme, 500)

    expect(status).toBe('failed')
    expect(waits).toHaveLength(9)
    for (const [i, planned] of timetable.entries()) {
      expect(waits[i]).toBeGreaterThan(planned - 2)
      expect(waits[i]).toBeLessThanOrEqual(planned * 1.2)
    }
    expect((await webhookLog(acme))[0]).toMatchObject({ attempts: 10 })
    expect((await webhookLog(acme))[0]?.tries).toHaveLength(10)
  })

  test('waits as long as the endpoint asks for, but no longer than a day', async ({ acme }) => {
    await oneDelivery(acme)

    await answerWebhook(acme, await leaseWebhook(acme), 429, 600)
    expect((await webhookLog(acme))[0]?.due_in).toBeCloseTo(600, -1)
    await webhookTimePasses(acme)
    await answerWebhook(acme, await leaseWebhook(acme), 503, 2_000_000_000)
    expect((await webhookLog(acme))[0]?.due_in).toBeCloseTo(86_400, -1)
  })

  test('one that is taken ends the failing', async ({ acme }) => {
    const { webhook_id } = await oneDelivery(acme)
    await answerWebhook(acme, await leaseWebhook(acme), 500)
    await webhookTimePasses(acme)

    await answerWebhook(acme, await leaseWebhook(acme), 200)

    expect(await webhook(acme, webhook_id)).toMatchObject({ failing_since: null })
  })

  test('what a worker says that was overtaken counts for nothing', async ({ acme }) => {
    await oneDelivery(acme)
    const asleep = await leaseWebhook(acme)
    await webhookTimePasses(acme)
    const awake = await leaseWebhook(acme)

    expect(await answerWebhook(acme, asleep, 200)).toBeNull()
    expect(await answerWebhook(acme, awake, 500)).toBe('queued')
  })
})

describe('switching off by itself', () => {
  const mails = async (acme: Organisation) => {
    await fanOut(acme.sql)
    const rows = await acme.sql`select recipient, facts from public.organisation_deliveries
        where organisation_id = ${acme.id} and kind = 'webhook_disabled' order by recipient`
    return rows.map(({ recipient, facts }) => [recipient, facts.webhook])
  }

  test('410 does it at once; whoever manages webhooks gets a mail, other endpoints hear of it', async ({
    acme,
  }) => {
    const { webhook_id } = await oneDelivery(acme)
    const other = await createWebhook(acme, { events: ['webhook.disabled'] })

    expect(await answerWebhook(acme, await leaseWebhook(acme), 410)).toBe('failed')

    expect(await webhook(acme, webhook_id)).toMatchObject({
      is_enabled: false,
      disabled_reason: 'gone',
    })
    expect(await mails(acme)).toEqual(
      [acme.admin.email, acme.owner.email].sort().map((email) => [email, 'hooks.example.com']),
    )
    expect(await webhookLog(acme)).toContainEqual(
      expect.objectContaining({ webhook_id: other.webhook_id, event: 'webhook.disabled' }),
    )
    expect(await acme.events()).toContain('webhook.disabled')
  })

  test('days without anything taken do it, and not before', async ({ acme }) => {
    const { webhook_id } = await oneDelivery(acme)
    const failSince = async (days: number) => {
      await acme.sql`update public.organisation_webhooks
        set failing_since = now() - ${days} * interval '1 day' where id = ${webhook_id}`
      await webhookTimePasses(acme)
      await answerWebhook(acme, await leaseWebhook(acme), null)
      return webhook(acme, webhook_id)
    }

    expect(await failSince(4.9)).toMatchObject({ is_enabled: true })
    expect(await failSince(5.1)).toMatchObject({ is_enabled: false, disabled_reason: 'failing' })
    expect(await mails(acme)).toHaveLength(2)
    expect((await webhookLog(acme)).map(({ status }) => status)).toEqual(['failed'])
  })

  test('one event that nobody takes does not, because its tries end before', async ({ acme }) => {
    const { webhook_id } = await oneDelivery(acme)

    await tryUntilTheEnd(acme, 500)

    expect(await webhook(acme, webhook_id)).toMatchObject({ is_enabled: true })
  })
})

describe('lease_webhook_deliveries', () => {
  const happenOften = async (acme: Organisation, times: number) => {
    for (let i = 0; i < times; i++) await happen(acme)
  }

  test('takes about five at once of an endpoint, and one where the last try failed', async ({
    acme,
  }) => {
    await createWebhook(acme, { events: ROLES_UPDATED })
    await happenOften(acme, 8)

    const healthy = await leaseWebhooks(acme)
    expect(healthy).toHaveLength(5)
    expect(await leaseWebhooks(acme)).toEqual([])
    for (const lease of healthy) await answerWebhook(acme, lease, 500)

    expect(await leaseWebhooks(acme)).toHaveLength(1)
    expect(await leaseWebhooks(acme)).toEqual([])
  })

  test('a long queue of one organisation does not come before the first of another', async ({
    acme,
  }) => {
    await createWebhook(acme, { events: ROLES_UPDATED })
    await createWebhook(acme, { events: ROLES_UPDATED })
    await happenOften(acme, 5)
    const theirs = await acme.outsider.rpc('create_organisation_webhook', {
      organisation_id: acme.otherId,
      url: 'https://other.example.com/',
      events: ['organisation.updated'],
    })
    await acme.outsider.rpc('update_organisation', {
      organisation_id: acme.otherId,
      changes: { name: 'Renamed' },
    })

    await fanOut(acme.sql)
    const leased = await asWorker(
      acme,
      (tx) => tx`select delivery_id from usher.lease_webhook_deliveries('test', 2)`,
    )

    const [{ id } = {}] = await acme.sql`select id from public.organisation_webhook_deliveries
      where webhook_id = ${theirs.webhook_id}`
    expect(leased.map(({ delivery_id }) => delivery_id)).toContain(id)
  })

  test('a healthy endpoint comes before one that fails', async ({ acme }) => {
    const dead = await createWebhook(acme, { events: ROLES_UPDATED })
    await happen(acme)
    await answerWebhook(acme, await leaseWebhook(acme), 500)
    await webhookTimePasses(acme)
    const healthy = await createWebhook(acme, { events: ROLES_UPDATED })
    await happen(acme)

    const [first] = await leaseWebhooks(acme, 1)

    const log = await webhookLog(acme)
    const of = log.find(({ id }) => id === first?.delivery_id)?.webhook_id
    expect(of).toBe(healthy.webhook_id)
    expect(of).not.toBe(dead.webhook_id)
  })

  test('what a dead worker has left is taken over, with the next fence, ten times at most', async ({
    acme,
  }) => {
    await oneDelivery(acme)
    const fences: string[] = []
    for (let i = 0; i < 10; i++) {
      const { fence } = await leaseWebhook(acme)
      fences.push(fence)
      await webhookTimePasses(acme)
    }

    expect(new Set(fences).size).toBe(10)
    expect(await leaseWebhooks(acme)).toEqual([])
    expect((await webhookLog(acme))[0]).toMatchObject({ status: 'failed' })
  })

  test('two workers at the same moment never take the same', async ({ acme }) => {
    await createWebhook(acme, { events: ROLES_UPDATED })
    await createWebhook(acme, { events: ROLES_UPDATED })
    await happenOften(acme, 4)

    const both = (await Promise.all([leaseWebhooks(acme, 4), leaseWebhooks(acme, 4)])).flat()

    expect(new Set(both.map(({ delivery_id }) => delivery_id)).size).toBe(both.length)
  })
})
