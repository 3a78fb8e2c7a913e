import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { createRole } from '../support/own-roles.ts'

const permissions = (acme: Organisation, role: string) =>
  acme.owner.rpc('list_organisation_role_permissions', { organisation_id: acme.id, role })

describe('own roles', () => {
  test('permit what they say, to their holders, at once and until it is taken', async ({
    acme,
  }) => {
    await createRole(acme, {
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
    await createRole(acme, { name: 'base', permissions: ['audit.read'] })
    await createRole(acme, { name: 'middle', permissions: ['invite.read'], inherits: ['base'] })
    await createRole(acme, { name: 'top', inherits: ['middle', 'finance'] })
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
    await createRole(acme, { name: 'taken' })

    await expect(createRole(acme, role)).rejects.toMatchObject({ code })
  })

  test('do not go round in a circle', async ({ acme }) => {
    await createRole(acme, { name: 'one' })
    await createRole(acme, { name: 'two', inherits: ['one'] })

    await expect(
      acme.admin.rpc('update_organisation_role', {
        organisation_id: acme.id,
        role: 'one',
        inherits: ['two'],
      }),
    ).rejects.toMatchObject({ code: 'invalid_role' })
  })

  test('nobody gains by managing roles', async ({ acme }) => {
    await createRole(acme, { name: 'closer', permissions: ['organisation.delete'] }, 'owner')

    await expect(createRole(acme, { name: 'mine', inherits: ['closer'] })).rejects.toMatchObject({
      code: 'permission_denied',
    })
    await expect(
      acme.admin.rpc('update_organisation_role', {
        organisation_id: acme.id,
        role: 'closer',
        permissions: [],
      }),
    ).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(createRole(acme, { name: 'mine' }, 'member')).rejects.toMatchObject({
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
    await createRole(acme, { name: 'pilot' })
    const remove = () =>
      acme.admin.rpc('delete_organisation_role', { organisation_id: acme.id, role: 'pilot' })

    const { invite } = await acme.invite(undefined, ['pilot'])
    await expect(remove()).rejects.toMatchObject({ code: 'role_in_use', details: 'invites' })
    await acme.owner.rpc('revoke_organisation_invite', { invite_id: invite.id })

    const holder = await acme.join(['pilot'])
    await expect(remove()).rejects.toMatchObject({ code: 'role_in_use', details: 'members' })
    await holder.rpc('leave_organisation', { organisation_id: acme.id })

    await createRole(acme, { name: 'captain', inherits: ['pilot'] })
    await expect(remove()).rejects.toMatchObject({ code: 'role_in_use', details: 'roles' })
    await acme.admin.rpc('delete_organisation_role', { organisation_id: acme.id, role: 'captain' })

    expect(await remove()).toBeNull()
    await expect(remove()).rejects.toMatchObject({ code: 'invalid_role' })
  })
})
