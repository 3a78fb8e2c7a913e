import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import {
  answerWebhook,
  createWebhook,
  happen,
  leaseWebhook,
  leaseWebhooks,
  prepareWebhook,
  webhookLog,
  webhookTimePasses,
} from '../support/webhooks.ts'

const EVENTS = ['member.roles_updated']
const LONG_AGO = '2020-01-01T00:00:00Z'

const replay = (acme: Organisation, webhook_id: string, which: object) =>
  acme.admin.rpc('replay_organisation_webhook_deliveries', { webhook_id, ...which })

/** One event that the endpoint has answered with this for good. */
async function answered(acme: Organisation, statusCode: number) {
  const { webhook_id } = await createWebhook(acme, { events: EVENTS })
  await happen(acme)
  let status: string | null = null
  do {
    await webhookTimePasses(acme)
    status = await answerWebhook(acme, await leaseWebhook(acme), statusCode)
  } while (status === 'queued')
  return webhook_id
}

const switchOn = (acme: Organisation, webhook_id: string, is_enabled = true) =>
  acme.admin.rpc('update_organisation_webhook', { webhook_id, changes: { is_enabled } })

const statuses = async (acme: Organisation) => (await webhookLog(acme)).map(({ status }) => status)

describe('replay_organisation_webhook_deliveries', () => {
  test('sends what has failed from the first try on, under the same webhook-id', async ({
    acme,
  }) => {
    const webhook_id = await answered(acme, 500)
    const [failed] = await webhookLog(acme)

    expect(await replay(acme, webhook_id, { delivery_id: failed?.id })).toBe(1)

    const lease = await leaseWebhook(acme)
    expect(lease.attempts).toBe(1)
    expect((await prepareWebhook(acme, lease))?.headers['webhook-id']).toBe(
      `msg_${failed?.event_id.replaceAll('-', '')}`,
    )
    expect(await acme.events()).toContain('webhook.replayed')
  })

  test('sends one again that was taken, when it is named; since a time, only what failed', async ({
    acme,
  }) => {
    const webhook_id = await answered(acme, 200)
    const [taken] = await webhookLog(acme)

    expect(await replay(acme, webhook_id, { since: LONG_AGO })).toBe(0)
    expect(await replay(acme, webhook_id, { delivery_id: taken?.id })).toBe(1)
    expect(await replay(acme, webhook_id, { delivery_id: taken?.id })).toBe(0)
  })

  test('brings what happened while the endpoint was switched off', async ({ acme }) => {
    const { webhook_id } = await createWebhook(acme, { events: EVENTS })
    await switchOn(acme, webhook_id, false)
    await happen(acme)
    await happen(acme)
    await switchOn(acme, webhook_id)

    expect(await replay(acme, webhook_id, { since: LONG_AGO })).toBe(2)

    expect(await leaseWebhooks(acme)).toHaveLength(2)
    expect(await replay(acme, webhook_id, { since: LONG_AGO })).toBe(0)
  })

  test('brings nothing of before the endpoint was made, and nothing of before the time named', async ({
    acme,
  }) => {
    await happen(acme)
    const { webhook_id } = await createWebhook(acme, { events: EVENTS })
    await switchOn(acme, webhook_id, false)
    await happen(acme)
    await switchOn(acme, webhook_id)

    expect(await replay(acme, webhook_id, { since: new Date(Date.now() + 60_000) })).toBe(0)
    expect(await replay(acme, webhook_id, { since: LONG_AGO })).toBe(1)
  })

  test('is refused while the endpoint is switched off', async ({ acme }) => {
    const webhook_id = await answered(acme, 410)

    await expect(replay(acme, webhook_id, { since: LONG_AGO })).rejects.toMatchObject({
      code: 'webhook_disabled',
      status: 409,
      details: 'gone',
    })
    await switchOn(acme, webhook_id)
    expect(await replay(acme, webhook_id, { since: LONG_AGO })).toBe(1)
    expect(await statuses(acme)).toEqual(['queued'])
  })

  test('is for either one delivery or a time', async ({ acme }) => {
    const webhook_id = await answered(acme, 200)
    const [{ id } = {}] = await webhookLog(acme)

    for (const which of [{}, { delivery_id: id, since: LONG_AGO }]) {
      await expect(replay(acme, webhook_id, which)).rejects.toMatchObject({
        code: 'invalid_settings',
      })
    }
  })

  test('does not reach the deliveries of another endpoint', async ({ acme }) => {
    await answered(acme, 200)
    const [{ id } = {}] = await webhookLog(acme)
    const { webhook_id } = await createWebhook(acme)

    await expect(replay(acme, webhook_id, { delivery_id: id })).rejects.toMatchObject({
      code: 'webhook_not_found',
    })
  })
})

describe('test_organisation_webhook', () => {
  test('sends to this endpoint alone, whatever it has chosen', async ({ acme }) => {
    const { webhook_id } = await createWebhook(acme, { events: EVENTS })
    await createWebhook(acme, { events: EVENTS })

    const delivery = await acme.admin.rpc('test_organisation_webhook', { webhook_id })

    expect(delivery).toMatchObject({ webhook_id, event: 'webhook.tested', status: 'queued' })
    expect(await webhookLog(acme)).toHaveLength(1)
    const request = await prepareWebhook(acme, await leaseWebhook(acme))
    expect(JSON.parse(request?.body ?? '')).toMatchObject({
      type: 'webhook.tested',
      data: { target: { kind: 'webhook', id: webhook_id } },
    })
  })

  test('is refused while the endpoint is switched off, and after 60 in an hour', async ({
    acme,
  }) => {
    const { webhook_id } = await createWebhook(acme)
    const ask = () => acme.admin.rpc('test_organisation_webhook', { webhook_id })
    await switchOn(acme, webhook_id, false)
    await expect(ask()).rejects.toMatchObject({ code: 'webhook_disabled' })
    await switchOn(acme, webhook_id)

    for (let i = 0; i < 60; i++) await ask()
    await expect(ask()).rejects.toMatchObject({ code: 'rate_limited' })
  })
})
