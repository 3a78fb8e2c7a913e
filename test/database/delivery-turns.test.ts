import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { test as base, createAcme, type Organisation } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
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

/** A queue that nobody else has mails in. */
const test = base.extend('acme', async ({ database }) => {
  await fanOut(database.sql)
  await database.sql`delete from public.organisation_deliveries`
  return createAcme(database.sql)
})

/** Whose mails a worker gets, in order: Acme's, the other organisation's, or one of Auth. */
async function turns(acme: Organisation, batchSize: number) {
  await fanOut(acme.sql)
  const leases = await asWorker(
    acme,
    (tx) => tx<Lease[]>`select * from usher.lease_deliveries('test', ${batchSize})`,
  )
  await fanOut(acme.sql)
  const rows = await acme.sql`select id, organisation_id from public.organisation_deliveries
    where id = any (${leases.map(({ delivery_id }) => delivery_id)})`
  const owners = new Map(rows.map((row) => [row.id, row.organisation_id]))
  return leases.map(({ delivery_id }) => {
    const id = owners.get(delivery_id)
    return id === acme.id ? 'Acme' : id === null ? 'Auth' : id === acme.otherId ? 'Other' : id
  })
}

/** Invites so many addresses in calls of so many rows each. */
const invite = (acme: Organisation, count: number, rows: number) =>
  acme.owner.run(
    (tx) => tx`select count(public.create_organisation_invites(${acme.id}, (
        select jsonb_agg(jsonb_build_object('email', format('p%s-%s@example.com', c, r), 'roles', '["member"]'::jsonb))
        from generate_series(1, ${rows}::int) r)))
      from generate_series(1, ${count / rows}::int) c`,
  )

const inviteOther = ({ outsider, otherId }: Organisation) =>
  outsider.rpc('create_organisation_invite', {
    organisation_id: otherId,
    email: `${randomUUID()}@example.com`,
    roles: ['member'],
  })

const askForCode = ({ sql }: Organisation) =>
  sql`select usher.enqueue_auth_mail('someone@example.com', 'en', 'sealed', ${Buffer.from(randomUUID())})`

/** So many mails of an organisation in the queue, each to somebody else. */
const fill = ({ sql }: Organisation, organisationId: string, count: number) =>
  sql`insert into public.organisation_deliveries (organisation_id, kind, recipient)
    select ${organisationId}, 'invite_accepted', format('p%s@example.com', i)
    from generate_series(1, ${count}::int) i`

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

describe('fair turns', () => {
  test.for([
    ['singly', 1],
    ['in batches of 20', 20],
    ['in bulk', 1000],
  ] as const)(
    "a thousand that were queued %s stand before nobody's one",
    async ([, rows], { acme }) => {
      await invite(acme, 1000, rows)
      await inviteOther(acme)
      await askForCode(acme)

      const [first, ...others] = await turns(acme, 10)

      expect(first).toBe('Auth')
      expect(others).toHaveLength(9)
      expect(others.slice(0, 2)).toContain('Other')
      expect(others.filter((whose) => whose === 'Acme')).toHaveLength(8)
    },
  )

  test('each organisation gets one of each round, and who is alone all that is left', async ({
    acme,
  }) => {
    await fill(acme, acme.id, 50)
    await fill(acme, acme.otherId, 3)

    expect((await turns(acme, 4)).filter((whose) => whose === 'Other')).toHaveLength(2)
    expect((await turns(acme, 10)).filter((whose) => whose === 'Other')).toHaveLength(1)
    expect(await turns(acme, 100)).toHaveLength(39)
  })

  test('go on with the next organisation where the last lease ended', async ({
    acme,
    database,
  }) => {
    const others = await Promise.all([1, 2, 3].map(() => createAcme(database.sql)))
    for (const { id } of [acme, ...others]) await fill(acme, id, 20)

    const whose: string[] = []
    for (let i = 0; i < 8; i++) whose.push(...(await turns(acme, 1)))

    expect(new Set(whose.slice(0, 4)).size).toBe(4)
    expect(whose.slice(4)).toEqual(whose.slice(0, 4))
  })

  test('workers side by side neither wait for each other nor come away with nothing', async ({
    acme,
  }) => {
    await fill(acme, acme.id, 40)
    await fill(acme, acme.otherId, 1)
    await fanOut(acme.sql)
    const lease = `select delivery_id from usher.lease_deliveries('test', 10)`

    const ids = await asWorker(acme, async (tx) => {
      const first = await tx.unsafe(lease)
      // The first has not committed yet.
      const second = await asWorker(acme, async (other) => {
        await other`set local lock_timeout = '2s'`
        return other.unsafe(lease)
      })
      return [...first, ...second].map((row) => row.delivery_id)
    })

    expect(new Set(ids).size).toBe(20)
  })

  test('a lease costs what it takes, and not what waits', async ({ acme, database }) => {
    const buffers = async () => {
      await fanOut(acme.sql)
      const [row] = await database.sql`explain (analyze, buffers, format json)
        select * from usher.lease_deliveries('test', 100)`
      const plan = row?.['QUERY PLAN'][0].Plan
      return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
    }
    await fill(acme, acme.otherId, 5)
    await fill(acme, acme.id, 1_000)
    await buffers()
    const few = await buffers()
    await fill(acme, acme.id, 100_000)
    const many = await buffers()

    // A hundred times as many wait. Pages that vacuum has not come by yet are read as well, now more and now fewer.
    expect(many).toBeLessThan(few * 5)
  })

  test('what waits for later costs no organisation its turn', async ({ acme }) => {
    await fill(acme, acme.id, 500)
    await fanOut(acme.sql)
    await acme.sql`update public.organisation_deliveries set due_at = now() + interval '1 hour'`
    await fill(acme, acme.otherId, 2)

    expect(await turns(acme, 10)).toEqual(['Other', 'Other'])
  })
})
