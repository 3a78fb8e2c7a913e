import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import {
  asWorker,
  complete,
  delivery,
  fail,
  type Lease,
  lease,
  leaseOne,
  prepare,
  timePasses,
} from '../support/worker.ts'

describe('lease_deliveries', () => {
  test('gives a mail to one worker only, for as long as the lease runs', async ({ acme }) => {
    await acme.invite()

    expect(await lease(acme)).toMatchObject([{ attempts: 1, fence: '1' }])
    expect(await lease(acme)).toEqual([])
  })

  test('workers side by side share, and none gets what another has', async ({ acme }) => {
    await acme.owner.rpc('create_organisation_invites', {
      organisation_id: acme.id,
      invites: Array.from({ length: 60 }, (_, i) => ({
        email: `w${i}@example.com`,
        roles: ['member'],
      })),
    })

    const leases = (await Promise.all(Array.from({ length: 4 }, () => lease(acme, 20)))).flat()

    expect(new Set(leases.map((leased) => leased.delivery_id)).size).toBe(leases.length)
  })

  test('a single invite does not stand behind a bulk', async ({ acme }) => {
    await acme.owner.rpc('create_organisation_invites', {
      organisation_id: acme.id,
      invites: Array.from({ length: 30 }, (_, i) => ({
        email: `b${i}@example.com`,
        roles: ['member'],
      })),
    })
    const { invite } = await acme.invite()

    const [first] = await lease(acme, 1)

    expect(await delivery(acme, first?.delivery_id ?? '')).toMatchObject({ invite_id: invite.id })
  })

  test('a lease that has run out is taken over, and the first worker can do no more', async ({
    acme,
  }) => {
    await acme.invite()
    const asleep = await leaseOne(acme)
    await timePasses(acme)
    const second = await leaseOne(acme)

    expect(second).toMatchObject({ delivery_id: asleep.delivery_id, attempts: 2, fence: '2' })
    expect(await prepare(acme, asleep)).toBeNull()
    expect(await complete(acme, asleep)).toBe(false)
    expect(await fail(acme, asleep, 'permanent')).toBeNull()
    expect(await complete(acme, second)).toBe(true)
  })

  test('a worker whose lease has run out does not send, though nobody took over yet', async ({
    acme,
  }) => {
    await acme.invite()
    const asleep = await leaseOne(acme)
    await timePasses(acme)

    expect(await prepare(acme, asleep)).toBeNull()
  })

  test('a mail that never comes back is given up after eight tries', async ({ acme }) => {
    await acme.invite()
    let leased = await leaseOne(acme)
    for (let i = 2; i <= 8; i++) {
      await timePasses(acme)
      leased = await leaseOne(acme)
    }
    await timePasses(acme)

    expect(await lease(acme)).toEqual([])
    expect(await delivery(acme, leased.delivery_id)).toMatchObject({
      status: 'failed',
      attempts: 8,
    })
  })
})

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

describe("the worker's role", () => {
  test('can call its functions and do nothing else', async ({ acme }) => {
    for (const statement of [
      'select * from public.organisation_deliveries',
      'select * from usher.invites',
      'select * from auth.users',
      `select public.list_my_organisations()`,
      `select usher.mint_invite_token('${acme.id}')`,
      'delete from usher.suppressed_addresses',
    ]) {
      await expect(asWorker(acme, (tx) => tx.unsafe(statement))).rejects.toMatchObject({
        code: '42501',
      })
    }
  })

  test('nobody else can call them', async ({ acme }) => {
    for (const who of [acme.anyone, acme.owner, acme.service]) {
      await expect(who.run((tx) => tx`select usher.lease_deliveries('x')`)).rejects.toMatchObject({
        code: '42501',
      })
    }
  })
})
