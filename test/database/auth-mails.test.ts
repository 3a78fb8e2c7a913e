import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { asWorker, complete, delivery, type Lease, prepare } from '../support/worker.ts'

const enqueue = async (acme: Organisation, recipient: string, key = recipient) =>
  (
    await asWorker(
      acme,
      (tx) => tx`select usher.enqueue_auth_mail(
        ${recipient}, 'de-AT', 'sealed', sha256(convert_to(${key}, 'UTF8'))) as is_new`,
    )
  )[0]?.is_new

/** Leases what is due for this address, and leaves the rest alone. */
async function leaseFor(acme: Organisation, recipient: string): Promise<Lease> {
  await acme.sql`update public.organisation_deliveries set due_at = now() + interval '1 day'
    where recipient <> ${recipient}`
  const [leased] = await asWorker(
    acme,
    (tx) => tx<Lease[]>`select * from usher.lease_deliveries('test', 1)`,
  )
  return leased as Lease
}

describe('a mail of Supabase Auth', () => {
  test('goes out like any other, and its secret goes with it', async ({ acme }) => {
    const to = `plain-${acme.id}@example.com`
    expect(await enqueue(acme, to)).toBe(true)
    const leased = await leaseFor(acme, to)

    expect(await prepare(acme, leased)).toMatchObject({
      kind: 'auth',
      to,
      locale: 'de-AT',
      facts: { sealed: 'sealed' },
      organisation: null,
      invite: null,
    })
    expect(await complete(acme, leased)).toBe(true)
    expect(await delivery(acme, leased.delivery_id)).toMatchObject({ status: 'sent', facts: {} })
  })

  test('to somebody who is invited knows to what', async ({ acme }) => {
    const { invite } = await acme.invite()
    await enqueue(acme, invite.email)
    await acme.sql`update public.organisation_deliveries set status = 'cancelled'
      where invite_id = ${invite.id}`

    const mail = await prepare(acme, await leaseFor(acme, invite.email))

    expect(mail).toMatchObject({
      organisation: { id: acme.id, name: 'Acme' },
      invite: { id: invite.id, roles: ['member'] },
      link: null,
    })
  })

  test('is not queued twice when Supabase Auth asks again', async ({ acme }) => {
    const to = `twice-${acme.id}@example.com`

    expect(await enqueue(acme, to)).toBe(true)
    expect(await enqueue(acme, to)).toBe(false)
    expect(await enqueue(acme, to, `${to} another token`)).toBe(true)
  })

  test('is not sent once what it lets its reader do is over', async ({ acme }) => {
    const to = `late-${acme.id}@example.com`
    await enqueue(acme, to)
    await acme.sql`update public.organisation_deliveries set created_at = now() - interval '25 hours'
      where recipient = ${to}`
    const leased = await leaseFor(acme, to)

    expect(await prepare(acme, leased)).toBeNull()
    expect(await delivery(acme, leased.delivery_id)).toMatchObject({
      status: 'cancelled',
      facts: {},
    })
  })

  test('is seen by nobody, and goes after 30 days', async ({ acme }) => {
    const to = `old-${acme.id}@example.com`
    await enqueue(acme, to)
    for (const who of [acme.owner, acme.outsider]) {
      const rows = await who.select('organisation_deliveries')
      expect(rows.filter((row) => row.recipient === to)).toEqual([])
    }

    await acme.sql`update public.organisation_deliveries set created_at = now() - interval '31 days'
      where recipient = ${to}`
    await asWorker(acme, (tx) => tx`select usher.purge_auth_mails()`)
    expect(
      await acme.sql`select from public.organisation_deliveries where recipient = ${to}`,
    ).toHaveLength(0)
  })

  test('refuses what is no address', async ({ acme }) => {
    await expect(enqueue(acme, 'nobody')).rejects.toMatchObject({
      message: expect.stringContaining('invalid_email'),
    })
  })
})
