/**
 * The way out, and what stops it.
 *
 * Source: a batch of which every mail was lost for good because of a quota, https://github.com/gen-smtp/gen_smtp/issues/140.
 */
import type postgres from 'postgres'
import { beforeEach, describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import {
  asWorker,
  complete,
  delivery,
  fail,
  type Lease,
  lease,
  leaseQueued,
  timePasses,
} from '../support/worker.ts'

beforeEach<{ acme: Organisation }>(({ acme }) => acme.sql`delete from usher.mail_transport`)

/** As many invites with mails that are due; a few of them are leased. */
async function queued(acme: Organisation, count: number, leased = 3): Promise<Lease[]> {
  await acme.owner.rpc('create_organisation_invites', {
    organisation_id: acme.id,
    invites: Array.from({ length: count }, (_, i) => ({
      email: `p${i}-${crypto.randomUUID()}@example.com`,
      roles: ['member'],
    })),
  })
  return lease(acme, leased)
}

const refuse = (acme: Organisation, leased: Lease) =>
  fail(acme, leased, 'temporary', '5.4.5', 'sender')

/** Lets the pause of the way be over. */
const pauseEnds = (acme: Organisation) =>
  acme.sql`update usher.mail_transport set stopped_until = now() - interval '1 second'`

const transport = async (acme: Organisation): Promise<postgres.Row | undefined> =>
  (
    await acme.sql`select *, extract(epoch from stopped_until - clock_timestamp()) as pause
    from usher.mail_transport`
  )[0]

describe('a refusal of the sender', () => {
  test('costs no try, marks no invite and suppresses nobody, however often it comes', async ({
    acme,
  }) => {
    const { invite } = await acme.invite('new@example.com')
    for (let i = 0; i < 12; i++) {
      const [leased] = await lease(acme)
      expect(leased, `try ${i}`).toBeDefined()
      expect(await refuse(acme, leased as Lease)).toBe('queued')
      await pauseEnds(acme)
      await timePasses(acme)
    }

    expect(
      await acme.sql`select bounced_at from usher.invites where id = ${invite.id}`,
    ).toMatchObject([{ bounced_at: null }])
    expect(
      await acme.sql`select from usher.suppressed_addresses where email = 'new@example.com'`,
    ).toHaveLength(0)
    // The trail is no log of a server's bad days.
    const events = await acme.events()
    expect(events.filter((event) => event === 'delivery.deferred')).toHaveLength(1)
  })

  test('waits a quarter of an hour, and the operator sees it at once', async ({ acme }) => {
    const [leased] = await queued(acme, 1)
    await refuse(acme, leased as Lease)

    const row = await delivery(acme, leased?.delivery_id ?? '')
    const wait = (row?.due_at.getTime() - Date.now()) / 60_000
    expect(wait).toBeGreaterThan(11)
    expect(wait).toBeLessThan(19)
    expect(
      await acme.sql`select what, how_many from usher.stuck where what ~ 'refuses us'`,
    ).toMatchObject([{ what: 'mail server that refuses us', how_many: '1' }])
    expect(await transport(acme)).toMatchObject({ last_response: 'No', last_status_code: '5.4.5' })
  })

  test('is given up when nobody has mended it for a month', async ({ acme }) => {
    const [leased] = await queued(acme, 1)
    await acme.sql`update public.organisation_deliveries
      set attempts = 8, created_at = now() - interval '31 days' where id = ${leased?.delivery_id ?? ''}`

    expect(await refuse(acme, leased as Lease)).toBe('failed')
  })
})

describe('three in a row stop all mail', () => {
  async function stopped(acme: Organisation, count = 8) {
    const leases = await queued(acme, count)
    for (const leased of leases) await refuse(acme, leased)
    return leases
  }

  test('and two do not, nor three with one between that was taken', async ({ acme }) => {
    const [one, two, three, four] = await queued(acme, 8, 4)
    await refuse(acme, one as Lease)
    await refuse(acme, two as Lease)
    await complete(acme, three as Lease)
    await refuse(acme, four as Lease)

    expect(await leaseQueued(acme)).toHaveLength(4)
  })

  test('the rest of a batch is not tried, and not lost', async ({ acme }) => {
    await stopped(acme)

    expect(await leaseQueued(acme)).toEqual([])
    expect(
      await acme.sql`select status, count(*)::int from public.organisation_deliveries
        where organisation_id = ${acme.id} group by status`,
    ).toMatchObject([{ status: 'queued', count: 8 }])
    expect(await asWorker(acme, (tx) => tx`select usher.is_mail_stopped() as is`)).toMatchObject([
      { is: true },
    ])
  })

  test('mails of Supabase Auth wait as well', async ({ acme }) => {
    await stopped(acme)
    await asWorker(
      acme,
      (tx) => tx`select usher.enqueue_auth_mail('a@example.com', 'en', 'x', '\\x01'::bytea)`,
    )

    expect(await leaseQueued(acme)).toEqual([])
    await acme.sql`delete from public.organisation_deliveries where kind = 'auth'`
  })

  test('after a pause one mail is tried, and one only', async ({ acme }) => {
    await stopped(acme)
    await pauseEnds(acme)

    expect(await leaseQueued(acme)).toHaveLength(1)
    expect(await leaseQueued(acme)).toEqual([])
  })

  test('taken, it opens the way', async ({ acme }) => {
    await stopped(acme)
    await pauseEnds(acme)
    const [leased] = await leaseQueued(acme)
    await complete(acme, leased as Lease)

    expect(await leaseQueued(acme)).toHaveLength(4)
    expect(await acme.sql`select from usher.stuck where what ~ 'refuses us'`).toHaveLength(0)
  })

  test('refused, it doubles the pause, up to half an hour', async ({ acme }) => {
    await stopped(acme, 12)
    const pauses = [(await transport(acme))?.pause]
    for (let i = 0; i < 7; i++) {
      await pauseEnds(acme)
      await refuse(acme, (await leaseQueued(acme))[0] as Lease)
      pauses.push((await transport(acme))?.pause)
    }

    expect(pauses.map((pause) => Math.round(Number(pause) / 60))).toEqual([
      1, 2, 4, 8, 16, 30, 30, 30,
    ])
  })

  test('what was under way when it was stopped makes the pause no longer', async ({ acme }) => {
    const leases = await queued(acme, 20, 20)
    for (const leased of leases) await refuse(acme, leased)

    expect(await transport(acme)).toMatchObject({ refusals: 3 })
  })

  test('a worker that dies with the one that is tried holds it up for a minute', async ({
    acme,
  }) => {
    await stopped(acme)
    await pauseEnds(acme)
    await leaseQueued(acme)

    expect(Number((await transport(acme))?.pause)).toBeGreaterThan(50)
    await pauseEnds(acme)
    expect(await leaseQueued(acme)).toHaveLength(1)
  })

  test('an operator who has mended it lets all go at once', async ({ acme }) => {
    await stopped(acme)

    const [row] = await acme.sql`select usher.resume_mail() as count`

    expect(row?.count).toBeGreaterThanOrEqual(3)
    expect(await leaseQueued(acme)).toHaveLength(8)
  })
})

describe('a refusal that is not of the sender', () => {
  test.for([
    ['address', '5.1.2', true, true],
    ['address', '5.1.10', true, true],
    ['recipient', '5.2.1', true, false],
    ['recipient', '5.1.0', true, false],
    ['message', '5.3.4', false, false],
    [null, '5.1.1', true, true],
    [null, null, true, false],
  ] as const)(
    'of %s, %s: shows on the invite %s, suppresses %s',
    async ([about, code, isBounced, isSuppressed], { acme }) => {
      const { invite } = await acme.invite()
      const [leased] = await lease(acme)

      expect(await fail(acme, leased as Lease, 'permanent', code, about)).toBe('failed')

      const [row] = await acme.sql`select i.bounced_at is not null as bounced,
          exists (select from usher.suppressed_addresses s where s.email = i.email) as suppressed
        from usher.invites i where i.id = ${invite.id}`
      expect(row).toMatchObject({ bounced: isBounced, suppressed: isSuppressed })
      expect(await transport(acme)).toBeUndefined()
    },
  )

  test('a mail that was given up for other reasons does not show as come back', async ({
    acme,
  }) => {
    const { invite } = await acme.invite()
    const [leased] = await lease(acme)
    await acme.sql`update public.organisation_deliveries set attempts = 8 where id = ${leased?.delivery_id ?? ''}`

    expect(await fail(acme, leased as Lease, 'temporary')).toBe('failed')
    expect(
      await acme.sql`select bounced_at from usher.invites where id = ${invite.id}`,
    ).toMatchObject([{ bounced_at: null }])
  })

  test('knows four of whom it may be', async ({ acme }) => {
    const [leased] = await queued(acme, 1)

    await expect(fail(acme, leased as Lease, 'temporary', null, 'everybody')).rejects.toMatchObject(
      { code: '22023' },
    )
  })
})

describe('note_signature', () => {
  test('keeps how the last mail was signed', async ({ acme }) => {
    const note = (signedBy: string | null) =>
      asWorker(acme, (tx) => tx`select usher.note_signature(${signedBy}, 'key')`)
    await note('mail._domainkey.usher.test')
    expect(await transport(acme)).toMatchObject({ signed_by: 'mail._domainkey.usher.test' })

    await note(null)
    expect(await transport(acme)).toMatchObject({ signed_by: null, signed_at: expect.any(Date) })
  })
})
