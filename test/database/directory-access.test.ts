import { describe, expect } from 'vitest'
import { onMember } from '../support/members.ts'
import { scimOf, test, userOf } from '../support/scim.ts'

const status = async (url: string, token: string | null) =>
  (await scimOf(url, token)('GET', '/Users')).status

describe('create_organisation_directory_token', () => {
  test('shows the token once; what is kept opens nothing', async ({ acme, scimUrl, tokenBy }) => {
    const token = await tokenBy(acme.admin, 'Entra ID')

    expect(token).toMatch(/^scim_[\w-]{43}$/)
    expect(await status(scimUrl, token)).toBe(200)
    const rows = await acme.admin.select('organisation_directory_tokens')
    expect(rows).toMatchObject([{ name: 'Entra ID', created_by: acme.admin.userId }])
    const [kept] = await acme.sql`select hash from usher.directory_token_hashes
      where token_id = ${rows[0]?.id}`
    expect(JSON.stringify([rows, kept?.hash.toString('utf8')])).not.toContain(token.slice(5))
  })

  test.for([
    [{ name: '' }, 'invalid_settings'],
    [{ name: 'two\nlines' }, 'invalid_settings'],
    [{ name: 'Okta', expires_in: '1 minute' }, 'invalid_expiry'],
    [{ name: 'Okta', expires_in: '11 years' }, 'invalid_expiry'],
  ] as const)('%j is refused with %s', async ([args, code], { acme }) => {
    await expect(
      acme.owner.rpc('create_organisation_directory_token', { organisation_id: acme.id, ...args }),
    ).rejects.toMatchObject({ code })
  })

  test('twenty are enough, also when two are made at once; one that is revoked makes room', async ({
    acme,
    tokenBy,
  }) => {
    for (let i = 0; i < 19; i += 1) await tokenBy(acme.owner, `Token ${i}`)
    const made = await Promise.allSettled([tokenBy(acme.owner, 'A'), tokenBy(acme.owner, 'B')])
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])

    await expect(tokenBy(acme.owner)).rejects.toMatchObject({ code: 'invalid_settings' })

    const [first] = await acme.owner.select('organisation_directory_tokens')
    await acme.owner.rpc('revoke_organisation_directory_token', { token_id: first?.id })
    expect(await tokenBy(acme.owner)).toMatch(/^scim_/)
  })
})

describe('a token', () => {
  test('several open the same directory, so that one can be replaced without a gap', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const [old, fresh] = [await tokenBy(acme.owner, 'Old'), await tokenBy(acme.owner, 'New')]
    const [row] = await acme.owner.select('organisation_directory_tokens', { name: 'Old' })

    expect(await Promise.all([status(scimUrl, old), status(scimUrl, fresh)])).toEqual([200, 200])
    await acme.admin.rpc('revoke_organisation_directory_token', { token_id: row?.id })

    expect(await Promise.all([status(scimUrl, old), status(scimUrl, fresh)])).toEqual([401, 200])
  })

  test('says when it was used last', async ({ acme, scimUrl, tokenBy }) => {
    const token = await tokenBy(acme.owner)
    const lastUsed = async () =>
      (await acme.owner.select('organisation_directory_tokens'))[0]?.last_used_at

    expect(await lastUsed()).toBe(null)
    await status(scimUrl, token)

    expect(await lastUsed()).toMatch(/^\d{4}-\d\d-\d\dT/)
  })

  test('says the same of an address that has an account elsewhere, and of one that has none', async ({
    acme,
    scim,
  }) => {
    const answers = []
    for (const email of [acme.outsider.email, 'nobody-at-all@example.com']) {
      const filter = new URLSearchParams({ filter: `userName eq "${email}"` })
      const found = await scim('GET', `/Users?${filter}`)
      const made = await scim('POST', '/Users', userOf(email))
      answers.push([found.body.totalResults, made.status, Object.keys(made.body).sort()])
    }

    expect(answers[0]).toEqual(answers[1])
  })

  test('making and revoking one is in the trail, without the token', async ({ acme, tokenBy }) => {
    const token = await tokenBy(acme.owner)
    const [row] = await acme.owner.select('organisation_directory_tokens')
    await acme.owner.rpc('revoke_organisation_directory_token', { token_id: row?.id })
    await acme.owner.rpc('revoke_organisation_directory_token', { token_id: row?.id })

    const all = await acme.owner.select('organisation_audit_events')
    const events = all.filter(({ event }) => event.includes('directory'))
    expect(events.map(({ event }) => event).sort()).toEqual([
      'directory.token_created',
      'directory.token_revoked',
    ])
    expect(JSON.stringify(events)).not.toContain(token.slice(5))
  })
})

describe('a token of a directory', () => {
  test('of somebody who may not read members reads no address', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'plumber',
      permissions: ['directory.manage'],
    })
    await acme.owner.rpc(
      'update_organisation_member_roles',
      onMember(acme, 'roleless', { roles: ['plumber'] }),
    )
    const scim = scimOf(scimUrl, await tokenBy(acme.roleless))

    for (const path of ['/Users', '/Groups']) {
      const { status, body } = await scim('GET', path)
      expect(status).toBe(403)
      expect(JSON.stringify(body)).not.toContain('@example.com')
    }
    const endpoint = { name: 'Mine', url: 'https://mine.example/scim', token: 'secret' }
    const creating = (who: 'owner' | 'roleless') =>
      acme[who].rpc('create_organisation_directory_endpoint', {
        organisation_id: acme.id,
        ...endpoint,
      })
    const refused = { code: 'permission_denied', details: 'member.read' }
    await expect(creating('roleless')).rejects.toMatchObject(refused)
    const { id } = await creating('owner')
    await expect(
      acme.roleless.rpc('update_organisation_directory_endpoint', {
        endpoint_id: id,
        changes: { url: 'https://other.example/scim', token: 'secret' },
      }),
    ).rejects.toMatchObject(refused)
  })
})
