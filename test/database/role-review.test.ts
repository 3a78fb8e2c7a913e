import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'

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
