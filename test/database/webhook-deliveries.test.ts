import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { createWebhook, happen, ROLES_UPDATED, webhookLog } from '../support/webhooks.ts'

describe('what happens', () => {
  test('goes to the endpoints that have chosen it, and to no other', async ({ acme }) => {
    const { webhook_id } = await createWebhook(acme, { events: ROLES_UPDATED })
    await createWebhook(acme, { events: ['member.joined'] })

    await happen(acme)

    expect(await webhookLog(acme)).toMatchObject([
      { webhook_id, event: 'member.roles_updated', status: 'queued', attempts: 0 },
    ])
  })

  test('that an endpoint was made is told to the others, not to itself', async ({ acme }) => {
    const first = await createWebhook(acme)
    await createWebhook(acme)

    expect(await webhookLog(acme)).toMatchObject([
      { webhook_id: first.webhook_id, event: 'webhook.created' },
    ])
  })

  test('that was undone is told to nobody', async ({ acme }) => {
    await createWebhook(acme)
    const before = (await webhookLog(acme)).length

    await expect(
      acme.admin.run(async (tx) => {
        await tx`select public.update_organisation(${acme.id}, '{"name": "Other"}')`
        await tx`select public.update_organisation(${acme.id}, '{"name": ""}')`
      }),
    ).rejects.toMatchObject({ code: 'invalid_settings' })

    expect(await webhookLog(acme)).toHaveLength(before)
  })

  test('in bulk is told one by one', async ({ acme }) => {
    await createWebhook(acme, { events: ['invite.created'] })

    await acme.admin.rpc('create_organisation_invites', {
      organisation_id: acme.id,
      invites: [1, 2, 3].map((i) => ({ email: `m${i}@example.com`, roles: ['member'] })),
    })

    expect(await webhookLog(acme)).toHaveLength(3)
  })

  test('elsewhere is told to no other organisation', async ({ acme }) => {
    await createWebhook(acme)
    const before = (await webhookLog(acme)).length

    await acme.outsider.rpc('update_organisation', {
      organisation_id: acme.otherId,
      changes: { name: 'Renamed' },
    })

    expect(await webhookLog(acme)).toHaveLength(before)
    await fanOut(acme.sql)
    expect(
      await acme.outsider.run((tx) => tx`select from public.organisation_webhook_deliveries`),
    ).toEqual([])
  })
})
