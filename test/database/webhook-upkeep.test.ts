import { describe, expect, onTestFinished } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import {
  answerWebhook,
  createWebhook,
  happen,
  leaseWebhook,
  webhookLog,
} from '../support/webhooks.ts'
import { asWorker } from '../support/worker.ts'

/** An endpoint that hears one type, and one event on its way to it. */
async function oneDelivery(acme: Organisation) {
  await createWebhook(acme, { events: ['member.roles_updated'] })
  await happen(acme)
}

describe('webhook_metrics', () => {
  test('counts by status, and says how long the oldest waits since it was due', async ({
    acme,
  }) => {
    await acme.sql`delete from public.organisation_webhooks`
    await oneDelivery(acme)
    await happen(acme)
    await answerWebhook(acme, await leaseWebhook(acme), 200)
    await fanOut(acme.sql)
    await acme.sql`update public.organisation_webhook_deliveries
      set due_at = now() - interval '90 seconds' where status <> 'delivered'`
    await fanOut(acme.sql)
    await acme.sql`update public.organisation_webhook_deliveries set status = 'queued'
      where status = 'sending'`

    await fanOut(acme.sql)
    const rows = await asWorker(
      acme,
      (tx) => tx`select * from usher.webhook_metrics() order by status`,
    )

    expect([...rows]).toEqual([
      { status: 'delivered', count: '1', oldest_seconds: null },
      { status: 'queued', count: '1', oldest_seconds: expect.closeTo(90, -1) },
    ])
  })
})

describe('purge_webhook_answers', () => {
  const purge = (acme: Organisation) =>
    asWorker(acme, (tx) => tx`select usher.purge_webhook_answers() as purged`)

  test('takes answers whose days are over, and leaves the line', async ({ acme }) => {
    await oneDelivery(acme)
    await answerWebhook(acme, await leaseWebhook(acme), 200)

    await purge(acme)
    expect((await webhookLog(acme))[0]).toMatchObject({ last_response: 'Said so' })
    await fanOut(acme.sql)
    await acme.sql`update public.organisation_webhook_deliveries
      set created_at = now() - interval '31 days' where organisation_id = ${acme.id}`
    await purge(acme)

    expect((await webhookLog(acme))[0]).toMatchObject({ last_response: null, status: 'delivered' })
  })

  test('takes the line with the retention of the audit trail', async ({ acme }) => {
    await oneDelivery(acme)
    await acme.sql`update public.organisations set audit_retention = '30 days' where id = ${acme.id}`
    onTestFinished(async () => {
      await acme.sql`update public.organisations set audit_retention = null where id = ${acme.id}`
    })
    await fanOut(acme.sql)
    await acme.sql`update public.organisation_webhook_deliveries
      set created_at = now() - interval '31 days' where organisation_id = ${acme.id}`

    await purge(acme)

    expect(await webhookLog(acme)).toEqual([])
  })
})
