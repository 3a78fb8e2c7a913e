import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { createRole } from '../support/own-roles.ts'

test('who holds a role that inherits another may give what its holders may', async ({ acme }) => {
  await createRole(acme, { name: 'deputy', inherits: ['admin'] }, 'owner')
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

describe('create_organisation_invite', () => {
  test.for([
    ['owner', ['admin', 'finance', 'member'], []],
    ['admin', ['finance', 'member'], ['admin']],
  ] as const)('%s may give %j, but not %j', async ([who, may, mayNot], { acme }) => {
    const give = (role: string) =>
      acme[who].rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: `${role}@example.org`,
        roles: [role],
      })

    for (const role of may) expect(await give(role)).toMatchObject({ roles: [role] })
    for (const role of [...mayNot, 'owner']) {
      await expect(give(role)).rejects.toMatchObject({ code: 'role_not_assignable', status: 403 })
    }
  })

  test('an own role is given by whoever holds all that is in it', async ({ acme }) => {
    await acme.sql`insert into public.organisation_roles (organisation_id, name, permissions) values
      (${acme.id}, 'auditor', '{audit.read}'), (${acme.id}, 'closer', '{organisation.delete}')`
    const give = (who: 'owner' | 'admin', role: string) =>
      acme[who].rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: `${who}-${role}@example.org`,
        roles: [role],
      })

    expect(await give('admin', 'auditor')).toMatchObject({ roles: ['auditor'] })
    await expect(give('admin', 'closer')).rejects.toMatchObject({ code: 'role_not_assignable' })
    expect(await give('owner', 'closer')).toMatchObject({ roles: ['closer'] })
  })

  test.for([
    [[]],
    [['nobody']],
    [['member', 'nobody']],
    [['']],
    [['Member']],
    [Array.from({ length: 21 }, (_, i) => `r${i}`)],
  ])('the roles %j are refused', async ([roles], { acme }) => {
    await expect(
      acme.owner.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: 'x@example.com',
        roles,
      }),
    ).rejects.toMatchObject({ code: 'invalid_role', status: 422 })
  })

  test("another organisation's own role is unknown here", async ({ acme }) => {
    await acme.sql`insert into public.organisation_roles (organisation_id, name) values (${acme.otherId}, 'theirs')`

    await expect(
      acme.owner.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: 'x@example.com',
        roles: ['theirs'],
      }),
    ).rejects.toMatchObject({ code: 'invalid_role' })
  })
})
