import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { complete, delivery, fail, leaseOne, prepare } from '../support/worker.ts'

describe('a mailbox', () => {
  test.for([
    ['ann@example.com', 'ann@example.com'],
    ['ann+news@example.com', 'ann@example.com'],
    ['ann+news+more@example.com', 'ann@example.com'],
    ['Ann+News@Example.com', 'ann@example.com'],
    // What only some providers leave out is part of the name.
    ['a.nn@example.com', 'a.nn@example.com'],
    // Without its tag, strangers would share one.
    ['+ann@example.com', '+ann@example.com'],
  ] as const)('of %s is %s', async ([email, mailbox], { database: { sql } }) => {
    const [row] = await sql`select usher.mailbox(${email}) as mailbox`
    expect(row?.mailbox).toBe(mailbox)
  })
})

describe('the outbox', () => {
  test('is read where invites are, and nowhere else', async ({ acme }) => {
    await acme.invite()
    const mine = { organisation_id: acme.id }

    await fanOut(acme.sql)
    expect(await acme.admin.select('organisation_deliveries', mine)).toHaveLength(1)
    for (const who of [acme.finance, acme.member, acme.outsider]) {
      await fanOut(acme.sql)
      expect(await who.select('organisation_deliveries', mine)).toEqual([])
    }
  })

  test('keeps of what a mail server answers a thousand characters', async ({ acme }) => {
    const { invite } = await acme.invite()
    const leased = await leaseOne(acme)
    await prepare(acme, leased)
    const [row] = await acme.sql`select usher.fail_delivery(
      ${leased.delivery_id}, ${leased.fence}, 'permanent', ${'x'.repeat(5000)}, '5.7.1') as status`

    expect(row?.status).toBe('failed')
    expect(await delivery(acme, leased.delivery_id)).toMatchObject({
      invite_id: invite.id,
      last_response: 'x'.repeat(1000),
    })
  })

  test('calls a mail delayed that was never tried and is due later, and no other', async ({
    database: { sql },
  }) => {
    const [row] = await sql`select
      usher.delivery_status('queued', 0, now() + interval '1 hour') as later,
      usher.delivery_status('queued', 0, now() - interval '1 second') as due,
      usher.delivery_status('queued', 1, now() + interval '1 hour') as again,
      usher.delivery_status('sent', 0, now() + interval '1 hour') as sent`

    expect(row).toEqual({ later: 'delayed', due: 'queued', again: 'queued', sent: 'sent' })
  })

  test('says when a mail went out of each that did, and of no other', async ({ acme }) => {
    await acme.invite()
    const leased = await leaseOne(acme)
    await prepare(acme, leased)
    await complete(acme, leased)
    const { sql } = acme
    const id = leased.delivery_id

    expect((await delivery(acme, id))?.sent_at).toBeInstanceOf(Date)
    await fanOut(acme.sql)
    await expect(
      sql`update public.organisation_deliveries set sent_at = null where id = ${id}`,
    ).rejects.toMatchObject({ constraint_name: 'organisation_deliveries_sent' })
    await fanOut(acme.sql)
    await expect(
      sql`update public.organisation_deliveries set status = 'queued' where id = ${id}`,
    ).rejects.toMatchObject({ constraint_name: 'organisation_deliveries_sent' })
  })

  test('holds mails of no organisation for Supabase Auth alone', async ({ acme }) => {
    const insert = (organisationId: string | null, kind: string) =>
      acme.sql`insert into public.organisation_deliveries (organisation_id, kind, recipient)
        values (${organisationId}, ${kind}, 'ann@example.com')`

    await expect(insert(null, 'invite')).rejects.toMatchObject({
      constraint_name: 'organisation_deliveries_tenant',
    })
    await expect(insert(acme.id, 'auth')).rejects.toMatchObject({
      constraint_name: 'organisation_deliveries_tenant',
    })
  })
})

describe('an erased recipient', () => {
  test('leaves no answer that would repeat the address', async ({ acme }) => {
    const { invite } = await acme.invite()
    const leased = await leaseOne(acme)
    await prepare(acme, leased)
    await fanOut(acme.sql)
    await acme.sql`update public.organisation_deliveries set recipient = usher.erased_recipient(id)
      where id = ${leased.delivery_id}`

    await fail(acme, leased, 'permanent', '5.1.1')

    expect(await delivery(acme, leased.delivery_id)).toMatchObject({
      invite_id: invite.id,
      last_response: null,
      last_status_code: '5.1.1',
    })
  })
})
