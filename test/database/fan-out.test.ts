import postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { begin, settled } from '../support/locks.ts'
import { onMember } from '../support/members.ts'
import { fanOut } from '../support/outbox.ts'
import { createWebhook } from '../support/webhooks.ts'
import { asWorker } from '../support/worker.ts'

const mails = (acme: Organisation, kind: string) =>
  acme.sql`select recipient from public.organisation_deliveries
    where organisation_id = ${acme.id} and kind = ${kind} order by created_at, recipient`

const calls = (acme: Organisation, organisationId = acme.id) =>
  acme.sql`select event from public.organisation_webhook_deliveries
    where organisation_id = ${organisationId} order by created_at`

const setRoles = (acme: Organisation, roles: string[]) =>
  acme.admin.rpc('update_organisation_member_roles', onMember(acme, 'member', { roles }))

/** So many changes, each with a line of the trail that webhooks hear. */
async function change(acme: Organisation, times: number) {
  for (let i = 0; i < times; i++) {
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { name: `Acme ${i}` },
    })
  }
}

const left = async (acme: Organisation) =>
  (
    await acme.sql`select count(*)::int as n from usher.outbox o
      join public.organisation_audit_events e on e.id = o.event_id where e.organisation_id = ${acme.id}`
  )[0]?.n

/** Plants a fault: a mail to this address cannot be queued. Answers how to take it away. */
async function refuseMailsTo(acme: Organisation, email: string) {
  await acme.sql.unsafe(`
    create function public.organisation_plant() returns trigger language plpgsql as
      $$ begin raise exception 'Planted for %', new.recipient; end $$;
    create trigger plant before insert on public.organisation_deliveries
      for each row when (new.recipient = '${email}') execute function public.organisation_plant()`)
  const take = () =>
    acme.sql.unsafe('drop function if exists public.organisation_plant() cascade').then(() => {})
  onTestFinished(take)
  return take
}

/** Lets the wait for the next try run out. */
const waitOver = (acme: Organisation) =>
  acme.sql`update usher.outbox set due_at = clock_timestamp() where due_at is not null`

describe('what has happened', () => {
  test('is followed exactly once, however many workers follow at the same time', async ({
    acme,
    database,
  }) => {
    await createWebhook(acme, { events: ['invite.created', 'organisation.updated'] })
    await createWebhook(acme, { events: ['invite.created'] })
    const invites = Array.from({ length: 300 }, (_, i) => ({
      email: `m${i}@example.com`,
      roles: ['member'],
    }))
    await acme.owner.rpc('create_organisation_invites', { organisation_id: acme.id, invites })
    const sql = postgres(database.url, { max: 12, onnotice: () => {} })
    onTestFinished(() => sql.end())
    let isDone = false

    const workers = Array.from({ length: 8 }, async () => {
      let total = 0
      for (;;) {
        const [row] = await sql`select followed from usher.fan_out(7)`
        total += row?.followed
        if (isDone && row?.followed === 0) return total
      }
    })
    await change(acme, 200)
    isDone = true
    await Promise.all(workers)
    // What a change held at that moment was put off.
    await expect
      .poll(async () => {
        await fanOut(acme.sql)
        return left(acme)
      })
      .toBe(0)

    expect(await mails(acme, 'invite')).toHaveLength(300)
    const [counted] = await acme.sql`select
      count(*) filter (where event = 'invite.created')::int as created,
      count(*) filter (where event = 'organisation.updated')::int as updated
      from public.organisation_webhook_deliveries where organisation_id = ${acme.id}`
    expect(counted).toEqual({ created: 600, updated: 200 })
  })

  test('one by one comes before what came in bulk', async ({ acme }) => {
    await fanOut(acme.sql)
    const invites = Array.from({ length: 21 }, (_, i) => ({
      email: `bulk-${i}@example.com`,
      roles: ['member'],
    }))
    await acme.owner.rpc('create_organisation_invites', { organisation_id: acme.id, invites })
    const { invite } = await acme.invite()

    await acme.sql`select usher.fan_out(1)`
    expect(await mails(acme, 'invite')).toEqual([{ recipient: invite.email }])
    await acme.sql`select usher.fan_out(20)`
    expect(await left(acme)).toBe(1)
    await fanOut(acme.sql)

    const bulk = await acme.sql`select count(*)::int as n from public.organisation_deliveries
      where organisation_id = ${acme.id} and kind = 'invite' and is_bulk`
    expect(bulk).toEqual([{ n: 21 }])
  })

  test('is followed to the webhooks that were there: one that is made later does not hear of it', async ({
    acme,
  }) => {
    await change(acme, 1)
    const { webhook_id } = await createWebhook(acme)
    await change(acme, 1)

    await fanOut(acme.sql)

    expect(
      await acme.sql`select webhook_id, event from public.organisation_webhook_deliveries
        where organisation_id = ${acme.id}`,
    ).toEqual([{ webhook_id, event: 'organisation.updated' }])
  })

  test('and whose line of the trail is gone is followed by nothing', async ({ acme }) => {
    await createWebhook(acme)
    await fanOut(acme.sql)
    await setRoles(acme, ['finance'])

    await acme.sql.begin(async (tx) => {
      await tx`select set_config('usher.audit_exception', 'DELETE', true)`
      await tx`delete from public.organisation_audit_events
        where organisation_id = ${acme.id} and event = 'member.roles_updated'`
    })
    await fanOut(acme.sql)

    expect(await mails(acme, 'member_roles_updated')).toEqual([])
    expect(await calls(acme)).toEqual([])
    expect(await acme.sql`select from usher.outbox`).toHaveLength(0)
  })

  test('in an organisation that is deleted before is followed by nothing, and holds up nobody', async ({
    acme,
  }) => {
    await createWebhook(acme)
    await setRoles(acme, ['finance'])
    await acme.owner.rpc('delete_organisation', { organisation_id: acme.id })

    await fanOut(acme.sql)

    expect(await mails(acme, 'member_roles_updated')).toEqual([])
    expect(await acme.sql`select from usher.outbox`).toHaveLength(0)
  })

  test('is found from where the last look began, and from the start', async ({ acme }) => {
    await fanOut(acme.sql)
    await setRoles(acme, ['finance'])
    const [row] = await acme.sql`select newest_id from usher.fan_out(0)`
    const newest = row?.newest_id
    await change(acme, 1)

    const [after] = await acme.sql`select * from usher.fan_out(1000, ${newest})`
    expect(after?.followed).toBe(1)
    expect(BigInt(after?.newest_id)).toBeGreaterThan(BigInt(newest))
    expect(await mails(acme, 'member_roles_updated')).toEqual([])

    const [all] = await acme.sql`select followed from usher.fan_out(1000, 0)`
    expect(all?.followed).toBe(1)
    expect(await mails(acme, 'member_roles_updated')).toHaveLength(1)
  })

  test('is followed by a worker, who can say how much is left, and by nobody else', async ({
    acme,
  }) => {
    await fanOut(acme.sql)
    await change(acme, 2)
    const [metrics] = await asWorker(acme, (tx) => tx`select * from usher.outbox_metrics()`)
    expect(metrics).toMatchObject({ count: '2' })
    expect(metrics?.oldest_seconds).toBeGreaterThan(0)
    await asWorker(acme, (tx) => tx`select usher.fan_out()`)
    expect(await asWorker(acme, (tx) => tx`select * from usher.outbox_metrics()`)).toEqual([
      { count: '0', oldest_seconds: null },
    ])

    for (const role of ['anon', 'authenticated', 'service_role']) {
      await expect(
        acme.sql.begin(async (tx) => {
          await tx.unsafe(`set local role ${role}`)
          await tx`select usher.fan_out()`
        }),
      ).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('leaves one mail of an event and kind to a recipient, whoever would write another', async ({
    acme,
  }) => {
    await setRoles(acme, ['finance'])
    await fanOut(acme.sql)

    await expect(
      acme.sql`insert into public.organisation_deliveries (organisation_id, event_id, kind, recipient)
        select organisation_id, event_id, kind, recipient from public.organisation_deliveries
        where organisation_id = ${acme.id} and kind = 'member_roles_updated'`,
    ).rejects.toMatchObject({ constraint_name: 'organisation_deliveries_once' })
  })
})

describe('what cannot be followed', () => {
  test('leaves the others alone, is tried again later and later, shows as stuck, and follows once its cause is gone', async ({
    acme,
  }) => {
    await createWebhook(acme)
    await fanOut(acme.sql)
    const mend = await refuseMailsTo(acme, acme.member.email)
    await setRoles(acme, ['finance'])
    const { invite } = await acme.invite()
    const stuck = () =>
      acme.sql`select how_many from usher.stuck where what = 'events that cannot be followed'`

    const waits: number[] = []
    for (let tries = 1; tries <= 3; tries++) {
      expect(await stuck()).toEqual([])
      await fanOut(acme.sql)
      const [row] = await acme.sql`select attempts, last_error,
        extract(epoch from due_at - clock_timestamp())::float8 as wait from usher.outbox`
      expect(row).toMatchObject({
        attempts: tries,
        last_error: `Planted for ${acme.member.email}`,
      })
      waits.push(row?.wait)
      // Not before its time.
      expect(await fanOut(acme.sql)).toBe(0)
      await waitOver(acme)
    }

    expect(await mails(acme, 'invite')).toEqual([{ recipient: invite.email }])
    expect(waits.map(Math.round)).toEqual([1, 2, 4])
    expect(await stuck()).toEqual([{ how_many: '1' }])
    // All of it or nothing: its webhook call waits for its mail.
    expect((await calls(acme)).map(({ event }) => event)).toEqual(['invite.created'])
    await mend()
    await fanOut(acme.sql)
    expect(await mails(acme, 'member_roles_updated')).toEqual([{ recipient: acme.member.email }])
    expect((await calls(acme)).map(({ event }) => event)).toContain('member.roles_updated')
    expect(await stuck()).toEqual([])
  })

  test('is tried again within the hour, however often it has failed', async ({ acme }) => {
    await fanOut(acme.sql)
    await refuseMailsTo(acme, acme.member.email)
    await setRoles(acme, ['finance'])
    await acme.sql`update usher.outbox set attempts = 1000`

    await fanOut(acme.sql)

    const [row] = await acme.sql`select attempts,
      extract(epoch from due_at - clock_timestamp())::float8 as wait from usher.outbox`
    expect(row?.attempts).toBe(1000)
    expect(row?.wait).toBeGreaterThan(3500)
    expect(row?.wait).toBeLessThanOrEqual(3600)
  })

  test('because nobody comes shows as stuck after ten minutes', async ({ acme }) => {
    await fanOut(acme.sql)
    const since = () =>
      acme.sql`select how_many from usher.stuck where what = 'events that no worker follows'`
    await setRoles(acme, ['finance'])
    expect(await since()).toEqual([])

    await acme.sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`
      await tx`update public.organisation_audit_events set occurred_at = now() - interval '11 minutes'
        where organisation_id = ${acme.id} and event = 'member.roles_updated'`
    })

    expect(await since()).toEqual([{ how_many: '1' }])
  })
})

describe('a change that goes on', () => {
  /** How long a look takes, and how much it has followed. */
  const look = async (acme: Organisation, batchSize = 1000) => {
    const startedAt = performance.now()
    const [row] = await acme.sql`select followed from usher.fan_out(${batchSize})`
    return { followed: row?.followed, took: performance.now() - startedAt }
  }

  const changeOther = (acme: Organisation) =>
    acme.outsider.rpc('update_organisation', {
      organisation_id: acme.otherId,
      changes: { name: 'Other still' },
    })

  const tellOther = (acme: Organisation) =>
    acme.outsider.rpc('create_organisation_webhook', {
      organisation_id: acme.otherId,
      url: 'https://hooks.example.com/other',
    })

  test.for([
    ['single', 1000],
    ['many', 20],
  ] as const)(
    'in an organisation that is being deleted holds up nobody else, whose events are followed (%s look)',
    async ([, batchSize], { acme }) => {
      await createWebhook(acme)
      await tellOther(acme)
      await fanOut(acme.sql)
      await change(acme, 40)
      await changeOther(acme)
      const held = await begin(acme.sql, null)
      onTestFinished(() => held.rollback())
      await held.tx`select from public.organisations where id = ${acme.id} for update`

      const looks = [await look(acme, batchSize)]
      for (let i = 0; i < 3; i++) looks.push(await look(acme, batchSize))

      expect(Math.max(...looks.map(({ took }) => took))).toBeLessThan(1500)
      expect(await calls(acme, acme.otherId)).toEqual([{ event: 'organisation.updated' }])
      expect(await calls(acme)).toEqual([])
      await held.rollback()
      await waitOver(acme)
      await fanOut(acme.sql)
      expect(await calls(acme)).toHaveLength(40)
      expect(
        await acme.sql`select from usher.outbox where attempts > 0`,
        'what waits has not failed',
      ).toHaveLength(0)
    },
  )

  test('on an invite holds up nobody else: its mail follows afterwards', async ({ acme }) => {
    await fanOut(acme.sql)
    const { invite } = await acme.invite()
    const other = await acme.invite()
    const held = await begin(acme.sql, null)
    onTestFinished(() => held.rollback())
    await held.tx`select from usher.invites where id = ${invite.id} for update`

    const { took } = await look(acme)

    expect(took).toBeLessThan(1500)
    expect(await mails(acme, 'invite')).toEqual([{ recipient: other.invite.email }])
    await held.rollback()
    await waitOver(acme)
    await fanOut(acme.sql)
    expect(await mails(acme, 'invite')).toHaveLength(2)
  })

  test('on a member holds up nobody else, and is no failure', async ({ acme }) => {
    await fanOut(acme.sql)
    await setRoles(acme, ['finance'])
    await acme.outsider.rpc('create_organisation_invite', {
      organisation_id: acme.otherId,
      email: 'elsewhere@example.com',
      roles: ['member'],
    })
    const held = await begin(acme.sql, null)
    onTestFinished(() => held.rollback())
    await held.tx`select from public.organisation_members
      where organisation_id = ${acme.id} and user_id = ${acme.member.userId} for update`

    const { took } = await look(acme)

    expect(took).toBeLessThan(1500)
    const others = await acme.sql`select recipient from public.organisation_deliveries
      where organisation_id = ${acme.otherId} and kind = 'invite'`
    expect(others).toEqual([{ recipient: 'elsewhere@example.com' }])
    const waiting =
      await acme.sql`select attempts, due_at > clock_timestamp() as later from usher.outbox`
    expect(waiting).toEqual([{ attempts: 0, later: true }])
    await held.rollback()
    await waitOver(acme)
    await fanOut(acme.sql)
    expect(await mails(acme, 'member_roles_updated')).toHaveLength(1)
  })

  test('on many members of one organisation does not stand before another', async ({ acme }) => {
    await fanOut(acme.sql)
    for (let i = 0; i < 12; i++) await setRoles(acme, [i % 2 ? 'member' : 'finance'])
    await acme.outsider.rpc('create_organisation_invite', {
      organisation_id: acme.otherId,
      email: 'behind@example.com',
      roles: ['member'],
    })
    const held = await begin(acme.sql, null)
    onTestFinished(() => held.rollback())
    await held.tx`select from public.organisation_members
      where organisation_id = ${acme.id} for update`

    await look(acme)

    expect(
      await acme.sql`select recipient from public.organisation_deliveries
        where organisation_id = ${acme.otherId} and kind = 'invite'`,
    ).toEqual([{ recipient: 'behind@example.com' }])
  })

  test('somebody is forgotten before what happened to them is queued, or after, never between', async ({
    acme,
  }) => {
    await fanOut(acme.sql)
    await setRoles(acme, ['finance'])
    const worker = await begin(acme.sql, null)
    await worker.tx`select usher.fan_out()`
    const erasing = await begin(acme.sql, null)
    const erased = erasing.tx`select usher.erase_person(${acme.member.userId})`.then(() => 'done')

    expect(await settled(acme.sql, erasing.pid, erased)).toBe('waits')
    await worker.commit()
    await erased
    await erasing.commit()
    await fanOut(acme.sql)

    expect(
      await acme.sql`select from public.organisation_deliveries
        where recipient = ${acme.member.email}`,
    ).toHaveLength(0)
  })
})
