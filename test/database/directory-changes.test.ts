import { describe, expect } from 'vitest'
import { test as base, type Organisation } from '../support/acme.ts'
import { asWorker } from '../support/worker.ts'

interface Lease {
  endpoint_id: string
  member_id: string
  fence: string
  attempts: number
}

/** `endpoint`: one that has been compared, and where all is as it should be. */
const test = base.extend('endpoint', async ({ acme }): Promise<string> => {
  const { id } = await acme.owner.rpc('create_organisation_directory_endpoint', {
    organisation_id: acme.id,
    name: 'Tickets',
    url: 'https://tickets.example/scim',
    token: 'secret',
  })
  await acme.sql`update public.organisation_directory_endpoints set is_enabled = id = ${id},
    reconciled_at = now(), reconcile_at = 'infinity', features = '{"patch": true}'`
  await acme.sql`update public.organisation_directory_copies set status = 'current'`
  return id
})

const lease = (acme: Organisation, size = 50) =>
  asWorker(acme, (tx) => tx<Lease[]>`select * from usher.lease_directory_changes(${size})`)
const fail = (acme: Organisation, taken: Lease, failure: string, after: number | null = null) =>
  asWorker(
    acme,
    (tx) => tx`select usher.fail_directory_change(
      ${taken.endpoint_id}, ${taken.member_id}, ${taken.fence}, ${failure}, 'No', ${after}) as status`,
  )
const endpointOf = async (acme: Organisation, id: string) =>
  (await acme.sql`select * from public.organisation_directory_endpoints where id = ${id}`)[0]
const changeRoles = (acme: Organisation, roles: string[]) =>
  acme.owner.rpc('update_organisation_member_roles', {
    organisation_id: acme.id,
    user_id: acme.member.userId,
    roles,
  })
async function leaseOne(acme: Organisation): Promise<Lease> {
  const [taken] = await lease(acme, 1)
  if (!taken) throw new Error('Nothing was due')
  return taken
}
const timePasses = (acme: Organisation) =>
  acme.sql`update public.organisation_directory_copies
    set due_at = now() - interval '1 second', leased_until = null`

describe('a change of a member', () => {
  test('is marked with the change itself, or not at all', async ({ acme, endpoint }) => {
    await acme.owner
      .run(async (tx) => {
        await tx`select public.update_organisation_member_roles(
          ${acme.id}, ${acme.member.userId}, '{finance}')`
        throw new Error('undo')
      })
      .catch(() => {})
    expect(await lease(acme)).toEqual([])

    await changeRoles(acme, ['finance'])
    expect(await lease(acme)).toMatchObject([{ endpoint_id: endpoint, attempts: 1 }])
  })

  test('of nothing that is told marks nothing', async ({ acme, endpoint }) => {
    await acme.sql`update public.organisation_members set status_reason = 'x'
      where organisation_id = ${acme.id}`
    await acme.sql`update auth.users set updated_at = now()`

    expect(await lease(acme)).toEqual([])
    expect(endpoint).toBeTruthy()
  })

  test('who is a device is told to nobody', async ({ acme, endpoint }) => {
    const { code } = await acme.owner.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Door',
      roles: ['member'],
    })
    await acme.stranger.rpc('enrol_organisation_device', { code })

    for (const taken of await lease(acme)) {
      const [row] = await asWorker(
        acme,
        (tx) => tx`select usher.prepare_directory_change(
          ${taken.endpoint_id}, ${taken.member_id}, ${taken.fence}) as change`,
      )
      expect(row?.change).toMatchObject({ user: null, remote_id: null })
    }
    expect(endpoint).toBeTruthy()
  })
})

describe('lease_directory_changes', () => {
  test('gives each copy to one of many workers', async ({ acme, endpoint }) => {
    await acme.sql`update public.organisation_directory_copies set status = 'waiting'
      where endpoint_id = ${endpoint}`

    const batches = await Promise.all(Array.from({ length: 5 }, () => lease(acme, 2)))

    const ids = batches.flat().map(({ member_id }) => member_id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(await lease(acme)).toHaveLength(5 - ids.length)
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

    expect(await lease(acme)).toEqual([])
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
      const taken = await leaseOne(acme)
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
    await fail(acme, await leaseOne(acme), 'endpoint', 600)

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
      const [row] = await fail(acme, await leaseOne(acme), 'temporary')
      statuses.push(row?.status)
      await timePasses(acme)
    }
    expect(statuses).toEqual([...Array(11).fill('waiting'), 'failed'])
    expect(await lease(acme)).toEqual([])

    await changeRoles(acme, ['member'])
    const taken = await leaseOne(acme)
    expect(taken).toMatchObject({ endpoint_id: endpoint, attempts: 1 })
    expect(await fail(acme, taken, 'permanent')).toMatchObject([{ status: 'failed' }])
  })
})

describe('a lease', () => {
  test('that is over sends nothing more, and what it did is done once more', async ({
    acme,
    endpoint,
  }) => {
    await changeRoles(acme, ['finance'])
    const old = await leaseOne(acme)
    await timePasses(acme)
    const fresh = await leaseOne(acme)
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
    expect(await lease(acme)).toEqual([])
    expect(await complete(old, change)).toBe(false)

    expect(await lease(acme)).toMatchObject([{ endpoint_id: endpoint }])
  })
})
