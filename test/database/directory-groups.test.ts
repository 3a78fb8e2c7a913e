import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { endpointOf, test } from '../support/directory-changes.ts'
import { asWorker } from '../support/worker.ts'

interface Group {
  fence: string
  remote_id: string | null
  external_id: string
}

async function lease(acme: Organisation, endpoint: string, role = 'member'): Promise<Group | null> {
  const [row] = await asWorker(
    acme,
    (tx) => tx<{ group: Group | null }[]>`
      select usher.lease_directory_group(${endpoint}, ${role}) as group`,
  )
  return row?.group ?? null
}

async function release(
  acme: Organisation,
  endpoint: string,
  fence: string,
  remoteId: string | null,
) {
  const [row] = await asWorker(
    acme,
    (tx) => tx<{ done: boolean }[]>`
      select usher.release_directory_group(${endpoint}, 'member', ${fence}, ${remoteId}) as done`,
  )
  return row?.done
}

describe('the Group of a role at an endpoint', () => {
  test('is given to one of many workers', async ({ acme, endpoint }) => {
    const all = await Promise.all(Array.from({ length: 5 }, () => lease(acme, endpoint)))

    expect(all.filter(Boolean)).toMatchObject([
      { remote_id: null, external_id: `${acme.id}:member` },
    ])
    // Others are others' to change meanwhile.
    expect(await lease(acme, endpoint, 'finance')).toMatchObject({ remote_id: null })
  })

  test('is known to whoever has it next', async ({ acme, endpoint }) => {
    const first = await lease(acme, endpoint)

    expect(await release(acme, endpoint, first?.fence ?? '', 'remote-1')).toBe(true)

    expect(await lease(acme, endpoint)).toMatchObject({ remote_id: 'remote-1' })
  })

  test('is taken from a worker that has died over it; if it was only asleep, all is compared', async ({
    acme,
    endpoint,
  }) => {
    const asleep = await lease(acme, endpoint)
    await acme.sql`update usher.directory_group_copies set leased_until = now() where endpoint_id = ${endpoint}`
    const next = await lease(acme, endpoint)
    expect(next).toMatchObject({ remote_id: null })

    expect(await release(acme, endpoint, asleep?.fence ?? '', 'double')).toBe(false)

    const { reconcile_at } = (await endpointOf(acme, endpoint)) ?? {}
    expect(new Date(reconcile_at).getTime()).toBeLessThanOrEqual(Date.now() + 1_000)
    expect(await release(acme, endpoint, next?.fence ?? '', 'remote-2')).toBe(true)
    expect(await lease(acme, endpoint)).toMatchObject({ remote_id: 'remote-2' })
  })

  test("of an endpoint that is gone is nobody's", async ({ acme, endpoint }) => {
    await acme.owner.rpc('delete_organisation_directory_endpoint', { endpoint_id: endpoint })

    expect(await lease(acme, endpoint)).toBe(null)
  })
})
