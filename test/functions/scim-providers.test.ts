/**
 * What identity providers send, in their order, as they document it and as their test tools ask.
 *
 * Sources: Okta, "SCIM 2.0 Protocol Reference" and its SCIM test suite; Microsoft, "Tutorial: Develop and plan
 * provisioning for a SCIM endpoint in Microsoft Entra ID" and the Entra SCIM Validator
 */
import { describe, expect } from 'vitest'
import { patchOf, type Scim, test } from '../support/scim.ts'

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

const search = async (scim: Scim, kind: 'Users' | 'Groups', filter: string, more = '') =>
  (await scim('GET', `/${kind}?filter=${encodeURIComponent(filter)}${more}`)).body

describe('Okta', () => {
  const okta = {
    schemas: [USER],
    userName: 'isaac.brock@acme.example',
    name: { givenName: 'Isaac', familyName: 'Brock' },
    emails: [{ primary: true, value: 'isaac.brock@acme.example', type: 'work' }],
    displayName: 'Isaac Brock',
    locale: 'en-US',
    externalId: '00ujl29u0le5T6Aj10h7',
    groups: [],
    password: '1mz050nq',
    active: true,
  }

  test('tests the connection, looks for the user, and creates them', async ({ scim }) => {
    expect((await scim('GET', '/Users?startIndex=1&count=2')).body).toMatchObject({
      startIndex: 1,
      itemsPerPage: 2,
    })
    expect((await scim('GET', '/Groups?startIndex=1&count=100')).status).toBe(200)
    const filter = `userName eq "${okta.userName}"`
    expect(await search(scim, 'Users', filter, '&startIndex=1&count=100')).toMatchObject({
      totalResults: 0,
      Resources: [],
    })

    const { status, body } = await scim('POST', '/Users', okta)

    expect(status).toBe(201)
    const { password: _, groups: __, ...kept } = okta
    expect(body).toMatchObject(kept)
    expect(body).not.toHaveProperty('password')
    expect((await search(scim, 'Users', filter)).Resources).toEqual([body])
    expect((await scim('POST', '/Users', okta)).status).toBe(409)
  })

  test('changes a profile by PUT, and turns them off and on by PATCH without a path', async ({
    scim,
  }) => {
    const { body: user } = await scim('POST', '/Users', okta)
    const put = await scim('PUT', `/Users/${user.id}`, {
      ...okta,
      id: user.id,
      name: { givenName: 'Another', familyName: 'Brock' },
      meta: user.meta,
    })
    expect([put.status, put.body.name.givenName]).toEqual([200, 'Another'])

    for (const active of [false, true]) {
      const { status, body } = await scim(
        'PATCH',
        `/Users/${user.id}`,
        patchOf({ op: 'replace', value: { active } }),
      )
      expect([status, body.active]).toEqual([200, active])
    }
  })

  test('pushes a group, changes who is in it, renames and deletes it', async ({ acme, scim }) => {
    const users = (await scim('GET', '/Users')).body.Resources
    const idOf = (email: string) =>
      users.find(({ userName }: { userName: string }) => userName === email).id
    const [one, two] = [idOf(acme.member.email), idOf(acme.roleless.email)]
    expect((await search(scim, 'Groups', 'displayName eq "Test SCIMv2"')).totalResults).toBe(0)

    const made = await scim('POST', '/Groups', {
      schemas: [GROUP],
      displayName: 'Test SCIMv2',
      members: [{ value: one, display: acme.member.email }],
    })
    expect(made.status).toBe(201)
    const at = `/Groups/${made.body.id}`
    const members = async () =>
      (await scim('GET', at)).body.members?.map(({ value }: { value: string }) => value) ?? []

    await scim(
      'PATCH',
      at,
      patchOf(
        { op: 'remove', path: `members[value eq "${one}"]` },
        { op: 'add', path: 'members', value: [{ value: two, display: acme.roleless.email }] },
      ),
    )
    expect(await members()).toEqual([two])
    const rename = { op: 'replace', value: { id: made.body.id, displayName: 'Renamed' } }
    expect((await scim('PATCH', at, patchOf(rename))).body.displayName).toBe('Renamed')
    await scim('PATCH', at, patchOf({ op: 'replace', path: 'members', value: [{ value: one }] }))
    expect(await members()).toEqual([one])
    expect((await scim('DELETE', at)).status).toBe(204)
  })
})

describe('Entra ID', () => {
  const entra = {
    schemas: [USER, ENTERPRISE],
    externalId: '0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef',
    userName: 'test_user_ab6490ee@acme.example',
    active: true,
    addresses: [
      { primary: true, type: 'work', locality: 'Berlin', formatted: 'Somewhere 1', country: 'DE' },
    ],
    displayName: 'lennay',
    emails: [{ type: 'work', value: 'test_user_ab6490ee@acme.example', primary: true }],
    meta: { resourceType: 'User' },
    name: { formatted: 'givenName familyName', familyName: 'familyName', givenName: 'givenName' },
    phoneNumbers: [{ primary: true, type: 'work', value: '555-0100' }],
    preferredLanguage: 'de',
    title: 'title',
    roles: [],
    [ENTERPRISE]: { department: 'bob', employeeNumber: '42' },
  }

  test('tests the connection with a user that cannot be there', async ({ scim }) => {
    const random = 'userName eq "8b2e3f2c-0b5a-4ab1-9f4c-6a2f0b1c7d3e"'

    expect(await search(scim, 'Users', random, '&aadOptscim062020')).toMatchObject({
      totalResults: 0,
      Resources: [],
      startIndex: 1,
    })
  })

  test('creates a user with the default mapping, and finds them again', async ({ scim }) => {
    const { status, body } = await scim('POST', '/Users', entra)

    expect(status).toBe(201)
    const { roles: _, meta: __, ...kept } = entra
    expect(body).toMatchObject(kept)
    for (const filter of [
      `externalId eq "${entra.externalId}"`,
      `userName eq "${entra.userName.toUpperCase()}"`,
      `emails[type eq "work"].value eq "${entra.userName}"`,
    ]) {
      expect((await search(scim, 'Users', filter)).Resources).toEqual([body])
    }
  })

  test('changes attributes with capital letters, texts for booleans, and values that are not there', async ({
    scim,
  }) => {
    const { body: user } = await scim('POST', '/Users', { ...entra, phoneNumbers: undefined })

    const { status, body } = await scim(
      'PATCH',
      `/Users/${user.id}`,
      patchOf(
        { op: 'Replace', path: 'emails[type eq "work"].value', value: 'updated@acme.example' },
        { op: 'Replace', path: 'emails[type eq "work"].primary', value: 'True' },
        { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '555-0199' },
        { op: 'Replace', path: 'name.familyName', value: 'updatedFamilyName' },
        { op: 'Add', path: `${ENTERPRISE}:manager`, value: 'a-manager' },
        { op: 'Replace', path: `${ENTERPRISE}:department`, value: 'sales' },
        { op: 'Replace', value: { 'name.givenName': 'Newly', preferredLanguage: 'en' } },
        { op: 'Remove', path: 'title' },
      ),
    )

    expect(status).toBe(200)
    expect(body).toMatchObject({
      emails: [{ value: 'updated@acme.example', primary: true }],
      phoneNumbers: [{ type: 'mobile', value: '555-0199' }],
      name: { familyName: 'updatedFamilyName', givenName: 'Newly' },
      [ENTERPRISE]: { manager: { value: 'a-manager' }, department: 'sales', employeeNumber: '42' },
      preferredLanguage: 'en',
    })
    expect(body).not.toHaveProperty('title')
  })

  test('disables a user with a text, and still finds them, disabled', async ({ scim }) => {
    const { body: user } = await scim('POST', '/Users', entra)

    const disable = patchOf({ op: 'Replace', path: 'active', value: 'False' })
    expect((await scim('PATCH', `/Users/${user.id}`, disable)).body.active).toBe(false)

    const { Resources } = await search(scim, 'Users', `userName eq "${entra.userName}"`)
    expect(Resources).toMatchObject([{ id: user.id, active: false }])
    const enable = patchOf({ op: 'Replace', value: { active: 'True' } })
    expect((await scim('PATCH', `/Users/${user.id}`, enable)).body.active).toBe(true)
  })

  test('keeps a group: creates, adds one by one, removes by value, deletes', async ({
    acme,
    scim,
  }) => {
    const users = (await scim('GET', '/Users')).body.Resources
    const [one, two] = users
      .filter(({ userName }: { userName: string }) => userName !== acme.owner.email)
      .map(({ id }: { id: string }) => id)
    const made = await scim('POST', '/Groups', {
      schemas: [GROUP, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
      externalId: '8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159',
      displayName: 'displayName',
      meta: { resourceType: 'Group' },
      members: [],
    })
    expect([made.status, made.body.externalId]).toEqual([
      201,
      '8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159',
    ])
    const at = `/Groups/${made.body.id}`
    const found = await search(
      scim,
      'Groups',
      'displayName eq "displayName"',
      '&excludedAttributes=members',
    )
    expect(found.Resources).toMatchObject([{ id: made.body.id }])

    const change = (op: string, value: string) =>
      scim('PATCH', at, patchOf({ op, path: 'members', value: [{ $ref: null, value }] }))
    expect((await change('Add', one)).status).toBe(200)
    await change('Add', two)
    expect(
      (await search(scim, 'Groups', `id eq "${made.body.id}" and members eq "${one}"`))
        .totalResults,
    ).toBe(1)
    expect((await change('Remove', one)).body.members).toMatchObject([{ value: two }])
    const rename = { op: 'Replace', path: 'displayName', value: '1879db59' }
    expect((await scim('PATCH', at, patchOf(rename))).body.displayName).toBe('1879db59')
    expect((await scim('DELETE', at)).status).toBe(204)
  })
})

describe('Keycloak', () => {
  test('sends a user of its SCIM client, with what it leaves out', async ({ scim }) => {
    const { status, body } = await scim('POST', '/Users', {
      schemas: [USER],
      externalId: '6b4bd1a8-55a3-4b2a-8b94-ffa2f9e1d4a5',
      userName: 'kc-user',
      name: { givenName: 'K', familyName: 'C' },
      active: true,
      emails: [{ value: 'kc-user@acme.example' }],
    })
    const { body: group } = await scim('POST', '/Groups', {
      schemas: [GROUP],
      externalId: 'f1',
      displayName: 'kc group',
      members: [{ value: body.id, $ref: `Users/${body.id}`, type: 'User' }],
    })

    expect([status, body.userName]).toEqual([201, 'kc-user'])
    expect(group.members).toMatchObject([{ value: body.id }])
  })
})
