import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import {
  createEndpoint,
  ENDPOINT,
  endpointToken,
  updateEndpoint,
} from '../support/directory-endpoints.ts'
import { haveVault } from '../support/vault.ts'

describe('the token of an endpoint', () => {
  test('lies in Vault where the project has it, and goes from there as well', async ({ acme }) => {
    await haveVault(acme.sql)
    const inVault = async () =>
      (await acme.sql`select secret from vault.secrets`).map((row) => row.secret)
    const [one, two] = [await createEndpoint(acme), await createEndpoint(acme, { token: 'second' })]

    expect(await inVault()).toEqual([ENDPOINT.token, 'second'])
    expect(
      await acme.sql`select token from usher.directory_endpoint_tokens
      where endpoint_id = ${one.id}`,
    ).toMatchObject([{ token: null }])
    expect(await endpointToken(acme, one.id)).toBe(ENDPOINT.token)
    await updateEndpoint(acme, one.id, { token: 'third' })
    expect(await inVault()).toEqual(['second', 'third'])
    await acme.owner.rpc('delete_organisation_directory_endpoint', { endpoint_id: two.id })
    expect(await inVault()).toEqual(['third'])
    await acme.owner.rpc('delete_organisation', { organisation_id: acme.id })
    expect(await inVault()).toEqual([])
  })
})
