import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { patchOf, type Scim, scimOf, test, userOf } from '../support/scim.ts'

const GROUP = ['urn:ietf:params:scim:schemas:core:2.0:Group']

async function groupOf(scim: Scim, displayName: string) {
  const filter = new URLSearchParams({ filter: `displayName eq "${displayName}"` })
  return (await scim('GET', `/Groups?${filter}`)).body.Resources[0]
}

async function userIdOf(scim: Scim, email: string): Promise<string> {
  const filter = new URLSearchParams({ filter: `userName eq "${email}"` })
  return (await scim('GET', `/Users?${filter}`)).body.Resources[0]?.id
}

async function rolesOf(acme: Organisation, email: string): Promise<string[]> {
  const [row] = await acme.sql`select roles from public.organisation_members
    where organisation_id = ${acme.id} and email = ${email}`
  return row?.roles
}

const add = (...ids: string[]) =>
  patchOf({ op: 'add', path: 'members', value: ids.map((value) => ({ value })) })
const remove = (id: string) => patchOf({ op: 'remove', path: `members[value eq "${id}"]` })

describe('the Groups', () => {
  test('are the roles of the organisation but owner, with who holds them', async ({
    acme,
    scim,
  }) => {
    await acme.owner.rpc('create_organisation_role', { organisation_id: acme.id, name: 'auditor' })

    const { body } = await scim('GET', '/Groups')

    expect(body.Resources.map(({ displayName }: { displayName: string }) => displayName)).toEqual([
      'admin',
      'finance',
      'member',
      'auditor',
    ])
    const finance = await groupOf(scim, 'FINANCE')
    expect(finance.members).toMatchObject([
      { value: await userIdOf(scim, acme.finance.email), type: 'User' },
    ])
  })

  test('can be asked for without their members', async ({ scim }) => {
    const { body } = await scim('GET', '/Groups?excludedAttributes=members')

    for (const group of body.Resources) expect(group).not.toHaveProperty('members')
  })

  test('are found by a member', async ({ acme, scim }) => {
    const id = await userIdOf(scim, acme.finance.email)
    const filter = new URLSearchParams({ filter: `members eq "${id}"` })

    const { body } = await scim('GET', `/Groups?${filter}`)

    expect(body.Resources).toMatchObject([{ displayName: 'finance' }])
  })
})

describe('a member of a Group', () => {
  test('holds the role at once, and loses it at once', async ({ acme, scim }) => {
    const { id } = await groupOf(scim, 'finance')
    const user = await userIdOf(scim, acme.member.email)

    expect((await scim('PATCH', `/Groups/${id}`, add(user, user))).status).toBe(200)
    expect(await rolesOf(acme, acme.member.email)).toEqual(['finance', 'member'])

    const { body } = await scim('PATCH', `/Groups/${id}`, remove(user))
    expect(await rolesOf(acme, acme.member.email)).toEqual(['member'])
    expect(await rolesOf(acme, acme.finance.email)).toEqual(['finance'])
    expect(body.members).toHaveLength(1)
    const events = await acme.owner.select('organisation_audit_events', {
      event: 'member.roles_updated',
    })
    expect(events).toMatchObject([{ actor_kind: 'directory' }, { actor_kind: 'directory' }])
  })

  test('is exactly who a PUT names; without members it changes none', async ({ acme, scim }) => {
    const { id } = await groupOf(scim, 'finance')
    const user = await userIdOf(scim, acme.roleless.email)
    const group = { schemas: GROUP, displayName: 'finance' }

    await scim('PUT', `/Groups/${id}`, { ...group, members: [{ value: user }] })
    expect(await rolesOf(acme, acme.roleless.email)).toEqual(['finance'])
    expect(await rolesOf(acme, acme.finance.email)).toEqual([])

    await scim('PUT', `/Groups/${id}`, group)
    expect(await rolesOf(acme, acme.roleless.email)).toEqual(['finance'])
  })

  test('who is only invited holds the role on joining, and no longer than the Group says', async ({
    acme,
    scim,
  }) => {
    const join = async (email: string) => {
      const [invite] = await acme.sql`select id from usher.invites where email = ${email}`
      await acme.sql`delete from auth.users where email = ${email}`
      const person = await acme.person(email)
      await person.rpc('accept_organisation_invite', { token: await acme.mint(invite?.id) })
      return rolesOf(acme, email)
    }
    const [finance, member] = [await groupOf(scim, 'finance'), await groupOf(scim, 'member')]
    const [stays, goes] = await Promise.all(
      ['stays@example.com', 'goes@example.com'].map(
        async (email) => (await scim('POST', '/Users', userOf(email))).body.id,
      ),
    )

    const { body } = await scim('PATCH', `/Groups/${finance.id}`, add(stays, goes))
    expect(body.members).toHaveLength(3)
    await scim('PATCH', `/Groups/${finance.id}`, remove(goes))
    await scim('PATCH', `/Groups/${member.id}`, remove(goes))

    expect(await join('stays@example.com')).toEqual(['finance', 'member'])
    expect(await join('goes@example.com')).toEqual([])
  })

  test('cannot be given what the maker of the token may not give', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const byAdmin = scimOf(scimUrl, await tokenBy(acme.admin))
    const byOwner = scimOf(scimUrl, await tokenBy(acme.owner))
    const { id } = await groupOf(byAdmin, 'admin')
    const user = await userIdOf(byAdmin, acme.member.email)

    const { status, body } = await byAdmin('PATCH', `/Groups/${id}`, add(user))
    expect([status, body.detail]).toEqual([403, expect.stringContaining('role_not_assignable')])
    expect(await rolesOf(acme, acme.member.email)).toEqual(['member'])

    expect((await byOwner('PATCH', `/Groups/${id}`, add(user))).status).toBe(200)
    expect(await rolesOf(acme, acme.member.email)).toEqual(['admin', 'member'])
  })

  test('cannot hold what may not be held together', async ({ acme, scim }) => {
    await acme.owner.rpc('create_organisation_role_exclusion', {
      organisation_id: acme.id,
      name: 'Apart',
      roles: ['finance', 'member'],
    })
    const { id } = await groupOf(scim, 'finance')
    const invited = (await scim('POST', '/Users', userOf('both@example.com'))).body.id

    for (const user of [await userIdOf(scim, acme.member.email), invited]) {
      const { status, body } = await scim('PATCH', `/Groups/${id}`, add(user))
      expect([status, body.detail]).toEqual([403, expect.stringContaining('role_not_assignable')])
    }
    expect(await rolesOf(acme, acme.member.email)).toEqual(['member'])
  })

  test('that is no User is refused as a value, so that the Group is not taken for lost', async ({
    scim,
  }) => {
    const { id } = await groupOf(scim, 'finance')

    for (const user of ['nobody', '00000000-0000-4000-8000-0000000000ff']) {
      const { status, body } = await scim('PATCH', `/Groups/${id}`, add(user))
      expect([status, body.scimType]).toEqual([400, 'invalidValue'])
    }
  })

  test('who is the owner stays just that; the Group remembers them', async ({ acme, scim }) => {
    const { id } = await groupOf(scim, 'finance')
    const owner = await userIdOf(scim, acme.owner.email)

    const { status, body } = await scim('PATCH', `/Groups/${id}`, add(owner))

    expect([status, body.members]).toMatchObject([200, [{ value: owner }, {}]])
    expect(await rolesOf(acme, acme.owner.email)).toEqual(['owner'])
  })

  test('several at the same moment are all there in the end', async ({ acme, scim }) => {
    const { id } = await groupOf(scim, 'finance')
    const emails = [acme.member.email, acme.roleless.email, acme.admin.email]
    const users = await Promise.all(emails.map((email) => userIdOf(scim, email)))

    await Promise.all(users.map((user) => scim('PATCH', `/Groups/${id}`, add(user))))

    expect((await groupOf(scim, 'finance')).members).toHaveLength(4)
  })
})

describe('a Group of the directory', () => {
  test('becomes an own role that permits nothing by itself', async ({ acme, scim }) => {
    const user = await userIdOf(scim, acme.roleless.email)

    const { status, body } = await scim('POST', '/Groups', {
      schemas: GROUP,
      displayName: 'Sales & Marketing (EMEA)',
      externalId: '8aa1a0c0',
      members: [{ value: user }],
    })

    expect([status, body]).toMatchObject([
      201,
      {
        displayName: 'Sales & Marketing (EMEA)',
        externalId: '8aa1a0c0',
        members: [{ value: user }],
      },
    ])
    expect(await rolesOf(acme, acme.roleless.email)).toEqual(['sales-marketing-emea'])
    const roles = await acme.owner.select('organisation_roles')
    expect(roles.filter(({ name }) => name.startsWith('sales'))).toMatchObject([
      { id: body.id, permissions: [] },
    ])
  })

  test.for([
    ['Ünïcode', 'n-code'],
    ['007', 'group-007'],
    ['营业部', 'group'],
    ['x'.repeat(200), 'x'.repeat(56)],
  ] as const)('named %s makes the role %s', async ([displayName, name], { acme, scim }) => {
    const { body } = await scim('POST', '/Groups', { schemas: GROUP, displayName })

    const roles = await acme.owner.select('organisation_roles', { id: body.id })
    expect([body.displayName, roles[0]?.name]).toEqual([displayName, name])
  })

  test('that reads almost like another makes a role of its own', async ({ acme, scim }) => {
    for (const displayName of ['Sales!', 'Sales?']) {
      expect((await scim('POST', '/Groups', { schemas: GROUP, displayName })).status).toBe(201)
    }

    const names = (await acme.owner.select('organisation_roles')).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['sales', 'sales-2']))
  })

  test.for(['finance', 'Finance', 'owner', 'OWNER'])(
    'cannot be made a second time: %s',
    async (displayName, { scim }) => {
      const { status, body } = await scim('POST', '/Groups', { schemas: GROUP, displayName })

      expect([status, body.scimType]).toEqual([409, 'uniqueness'])
    },
  )

  test('can be renamed; the name of the role stays', async ({ acme, scim }) => {
    const { id } = await groupOf(scim, 'finance')

    const rename = { op: 'replace', value: { id, displayName: 'Treasury' } }
    expect((await scim('PATCH', `/Groups/${id}`, patchOf(rename))).body.displayName).toBe(
      'Treasury',
    )

    expect(await groupOf(scim, 'treasury')).toMatchObject({ id })
    expect(await rolesOf(acme, acme.finance.email)).toEqual(['finance'])
  })

  test('that is renamed in one organisation keeps its name in the others', async ({
    acme,
    scim,
  }) => {
    const { id } = await groupOf(scim, 'finance')
    await scim('PATCH', `/Groups/${id}`, patchOf({ op: 'replace', value: { displayName: 'X' } }))

    const rows = await acme.sql`select display_name from usher.directory_groups_of(${acme.otherId})`
    expect(rows.map((row) => row.display_name).sort()).toEqual(['admin', 'finance', 'member'])
  })

  test('takes the role from everyone when it is deleted', async ({ acme, scim }) => {
    const user = await userIdOf(scim, acme.roleless.email)
    const group = { schemas: GROUP, displayName: 'Sales', members: [{ value: user }] }
    const { body } = await scim('POST', '/Groups', group)

    expect((await scim('DELETE', `/Groups/${body.id}`)).status).toBe(204)

    expect(await rolesOf(acme, acme.roleless.email)).toEqual([])
    expect((await scim('GET', `/Groups/${body.id}`)).status).toBe(404)
  })

  test('that the directory did not make cannot be deleted by it', async ({ acme, scim }) => {
    await acme.owner.rpc('create_organisation_role', { organisation_id: acme.id, name: 'auditor' })

    for (const name of ['finance', 'auditor']) {
      const { id } = await groupOf(scim, name)
      expect((await scim('DELETE', `/Groups/${id}`)).status).toBe(403)
      expect(await groupOf(scim, name)).toMatchObject({ id })
    }
  })
})
