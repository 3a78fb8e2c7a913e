import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { PEOPLE, PERMISSIONS } from '../support/built-in-roles.ts'
import { fanOut } from '../support/outbox.ts'

describe('has_organisation_permission', () => {
  test.for(Object.entries(PERMISSIONS))(
    '%s is held by %j',
    async ([permission, holders], { acme }) => {
      for (const who of PEOPLE) {
        const answer = await acme[who].rpc('has_organisation_permission', {
          organisation_id: acme.id,
          permission,
        })
        expect([who, answer]).toEqual([who, holders.some((role) => role === who)])
      }
    },
  )

  test('a permission that does not exist is held by nobody', async ({ acme }) => {
    expect(
      await acme.owner.rpc('has_organisation_permission', {
        organisation_id: acme.id,
        permission: 'x.y',
      }),
    ).toBe(false)
  })

  test('no session, no answer', async ({ acme }) => {
    await expect(
      acme.anyone.rpc('has_organisation_permission', {
        organisation_id: acme.id,
        permission: 'invite.read',
      }),
    ).rejects.toMatchObject({ code: '42501' })
  })

  test('a change of roles counts on the very next call', async ({ acme }) => {
    const ask = () =>
      acme.member.rpc('has_organisation_permission', {
        organisation_id: acme.id,
        permission: 'invite.create',
      })
    expect(await ask()).toBe(false)

    await acme.sql`update public.organisation_members set roles = '{admin}' where user_id = ${acme.member.userId}`

    expect(await ask()).toBe(true)
  })
})

/** Who reads which table: the number of rows that belong to acme. */
const READERS: Record<string, readonly (keyof Organisation)[]> = {
  organisations: ['owner', 'admin', 'finance', 'member'],
  organisation_invites: ['owner', 'admin'],
  organisation_deliveries: ['owner', 'admin'],
  organisation_audit_events: ['owner', 'admin'],
}

describe('row level security', () => {
  test.for(Object.entries(READERS))('%s is read by %j only', async ([table, readers], { acme }) => {
    await acme.invite()
    await fanOut(acme.sql)
    const column = table === 'organisations' ? 'id' : 'organisation_id'

    for (const who of PEOPLE) {
      const rows = await acme[who].select(table, { [column]: acme.id })
      expect([who, rows.length > 0]).toEqual([who, readers.includes(who)])
    }
    await expect(acme.anyone.select(table)).rejects.toMatchObject({ code: '42501' })
    expect(await acme.service.select(table, { [column]: acme.id })).not.toHaveLength(0)
  })

  test('an own role is seen in its organisation only, the built-in ones by all', async ({
    acme,
  }) => {
    await acme.sql`insert into public.organisation_roles (organisation_id, name) values (${acme.id}, 'pilot')`

    expect(await acme.member.select('organisation_roles')).toHaveLength(5)
    expect(await acme.outsider.select('organisation_roles')).toHaveLength(4)
  })

  test.for([...Object.keys(READERS), 'organisation_members', 'organisation_roles'])(
    'nobody who comes through the API can write %s',
    async (table, { acme }) => {
      for (const who of [acme.anyone, acme.owner, acme.service]) {
        for (const statement of [
          `insert into public.${table} (id) values (gen_random_uuid())`,
          `update public.${table} set id = id`,
          `delete from public.${table}`,
        ]) {
          await expect(who.run((tx) => tx.unsafe(statement))).rejects.toMatchObject({
            code: '42501',
          })
        }
      }
    },
  )
})

describe("an application's own table", () => {
  test('shows the rows of organisations in which the caller has the permission', async ({
    acme,
  }) => {
    const { sql } = acme
    await sql.unsafe(`
      create table if not exists public.invoices (organisation_id uuid primary key);
      alter table public.invoices enable row level security;
      drop policy if exists invoices_select on public.invoices;
      create policy invoices_select on public.invoices for select to authenticated
        using (organisation_id in (select usher.organisations_where('billing.read')));
      grant select on public.invoices to authenticated;`)
    await sql`insert into public.invoices values (${acme.id}), (${acme.otherId})`

    expect(await acme.finance.select('invoices')).toMatchObject([{ organisation_id: acme.id }])
    expect(await acme.outsider.select('invoices')).toMatchObject([
      { organisation_id: acme.otherId },
    ])
    expect(await acme.member.select('invoices')).toHaveLength(0)
  })
})
