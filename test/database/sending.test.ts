import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import {
  complete,
  delivery,
  fail,
  type Lease,
  lease,
  leaseOne,
  prepare,
  timePasses,
} from '../support/worker.ts'

describe('prepare_delivery', () => {
  test('hands over all that the mail says, and a link that works', async ({ acme }) => {
    await acme.sql`update public.organisations
      set accent_colour = '#4f46e5', reply_to = ${acme.admin.email}, locale = 'fr' where id = ${acme.id}`
    const { invite } = await acme.invite()

    const mail = await prepare(acme, await leaseOne(acme))

    expect(mail).toMatchObject({
      kind: 'invite',
      to: invite.email,
      locale: 'fr',
      reply_to: acme.admin.email,
      organisation: { id: acme.id, name: 'Acme', accent_colour: '#4f46e5', logo_url: null },
      invite: {
        id: invite.id,
        roles: ['member'],
        inviter_name: 'owner',
        inviter_email: acme.owner.email,
      },
    })
    const [site, token] = mail.link.split('/invite#')
    expect(site).toBe(mail.site_url)
    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      status: 'pending',
    })
  })

  test.for(['accepted', 'declined', 'revoked', 'expired'] as const)(
    'nothing goes out for an invite that is %s meanwhile',
    async (status, { acme }) => {
      const { id } = await acme.inviteIn(status)
      const leases = await lease(acme)
      const rows = await Promise.all(leases.map((leased) => delivery(acme, leased.delivery_id)))
      const index = rows.findIndex((row) => row?.kind === 'invite' && row.invite_id === id)
      const leased = leases[index] as Lease

      expect(await prepare(acme, leased)).toBeNull()
      expect(await delivery(acme, leased.delivery_id)).toMatchObject({ status: 'cancelled' })
    },
  )

  test('of two mails for one invite only the newest goes out', async ({ acme }) => {
    const { invite } = await acme.invite()
    await acme.owner.rpc('resend_organisation_invite', { invite_id: invite.id })
    const leases = await lease(acme)

    const mails = (await Promise.all(leases.map((leased) => prepare(acme, leased)))).filter(Boolean)

    expect(leases).toHaveLength(2)
    expect(mails).toHaveLength(1)
  })
})

describe('complete_delivery', () => {
  test('the mail is sent, once, and the trail says so', async ({ acme }) => {
    await acme.invite()
    const leased = await leaseOne(acme)

    expect(await complete(acme, leased)).toBe(true)
    expect(await complete(acme, leased)).toBe(false)
    expect(await delivery(acme, leased.delivery_id)).toMatchObject({
      status: 'sent',
      last_response: '250 OK',
    })
    expect((await acme.events()).filter((event) => event === 'delivery.sent')).toHaveLength(1)
    await timePasses(acme)
    expect(await lease(acme)).toEqual([])
  })
})

describe('fail_delivery', () => {
  test('a refusal for now is tried again, later each time', async ({ acme }) => {
    await acme.invite()
    const waits: number[] = []

    for (let attempt = 1; attempt <= 7; attempt++) {
      const leased = await leaseOne(acme)
      expect(await fail(acme, leased, 'temporary', '4.2.0')).toBe('queued')
      await fanOut(acme.sql)
      const [row] = await acme.sql`select extract(epoch from due_at - clock_timestamp()) as wait
        from public.organisation_deliveries where id = ${leased.delivery_id}`
      waits.push(Number(row?.wait))
      expect(await lease(acme)).toEqual([])
      await timePasses(acme)
    }
    const minutes = [1, 5, 30, 120, 360, 720, 1440]
    waits.forEach((wait, i) => {
      expect(wait / 60 / (minutes[i] ?? 0)).toBeGreaterThan(0.79)
      expect(wait / 60 / (minutes[i] ?? 0)).toBeLessThan(1.21)
    })

    expect(await fail(acme, await leaseOne(acme), 'temporary')).toBe('failed')
    expect(await acme.events()).toContain('delivery.failed')
  })

  test('a refusal for good is not tried again', async ({ acme }) => {
    await acme.invite()
    const leased = await leaseOne(acme)

    expect(await fail(acme, leased, 'permanent', '5.7.1')).toBe('failed')
    expect(await delivery(acme, leased.delivery_id)).toMatchObject({
      last_response: 'No',
      last_status_code: '5.7.1',
    })
  })

  test('an address that does not exist gets no mail any more', async ({ acme }) => {
    const { invite } = await acme.invite()
    await fail(acme, await leaseOne(acme), 'permanent', '5.1.1')
    await acme.owner.rpc('resend_organisation_invite', { invite_id: invite.id })
    const leased = await leaseOne(acme)

    expect(await prepare(acme, leased)).toBeNull()
    expect(await delivery(acme, leased.delivery_id)).toMatchObject({ status: 'suppressed' })
  })

  test('a mail in doubt is tried once more, and no more', async ({ acme }) => {
    await acme.invite()

    expect(await fail(acme, await leaseOne(acme), 'in_doubt')).toBe('queued')
    await timePasses(acme)
    expect(await fail(acme, await leaseOne(acme), 'in_doubt')).toBe('failed')
  })

  test('knows three kinds of failure', async ({ acme }) => {
    await acme.invite()

    await expect(fail(acme, await leaseOne(acme), 'sideways')).rejects.toMatchObject({
      code: '22023',
    })
  })
})
