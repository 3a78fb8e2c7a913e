import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'

const create = (
  acme: Organisation,
  role: Record<string, unknown>,
  who: 'owner' | 'admin' | 'member' = 'admin',
) => acme[who].rpc('create_organisation_role', { organisation_id: acme.id, ...role })

const permissions = (acme: Organisation, role: string) =>
  acme.owner.rpc('list_organisation_role_permissions', { organisation_id: acme.id, role })

describe('own roles', () => {
  test('permit what they say, to their holders, at once and until it is taken', async ({
    acme,
  }) => {
    await create(acme, {
      name: 'auditor',
      description: 'Reads the trail',
      permissions: ['audit.read'],
    })
    await acme.admin.rpc('update_organisation_member_roles', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
      roles: ['auditor'],
    })
    const may = (permission: string) =>
      acme.member.rpc('has_organisation_permission', { organisation_id: acme.id, permission })
    expect([await may('audit.read'), await may('invite.read')]).toEqual([true, false])

    const change = { organisation_id: acme.id, role: 'auditor' }
    await acme.admin.rpc('grant_organisation_permission', { ...change, permission: 'invite.read' })
    expect(await may('invite.read')).toBe(true)

    await acme.admin.rpc('revoke_organisation_permission', { ...change, permission: 'audit.read' })
    expect(await may('audit.read')).toBe(false)
    expect(await acme.events()).toEqual(expect.arrayContaining(['role.created', 'role.updated']))
  })

  test('inherit, over several steps, and follow what they inherit', async ({ acme }) => {
    await create(acme, { name: 'base', permissions: ['audit.read'] })
    await create(acme, { name: 'middle', permissions: ['invite.read'], inherits: ['base'] })
    await create(acme, { name: 'top', inherits: ['middle', 'finance'] })
    expect(await permissions(acme, 'top')).toEqual([
      'audit.read',
      'billing.manage',
      'billing.read',
      'invite.read',
      'member.read',
      'organisation.read',
      'role.read',
    ])

    await acme.admin.rpc('update_organisation_role', {
      organisation_id: acme.id,
      role: 'base',
      permissions: ['member.ban'],
    })

    expect(await permissions(acme, 'top')).toContain('member.ban')
    expect(await permissions(acme, 'top')).not.toContain('audit.read')
  })

  test.for([
    ['invalid_role', { name: 'admin' }],
    ['invalid_role', { name: 'Not A Name' }],
    ['invalid_role', { name: 'taken' }],
    ['invalid_role', { name: 'x', inherits: ['nobody'] }],
    ['invalid_role', { name: 'x', inherits: ['owner'] }],
    ['invalid_settings', { name: 'x', permissions: ['no.such'] }],
    ['permission_denied', { name: 'x', permissions: ['organisation.delete'] }],
  ] as const)('%s: %j', async ([code, role], { acme }) => {
    await create(acme, { name: 'taken' })

    await expect(create(acme, role)).rejects.toMatchObject({ code })
  })

  test('do not go round in a circle', async ({ acme }) => {
    await create(acme, { name: 'one' })
    await create(acme, { name: 'two', inherits: ['one'] })

    await expect(
      acme.admin.rpc('update_organisation_role', {
        organisation_id: acme.id,
        role: 'one',
        inherits: ['two'],
      }),
    ).rejects.toMatchObject({ code: 'invalid_role' })
  })

  test('nobody gains by managing roles', async ({ acme }) => {
    await create(acme, { name: 'closer', permissions: ['organisation.delete'] }, 'owner')

    await expect(create(acme, { name: 'mine', inherits: ['closer'] })).rejects.toMatchObject({
      code: 'permission_denied',
    })
    await expect(
      acme.admin.rpc('update_organisation_role', {
        organisation_id: acme.id,
        role: 'closer',
        permissions: [],
      }),
    ).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(create(acme, { name: 'mine' }, 'member')).rejects.toMatchObject({
      code: 'permission_denied',
    })
  })

  test.for(['owner', 'admin', 'member'])(
    'the built-in role %s stays as it is',
    async (role, { acme }) => {
      await expect(
        acme.owner.rpc('update_organisation_role', {
          organisation_id: acme.id,
          role,
          permissions: [],
        }),
      ).rejects.toMatchObject({ code: 'invalid_role' })
      await expect(
        acme.owner.rpc('delete_organisation_role', { organisation_id: acme.id, role }),
      ).rejects.toMatchObject({
        code: 'invalid_role',
      })
    },
  )

  test('are deleted only when nothing holds them', async ({ acme }) => {
    await create(acme, { name: 'pilot' })
    const remove = () =>
      acme.admin.rpc('delete_organisation_role', { organisation_id: acme.id, role: 'pilot' })

    const { invite } = await acme.invite(undefined, ['pilot'])
    await expect(remove()).rejects.toMatchObject({ code: 'role_in_use', details: 'invites' })
    await acme.owner.rpc('revoke_organisation_invite', { invite_id: invite.id })

    const holder = await acme.join(['pilot'])
    await expect(remove()).rejects.toMatchObject({ code: 'role_in_use', details: 'members' })
    await holder.rpc('leave_organisation', { organisation_id: acme.id })

    await create(acme, { name: 'captain', inherits: ['pilot'] })
    await expect(remove()).rejects.toMatchObject({ code: 'role_in_use', details: 'roles' })
    await acme.admin.rpc('delete_organisation_role', { organisation_id: acme.id, role: 'captain' })

    expect(await remove()).toBeNull()
    await expect(remove()).rejects.toMatchObject({ code: 'invalid_role' })
  })
})

describe('separation of duty', () => {
  const exclude = (acme: Organisation, roles: string[], cardinality = 2) =>
    acme.admin.rpc('create_organisation_role_exclusion', {
      organisation_id: acme.id,
      name: 'Four eyes',
      roles,
      cardinality,
    })

  test('holds for invites, for accepting and for changes of roles', async ({ acme }) => {
    await create(acme, { name: 'payer' })
    await create(acme, { name: 'approver' })
    const invitee = await acme.person()
    const { token } = await acme.invite(invitee.email, ['approver', 'payer'])
    await exclude(acme, ['payer', 'approver'])

    await expect(acme.invite(undefined, ['approver', 'payer'])).rejects.toMatchObject({
      code: 'role_not_assignable',
    })
    await expect(invitee.rpc('accept_organisation_invite', { token })).rejects.toMatchObject({
      code: 'role_not_assignable',
    })
    const assign = (roles: string[]) =>
      acme.admin.rpc('update_organisation_member_roles', {
        organisation_id: acme.id,
        user_id: acme.member.userId,
        roles,
      })
    await expect(assign(['payer', 'approver'])).rejects.toMatchObject({
      code: 'role_not_assignable',
    })
    expect(await assign(['payer'])).toMatchObject({ roles: ['payer'] })
    await expect(assign(['payer', 'approver'])).rejects.toMatchObject({
      code: 'role_not_assignable',
    })

    await acme.admin.rpc('delete_organisation_role_exclusion', {
      organisation_id: acme.id,
      name: 'Four eyes',
    })
    expect(await assign(['payer', 'approver'])).toMatchObject({ roles: ['approver', 'payer'] })
  })

  test('counts what is inherited', async ({ acme }) => {
    await create(acme, { name: 'payer' })
    await create(acme, { name: 'approver' })
    await create(acme, { name: 'boss', inherits: ['approver'] })
    await exclude(acme, ['payer', 'approver'])

    await expect(acme.invite(undefined, ['boss', 'payer'])).rejects.toMatchObject({
      code: 'role_not_assignable',
    })
    await acme.join(['boss', 'finance'])
    await expect(
      acme.admin.rpc('update_organisation_role', {
        organisation_id: acme.id,
        role: 'boss',
        inherits: ['approver', 'payer'],
      }),
    ).rejects.toMatchObject({ code: 'role_not_assignable' })
  })

  test('allows so many, and not one more', async ({ acme }) => {
    for (const name of ['a', 'b', 'c']) await create(acme, { name })
    await exclude(acme, ['a', 'b', 'c'], 3)

    expect((await acme.invite(undefined, ['a', 'b'])).invite).toBeTruthy()
    await expect(acme.invite(undefined, ['a', 'b', 'c'])).rejects.toMatchObject({
      code: 'role_not_assignable',
    })
  })

  test('is refused while somebody holds the roles together', async ({ acme }) => {
    await acme.join(['finance', 'member'])

    await expect(exclude(acme, ['finance', 'member'])).rejects.toMatchObject({
      code: 'role_in_use',
      details: 'members',
    })
  })

  test.for(['finance', 'finance,nobody', 'owner,finance'])('not of %s', async (roles, { acme }) => {
    await expect(exclude(acme, roles.split(','))).rejects.toMatchObject({ code: 'invalid_role' })
  })
})

describe("an application's own permission", () => {
  test('is held by the owner and the roles that were named, and can be given on', async ({
    acme,
  }) => {
    await acme.sql`select usher.create_permission('invoice.approve', 'Approve invoices', '{admin}')`
    const holds = (who: 'owner' | 'admin' | 'finance') =>
      acme[who].rpc('has_organisation_permission', {
        organisation_id: acme.id,
        permission: 'invoice.approve',
      })
    expect(await Promise.all([holds('owner'), holds('admin'), holds('finance')])).toEqual([
      true,
      true,
      false,
    ])

    await create(acme, { name: 'approver', permissions: ['invoice.approve'] })
    await acme.admin.rpc('update_organisation_member_roles', {
      organisation_id: acme.id,
      user_id: acme.finance.userId,
      roles: ['finance', 'approver'],
    })
    expect(await holds('finance')).toBe(true)
  })

  test('has a name of two parts', async ({ acme }) => {
    await expect(acme.sql`select usher.create_permission('approve', '')`).rejects.toThrow(
      /invalid_settings/,
    )
  })

  test('is one of at most 500, so that no list of them is cut', async ({ acme }) => {
    let changed = null
    const full = acme.sql.begin(async (sql) => {
      await sql`insert into usher.permissions (name, description)
        select 'filler.' || repeat('x', n), '' from generate_series(1, 500) n
        limit 500 - (select count(*) from usher.permissions)`
      ;[changed] = await sql`
        select (usher.create_permission('invite.read', 'Is there already')).description`
      await sql`select usher.create_permission('one.more', '')`
    })

    await expect(full).rejects.toThrow(/at most 500 permissions/)
    expect(changed).toEqual({ description: 'Is there already' })
  })
})

describe('reviewing', () => {
  test('who holds a role, what a member holds, what it permits', async ({ acme }) => {
    const review = (name: string, args: object) =>
      acme.member.rpc(name, { organisation_id: acme.id, ...args })

    expect(await review('list_organisation_role_members', { role: 'admin' })).toMatchObject([
      { user_id: acme.admin.userId },
    ])
    expect(
      await review('list_organisation_member_roles', { user_id: acme.finance.userId }),
    ).toEqual(['finance'])
    expect(await review('list_organisation_role_permissions', { role: 'member' })).toEqual([
      'member.read',
      'organisation.read',
      'role.read',
    ])
    expect(
      await review('list_organisation_member_permissions', { user_id: acme.roleless.userId }),
    ).toEqual([])
  })

  test.for([
    ['list_organisation_role_members', { role: 'nobody' }, 'invalid_role'],
    ['list_organisation_role_permissions', { role: 'nobody' }, 'invalid_role'],
    [
      'list_organisation_member_roles',
      { user_id: '00000000-0000-4000-8000-000000000000' },
      'member_not_found',
    ],
    [
      'list_organisation_member_permissions',
      { user_id: '00000000-0000-4000-8000-000000000000' },
      'member_not_found',
    ],
  ] as const)('%s %j: %s', async ([name, args, code], { acme }) => {
    await expect(acme.admin.rpc(name, { organisation_id: acme.id, ...args })).rejects.toMatchObject(
      { code },
    )
    await expect(
      acme.roleless.rpc(name, { organisation_id: acme.id, ...args }),
    ).rejects.toMatchObject({
      code: 'permission_denied',
    })
    await expect(
      acme.outsider.rpc(name, { organisation_id: acme.id, ...args }),
    ).rejects.toMatchObject({
      code: 'organisation_not_found',
    })
  })
})

describe('list_assignable_organisation_roles', () => {
  test('says what each may give: what is offered is what is accepted', async ({ acme }) => {
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'auditor',
      permissions: ['audit.read'],
    })
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'closer',
      permissions: ['organisation.delete'],
    })
    const assignable = (who: 'owner' | 'admin' | 'finance') =>
      acme[who].rpc('list_assignable_organisation_roles', { organisation_id: acme.id })

    expect(await assignable('owner')).toEqual(['admin', 'finance', 'member', 'auditor', 'closer'])
    expect(await assignable('admin')).toEqual(['finance', 'member', 'auditor'])
    expect(await assignable('finance')).toEqual([])

    const offered = await assignable('admin')
    for (const role of ['owner', 'admin', 'finance', 'member', 'auditor', 'closer']) {
      const invited = acme.admin.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: `${role}@example.com`,
        roles: [role],
      })
      if (offered.includes(role)) expect(await invited).toMatchObject({ roles: [role] })
      else await expect(invited).rejects.toMatchObject({ code: 'role_not_assignable' })
    }
  })
})

describe('a role that contains what the owner alone may give', () => {
  const ADMIN_PERMISSIONS = (acme: Organisation) =>
    acme.owner.rpc('list_organisation_role_permissions', {
      organisation_id: acme.id,
      role: 'admin',
    })

  test.for([
    ['inherits it', async () => ({ inherits: ['admin'] })],
    ['permits all of it', async (acme) => ({ permissions: await ADMIN_PERMISSIONS(acme) })],
    [
      'permits a part, and inherits the rest',
      async (acme) => {
        const all = await ADMIN_PERMISSIONS(acme)
        await create(acme, { name: 'half', permissions: all.slice(3) })
        return { permissions: all.slice(0, 3), inherits: ['half'] }
      },
    ],
  ] as [string, (acme: Organisation) => Promise<object>][])(
    'is made, changed, deleted and given by the owner alone: one that %s',
    async ([, contents], { acme }) => {
      const role = { name: 'second', ...(await contents(acme)) }
      const refused = { code: 'permission_denied', details: 'role.manage' }
      await expect(create(acme, role)).rejects.toMatchObject(refused)

      await create(acme, role, 'owner')
      const args = { organisation_id: acme.id, role: 'second' }
      await expect(
        acme.admin.rpc('update_organisation_role', { ...args, description: 'Mine' }),
      ).rejects.toMatchObject(refused)
      await expect(acme.admin.rpc('delete_organisation_role', args)).rejects.toMatchObject(refused)
      await expect(
        acme.admin.rpc('update_organisation_member_roles', {
          organisation_id: acme.id,
          user_id: acme.member.userId,
          roles: ['second'],
        }),
      ).rejects.toMatchObject({ code: 'role_not_assignable' })

      await acme.owner.rpc('update_organisation_member_roles', {
        organisation_id: acme.id,
        user_id: acme.member.userId,
        roles: ['second'],
      })
    },
  )

  test('does not come to be by changing what it inherits', async ({ acme }) => {
    await create(acme, { name: 'base', permissions: ['audit.read'] })
    await create(acme, { name: 'top', inherits: ['base'] })

    await expect(
      acme.admin.rpc('update_organisation_role', {
        organisation_id: acme.id,
        role: 'base',
        inherits: ['admin'],
      }),
    ).rejects.toMatchObject({ code: 'permission_denied' })
  })
})

test('who holds a role that inherits another may give what its holders may', async ({ acme }) => {
  await create(acme, { name: 'deputy', inherits: ['admin'] }, 'owner')
  const deputy = await acme.join(['deputy'])
  const giving = (roles: string[]) =>
    deputy.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: `by-deputy-${roles}@example.com`,
      roles,
    })

  expect(await giving(['member'])).toMatchObject({ roles: ['member'] })
  expect(await giving(['finance'])).toMatchObject({ roles: ['finance'] })
  await expect(giving(['admin'])).rejects.toMatchObject({ code: 'role_not_assignable' })
  expect(
    await deputy.rpc('list_assignable_organisation_roles', { organisation_id: acme.id }),
  ).toEqual(['finance', 'member'])
})
