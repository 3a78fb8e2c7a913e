/**
 * What is answered with 200 has happened, and what is left out gives nothing back: requests of the kinds that were
 * reported against SCIM servers, each with the report or the page that shows it; KIND is another of the same kind.
 */
import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { patchOf, type Scim, test, userOf } from '../support/scim.ts'

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const RFC = 'https://www.rfc-editor.org/rfc/rfc7644'
const KIND = 'of the same kind'

const query = (parameters: Record<string, string>) => `?${new URLSearchParams(parameters)}`

/** A member of the organisation, as the directory sees them. */
async function memberOf(scim: Scim, email: string) {
  const { body } = await scim('GET', `/Users${query({ filter: `userName eq "${email}"` })}`)
  return body.Resources[0]
}

async function standing(acme: Organisation, email: string) {
  const [row] = await acme.sql`select status, roles from public.organisation_members
    where organisation_id = ${acme.id} and email = ${email}`
  return row as { status: string; roles: string[] }
}

describe('whoever is turned off in words that mean nothing here', () => {
  const NO_OP = 'https://github.com/OneUptime/oneuptime/pull/3852'
  const title = { op: 'replace', path: 'title', value: 'x' }

  test.for([
    // SCIM 1.1, whose core schema had this name.
    [NO_OP, [{ op: 'replace', path: 'urn:scim:schemas:core:1.0:active', value: false }]],
    [NO_OP, [{ op: 'replace', value: { 'urn:scim:schemas:core:1.0': { active: false } } }]],
    [NO_OP, [{ op: 'Replace', path: `${USER.replace(':User', '')}:active`, value: 'False' }]],
    [KIND, [{ op: 'replace', path: `${GROUP}:active`, value: [{ value: 'False' }] }, title]],
    [KIND, [title, { op: 'replace', path: `${ENTERPRISE}:active`, value: false }]],
    [KIND, [title, { op: 'replace', value: { [ENTERPRISE]: { active: false }, nickName: 'x' } }]],
    [KIND, [title, { op: 'replace', path: 'active.value', value: false }]],
    [KIND, [title, { op: 'replace', path: '/active', value: false }]],
    [KIND, [title, { op: 'replace', value: { User: { active: false } } }]],
  ] as [string, object[]][])(
    'is in, and the answer says so (%s): %j',
    async ([, operations], { acme, scim }) => {
      const user = await memberOf(scim, acme.member.email)

      const { status, body } = await scim('PATCH', `/Users/${user.id}`, patchOf(...operations))

      expect([status, body.scimType]).toEqual([400, 'invalidPath'])
      expect((await scim('GET', `/Users/${user.id}`)).body).toEqual(user)
    },
  )

  test.for(['POST', 'PUT'] as const)('is not let in by %s', async (method, { acme, scim }) => {
    const { id } = await memberOf(scim, acme.member.email)
    const email = method === 'PUT' ? acme.member.email : 'new@example.com'
    const body = userOf(email, {
      'urn:scim:schemas:core:1.0': { active: false },
      active: undefined,
    })

    const answer = await scim(method, method === 'PUT' ? `/Users/${id}` : '/Users', body)

    expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidPath'])
  })

  test('is what the core schema says, where an application has an active of its own', async ({
    acme,
    scim,
  }) => {
    const { id } = await memberOf(scim, acme.member.email)
    const theirs = { op: 'replace', path: 'urn:example:2.0:User:active', value: false }
    const patch = (...operations: object[]) => scim('PATCH', `/Users/${id}`, patchOf(...operations))

    const on = await patch(theirs, { op: 'replace', path: 'active', value: true })
    expect([on.status, on.body.active]).toEqual([200, true])
    const off = await patch(theirs, { op: 'replace', path: 'active', value: false })
    expect([off.status, off.body.active]).toEqual([200, false])
    const named = await patch({ ...theirs, value: true }, title)
    expect([named.status, named.body.active]).toEqual([200, false])
  })
})

describe('whoever is turned off', () => {
  const off = { op: 'replace', path: 'active', value: false }

  test.for([
    [KIND, [off, { op: 'replace', value: { active: '' } }]],
    [KIND, [off, { op: 'replace', value: { active: null, title: 'x' } }]],
    [KIND, [{ op: 'replace', value: { active: false, Active: [] } }]],
    ['https://github.com/grokability/snipe-it/pull/13948', [{ ...off, value: 0 }]],
    [
      'https://github.com/grokability/snipe-it/pull/13948',
      [{ op: 'Replace', value: { active: '0' } }],
    ],
    [KIND, [off, { op: 'replace', path: 'userName.value', value: 'x@example.com' }]],
    // What Postgres does not store: a name that was cut within a character, and a NUL.
    [KIND, [{ op: 'replace', path: 'displayName', value: 'Ann \ud83d' }, off]],
    [KIND, [{ op: 'replace', path: `${ENTERPRISE}:manager`, value: '\0' }, off]],
  ] as [string, object[]][])(
    'is out, whatever is said of them beside that (%s): %j',
    async ([, operations], { acme, scim }) => {
      const { id } = await memberOf(scim, acme.member.email)

      const { status, body } = await scim('PATCH', `/Users/${id}`, patchOf(...operations))

      expect([status, body.active]).toEqual([200, false])
      expect((await standing(acme, acme.member.email)).status).toBe('removed')
    },
  )

  test('and named in whichever way that says nothing stays out', async ({ acme, scim }) => {
    const { id } = await memberOf(scim, acme.member.email)
    await scim('PATCH', `/Users/${id}`, patchOf(off))

    for (const value of ['', [], [{}], null]) {
      const { status } = await scim('PATCH', `/Users/${id}`, patchOf({ ...off, value }))
      expect(status).toBe(400)
    }
    await scim('PUT', `/Users/${id}`, userOf(acme.member.email, { active: [], Active: null }))

    expect((await standing(acme, acme.member.email)).status).toBe('removed')
    const on = await scim('PATCH', `/Users/${id}`, patchOf({ ...off, value: '1' }))
    expect(on.body.active).toBe(true)
  })
})

describe('what decides, and has no such part, is refused and never left out', () => {
  test.for([
    'emails.work.value',
    'emails[type eq "work"].adress',
    'userName.value',
    `${USER}:userName.name`,
    `${ENTERPRISE}:userName`,
    '/userName',
    'externalId.value',
  ])(`${RFC}#section-3.5.2: %s`, async (path, { scim }) => {
    const { body: user } = await scim('POST', '/Users', userOf('ann@example.com'))
    const title = { op: 'replace', path: 'title', value: 'x' }

    for (const operations of [
      [title, { op: 'Replace', path, value: 'renamed@example.com' }],
      [{ op: 'Replace', value: { title: 'x', [path]: 'renamed@example.com' } }],
    ]) {
      const { status, body } = await scim('PATCH', `/Users/${user.id}`, patchOf(...operations))
      expect([status, body.scimType]).toEqual([400, 'invalidPath'])
    }
    expect((await scim('GET', `/Users/${user.id}`)).body).toEqual(user)
  })

  test('https://www.rfc-editor.org/rfc/rfc7643#section-4.1.2: emails without a value', async ({
    acme,
    scim,
  }) => {
    const user = await memberOf(scim, acme.member.email)
    const emails = [{ address: 'new@example.com', kind: 'work' }]

    for (const [method, path, body] of [
      ['PATCH', `/Users/${user.id}`, patchOf({ op: 'replace', path: 'emails', value: emails })],
      ['PUT', `/Users/${user.id}`, userOf(acme.member.email, { emails })],
      ['POST', '/Users', userOf('new@example.com', { emails })],
    ] as const) {
      const answer = await scim(method, path, body)
      expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue'])
    }
    expect((await scim('GET', `/Users/${user.id}`)).body).toEqual(user)
  })

  // https://github.com/goauthentik/authentik/issues/25686: a removal that was answered with 200, and did not happen.
  test.for([
    [{ op: 'replace', path: 'urn:example:2.0:Group:members', value: [] }],
    [{ op: 'replace', path: `${USER}:members`, value: [] }],
    [{ op: 'replace', path: 'members.users', value: [] }],
    [{ op: 'replace', path: '/members', value: [] }],
    [{ op: 'replace', value: { 'urn:example:2.0:Group': { members: [] } } }],
    [{ op: 'add', path: 'urn:example:2.0:Group:members', value: [{ value: 'A' }] }],
  ])('of a Group: %j', async ([operation], { acme, scim }) => {
    const { id } = (await scim('GET', `/Groups${query({ filter: 'displayName eq "finance"' })}`))
      .body.Resources[0]
    const { id: member } = await memberOf(scim, acme.member.email)
    const into = { op: 'add', path: 'members', value: [{ value: member }] }
    const before = (await scim('PATCH', `/Groups/${id}`, patchOf(into))).body
    const name = { op: 'replace', path: 'displayName', value: 'Money' }

    for (const operations of [[operation as object], [name, operation as object]]) {
      const { status, body } = await scim('PATCH', `/Groups/${id}`, patchOf(...operations))
      expect([status, body.scimType]).toEqual([400, 'invalidPath'])
    }
    expect((await scim('GET', `/Groups/${id}`)).body).toEqual(before)
  })
})

describe('an externalId', () => {
  // By it an identity provider finds them again: https://github.com/langwatch/langwatch/issues/6974
  test.for([
    ['of 255 characters', 'x'.repeat(255)],
    ['of 2,000', 'x'.repeat(2_000)],
    ['of two lines', 'a\nb'],
  ])('%s is refused, and never forgotten in silence', async ([, externalId], { acme, scim }) => {
    const { id } = await memberOf(scim, acme.member.email)
    const group = { schemas: [GROUP], displayName: 'Staff' }
    const { body: made } = await scim('POST', '/Groups', group)
    const change = { op: 'replace', path: 'externalId', value: externalId }

    for (const [method, path, body] of [
      ['POST', '/Users', userOf('ann@example.com', { externalId })],
      ['PUT', `/Users/${id}`, userOf(acme.member.email, { externalId })],
      ['PATCH', `/Users/${id}`, patchOf(change)],
      ['POST', '/Groups', { ...group, displayName: 'Others', externalId }],
      ['PUT', `/Groups/${made.id}`, { ...group, externalId }],
      ['PATCH', `/Groups/${made.id}`, patchOf(change)],
    ] as const) {
      const answer = await scim(method, path, body)
      expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue'])
    }
    const off = { op: 'replace', path: 'active', value: false }
    expect((await scim('PATCH', `/Users/${id}`, patchOf(change, off))).body.active).toBe(false)
    expect((await standing(acme, acme.member.email)).status).toBe('removed')
  })
})

describe('what is asked for is found', () => {
  test.for([
    [KIND, 'externalId eq 007'],
    [KIND, `${ENTERPRISE}:employeeNumber eq 0042`],
    [KIND, 'externalId eq 007 and active eq 1'],
    [`${RFC}#section-3.4.2.2`, 'meta.version pr and externalId eq "007"'],
    [`${RFC}#section-3.4.2.2`, 'meta.version eq "VERSION"'],
    ['https://www.rfc-editor.org/rfc/rfc4122#section-3', 'id eq "ID" and active eq true'],
  ] as const)('(%s): %s', async ([, filter], { scim }) => {
    const facts = { externalId: '007', [ENTERPRISE]: { employeeNumber: '0042' } }
    const { body: user } = await scim('POST', '/Users', userOf('ann@example.com', facts))
    const said = filter
      .replace('ID"', `${user.id.toUpperCase()}"`)
      .replace('VERSION', user.meta.version.replaceAll('"', '\\"'))

    const { status, body } = await scim('GET', `/Users${query({ filter: said })}`)

    expect([status, body.Resources]).toEqual([200, [user]])
  })

  test('a character that nothing holds is a filter that cannot be read', async ({ scim }) => {
    const { status, body } = await scim('GET', '/Users?filter=userName%20eq%20%22%5Cu0000%22')

    expect([status, body.scimType]).toEqual([400, 'invalidFilter'])
  })

  // BerriAI/litellm#41444: count is what a client would like at most.
  test.for([
    { count: '2147483647' },
    { count: '99999999999999999999', startIndex: '-99999999999999999999' },
    { startIndex: '1', count: '2147483648' },
  ] as Record<string, string>[])('a page of more than there are: %j', async (page, { scim }) => {
    for (const [method, path, body] of [
      ['GET', `/Users${query(page)}`, undefined],
      ['POST', '/Users/.search', page],
      ['POST', '/.search', { ...page, filter: 'userName pr' }],
    ] as const) {
      const answer = await scim(method, path, body)
      expect(answer).toMatchObject({ status: 200, body: { totalResults: 5, itemsPerPage: 5 } })
    }
    const beyond = await scim('GET', '/Users?startIndex=99999999999999999999')
    expect(beyond).toMatchObject({ status: 200, body: { totalResults: 5, Resources: [] } })
  })

  test('whoever has no value is last, and first from the other end: section 3.4.2.3', async ({
    scim,
  }) => {
    for (const title of ['B', 'A']) {
      await scim('POST', '/Users', userOf(`${title}@example.com`, { title }))
    }
    const titles = async (sortOrder: string) =>
      (await scim('GET', `/Users${query({ sortBy: 'title', sortOrder })}`)).body.Resources.map(
        ({ title }: { title?: string }) => title ?? '-',
      ).join('')

    expect(await titles('ascending')).toBe('AB-----')
    expect(await titles('descending')).toBe('-----BA')
  })
})

test.for(['POST', 'PUT', 'PATCH'] as const)(
  'names with dots within an extension, and values that say nothing, are read by %s',
  async (method, { scim }) => {
    const facts = {
      // As a mapping of Entra ID without a value sends it: AzureAD/SCIMReferenceCode#21
      phoneNumbers: [
        { type: 'work', value: '', primary: true },
        { type: 'fax', value: '7' },
      ],
      [ENTERPRISE]: { 'manager.value': '26118915', 'Manager.displayName': 'Boss' },
    }
    const { body: user } = await scim(
      'POST',
      '/Users',
      userOf('x@example.com', method === 'POST' ? facts : {}),
    )
    if (method === 'PUT') await scim('PUT', `/Users/${user.id}`, userOf('x@example.com', facts))
    if (method === 'PATCH') {
      await scim('PATCH', `/Users/${user.id}`, patchOf({ op: 'Add', value: facts }))
    }

    expect((await scim('GET', `/Users/${user.id}`)).body).toMatchObject({
      phoneNumbers: [{ type: 'fax', value: '7' }],
      [ENTERPRISE]: { manager: { value: '26118915', displayName: 'Boss' } },
    })
  },
)
