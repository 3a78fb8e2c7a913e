import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { haveVault } from '../support/vault.ts'

const DRAFT = {
  name: 'Tickets',
  url: 'https://tickets.example/scim/v2',
  token: 'secret-of-tickets',
}

const create = (acme: Organisation, draft: object = {}) =>
  acme.owner.rpc('create_organisation_directory_endpoint', {
    organisation_id: acme.id,
    ...DRAFT,
    ...draft,
  })
const update = (acme: Organisation, endpointId: string, changes: object) =>
  acme.owner.rpc('update_organisation_directory_endpoint', { endpoint_id: endpointId, changes })
const tokenOf = async (acme: Organisation, id: string) =>
  (await acme.sql`select usher.endpoint_token(${id}) as token`)[0]?.token

describe('create_organisation_directory_endpoint', () => {
  test('marks every member, and shows the token to nobody', async ({ acme }) => {
    const endpoint = await create(acme, { url: ' https://tickets.example/scim/v2/ ' })

    expect(endpoint).toMatchObject({ name: 'Tickets', url: DRAFT.url, is_enabled: true })
    expect(await tokenOf(acme, endpoint.id)).toBe(DRAFT.token)
    const copies = await acme.owner.select('organisation_directory_copies')
    expect(copies).toHaveLength(5)
    const seen = [
      endpoint,
      await acme.owner.select('organisation_directory_endpoints'),
      await acme.owner.select('organisation_audit_events'),
    ]
    expect(JSON.stringify(seen)).not.toContain(DRAFT.token)
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
    await expect(create(acme, draft)).rejects.toMatchObject({ code: 'invalid_settings' })
  })

  test('ten are enough, also when two are made at once', async ({ acme }) => {
    for (let i = 0; i < 9; i += 1) await create(acme)

    const made = await Promise.allSettled([create(acme), create(acme)])

    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(create(acme)).rejects.toMatchObject({ code: 'invalid_settings' })
  })
})

describe('update_organisation_directory_endpoint', () => {
  test('changes what is given, and tries again at once', async ({ acme }) => {
    const { id } = await create(acme)
    await acme.sql`update public.organisation_directory_endpoints
      set failures = 5, last_error = 'No', retry_at = now() + interval '1 hour' where id = ${id}`

    const changed = await update(acme, id, { token: 'another', name: 'Desk' })

    expect(changed).toMatchObject({ name: 'Desk', url: DRAFT.url, failures: 0, retry_at: null })
    expect(changed.last_error).toBe(null)
    expect(await tokenOf(acme, id)).toBe('another')
  })

  test('at another address starts from nothing', async ({ acme }) => {
    const { id } = await create(acme)
    await acme.sql`update public.organisation_directory_copies
      set remote_id = 'r', status = 'current' where endpoint_id = ${id}`
    await acme.sql`update public.organisation_directory_endpoints set reconciled_at = now()`

    expect(
      await update(acme, id, { url: 'https://desk.example/scim', token: 'secret-of-desk' }),
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
    const { id } = await create(acme)

    await expect(
      acme.owner.run(
        (tx) =>
          tx`select public.update_organisation_directory_endpoint(${id}, ${tx.json(changes as never)})`,
      ),
    ).rejects.toMatchObject({ code: 'invalid_settings' })
    expect(await tokenOf(acme, id)).toBe(DRAFT.token)
  })

  test('says of a name that it is the name', async ({ acme }) => {
    const { id } = await create(acme)

    const said = { hint: expect.stringContaining('a name') }
    await expect(update(acme, id, { name: ' ' })).rejects.toMatchObject(said)
    await expect(create(acme, { name: ' ' })).rejects.toMatchObject(said)
  })
})

describe('reconcile_organisation_directory_endpoint', () => {
  test('is refused for one that is turned off', async ({ acme }) => {
    const { id } = await create(acme)
    await update(acme, id, { is_enabled: false })

    await expect(
      acme.admin.rpc('reconcile_organisation_directory_endpoint', { endpoint_id: id }),
    ).rejects.toMatchObject({ code: 'invalid_settings' })
  })
})

describe('the token of an endpoint', () => {
  test('lies in Vault where the project has it, and goes from there as well', async ({ acme }) => {
    await haveVault(acme.sql)
    const inVault = async () =>
      (await acme.sql`select secret from vault.secrets`).map((row) => row.secret)
    const [one, two] = [await create(acme), await create(acme, { token: 'second' })]

    expect(await inVault()).toEqual([DRAFT.token, 'second'])
    expect(
      await acme.sql`select token from usher.directory_endpoint_tokens
      where endpoint_id = ${one.id}`,
    ).toMatchObject([{ token: null }])
    expect(await tokenOf(acme, one.id)).toBe(DRAFT.token)
    await update(acme, one.id, { token: 'third' })
    expect(await inVault()).toEqual(['second', 'third'])
    await acme.owner.rpc('delete_organisation_directory_endpoint', { endpoint_id: two.id })
    expect(await inVault()).toEqual(['third'])
    await acme.owner.rpc('delete_organisation', { organisation_id: acme.id })
    expect(await inVault()).toEqual([])
  })
})
