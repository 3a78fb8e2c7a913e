import { describe, expect } from 'vitest'
import { test as base, type Organisation } from '../support/acme.ts'
import { haveVault } from '../support/vault.ts'
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
  const allWait = (acme: Organisation, endpoint: string) =>
    acme.sql`update public.organisation_directory_copies set status = 'waiting'
      where endpoint_id = ${endpoint}`

  test('gives each copy to one of many workers', async ({ acme, endpoint }) => {
    await allWait(acme, endpoint)

    const taken: string[] = []
    for (let round = 0; round < 5; round += 1) {
      const batches = await Promise.all(Array.from({ length: 5 }, () => lease(acme, 2)))
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

    const [first, ...others] = await lease(acme)
    expect(others).toHaveLength(1)
    expect(await lease(acme)).toEqual([])
    if (!first) throw new Error('Nothing was due')
    await fail(acme, first, 'temporary')
    expect(await lease(acme)).toHaveLength(1)

    await timePasses(acme)
    await acme.sql`update public.organisation_directory_endpoints set failures = 1 where id = ${endpoint}`
    expect(await lease(acme)).toHaveLength(1)
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

describe('a token that Vault has lost', () => {
  test('opens nothing: the endpoint says so, and is left alone until it is given anew', async ({
    acme,
  }) => {
    await haveVault(acme.sql)
    const draft = { name: 'Desk', url: 'https://desk.example/scim', token: 'secret' }
    const make = () =>
      acme.owner.rpc('create_organisation_directory_endpoint', {
        organisation_id: acme.id,
        ...draft,
      })
    const [lost, other] = [await make(), await make()]
    await acme.sql`update public.organisation_directory_endpoints
      set is_enabled = id in (${lost.id}, ${other.id})`
    await acme.sql`delete from vault.secrets s using usher.directory_endpoint_tokens t
      where t.vault_secret_id = s.id and t.endpoint_id = ${lost.id}`
    const compare = async () =>
      (await asWorker(acme, (tx) => tx`select usher.lease_directory_reconcile() as found`))[0]
        ?.found

    expect(await compare()).toMatchObject({ id: other.id, token: 'secret' })
    expect(await compare()).toBe(null)
    expect(await endpointOf(acme, lost.id)).toMatchObject({
      failures: 1,
      last_error: expect.stringContaining('not in Vault'),
    })

    await acme.sql`update public.organisation_directory_endpoints
      set is_enabled = id = ${lost.id}, retry_at = null, reconciled_at = now(), reconcile_at = 'infinity',
        features = '{"patch": true}' where organisation_id = ${acme.id}`
    const taken = await leaseOne(acme)
    const [row] = await asWorker(
      acme,
      (tx) => tx`select usher.prepare_directory_change(
        ${taken.endpoint_id}, ${taken.member_id}, ${taken.fence}) as change`,
    )
    expect(row?.change).toBe(null)
    expect(await endpointOf(acme, lost.id)).toMatchObject({ failures: 2 })
    expect(await lease(acme)).toEqual([])

    await acme.owner.rpc('update_organisation_directory_endpoint', {
      endpoint_id: lost.id,
      changes: { token: 'another' },
    })
    expect(await compare()).toMatchObject({ id: lost.id, token: 'another' })
    // What lies in Vault goes with it, while there is one.
    await acme.sql`delete from usher.directory_endpoint_tokens where endpoint_id in (${lost.id}, ${other.id})`
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
