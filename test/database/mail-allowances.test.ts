import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { describe, expect } from 'vitest'
import { test as base, createAcme, type Organisation } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { asWorker, complete, type Lease, prepare } from '../support/worker.ts'

/** A queue that nobody else has mails in. */
const test = base.extend('acme', async ({ database }) => {
  await fanOut(database.sql)
  await database.sql`delete from public.organisation_deliveries`
  await database.sql`delete from usher.mail_pace`
  return createAcme(database.sql)
})

interface Sent {
  id: string
  kind: string
  to: string
  organisation_id: string | null
}

/** Sends all that a worker finds to be due at this moment. */
async function drain(acme: Organisation): Promise<Sent[]> {
  await fanOut(acme.sql)
  const sent: Sent[] = []
  for (;;) {
    const leases = await asWorker(
      acme,
      (tx) => tx<Lease[]>`select * from usher.lease_deliveries('test', 50)`,
    )
    if (leases.length === 0) return sent
    for (const leased of leases) {
      const mail = await prepare(acme, leased)
      if (!mail) continue
      await complete(acme, leased)
      sent.push({
        id: mail.id,
        kind: mail.kind,
        to: mail.to,
        organisation_id: mail.organisation?.id ?? null,
      })
    }
  }
}

/** As if it had become later for all mail. */
const passes = async ({ sql }: Organisation, time: string) => {
  await sql`update public.organisation_deliveries
    set due_at = due_at - ${time}::interval, taken_at = taken_at - ${time}::interval`
  await sql`update usher.mail_pace set next_free_at = next_free_at - ${time}::interval`
}

/** What goes out within an hour, looked at every few minutes. */
async function drainAnHour(acme: Organisation) {
  const sent = await drain(acme)
  for (let minute = 5; minute < 60; minute += 5) {
    await passes(acme, '5 minutes')
    sent.push(...(await drain(acme)))
  }
  return sent
}

const statuses = async ({ sql }: Organisation, mailbox: string) => {
  await fanOut(sql)
  return Object.fromEntries(
    (
      await sql`select status, count(*)::int as count from public.organisation_deliveries
        where mailbox = ${mailbox} group by status`
    ).map(({ status, count }) => [status, count]),
  ) as Record<string, number>
}

const settings = (acme: Organisation, changes: object) =>
  acme.sql`select usher.update_settings(${acme.sql.json(changes as postgres.JSONValue)})`

const age = ({ sql, id }: Organisation) =>
  sql`update public.organisations set created_at = now() - interval '30 days' where id = ${id}`

const inviteTo = (acme: Organisation, email: string) =>
  acme.owner.rpc('create_organisation_invite', {
    organisation_id: acme.id,
    email,
    roles: ['member'],
  })

const fill = (
  { sql, id }: Organisation,
  recipient: string,
  count: number,
  kind = 'invite_accepted',
) =>
  sql`insert into public.organisation_deliveries (organisation_id, kind, recipient)
    select ${id}, ${kind}, ${recipient} from generate_series(1, ${count}::int)`

describe('one account', () => {
  test('with many organisations and all that it can do puts few mails into one mailbox within the hour, and the others later', async ({
    acme,
  }) => {
    const { owner } = acme
    const victim = `victim-${randomUUID().slice(0, 8)}@example.com`
    const tagged = (tag: string) => victim.replace('@', `+${tag}@`)

    // Nothing of this is answered with a refusal.
    const toggled = await inviteTo(acme, victim)
    for (let i = 0; i < 40; i++) {
      const roles = i % 2 ? ['member'] : ['finance']
      await owner.rpc('update_organisation_invite_roles', { invite_id: toggled.id, roles })
    }
    for (let i = 0; i < 20; i++) {
      const { id } = await inviteTo(acme, tagged('again').toUpperCase())
      if (i < 19) await owner.rpc('revoke_organisation_invite', { invite_id: id })
    }
    for (let i = 0; i < 15; i++) {
      const { id } = await owner.rpc('create_organisation', { name: `New ${i}` })
      await owner.rpc('create_organisation_invite', {
        organisation_id: id,
        email: i % 3 ? tagged(`${i}`) : victim,
        roles: ['member'],
      })
    }

    const firstHour = await drainAnHour(acme)
    expect(firstHour.length).toBeGreaterThanOrEqual(5)
    expect(firstHour.length).toBeLessThanOrEqual(8)

    const later = []
    for (let hour = 1; hour < 6; hour++) {
      await passes(acme, '5 minutes')
      const sent = await drainAnHour(acme)
      expect(sent.length).toBeLessThanOrEqual(8)
      later.push(...sent)
    }
    // The 17 that still say something: of those toggled and of those revoked, the newest.
    expect(firstHour.length + later.length).toBe(17)
    expect(await statuses(acme, victim)).toEqual({ sent: 17, cancelled: 40 + 19 })
  })

  test('who toggles the roles of an invite sends the newest mail at once', async ({ acme }) => {
    const { id } = await inviteTo(acme, 'toggled@example.com')
    for (let i = 0; i < 50; i++) {
      const roles = i % 2 ? ['member'] : ['finance']
      await acme.owner.rpc('update_organisation_invite_roles', { invite_id: id, roles })
    }

    expect(await drain(acme)).toHaveLength(1)
  })

  test('who toggles the roles of a member does not fill their mailbox', async ({ acme }) => {
    for (let i = 0; i < 30; i++) {
      const roles = i % 2 ? ['member'] : ['finance']
      await acme.owner.rpc('update_organisation_member_roles', {
        organisation_id: acme.id,
        user_id: acme.member.userId,
        roles,
      })
    }

    expect((await drainAnHour(acme)).length).toBeLessThanOrEqual(8)
    expect(await statuses(acme, acme.member.email)).toMatchObject({ sent: 8, queued: 22 })
  })

  test('has one allowance over all its organisations', async ({ acme, database }) => {
    await settings(acme, { mails_per_hour_of_sender: 50, new_mails_per_hour_of_sender: null })
    const { id } = await acme.owner.rpc('create_organisation', { name: 'Second' })
    for (let i = 0; i < 40; i++) {
      await inviteTo(acme, `s${i}@example.com`)
      await inviteTo({ ...acme, id }, `s${i}@example.org`)
    }
    const other = await createAcme(database.sql)
    await inviteTo(other, 'somebody@example.net')

    const sent = await drain(acme)
    const ofSender = sent.filter(({ organisation_id }) => organisation_id !== other.id)
    expect(ofSender).toHaveLength(50)
    expect(sent).toHaveLength(51)

    for (let hour = 0; hour < 2; hour++) {
      await passes(acme, '1 hour')
      sent.push(...(await drain(acme)))
    }
    expect(sent).toHaveLength(81)
    await settings(acme, { mails_per_hour_of_sender: 10000, new_mails_per_hour_of_sender: 1000 })
  })
})

describe('a new organisation', () => {
  test('sends its first 50 single mails undelayed, at the narrowest settings', async ({ acme }) => {
    await settings(acme, { new_mails_per_hour_of_sender: 50 })
    for (let i = 0; i < 60; i++) await inviteTo(acme, `n${i}@example.com`)

    expect(await drain(acme)).toHaveLength(50)
    await expect(settings(acme, { new_mails_per_hour_of_sender: 49 })).rejects.toThrow(
      'invalid_settings',
    )
    await settings(acme, { new_mails_per_hour_of_sender: 1000 })
  })

  test('is new for a time', async ({ acme }) => {
    await fill(acme, 'old@example.com', 30)
    await age(acme)

    expect((await drainAnHour(acme)).length).toBe(20)
  })
})

describe('a mailbox that is flooded', () => {
  test('still gets codes of Auth at once, and what older organisations send', async ({
    acme,
    database,
  }) => {
    const known = await createAcme(database.sql)
    await age(known)
    await fill(acme, 'flooded@example.com', 300)
    await drain(acme)
    await inviteTo(known, 'flooded@example.com')
    await acme.sql`select usher.enqueue_auth_mail('flooded@example.com', 'en', 'sealed', ${Buffer.from('code')})`

    const sent = await drain(acme)

    expect(sent.map(({ kind }) => kind)).toEqual(['auth', 'invite'])
  })

  test('is not told by the names of lines, but to who has the salt', async ({ acme }) => {
    await fill(acme, 'unnamed@example.com', 30)
    await drain(acme)

    const lines = await acme.sql`select line, split_part(line, ':', 2) as name from usher.mail_pace
      where line like 'mailbox:%'`
    const [is] = await acme.sql`select hashtextextended('unnamed@example.com', 0)::text as plain,
      encode(usher.address_hash('unnamed@example.com'), 'hex') as salted`
    expect(lines.length).toBeGreaterThan(0)
    expect(new Set(lines.map(({ name }) => name))).toEqual(new Set([is?.salted]))
    expect(lines.filter(({ line }) => line.includes(is?.plain))).toEqual([])
  })

  test('does not keep the mail that matters behind a thousand notices', async ({ acme }) => {
    const { email } = acme.member
    // Each caused by somebody else, as when people accept.
    await acme.sql`insert into public.organisation_deliveries (organisation_id, kind, recipient, caused_by)
      select ${acme.id}, 'invite_accepted', ${email}, gen_random_uuid() from generate_series(1, 1000)`
    await drain(acme)
    await acme.owner.rpc('remove_organisation_member', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
    })

    const kinds = [...(await drainAnHour(acme)), ...(await drainAnHour(acme))].map(
      ({ kind }) => kind,
    )

    expect(kinds).toContain('member_removed')
  })

  test('gets no more from workers side by side', async ({ acme }) => {
    await fill(acme, 'raced@example.com', 100)
    const lease = () =>
      asWorker(acme, (tx) => tx<Lease[]>`select * from usher.lease_deliveries('test', 5)`)

    const leases = (await Promise.all(Array.from({ length: 12 }, lease))).flat()
    await drain(acme)

    expect(leases.length).toBeLessThanOrEqual(8)
    const [row] = await acme.sql`select count(*)::int from public.organisation_deliveries
      where mailbox = 'raced@example.com' and attempts > 0`
    expect(row?.count).toBe(8)
  })

  test('gets as few of every kind of mail but those of Auth', async ({ acme }) => {
    const kinds = (
      await acme.sql`select k.kind[1] as kind from pg_constraint c,
        regexp_matches(pg_get_constraintdef(c.oid), '''(\\w+)''', 'g') k (kind)
        where c.conname = 'organisation_deliveries_kind'`
    ).map(({ kind }) => kind as string)
    expect(kinds.length).toBeGreaterThan(15)

    const { invite } = await acme.invite()
    for (const kind of kinds.filter((kind) => kind !== 'auth')) {
      await acme.sql`delete from public.organisation_deliveries`
      await acme.sql`insert into public.organisation_deliveries (organisation_id, kind, recipient, invite_id, issue)
        select ${acme.id}, ${kind}, format('kind+%s@example.com', i), ${invite.id}, 1 from generate_series(1, 20) i`

      const leases = await asWorker(
        acme,
        (tx) => tx<Lease[]>`select * from usher.lease_deliveries('test', 50)`,
      )
      expect([kind, leases.length]).toEqual([kind, 8])
    }
  })

  test('loses nothing when a mail server refuses for now', async ({ acme }) => {
    await fill(acme, 'refused@example.com', 8)
    const leases = await asWorker(
      acme,
      (tx) => tx<Lease[]>`select * from usher.lease_deliveries('test', 50)`,
    )
    for (const { delivery_id, fence } of leases) {
      await asWorker(
        acme,
        (tx) => tx`select usher.fail_delivery(${delivery_id}, ${fence}, 'temporary')`,
      )
    }
    await passes(acme, '5 minutes')

    expect(await drain(acme)).toHaveLength(8)
  })

  test('holds mails, however many, for no more than a day before they are looked at again', async ({
    acme,
  }) => {
    await fill(acme, 'many@example.com', 600)
    await drain(acme)
    await drain(acme)

    const [row] =
      await acme.sql`select count(*)::int, max(due_at) < now() + interval '26 hours' as is_soon
      from public.organisation_deliveries where status = 'queued' and due_at > now()`
    expect(row).toEqual({ count: 592, is_soon: true })
  })
})

describe('what is delayed', () => {
  test('is not stuck, and shows as delayed', async ({ acme }) => {
    await fill(acme, 'waiting@example.com', 20)
    const invite = await inviteTo(acme, 'waiting@example.com')
    await acme.sql`update usher.invites set expires_at = now() + interval '1 day' where id = ${invite.id}`
    await acme.sql`update public.organisation_deliveries set created_at = now() - interval '1 hour',
      due_at = now() - interval '30 minutes' where kind <> 'invite'`
    await drain(acme)

    expect(await acme.sql`select * from usher.stuck where what like '%deliver%'`).toEqual([])
    expect(await acme.sql`select * from usher.delayed_deliveries`).toHaveLength(13)
    expect(
      await acme.sql`select mail from usher.expiring_invites where id = ${invite.id}`,
    ).toMatchObject([{ mail: 'delayed' }])
    const metrics = await asWorker(acme, (tx) => tx`select * from usher.delivery_metrics()`)
    expect(metrics).toContainEqual({
      status: 'delayed',
      is_bulk: false,
      count: '13',
      oldest_seconds: null,
    })
    expect(metrics.filter(({ status }) => status === 'queued')).toEqual([])
  })

  test('by the pace of a domain, lets others have a place before all that one has queued', async ({
    acme,
    database,
  }) => {
    await settings(acme, { mails_per_minute_to_domain: 60 })
    const other = await createAcme(database.sql)
    await acme.sql`insert into public.organisation_deliveries (organisation_id, kind, recipient)
      select ${acme.id}, 'invite_accepted', format('p%s@paced.example', i) from generate_series(1, 1000) i`
    for (let i = 0; i < 10; i++)
      await asWorker(acme, (tx) => tx`select usher.lease_deliveries('test', 50)`)
    await inviteTo(other, 'one@paced.example')

    let minutes = 0
    const isSent = async () => (await drain(acme)).some(({ to }) => to === 'one@paced.example')
    for (; minutes < 10 && !(await isSent()); minutes++) await passes(acme, '1 minute')

    expect(minutes).toBeLessThanOrEqual(3)
    await settings(acme, { mails_per_minute_to_domain: null })
  })
})
