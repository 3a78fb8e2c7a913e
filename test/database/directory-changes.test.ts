import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import {
  changeRoles,
  endpointOf,
  type Lease,
  leaseChange,
  leaseChanges,
  test,
} from '../support/directory-changes.ts'
import { asWorker } from '../support/worker.ts'

const fail = (acme: Organisation, taken: Lease, failure: string, after: number | null = null) =>
  asWorker(
    acme,
    (tx) => tx`select usher.fail_directory_change(
      ${taken.endpoint_id}, ${taken.member_id}, ${taken.fence}, ${failure}, 'No', ${after}) as status`,
  )

const timePasses = (acme: Organisation) =>
  acme.sql`update public.organisation_directory_copies
    set due_at = now() - interval '1 second', leased_until = null`

describe('lease_directory_changes', () => {
  const allWait = (acme: Organisation, endpoint: string) =>
    acme.sql`update public.organisation_directory_copies set status = 'waiting'
      where endpoint_id = ${endpoint}`

  test('gives each copy to one of many workers', async ({ acme, endpoint }) => {
    await allWait(acme, endpoint)

    const taken: string[] = []
    for (let round = 0; round < 5; round += 1) {
      const batches = await Promise.all(Array.from({ length: 5 }, () => leaseChanges(acme, 2)))
      taken.push(...batches.flat().map(({ member_id }) => member_id))
      await acme.sql`update public.organisation_directory_copies
        set status = 'current', leased_until = null where member_id = any (${taken}::uuid[])`
    }

    expect(taken).toHaveLength(5)
    expect(new Set(taken).size).toBe(5)
  })

  test('gives two of an endpoint at once, and one where the last one failed', async ({
    acme,
    endpoint,
  }) => {
    await allWait(acme, endpoint)

    const [first, ...others] = await leaseChanges(acme)
    expect(others).toHaveLength(1)
    expect(await leaseChanges(acme)).toEqual([])
    if (!first) throw new Error('Nothing was due')
    await fail(acme, first, 'temporary')
    expect(await leaseChanges(acme)).toHaveLength(1)

    await timePasses(acme)
    await acme.sql`update public.organisation_directory_endpoints set failures = 1 where id = ${endpoint}`
    expect(await leaseChanges(acme)).toHaveLength(1)
  })

  test.for([
    ['is turned off', 'is_enabled = false'],
    ['was never compared', 'reconciled_at = null'],
    ['did not answer just now', `retry_at = now() + interval '1 minute'`],
  ] as const)('leaves an endpoint alone that %s', async ([, change], { acme, endpoint }) => {
    await changeRoles(acme, ['finance'])
    await acme.sql.unsafe(
      `update public.organisation_directory_endpoints set ${change} where id = '${endpoint}'`,
    )

    expect(await leaseChanges(acme)).toEqual([])
  })
})

describe('a failure', () => {
  test('of the endpoint leaves it alone, longer each time, and counts against no member', async ({
    acme,
    endpoint,
  }) => {
    await changeRoles(acme, ['finance'])
    const pauses: number[] = []
    for (let i = 0; i < 4; i += 1) {
      const taken = await leaseChange(acme)
      expect(taken.attempts).toBe(1)
      await fail(acme, taken, 'endpoint')
      const { retry_at } = (await endpointOf(acme, endpoint)) ?? {}
      pauses.push(retry_at.getTime() - Date.now())
      await acme.sql`update public.organisation_directory_endpoints
        set retry_at = now() - interval '1 second' where id = ${endpoint}`
    }

    expect(pauses).toEqual([...pauses].sort((a, b) => a - b))
    expect(pauses[0]).toBeLessThan(13_000)
  })

  test('with Retry-After waits as long as that says', async ({ acme, endpoint }) => {
    await changeRoles(acme, ['finance'])
    await fail(acme, await leaseChange(acme), 'endpoint', 600)

    const { retry_at } = (await endpointOf(acme, endpoint)) ?? {}
    expect(retry_at.getTime() - Date.now()).toBeGreaterThan(590_000)
  })

  test('for now is tried twelve times; for good, not again until something changes', async ({
    acme,
    endpoint,
  }) => {
    await changeRoles(acme, ['finance'])
    const statuses: string[] = []
    for (let i = 0; i < 12; i += 1) {
      const [row] = await fail(acme, await leaseChange(acme), 'temporary')
      statuses.push(row?.status)
      await timePasses(acme)
    }
    expect(statuses).toEqual([...Array(11).fill('waiting'), 'failed'])
    expect(await leaseChanges(acme)).toEqual([])

    await changeRoles(acme, ['member'])
    const taken = await leaseChange(acme)
    expect(taken).toMatchObject({ endpoint_id: endpoint, attempts: 1 })
    expect(await fail(acme, taken, 'permanent')).toMatchObject([{ status: 'failed' }])
  })
})

describe('directory_metrics', () => {
  test('counts by status, and says how long the oldest waits since it was due', async ({
    acme,
    endpoint,
  }) => {
    await acme.sql`delete from public.organisation_directory_endpoints where id <> ${endpoint}`
    await changeRoles(acme, ['finance'])
    await acme.sql`update public.organisation_directory_copies
      set due_at = now() - interval '90 seconds' where status = 'waiting'`

    const rows = await asWorker(
      acme,
      (tx) => tx`select * from usher.directory_metrics() order by status`,
    )

    expect([...rows]).toEqual([
      { status: 'current', count: '4', oldest_seconds: null },
      { status: 'waiting', count: '1', oldest_seconds: expect.closeTo(90, -1) },
    ])
  })
})

describe('a lease', () => {
  test('that is over sends nothing more, and what it did is done once more', async ({
    acme,
    endpoint,
  }) => {
    await changeRoles(acme, ['finance'])
    const old = await leaseChange(acme)
    await timePasses(acme)
    const fresh = await leaseChange(acme)
    const prepare = async ({ endpoint_id, member_id, fence }: Lease) =>
      (
        await asWorker(
          acme,
          (tx) =>
            tx`select usher.prepare_directory_change(${endpoint_id}, ${member_id}, ${fence}) as change`,
        )
      )[0]?.change
    const complete = async ({ endpoint_id, member_id, fence }: Lease, change: number) =>
      (
        await asWorker(
          acme,
          (tx) => tx`select usher.complete_directory_change(
            ${endpoint_id}, ${member_id}, ${fence}, ${change}, 'r', '{finance}') as done`,
        )
      )[0]?.done

    expect(await prepare(old)).toBe(null)
    const { change } = await prepare(fresh)
    expect(await complete(fresh, change)).toBe(true)
    expect(await leaseChanges(acme)).toEqual([])
    expect(await complete(old, change)).toBe(false)

    expect(await leaseChanges(acme)).toMatchObject([{ endpoint_id: endpoint }])
  })
})
