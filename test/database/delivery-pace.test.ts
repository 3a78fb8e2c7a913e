import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { lease } from '../support/worker.ts'

const pace = (acme: Organisation, settings: object) =>
  acme.sql`select usher.update_settings(${acme.sql.json(settings as never)})`

const invite = (acme: Organisation, count: number, domain: string) =>
  acme.owner.rpc('create_organisation_invites', {
    organisation_id: acme.id,
    invites: Array.from({ length: count }, (_, i) => ({
      email: `p${i}@${domain}`,
      roles: ['member'],
    })),
  })

/** How many seconds from now mails of this organisation are due, in order. */
const due = async (acme: Organisation, domain: string) => {
  await fanOut(acme.sql)
  const rows =
    await acme.sql`select extract(epoch from due_at - clock_timestamp())::float as seconds
      from public.organisation_deliveries
      where organisation_id = ${acme.id} and status = 'queued' and recipient like ${`%@${domain}`}
      order by due_at`
  return rows.map((row) => row.seconds as number)
}

describe('the pace', () => {
  test('spreads mails to one domain evenly, and leaves others alone', async ({ acme }) => {
    await pace(acme, { mails_per_minute_to_domain: 60 })
    await invite(acme, 30, `${acme.id}.slow.example`)
    await invite(acme, 1, `${acme.id}.fast.example`)

    const leased = await lease(acme)

    // The first of each line at once, then one a second.
    expect(leased.length).toBeLessThanOrEqual(4)
    expect(await due(acme, `${acme.id}.fast.example`)).toEqual([])
    const seconds = await due(acme, `${acme.id}.slow.example`)
    expect(seconds.length).toBeGreaterThanOrEqual(27)
    seconds.slice(1).forEach((second, i) => {
      expect(second - (seconds[i] ?? 0)).toBeCloseTo(1, 3)
    })
    await pace(acme, { mails_per_minute_to_domain: null })
  })

  test('of an organisation holds over all domains, and lets a single mail pass a bulk', async ({
    acme,
  }) => {
    await pace(acme, { mails_per_minute_of_organisation: 60 })
    await invite(acme, 30, 'bulk.example')
    await lease(acme, 1)
    const { invite: single } = await acme.invite()

    const leased = await lease(acme)

    const rows = await acme.sql`select invite_id from public.organisation_deliveries
      where id = any (${leased.map(({ delivery_id }) => delivery_id)})`
    expect(rows.map((row) => row.invite_id)).toContain(single.id)
    await pace(acme, { mails_per_minute_of_organisation: null })
  })

  test('loses no mail: each has its place', async ({ acme }) => {
    await pace(acme, { mails_per_minute_to_domain: 600, mails_per_minute_of_organisation: 600 })
    await invite(acme, 25, 'one.example')
    await invite(acme, 25, 'two.example')
    await Promise.all([lease(acme, 3), lease(acme, 3), lease(acme, 3)])

    const [row] = await acme.sql`select count(*)::int from public.organisation_deliveries
      where organisation_id = ${acme.id} and kind = 'invite' and is_paced`
    expect(row?.count).toBe(50)
    await pace(acme, { mails_per_minute_to_domain: null, mails_per_minute_of_organisation: null })
  })
})
