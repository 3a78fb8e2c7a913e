import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { asWorker, complete, delivery, leaseOne, prepare, send } from '../support/worker.ts'

interface Told {
  event_id?: string
  kind: string
  delivery_id?: string | null
  provider_message_id?: string
  is_permanent?: boolean
}

const tell = async (acme: Organisation, told: Told) =>
  (
    await asWorker(
      acme,
      (tx) => tx`select usher.record_delivery_event(
        'test', ${told.event_id ?? randomUUID()}, ${told.kind}, ${told.delivery_id ?? null},
        ${told.provider_message_id ?? null}, now(), ${told.is_permanent ?? false},
        '550 5.1.1 No such user', '5.1.1') as outcome`,
    )
  )[0]?.outcome as string

const permutations = <T>(list: T[]): T[][] =>
  list.length < 2
    ? [list]
    : list.flatMap((one, i) =>
        permutations(list.filter((_, j) => j !== i)).map((rest) => [one, ...rest]),
      )

describe('record_delivery_event', () => {
  test('shows what became of a mail, and the trail says so', async ({ acme }) => {
    await acme.invite()
    const id = await send(acme)

    expect(await tell(acme, { kind: 'delivered', delivery_id: id })).toBe('recorded')
    expect(await delivery(acme, id)).toMatchObject({ status: 'delivered' })
    expect(await acme.events()).toContain('delivery.delivered')
  })

  test('finds the mail by the id that the provider gave it', async ({ acme }) => {
    await acme.invite()
    const { delivery_id, fence } = await leaseOne(acme)
    await asWorker(
      acme,
      (tx) => tx`select usher.complete_delivery(${delivery_id}, ${fence}, 'OK', 'provider-1')`,
    )

    expect(await tell(acme, { kind: 'delivered', provider_message_id: 'provider-1' })).toBe(
      'recorded',
    )
    expect(await tell(acme, { kind: 'delivered', provider_message_id: 'provider-2' })).toBe(
      'unknown',
    )
    expect(await tell(acme, { kind: 'delivered', delivery_id: randomUUID() })).toBe('unknown')
  })

  test('counts a repetition once', async ({ acme }) => {
    await acme.invite()
    const id = await send(acme)
    const told = { kind: 'delivered', delivery_id: id, event_id: 'once' }

    expect(await tell(acme, told)).toBe('recorded')
    expect(await tell(acme, told)).toBe('duplicate')
    expect((await acme.events()).filter((event) => event === 'delivery.delivered')).toHaveLength(1)
  })

  test('comes to the same whatever the order', async ({ acme }) => {
    await acme.sql`update public.organisations set track_opens = true where id = ${acme.id}`
    for (const order of permutations(['delivered', 'opened', 'bounced', 'complained'])) {
      await acme.sql`delete from usher.suppressed_addresses`
      await acme.invite()
      const id = await send(acme)
      for (const kind of order) await tell(acme, { kind, delivery_id: id })

      expect(await delivery(acme, id)).toMatchObject({
        status: 'complained',
        delivered_at: expect.any(Date),
        opened_at: expect.any(Date),
        bounced_at: expect.any(Date),
      })
    }
  })

  test('that comes before the worker has written down that the mail went out is not lost', async ({
    acme,
  }) => {
    await acme.invite()
    const leased = await leaseOne(acme)
    await prepare(acme, leased)

    expect(await tell(acme, { kind: 'delivered', delivery_id: leased.delivery_id })).toBe(
      'recorded',
    )
    await complete(acme, leased)
    expect(await delivery(acme, leased.delivery_id)).toMatchObject({ status: 'delivered' })
  })

  test('of a mail that was never handed out is nothing to us', async ({ acme }) => {
    const { invite } = await acme.invite()
    const [row] =
      await acme.sql`select id from public.organisation_deliveries where invite_id = ${invite.id}`

    expect(await tell(acme, { kind: 'delivered', delivery_id: row?.id })).toBe('unknown')
  })

  test('shows on the invite that its mail came back, and no mail goes there any more', async ({
    acme,
  }) => {
    const { invite } = await acme.invite()
    const id = await send(acme)
    await tell(acme, { kind: 'bounced', delivery_id: id, is_permanent: true })

    const [shown] = await acme.owner.select('organisation_invites')
    expect(shown?.bounced_at).not.toBeNull()
    expect(await delivery(acme, id)).toMatchObject({
      status: 'bounced',
      last_status_code: '5.1.1',
    })
    await acme.owner.rpc('resend_organisation_invite', { invite_id: invite.id })
    expect((await acme.owner.select('organisation_invites'))[0]?.bounced_at).toBeNull()
    const again = await leaseOne(acme)
    expect(await prepare(acme, again)).toBeNull()
    expect(await delivery(acme, again.delivery_id)).toMatchObject({ status: 'suppressed' })
    expect((await acme.owner.select('organisation_invites'))[0]?.bounced_at).not.toBeNull()
  })

  test('of a mailbox that is full for now does not stop the next mail', async ({ acme }) => {
    const { invite } = await acme.invite()
    await tell(acme, { kind: 'bounced', delivery_id: await send(acme) })
    await acme.owner.rpc('resend_organisation_invite', { invite_id: invite.id })

    expect(await prepare(acme, await leaseOne(acme))).not.toBeNull()
  })

  test('that a mail was opened is kept only where the organisation allows it', async ({ acme }) => {
    await acme.invite()
    const id = await send(acme)

    expect(await tell(acme, { kind: 'opened', delivery_id: id })).toBe('ignored')
    expect(await delivery(acme, id)).toMatchObject({ status: 'sent', opened_at: null })
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { track_opens: true },
    })
    expect(await tell(acme, { kind: 'opened', delivery_id: id })).toBe('recorded')
    expect(await delivery(acme, id)).toMatchObject({ status: 'opened' })
  })

  test('knows four kinds of event', async ({ acme }) => {
    await expect(tell(acme, { kind: 'clicked' })).rejects.toMatchObject({ code: '22023' })
  })
})

describe('delivery_metrics', () => {
  test('counts mails by status, and says how long the oldest has waited', async ({ acme }) => {
    await acme.invite()
    await acme.sql`update public.organisation_deliveries set due_at = now() - interval '90 seconds'`

    const rows = await asWorker(acme, (tx) => tx`select * from usher.delivery_metrics()`)

    const queued = rows.find((row) => row.status === 'queued' && !row.is_bulk)
    expect(Number(queued?.count)).toBeGreaterThan(0)
    expect(queued?.oldest_seconds).toBeGreaterThan(89)
  })
})
