import { describe, expect } from 'vitest'
import { createAcme, test } from '../support/acme.ts'
import { endpointOf, leaseChange, leaseChanges } from '../support/directory-changes.ts'
import { haveVault } from '../support/vault.ts'
import { asWorker } from '../support/worker.ts'

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
    const taken = await leaseChange(acme)
    const [row] = await asWorker(
      acme,
      (tx) => tx`select usher.prepare_directory_change(
        ${taken.endpoint_id}, ${taken.member_id}, ${taken.fence}) as change`,
    )
    expect(row?.change).toBe(null)
    expect(await endpointOf(acme, lost.id)).toMatchObject({ failures: 2 })
    expect(await leaseChanges(acme)).toEqual([])

    await acme.owner.rpc('update_organisation_directory_endpoint', {
      endpoint_id: lost.id,
      changes: { token: 'another' },
    })
    expect(await compare()).toMatchObject({ id: lost.id, token: 'another' })
    // What lies in Vault goes with it, while there is one.
    await acme.sql`delete from usher.directory_endpoint_tokens where endpoint_id in (${lost.id}, ${other.id})`
  })
})

describe('upkeep', () => {
  test('an endpoint whose token Vault cannot open keeps no other from being compared', async ({
    acme,
  }) => {
    await haveVault(acme.sql)
    const other = await createAcme(acme.sql)
    const endpoints: string[] = []
    for (const one of [acme, other]) {
      const endpoint = await one.owner.rpc('create_organisation_directory_endpoint', {
        ...{ organisation_id: one.id, name: 'App', url: 'https://app.example', token: 'secret' },
      })
      endpoints.push(endpoint.id)
    }
    await acme.sql.unsafe(`create or replace view vault.decrypted_secrets as
      select id, name, case when name like '%${endpoints[0]}' then (length(name) / (length(secret) - 6))::text
        else secret end as decrypted_secret from vault.secrets`)

    const [lease] = await asWorker(acme, (tx) => tx`select usher.lease_directory_reconcile() as e`)

    expect(lease?.e).toMatchObject({ id: endpoints[1], token: 'secret' })
    const [broken] = await acme.sql`select last_error from public.organisation_directory_endpoints
      where id = ${endpoints[0] ?? ''}`
    expect(broken?.last_error).toMatch(/Vault/)
  })
})

describe('Groups that are double', () => {
  const groups = (acme: { id: string }) => [
    { id: '3', display_name: 'member', external_id: null, members: [] },
    { id: '1', display_name: 'Member', external_id: null, members: [] },
    { id: '2', display_name: 'Staff', external_id: `${acme.id}:member`, members: [] },
    { id: '4', display_name: 'member', external_id: 'of somebody else', members: [] },
    { id: '5', display_name: 'finance', external_id: null, members: [] },
    { id: '6', display_name: 'finance', external_id: `${acme.id}:admin`, members: [] },
  ]

  test('are all but the one that we made, or the first; what somebody else has named is theirs', async ({
    acme,
  }) => {
    const { id } = await acme.owner.rpc('create_organisation_directory_endpoint', {
      organisation_id: acme.id,
      name: 'Desk',
      url: 'https://desk.example/scim',
      token: 'secret',
    })
    await acme.sql`update public.organisation_directory_endpoints set is_enabled = id = ${id}`
    const compare = () =>
      asWorker(acme, async (tx) => {
        const [taken] = await tx`select usher.lease_directory_reconcile() as found`
        const [row] = await tx`select usher.finish_directory_reconcile(${id}, ${taken?.found.fence},
          '{"patch": true}', '[]', ${tx.json(groups(acme))}) as drift`
        return row?.drift
      })
    const kept = async () =>
      Object.fromEntries(
        (
          await acme.sql`select role, remote_id from usher.directory_group_copies
          where endpoint_id = ${id} order by role`
        ).map(({ role, remote_id }) => [role, remote_id]),
      )

    const { doubles } = await compare()

    expect(await kept()).toEqual({ admin: '6', finance: '5', member: '2' })
    expect(doubles.map(({ group_id }: { group_id: string }) => group_id).sort()).toEqual(['1', '3'])
    // Whoever is writing to one at this moment is left to it.
    await asWorker(acme, (tx) => tx`select usher.lease_directory_group(${id}, 'member')`)
    await acme.sql`update public.organisation_directory_endpoints set reconcile_at = now() where id = ${id}`
    await acme.sql`update public.organisation_directory_copies set status = 'current' where endpoint_id = ${id}`
    expect((await compare()).doubles).toEqual([])
  })
})
