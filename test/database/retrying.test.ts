import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { fail, leaseOne } from '../support/worker.ts'

describe('retry_organisation_delivery', () => {
  test('starts a failed mail anew', async ({ acme }) => {
    await acme.invite()
    const first = await leaseOne(acme)
    await fail(acme, first, 'permanent', '5.7.1')
    expect((await acme.owner.select('organisation_invites'))[0]?.bounced_at).not.toBeNull()

    await acme.admin.rpc('retry_organisation_delivery', { delivery_id: first.delivery_id })

    expect((await acme.owner.select('organisation_invites'))[0]?.bounced_at).toBeNull()
    expect(await leaseOne(acme)).toMatchObject({ delivery_id: first.delivery_id, attempts: 1 })
    expect(await acme.events()).toContain('delivery.retried')
  })

  test('refuses one that has not failed', async ({ acme }) => {
    const { invite } = await acme.invite()
    await fanOut(acme.sql)
    const [row] =
      await acme.sql`select id from public.organisation_deliveries where invite_id = ${invite.id}`

    await expect(
      acme.owner.rpc('retry_organisation_delivery', { delivery_id: row?.id }),
    ).rejects.toMatchObject({ code: 'invite_not_pending', details: 'queued' })
  })
})
