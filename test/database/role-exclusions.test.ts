import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { createRole, excludeRoles } from '../support/own-roles.ts'

describe('separation of duty', () => {
  test('holds for invites, for accepting and for changes of roles', async ({ acme }) => {
    await createRole(acme, { name: 'payer' })
    await createRole(acme, { name: 'approver' })
    const invitee = await acme.person()
    const { token } = await acme.invite(invitee.email, ['approver', 'payer'])
    await excludeRoles(acme, ['payer', 'approver'])

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
    await createRole(acme, { name: 'payer' })
    await createRole(acme, { name: 'approver' })
    await createRole(acme, { name: 'boss', inherits: ['approver'] })
    await excludeRoles(acme, ['payer', 'approver'])

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
    for (const name of ['a', 'b', 'c']) await createRole(acme, { name })
    await excludeRoles(acme, ['a', 'b', 'c'], 3)

    expect((await acme.invite(undefined, ['a', 'b'])).invite).toBeTruthy()
    await expect(acme.invite(undefined, ['a', 'b', 'c'])).rejects.toMatchObject({
      code: 'role_not_assignable',
    })
  })
})
