import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'

describe('organisation_members', () => {
  test('members see each other with address and name', async ({ acme }) => {
    const rows = await acme.member.select('organisation_members', { organisation_id: acme.id })

    expect(rows).toHaveLength(5)
    expect(rows).toContainEqual(
      expect.objectContaining({
        user_id: acme.owner.userId,
        email: acme.owner.email,
        display_name: 'owner',
      }),
    )
  })

  test('outsiders see none, and everyone sees themselves', async ({ acme }) => {
    expect(
      await acme.outsider.select('organisation_members', { organisation_id: acme.id }),
    ).toHaveLength(0)
    expect(await acme.roleless.select('organisation_members')).toMatchObject([
      { user_id: acme.roleless.userId },
    ])
  })

  test.for(['left', 'removed', 'banned'])(
    'who has %s sees their own row only',
    async (status, { acme }) => {
      const former = await acme.join(['admin'], status)

      expect(await former.select('organisation_members')).toMatchObject([{ status }])
      expect(await former.rpc('list_my_organisations')).toEqual([])
      expect(
        await former.rpc('has_organisation_permission', {
          organisation_id: acme.id,
          permission: 'member.read',
        }),
      ).toBe(false)
    },
  )

  test('a new address or name shows at once', async ({ acme }) => {
    await acme.sql`update auth.users set email = 'Renamed@Example.com',
      raw_user_meta_data = '{"full_name": "Renata Renamed"}' where id = ${acme.member.userId}`

    expect(
      await acme.owner.select('organisation_members', { user_id: acme.member.userId }),
    ).toMatchObject([{ email: 'renamed@example.com', display_name: 'Renata Renamed' }])
  })

  test.for([
    ['turns the text around', 'Eve\u202e nimdA'],
    ['cannot be seen', '\u200b\u2060\u3164\u2800'],
    ['is nothing', '  '],
    ['breaks the line', 'Eve\nAdmin'],
    ['a mail program would decode', '=?utf-8?b?QWRtaW4=?='],
    ['is longer than 100 characters', 'e'.repeat(101)],
    ['is very long', 'e\u0301'.repeat(500_000)],
    ['is no text', { first: 'Eve' }],
  ] as const)('a name that %s is not shown', async ([, name], { acme }) => {
    await acme.sql`update auth.users set raw_user_meta_data = ${acme.sql.json({ full_name: name })}
      where id = ${acme.member.userId}`

    expect(
      await acme.owner.select('organisation_members', { user_id: acme.member.userId }),
    ).toMatchObject([{ display_name: null }])
  })

  test.for(['Åsa Ö', '李', '🦊', 'نور', 'a'.repeat(100)])(
    'a name of any script is: %s',
    async (name, { acme }) => {
      await acme.sql`update auth.users set raw_user_meta_data = ${acme.sql.json({ full_name: name })}
        where id = ${acme.member.userId}`

      expect(
        await acme.owner.select('organisation_members', { user_id: acme.member.userId }),
      ).toMatchObject([{ display_name: name }])
    },
  )

  test('there is one owner, whatever is tried', async ({ acme }) => {
    await expect(
      acme.sql`update public.organisation_members set roles = '{owner}' where user_id = ${acme.admin.userId}`,
    ).rejects.toThrow(/organisation_members_one_owner/)
  })
})
