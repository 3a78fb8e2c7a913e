import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { createRole } from '../support/own-roles.ts'

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
        await createRole(acme, { name: 'half', permissions: all.slice(3) })
        return { permissions: all.slice(0, 3), inherits: ['half'] }
      },
    ],
  ] as [string, (acme: Organisation) => Promise<object>][])(
    'is made, changed, deleted and given by the owner alone: one that %s',
    async ([, contents], { acme }) => {
      const role = { name: 'second', ...(await contents(acme)) }
      const refused = { code: 'permission_denied', details: 'role.manage' }
      await expect(createRole(acme, role)).rejects.toMatchObject(refused)

      await createRole(acme, role, 'owner')
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
    await createRole(acme, { name: 'base', permissions: ['audit.read'] })
    await createRole(acme, { name: 'top', inherits: ['base'] })

    await expect(
      acme.admin.rpc('update_organisation_role', {
        organisation_id: acme.id,
        role: 'base',
        inherits: ['admin'],
      }),
    ).rejects.toMatchObject({ code: 'permission_denied' })
  })
})
