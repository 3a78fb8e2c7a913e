import { describe, expect } from 'vitest'
import { en } from '../../client/console/texts/en.ts'
import { test } from '../support/acme.ts'
import { createWebhook, HOOK } from '../support/webhooks.ts'

describe('create_organisation_webhook', () => {
  test.for(['finance', 'member', 'roleless'] as const)(
    'a %s may neither make one nor see one',
    async (who, { acme }) => {
      const { webhook_id } = await createWebhook(acme)

      await expect(
        acme[who].rpc('create_organisation_webhook', { organisation_id: acme.id, url: HOOK }),
      ).rejects.toMatchObject({ code: 'permission_denied' })
      await expect(
        acme[who].rpc('delete_organisation_webhook', { webhook_id }),
      ).rejects.toMatchObject({ code: 'permission_denied' })
      expect(await acme[who].run((tx) => tx`select * from public.organisation_webhooks`)).toEqual(
        [],
      )
    },
  )

  test('those of another organisation look like none', async ({ acme }) => {
    const { webhook_id } = await createWebhook(acme)
    const notFound = { code: 'webhook_not_found', status: 404 }

    for (const [name, args] of [
      ['update_organisation_webhook', { changes: {} }],
      ['delete_organisation_webhook', {}],
      ['rotate_organisation_webhook_secret', {}],
      ['test_organisation_webhook', {}],
      ['replay_organisation_webhook_deliveries', { since: '2020-01-01' }],
    ] as const) {
      await expect(acme.outsider.rpc(name, { webhook_id, ...args })).rejects.toMatchObject(notFound)
    }
  })
})

/** Written in the trail, and not for webhooks: what only the machinery does, and the beginning and end of an organisation. */
const NOT_SENT = [
  'audit.purged',
  'delivery.cancelled',
  'delivery.requeued',
  'delivery.retried',
  'mail.resumed',
  'mail.stopped',
  'mail.suppression_lifted',
  'organisation.created',
  'organisation.deleted',
  'webhook.replayed',
  'webhook.tested',
]

describe('the types of events', () => {
  test('are those of the audit trail, but for what is left out by name', async ({ acme }) => {
    const types = (await acme.sql`select unnest(usher.webhook_event_types()) as type`).map(
      ({ type }) => type,
    )

    expect([...types, ...NOT_SENT].sort()).toEqual(Object.keys(en.events).sort())
  })
})
