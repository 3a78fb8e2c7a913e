import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import {
  createEndpoint,
  ENDPOINT,
  endpointToken,
  updateEndpoint,
} from '../support/directory-endpoints.ts'

describe('create_organisation_directory_endpoint', () => {
  test('marks every member, and shows the token to nobody', async ({ acme }) => {
    const endpoint = await createEndpoint(acme, { url: ' https://tickets.example/scim/v2/ ' })

    expect(endpoint).toMatchObject({ name: 'Tickets', url: ENDPOINT.url, is_enabled: true })
    expect(await endpointToken(acme, endpoint.id)).toBe(ENDPOINT.token)
    const copies = await acme.owner.select('organisation_directory_copies')
    expect(copies).toHaveLength(5)
    const seen = [
      endpoint,
      await acme.owner.select('organisation_directory_endpoints'),
      await acme.owner.select('organisation_audit_events'),
    ]
    expect(JSON.stringify(seen)).not.toContain(ENDPOINT.token)
  })

  test.for([
    [{ name: ' ' }],
    [{ url: 'ftp://tickets.example/scim' }],
    [{ url: 'https://user:password@tickets.example/scim' }],
    [{ url: 'https://tickets.example/scim?token=1' }],
    [{ url: 'tickets.example' }],
    [{ token: '' }],
    [{ token: 'two words' }],
    [{ token: 'line\r\nbreak' }],
  ])('%j is refused', async ([draft], { acme }) => {
    await expect(createEndpoint(acme, draft)).rejects.toMatchObject({ code: 'invalid_settings' })
  })

  test('ten are enough, also when two are made at once', async ({ acme }) => {
    for (let i = 0; i < 9; i += 1) await createEndpoint(acme)

    const made = await Promise.allSettled([createEndpoint(acme), createEndpoint(acme)])

    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(createEndpoint(acme)).rejects.toMatchObject({ code: 'invalid_settings' })
  })
})

describe('update_organisation_directory_endpoint', () => {
  test('changes what is given, and tries again at once', async ({ acme }) => {
    const { id } = await createEndpoint(acme)
    await acme.sql`update public.organisation_directory_endpoints
      set failures = 5, last_error = 'No', retry_at = now() + interval '1 hour' where id = ${id}`

    const changed = await updateEndpoint(acme, id, { token: 'another', name: 'Desk' })

    expect(changed).toMatchObject({ name: 'Desk', url: ENDPOINT.url, failures: 0, retry_at: null })
    expect(changed.last_error).toBe(null)
    expect(await endpointToken(acme, id)).toBe('another')
  })

  test('at another address starts from nothing', async ({ acme }) => {
    const { id } = await createEndpoint(acme)
    await acme.sql`update public.organisation_directory_copies
      set remote_id = 'r', status = 'current' where endpoint_id = ${id}`
    await acme.sql`update public.organisation_directory_endpoints set reconciled_at = now()`

    expect(
      await updateEndpoint(acme, id, { url: 'https://desk.example/scim', token: 'secret-of-desk' }),
    ).toMatchObject({ reconciled_at: null })

    const copies = await acme.owner.select('organisation_directory_copies')
    expect(copies).toHaveLength(5)
    for (const copy of copies) expect(copy).toMatchObject({ remote_id: null, status: 'waiting' })
  })

  test.for([
    [{ nonsense: 1 }],
    [{ is_enabled: 'yes' }],
    [{ name: null }],
    [{ url: null }],
    [{ token: null }],
    [[]],
    [null],
  ])('%j is refused, and changes nothing', async ([changes], { acme }) => {
    const { id } = await createEndpoint(acme)

    await expect(
      acme.owner.run(
        (tx) =>
          tx`select public.update_organisation_directory_endpoint(${id}, ${tx.json(changes as never)})`,
      ),
    ).rejects.toMatchObject({ code: 'invalid_settings' })
    expect(await endpointToken(acme, id)).toBe(ENDPOINT.token)
  })

  test('says of a name that it is the name', async ({ acme }) => {
    const { id } = await createEndpoint(acme)

    const said = { hint: expect.stringContaining('a name') }
    await expect(updateEndpoint(acme, id, { name: ' ' })).rejects.toMatchObject(said)
    await expect(createEndpoint(acme, { name: ' ' })).rejects.toMatchObject(said)
  })
})

describe('reconcile_organisation_directory_endpoint', () => {
  test('is refused for one that is turned off', async ({ acme }) => {
    const { id } = await createEndpoint(acme)
    await updateEndpoint(acme, id, { is_enabled: false })

    await expect(
      acme.admin.rpc('reconcile_organisation_directory_endpoint', { endpoint_id: id }),
    ).rejects.toMatchObject({ code: 'invalid_settings' })
  })
})
