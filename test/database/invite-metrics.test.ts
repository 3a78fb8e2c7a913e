import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'

describe('organisation_invite_metrics', () => {
  test('counts exactly, by state and by day', async ({ acme }) => {
    for (const status of [
      'pending',
      'accepted',
      'accepted',
      'declined',
      'revoked',
      'expired',
    ] as const) {
      const { id } = await acme.inviteIn(status)
      // Each was made four hours before it was answered.
      await acme.sql`update usher.invites set created_at = created_at - interval '4 hours' where id = ${id}`
    }
    await fanOut(acme.sql)
    await acme.sql`update public.organisation_deliveries set status = 'sent', sent_at = now()
      where organisation_id = ${acme.id} and kind = 'invite'`
    await fanOut(acme.sql)
    await acme.sql`update public.organisation_deliveries set status = 'failed', sent_at = null
      where id = (select id from public.organisation_deliveries where organisation_id = ${acme.id} and kind = 'invite' limit 1)`

    const metrics = await acme.admin.rpc('organisation_invite_metrics', {
      organisation_id: acme.id,
    })

    expect(metrics).toMatchObject({
      created: 6,
      pending: 1,
      accepted: 2,
      declined: 1,
      revoked: 1,
      expired: 1,
      acceptance_rate: 0.4,
      median_hours_to_accept: 4,
      mails_sent: 5,
      delivery_rate: 0.8333,
      bounce_rate: 0.1667,
    })
    const total = (key: string) =>
      metrics.days.reduce((sum: number, day: Record<string, number>) => sum + (day[key] ?? 0), 0)
    expect(['created', 'accepted', 'declined', 'revoked', 'expired'].map(total)).toEqual([
      6, 2, 1, 1, 1,
    ])
  })

  test('of a time in which nothing happened says so, and divides by nothing', async ({ acme }) => {
    await acme.invite()

    expect(
      await acme.admin.rpc('organisation_invite_metrics', {
        organisation_id: acme.id,
        since: '2020-01-01',
        until: '2020-02-01',
      }),
    ).toMatchObject({
      created: 0,
      acceptance_rate: null,
      median_hours_to_accept: null,
      bounce_rate: null,
      days: [],
    })
  })

  test.for([
    ['member', {}, 'permission_denied'],
    ['outsider', {}, 'organisation_not_found'],
    ['admin', { since: '2026-02-01', until: '2026-01-01' }, 'invalid_settings'],
    ['admin', { since: '1990-02-01' }, 'invalid_settings'],
  ] as const)('%s %j: %s', async ([who, args, code], { acme }) => {
    await expect(
      acme[who].rpc('organisation_invite_metrics', { organisation_id: acme.id, ...args }),
    ).rejects.toMatchObject({ code })
  })
})
