import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'

describe('create_organisation', () => {
  test('whoever creates an organisation is its owner', async ({ acme }) => {
    const created = await acme.stranger.rpc('create_organisation', {
      name: ' Söhne & Töchter ',
      slug: undefined,
    })

    expect(created).toMatchObject({ name: 'Söhne & Töchter', locale: 'en', invite_ttl: '7 days' })
    expect(created.slug).toMatch(/^sohne-tochter/)
    expect(await acme.stranger.rpc('list_my_organisations')).toMatchObject([
      { id: created.id, roles: ['owner'], is_owner: true, kind: 'user' },
    ])
  })

  test('two of one name get slugs of their own', async ({ acme }) => {
    const [first, second] = await Promise.all([
      acme.owner.rpc('create_organisation', { name: 'Twins' }),
      acme.owner.rpc('create_organisation', { name: 'Twins' }),
    ])

    expect(first.slug).not.toBe(second.slug)
  })

  test('a name in another script gets a slug too', async ({ acme }) => {
    const created = await acme.owner.rpc('create_organisation', { name: '株式会社テスト' })

    expect(created.slug).toMatch(/^[0-9a-f]{6}$/)
  })

  test('a slug that is taken is refused', async ({ acme }) => {
    const { slug } = await acme.owner.rpc('create_organisation', { name: 'First' })

    await expect(
      acme.stranger.rpc('create_organisation', { name: 'Second', slug }),
    ).rejects.toMatchObject({
      code: 'slug_taken',
      status: 409,
    })
  })

  test.for([
    '',
    'a',
    'Upper',
    'two--hyphens',
    '-edge',
    'edge-',
    'dot.ted',
    'x'.repeat(64),
    "a'; drop table x",
  ])('the slug %j is refused', async (slug, { acme }) => {
    await expect(
      acme.owner.rpc('create_organisation', { name: 'Any', slug }),
    ).rejects.toMatchObject({
      code: 'invalid_slug',
      status: 422,
    })
  })

  test.for([
    ['empty', ''],
    ['blank', '   '],
    ['of 300 characters', 'x'.repeat(300)],
    ['with a line break', 'Acme\r\nBcc: victim@example.com'],
    ['that turns the direction of text', 'Acme \u202egnp.exe'],
  ] as const)('a name %s is refused', async ([, name], { acme }) => {
    await expect(acme.owner.rpc('create_organisation', { name })).rejects.toMatchObject({
      code: 'invalid_settings',
      status: 422,
    })
  })

  test.for([
    "Robert'); drop table public.organisations; --",
    '<script>alert(1)</script>',
    '{{name}} %s &amp;',
  ])('the name %j is kept as it is, and harms nothing', async (name, { acme }) => {
    expect(await acme.owner.rpc('create_organisation', { name })).toMatchObject({ name })
  })

  test('nobody creates one without a session', async ({ acme }) => {
    await expect(acme.anyone.rpc('create_organisation', { name: 'Any' })).rejects.toMatchObject({
      code: '42501',
    })
  })
})

describe('organisations', () => {
  test('members see their organisation, and nobody else does', async ({ acme }) => {
    const where = { id: acme.id }

    expect(await acme.member.select('organisations', where)).toHaveLength(1)
    expect(await acme.outsider.select('organisations', where)).toHaveLength(0)
    expect(await acme.stranger.select('organisations', where)).toHaveLength(0)
    await expect(acme.anyone.select('organisations')).rejects.toMatchObject({ code: '42501' })
  })

  test('a member without a role sees it in their list, and nothing of it', async ({ acme }) => {
    expect(await acme.roleless.rpc('list_my_organisations')).toMatchObject([
      { id: acme.id, roles: [] },
    ])
    expect(await acme.roleless.select('organisations')).toHaveLength(0)
  })
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
