/** The SCIM function over HTTP: the protocol, request by request, as RFC 7644 has it. */
import { describe, expect } from 'vitest'
import { patchOf, SCIM_URL, scimOf, test, userOf } from '../support/scim.ts'

const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error'
const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

const query = (parameters: Record<string, string>) => `?${new URLSearchParams(parameters)}`
const NOBODY = '/Users/00000000-0000-4000-8000-0000000000ff'
const BABS = userOf('bjensen@example.com', {
  externalId: 'bjensen',
  displayName: 'Babs Jensen',
  name: { formatted: 'Ms. Barbara J Jensen III', familyName: 'Jensen', givenName: 'Barbara' },
  title: 'Tour Guide',
  [ENTERPRISE]: { employeeNumber: '701984', department: 'Tour Operations' },
})

describe('discovery', () => {
  test('says what is supported, without a token', async ({ scimUrl }) => {
    const { status, headers, body } = await scimOf(scimUrl, null)('GET', '/ServiceProviderConfig')

    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('application/scim+json')
    expect(body).toMatchObject({
      patch: { supported: true },
      bulk: { supported: false },
      filter: { supported: true },
      etag: { supported: true },
      authenticationSchemes: [{ type: 'oauthbearertoken' }],
    })
  })

  test('lists the resource types, each with its schemas, all of which are there', async ({
    scim,
  }) => {
    const { body } = await scim('GET', '/ResourceTypes')
    const ids = body.Resources.flatMap(
      ({ schema, schemaExtensions = [] }: { schema: string; schemaExtensions?: object[] }) => [
        schema,
        ...schemaExtensions.map((one) => (one as { schema: string }).schema),
      ],
    )

    expect(body.Resources.map(({ endpoint }: { endpoint: string }) => endpoint)).toEqual([
      '/Users',
      '/Groups',
    ])
    for (const id of ids) expect((await scim('GET', `/Schemas/${id}`)).body.id).toBe(id)
    expect((await scim('GET', '/ResourceTypes/User')).body.name).toBe('User')
    expect((await scim('GET', '/Schemas/urn:none')).status).toBe(404)
  })

  test('names no attribute that is not kept, such as a password', async ({ scim }) => {
    const { body } = await scim('GET', '/Schemas/urn:ietf:params:scim:schemas:core:2.0:User')
    const names = body.attributes.map(({ name }: { name: string }) => name)

    expect(names).toEqual(expect.arrayContaining(['userName', 'name', 'emails', 'active']))
    for (const name of ['password', 'roles', 'entitlements']) expect(names).not.toContain(name)
  })
})

describe('a User', () => {
  test('is created, with Location and a version, and comes back as it was given', async ({
    scim,
  }) => {
    const { status, headers, body } = await scim('POST', '/Users', BABS)

    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`${SCIM_URL}/Users/${body.id}`)
    expect(headers.get('etag')).toBe(body.meta.version)
    const { schemas, ...given } = BABS as Record<string, unknown>
    expect(body).toMatchObject({
      ...given,
      schemas: [...(schemas as string[]), ENTERPRISE],
      meta: { resourceType: 'User', location: `${SCIM_URL}/Users/${body.id}` },
    })
    expect((await scim('GET', `/Users/${body.id}`)).body).toEqual(body)
  })

  test('is created once: a second one of the name or address is a conflict', async ({ scim }) => {
    await scim('POST', '/Users', BABS)

    for (const again of [BABS, { ...BABS, userName: 'other' }, { ...BABS, emails: [] }]) {
      const { status, body } = await scim('POST', '/Users', again)
      expect([status, body.scimType, body.schemas]).toEqual([409, 'uniqueness', [ERROR]])
    }
  })

  test('may have attributes that are null, as if they were left out', async ({ scim }) => {
    const { status, body } = await scim('POST', '/Users', {
      ...BABS,
      title: null,
      addresses: null,
      name: { givenName: 'Barbara', middleName: null },
    })

    expect([status, body.name]).toEqual([201, { givenName: 'Barbara' }])
    for (const name of ['title', 'addresses']) expect(body).not.toHaveProperty(name)
  })

  test('is replaced by PUT: what is left out goes, but for active', async ({ scim }) => {
    const { body: user } = await scim('POST', '/Users', BABS)

    const { status, body } = await scim('PUT', `/Users/${user.id}`, {
      schemas: BABS.schemas,
      userName: 'bjensen@example.com',
      displayName: 'Barbara',
    })

    expect(status).toBe(200)
    expect(body).toMatchObject({ displayName: 'Barbara', active: true })
    for (const name of ['title', 'name', 'externalId', ENTERPRISE]) {
      expect(body).not.toHaveProperty([name])
    }
  })

  test.for([
    ['add', { op: 'add', path: 'nickName', value: 'Babs' }, { nickName: 'Babs' }],
    ['add without a path', { op: 'add', value: { nickName: 'Babs' } }, { nickName: 'Babs' }],
    ['replace', { op: 'replace', path: 'title', value: 'Guide' }, { title: 'Guide' }],
    [
      'replace a part',
      { op: 'replace', path: 'name.familyName', value: 'Smith' },
      { name: { familyName: 'Smith', givenName: 'Barbara' } },
    ],
    [
      'replace by paths as names',
      { op: 'replace', value: { 'name.givenName': 'Babs', title: 'Guide' } },
      { name: { givenName: 'Babs' }, title: 'Guide' },
    ],
    ['null', { op: 'replace', path: 'title', value: null }, { title: null }],
    [
      'null by name',
      { op: 'replace', value: { title: null, nickName: 'B' } },
      { title: null, nickName: 'B' },
    ],
    ['remove', { op: 'remove', path: 'title' }, { title: null }],
    [
      'the extension',
      { op: 'replace', path: `${ENTERPRISE}:department`, value: 'Sales' },
      { [ENTERPRISE]: { department: 'Sales', employeeNumber: '701984' } },
    ],
    [
      'one of several values',
      { op: 'replace', path: 'emails[type eq "work"].display', value: 'Work' },
      { emails: [{ value: 'bjensen@example.com', display: 'Work' }] },
    ],
    [
      'a value that is not there yet (Entra ID)',
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '555' },
      { phoneNumbers: [{ type: 'mobile', value: '555' }] },
    ],
    ['a capital letter (Entra ID)', { op: 'Replace', path: 'title', value: 'X' }, { title: 'X' }],
    [
      'a boolean as text (Entra ID)',
      { op: 'Replace', path: 'active', value: 'False' },
      { active: false },
    ],
    [
      'a bare manager (Entra ID)',
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: '26118915' },
      { [ENTERPRISE]: { manager: { value: '26118915' } } },
    ],
    ['no path and an id (Okta)', { op: 'replace', value: { active: false } }, { active: false }],
  ] as const)('PATCH: %s', async ([, operation, expected], { scim }) => {
    const { body: user } = await scim('POST', '/Users', BABS)

    const { status, body } = await scim('PATCH', `/Users/${user.id}`, patchOf(operation))

    expect([status, { title: null, ...body }]).toMatchObject([200, expected])
    expect((await scim('GET', `/Users/${user.id}`)).body).toEqual(body)
  })

  test('PATCH of several operations holds all of them, or none', async ({ scim }) => {
    const { body: user } = await scim('POST', '/Users', BABS)
    const good = { op: 'replace', path: 'title', value: 'Guide' }

    const { status } = await scim(
      'PATCH',
      `/Users/${user.id}`,
      patchOf(good, { op: 'replace', path: 'active', value: 'maybe' }),
    )

    expect(status).toBe(400)
    expect((await scim('GET', `/Users/${user.id}`)).body.title).toBe('Tour Guide')
  })

  test.for([
    [
      'a path that takes long to read',
      { op: 'replace', path: 'a.'.repeat(500_000), value: 'x' },
      'invalidPath',
    ],
    [
      'a name that does, without a path',
      { op: 'add', value: { ['a.'.repeat(500_000)]: 'x' } },
      'invalidPath',
    ],
    [
      'a path whose filter names what is not there',
      { op: 'replace', path: `emails[${bomb(8)}].value`, value: 'x' },
      'invalidFilter',
    ],
    [
      'a name whose filter does so, without a path',
      { op: 'add', value: { [`emails[${bomb(8)}].value`]: 'x' } },
      'invalidFilter',
    ],
    [
      'many long paths',
      ...[[...Array(100)].map(() => ({ op: 'add', path: 'a'.repeat(1_000), value: 'x' }))],
      'invalidPath',
    ],
    [
      'more operations than are carried out',
      ...[[...Array(101)].map(() => ({ op: 'replace', path: 'title', value: 'x' }))],
      'tooMany',
    ],
  ] as [string, object | object[], string][])(
    'PATCH is refused at once for %s',
    async ([, operations, scimType], { scim }) => {
      const { body: user } = await scim('POST', '/Users', BABS)

      const path = `/Users/${user.id}`
      const { status, body } = await scim('PATCH', path, patchOf(...[operations].flat()))

      expect([status, body.scimType]).toEqual([400, scimType])
    },
  )

  test('is deleted, and is not there any more', async ({ scim }) => {
    const { body: user } = await scim('POST', '/Users', BABS)

    expect(await scim('DELETE', `/Users/${user.id}`)).toMatchObject({ status: 204, body: null })

    for (const method of ['GET', 'DELETE']) {
      expect((await scim(method, `/Users/${user.id}`)).status).toBe(404)
    }
  })

  test('is changed only from the version that If-Match names', async ({ scim }) => {
    const { body: user } = await scim('POST', '/Users', BABS)
    const change = (version: string, title: string) =>
      scim('PATCH', `/Users/${user.id}`, patchOf({ op: 'replace', path: 'title', value: title }), {
        'if-match': version,
      })

    expect((await change(user.meta.version, 'One')).status).toBe(200)
    expect((await change(user.meta.version, 'Two')).status).toBe(412)
    expect((await change('*', 'Three')).body.title).toBe('Three')
  })

  test('is not sent again to whoever has this version', async ({ scim }) => {
    const { body: user } = await scim('POST', '/Users', BABS)
    const headers = { 'if-none-match': user.meta.version }

    expect((await scim('GET', `/Users/${user.id}`, undefined, headers)).status).toBe(304)
  })
})

describe('a list', () => {
  test.for([
    ['userName eq "BJENSEN@example.com"', true],
    ['userName eq "nobody@example.com"', false],
    ['externalId eq "bjensen"', true],
    ['externalId eq "BJENSEN"', false],
    ['emails.value eq "bjensen@EXAMPLE.com"', true],
    ['emails[type eq "work" and value co "@example.com"]', true],
    ['emails eq "bjensen@example.com"', true],
    ['name.familyName co "ENS"', true],
    ['userName sw "bj" and active eq true', true],
    ['userName sw "bj" and active eq false', false],
    ['title eq "Nobody" or title sw "Tour"', true],
    ['not (title pr)', false],
    ['title pr', true],
    ['meta.lastModified gt "2020-01-01T00:00:00Z"', true],
    ['meta.resourceType eq "User"', true],
    ['meta.lastModified lt "2020-01-01T00:00:00Z"', false],
    [`${ENTERPRISE}:department eq "tour operations"`, true],
  ] as const)('filter %s: %s', async ([filter, isFound], { scim }) => {
    const { body: user } = await scim('POST', '/Users', BABS)

    const { status, body } = await scim('GET', `/Users${query({ filter })}`)

    expect([status, body.schemas]).toEqual([200, [LIST]])
    const ids = body.Resources.map(({ id }: { id: string }) => id)
    expect(ids.includes(user.id)).toBe(isFound)
    expect(body.totalResults).toBe(ids.length)
  })

  test('comes a page at a time, each User once, with how many there are', async ({ scim }) => {
    const all = (await scim('GET', '/Users')).body.Resources.map(({ id }: { id: string }) => id)

    const seen: string[] = []
    for (let startIndex = 1; startIndex <= all.length; startIndex += 2) {
      const { body } = await scim(
        'GET',
        `/Users${query({ startIndex: String(startIndex), count: '2' })}`,
      )
      expect(body).toMatchObject({ startIndex, totalResults: all.length })
      expect(body.itemsPerPage).toBe(body.Resources.length)
      seen.push(...body.Resources.map(({ id }: { id: string }) => id))
    }

    expect(seen).toEqual(all)
  })

  test.for([
    ['none', { count: '0' }],
    ['less than none', { count: '-3' }],
    ['beyond the end', { startIndex: '100' }],
  ] as const)('a page of %s still says how many there are', async ([, parameters], { scim }) => {
    const { body } = await scim('GET', `/Users${query(parameters)}`)

    expect(body).toMatchObject({ totalResults: 5, Resources: [] })
  })

  test('is sorted by what is asked for', async ({ scim }) => {
    const names = async (sortOrder: string) =>
      (await scim('GET', `/Users${query({ sortBy: 'userName', sortOrder })}`)).body.Resources.map(
        ({ userName }: { userName: string }) => userName,
      )

    const ascending = await names('ascending')

    expect(ascending).toEqual([...ascending].sort())
    expect(await names('descending')).toEqual([...ascending].reverse())
  })

  test('holds the attributes that are asked for, and always the id', async ({ scim }) => {
    const { body: user } = await scim('POST', '/Users', BABS)
    const filter = 'externalId eq "bjensen"'
    const only = async (parameters: Record<string, string>) =>
      (await scim('GET', `/Users${query({ filter, ...parameters })}`)).body.Resources[0]

    expect(await only({ attributes: 'userName,name.givenName' })).toEqual({
      schemas: user.schemas,
      id: user.id,
      userName: user.userName,
      name: { givenName: 'Barbara' },
    })
    const { emails: _, name: __, ...rest } = user
    expect(await only({ excludedAttributes: 'emails,name' })).toEqual(rest)
  })

  test('can be asked for by POST, where an address would hold too much', async ({ scim }) => {
    const { body: user } = await scim('POST', '/Users', BABS)

    const { status, body } = await scim('POST', '/Users/.search', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
      filter: 'displayName sw "babs"',
      attributes: ['displayName'],
      startIndex: 1,
      count: 10,
    })

    expect([status, body.Resources]).toEqual([
      200,
      [{ schemas: user.schemas, id: user.id, displayName: 'Babs Jensen' }],
    ])
  })
})

describe('a refusal', () => {
  test.for([
    ['a body that is no JSON', 'POST', '/Users', '{', 400, 'invalidSyntax'],
    ['a body of another kind', 'POST', '/Users', [], 400, 'invalidSyntax'],
    ['a User without a name', 'POST', '/Users', { schemas: BABS.schemas }, 400, 'invalidValue'],
    ['a User without an address', 'POST', '/Users', { userName: 'babs' }, 400, 'invalidValue'],
    [
      'a value of another type',
      'POST',
      '/Users',
      { ...BABS, active: 'maybe' },
      400,
      'invalidValue',
    ],
    [
      'a resource of another schema',
      'POST',
      '/Users',
      { ...BABS, schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'] },
      400,
      'invalidSyntax',
    ],
    [
      'a character that cannot be kept',
      'POST',
      '/Users',
      { ...BABS, title: '\0' },
      400,
      'invalidValue',
    ],
    [
      'more than fits',
      'POST',
      '/Users',
      { ...BABS, title: randomText(20_000) },
      400,
      'invalidValue',
    ],
    [
      'a filter that cannot be read',
      'GET',
      '/Users?filter=userName%20eq',
      undefined,
      400,
      'invalidFilter',
    ],
    [
      'a filter with an open bracket',
      'GET',
      '/Users?filter=(a%20eq%20%22b%22',
      undefined,
      400,
      'invalidFilter',
    ],
    ['a page that is no number', 'GET', '/Users?count=many', undefined, 400, 'invalidValue'],
    [
      'more attributes than there are',
      'POST',
      '/Users/.search',
      { attributes: Array.from({ length: 200_000 }, (_, i) => `a${i}`) },
      400,
      'invalidValue',
    ],
    [
      'an attribute of any length',
      'POST',
      '/Users/.search',
      { excludedAttributes: 'a.'.repeat(500_000) },
      400,
      'invalidValue',
    ],
    ['a User that is not there', 'GET', NOBODY, undefined, 404, undefined],
    ['an id that is none', 'GET', '/Users/me', undefined, 404, undefined],
    ['a PUT where nothing is', 'PUT', NOBODY, BABS, 404, undefined],
    [
      'a PATCH where nothing is',
      'PATCH',
      NOBODY,
      patchOf({ op: 'add', value: {} }),
      404,
      undefined,
    ],
    ['an address where nothing is', 'GET', '/Devices', undefined, 404, undefined],
    ['who I am', 'GET', '/Me', undefined, 501, undefined],
    ['many at once', 'POST', '/Bulk', {}, 501, undefined],
  ] as const)('%s', async ([, method, path, given, expected, scimType], { scim }) => {
    const { status, headers, body } = await scim(method, path, given)

    expect([status, body.scimType]).toEqual([expected, scimType])
    expect(headers.get('content-type')).toBe('application/scim+json')
    expect(body).toMatchObject({ schemas: [ERROR], status: String(expected) })
    expect(body.detail.length).toBeGreaterThan(10)
  })

  test.for([
    [{}, 'invalidSyntax'],
    [{ schemas: ['urn:x'], Operations: [{ op: 'add', value: {} }] }, 'invalidSyntax'],
    [patchOf(), 'invalidValue'],
    [patchOf({ op: 'move', path: 'title' }), 'invalidSyntax'],
    [patchOf({ op: 'remove' }), 'noTarget'],
    [patchOf({ op: 'replace', path: 'noSuchThing', value: 1 }), 'invalidPath'],
    [patchOf({ op: 'replace', path: 'active', value: 'maybe' }), 'invalidValue'],
    [patchOf({ op: 'replace', path: 'id', value: 'other' }), 'mutability'],
  ] as const)('PATCH %j: %s', async ([body, scimType], { scim }) => {
    const { body: user } = await scim('POST', '/Users', BABS)

    const answer = await scim('PATCH', `/Users/${user.id}`, body)

    expect([answer.status, answer.body.scimType]).toEqual([400, scimType])
  })
})

/** Multiplied out, each pair of brackets would double the alternatives. */
const bomb = (brackets: number) => `${'(title pr or title eq "x") and '.repeat(brackets)}title pr`

describe('a filter', () => {
  test.for([
    ['of 2,001 characters', `title pr${' '.repeat(1_990)}or title eq "x"`],
    ['of brackets within brackets', `${'('.repeat(50)}title pr${')'.repeat(50)}`],
    ['of one "not" within another', `${'not '.repeat(50)}title pr`],
    ['on what is not there', 'favouriteColour eq "red"'],
    ['on a part that is not there', 'name.nickname eq "x"'],
    ['on what is not kept', 'roles eq "x"'],
    ['on an extension that is not known', 'urn:example:2.0:User:title eq "x"'],
    ['on one thing and something behind it', 'title eq "x" "y"'],
    ['with a bracket in quotes', '(title eq ")"'],
    ['with quotes of another kind', "userName eq 'ann@example.com'"],
    ['with an open text', 'userName eq "ann@example.com'],
    ['that orders booleans', 'active gt true'],
    ['that compares a boolean with a text', 'active eq "perhaps"'],
    ['that compares a time with a text', 'meta.created gt "yesterday"'],
    ['that compares what has no value', 'name eq "x"'],
  ] as [string, string][])('%s is refused', async ([, filter], { scim }) => {
    for (const path of ['/Users', '/Groups']) {
      const { status, body } = await scim('GET', `${path}${query({ filter })}`)
      expect([status, body.scimType]).toEqual([400, 'invalidFilter'])
    }
    for (const path of ['/Users/.search', '/.search']) {
      const { status, body } = await scim('POST', path, { filter })
      expect([status, body.scimType]).toEqual([400, 'invalidFilter'])
    }
  })

  test.for([
    bomb(8),
    bomb(60),
    bomb(8).toUpperCase(),
    'not (title pr or title pr) and '.repeat(60),
  ])(
    'of brackets that would multiply takes no longer than its length: %s',
    async (filter, { scim }) => {
      await scim('POST', '/Users', BABS)

      const started = performance.now()
      const { status } = await scim(
        'GET',
        `/Users${query({ filter: `${filter.replace(/ and $/, '')}` })}`,
      )

      expect([status, performance.now() - started < 1_000]).toEqual([200, true])
    },
  )

  test.for([
    Array.from({ length: 40 }, (_, i) => `userName eq "p${i}@example.com"`).join(' or '),
    `(${Array.from({ length: 40 }, (_, i) => `id eq "${i}"`).join(' or ')}) and active eq true`,
    'emails[type eq "work" and value eq "x"] or emails[type eq "home" and value eq "y"]',
    '(title pr or displayName pr) and (active eq true or active eq false) and userName pr',
    'displayName eq "Research (and development or not) and sales (or so)"',
  ])('that identity providers send is taken: %s', async (filter, { scim }) => {
    expect(await scim('GET', `/Users${query({ filter })}`)).toMatchObject({ status: 200 })
  })
})

describe('whoever has no valid token has nothing read', () => {
  test.for([
    ['GET', `/Users${query({ filter: 'userName eq' })}`, undefined],
    ['GET', `/Users${query({ filter: bomb(8) })}`, undefined],
    ['GET', '/Groups?count=many', undefined],
    ['GET', '/Users?attributes=%20%25', undefined],
    ['POST', '/Users/.search', '{'],
    ['POST', '/Users', '{'],
    ['POST', '/Groups', []],
    ['PUT', NOBODY, '{'],
    ['PATCH', NOBODY, '{'],
    ['PATCH', NOBODY, patchOf({ op: 'replace', path: `emails[${bomb(8)}]`, value: 1 })],
  ] as const)('%s %s', async ([method, path, body], { scimUrl }) => {
    for (const token of [null, 'scim_wrong', 'x'.repeat(500)]) {
      expect(await scimOf(scimUrl, token)(method, path, body)).toMatchObject({ status: 401 })
    }
  })
})

/** Such that it cannot be kept in less. */
function randomText(length: number): string {
  let state = 1
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647
    return String.fromCharCode(97 + (state % 26))
  }).join('')
}

describe('the trail', () => {
  test('says where a request came from by what the gateway adds, and keeps no secret of it', async ({
    acme,
    scim,
  }) => {
    await scim('POST', '/Users', userOf('from@example.com'), {
      'cf-connecting-ip': '192.0.2.8',
      'x-forwarded-for': '203.0.113.1',
      cookie: 'session=secret',
    })

    const [created] = await acme.sql`select ip, claimed_ip from public.organisation_audit_events
      where organisation_id = ${acme.id} and event = 'invite.created'`
    expect(created).toEqual({ ip: '192.0.2.8', claimed_ip: '203.0.113.1' })
  })
})
