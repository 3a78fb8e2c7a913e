import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { LINKS, NEVER } from '../support/names.ts'

describe('organisation_members', () => {
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
})

test('whoever calls themselves what nobody may be called is shown by their address', async ({
  acme,
}) => {
  for (const [, name] of [...NEVER, ...LINKS]) {
    const metadata = { full_name: name }
    const [row] = await acme.sql`select usher.display_name(${acme.sql.json(metadata)}) as shown`
    expect(row?.shown, name).toBeNull()
  }
  const metadata = { display_name: 'https://evil.example', full_name: 7, name: 'Ann' } as never
  const [row] = await acme.sql`select usher.display_name(${acme.sql.json(metadata)}) as shown`
  expect(row?.shown).toBe('Ann')
})

describe('deleting accounts', () => {
  test('the account of an owner cannot be deleted from under the organisation', async ({
    acme,
  }) => {
    await expect(acme.sql`delete from auth.users where id = ${acme.owner.userId}`).rejects.toThrow(
      /owner_required/,
    )
  })

  test('the account of a member can, and the membership goes with it', async ({ acme }) => {
    await acme.sql`delete from auth.users where id = ${acme.member.userId}`

    expect(
      await acme.owner.select('organisation_members', { user_id: acme.member.userId }),
    ).toHaveLength(0)
  })

  test('an organisation that is deleted lets its owner go', async ({ acme }) => {
    await acme.sql`delete from public.organisations where id = ${acme.id}`
    await acme.sql`delete from auth.users where id = ${acme.owner.userId}`

    expect(await acme.owner.rpc('list_my_organisations')).toEqual([])
  })
})
