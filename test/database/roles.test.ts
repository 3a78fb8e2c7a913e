import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { createRole } from '../support/own-roles.ts'

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

    await createRole(acme, { name: 'approver', permissions: ['invoice.approve'] })
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

test('every permission that a role holds is in the registry', async ({ database }) => {
  expect(
    await database.sql`select distinct p from public.organisation_roles r, unnest(r.permissions) p
      where p not in (select name from usher.permissions)`,
  ).toEqual([])
})
