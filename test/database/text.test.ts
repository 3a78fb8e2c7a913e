import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'

describe('create_organisation_invite', () => {
  test.for([
    '',
    ' ',
    'plain',
    '@example.com',
    'a@',
    'a@b',
    'a@@example.com',
    'a b@example.com',
    'a@exa mple.com',
    'a@example.com, b@example.com',
    'a@example.com\r\nBcc: b@example.com',
    'Name <a@example.com>',
    '.a@example.com',
    'a..b@example.com',
    'a@-example.com',
    'a@example-.com',
    'a@example..com',
    'a@10.0.0.12',
    'ä@example.com',
    'a@exam\u200bple.com',
    `${'x'.repeat(65)}@example.com`,
    `a@${'x'.repeat(250)}.com`,
    "a'--@example.com;drop",
  ])('the address %j is refused', async (email, { acme }) => {
    await expect(
      acme.owner.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email,
        roles: ['member'],
      }),
    ).rejects.toMatchObject({ code: 'invalid_email', status: 422 })
  })

  test.for([
    ['UPPER@EXAMPLE.COM', 'upper@example.com'],
    ['\u00a0spaces@example.com\n', 'spaces@example.com'],
    ['\u202aunseen@example.com\u202c', 'unseen@example.com'],
    ['umlaut@BÜCHER.example', 'umlaut@xn--bcher-kva.example'],
    ["o'neil@example.com", "o'neil@example.com"],
  ])('the address %j is taken as %j', async ([email, stored], { acme }) => {
    expect(
      await acme.owner.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email,
        roles: ['member'],
      }),
    ).toMatchObject({ email: stored })
  })
})

describe('create_organisation', () => {
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
})

describe('a length of time that only compares as allowed', () => {
  // Each equals what stands beside it, and is nothing of the kind once it is added to a date.
  const WEEK = '-70000000 mons 2100000007 days'
  const MONTH = '24000 mons -719970 days'

  test.for([
    ['invalid_expiry', { invite_ttl: WEEK }],
    ['invalid_settings', { reminder_before: WEEK }],
    ['invalid_settings', { credential_grace: WEEK }],
    ['invalid_settings', { audit_retention: MONTH }],
  ] as const)('is refused with %s: %j', async ([code, changes], { acme }) => {
    await expect(
      acme.owner.rpc('update_organisation', { organisation_id: acme.id, changes }),
    ).rejects.toMatchObject({ code })
  })

  test('is no lifetime of an invite, of a code, of a token, and costs its own row only', async ({
    acme,
  }) => {
    const org = { organisation_id: acme.id }
    const roles = ['member']
    const invites = [
      { email: 'one@example.com', roles, expires_in: WEEK },
      { email: 'two@example.com', roles },
    ]
    expect(await acme.owner.rpc('create_organisation_invites', { ...org, invites })).toMatchObject([
      { error_code: 'invalid_expiry' },
      { status: 'created' },
    ])
    for (const [name, args] of [
      ['create_organisation_device_invite', { device_name: 'Door', roles, expires_in: MONTH }],
      ['create_organisation_directory_token', { name: 'Okta', expires_in: MONTH }],
    ] as const) {
      await expect(acme.owner.rpc(name, { ...org, ...args })).rejects.toMatchObject({
        code: 'invalid_expiry',
      })
    }
  })

  test('is no way round who may shorten how long the trail is kept', async ({ acme }) => {
    const set = (who: 'owner' | 'admin', audit_retention: string) =>
      acme[who].rpc('update_organisation', {
        organisation_id: acme.id,
        changes: { audit_retention },
      })
    await set('owner', '10 years')
    // As much, to Postgres, as ten years.
    await expect(set('admin', '3600 days')).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(set('admin', '-9000 mons 273600 days')).rejects.toMatchObject({})
    expect(await set('admin', '10 years')).toMatchObject({ audit_retention: '10 years' })
  })
})

describe('an address', () => {
  const label = (length: number) => 'x'.repeat(length)

  test.for([
    ['64 characters before the sign', (more: string) => `${label(64)}${more}@example.com`],
    ['a part of its domain of 63', (more: string) => `ann@${label(63)}${more}.com`],
    [
      '254 in all',
      (more: string) => `${label(64)}@${label(63)}.${label(63)}.${label(57)}${more}.com`,
    ],
  ] as const)('may have %s, and not one more', async ([, address], { database: { sql } }) => {
    const [row] = await sql`select usher.normalise_email(${address('')}) as taken,
      usher.normalise_email(${address('x')}) as refused`

    expect(row).toEqual({ taken: address(''), refused: null })
  })
})

describe('a language', () => {
  test.for([
    ['en', true],
    ['de-AT', true],
    ['es-419', true],
    ['zh-Hant-TW', true],
    ['EN', false],
    ['english', false],
    ['de_AT', false],
    ['de-at', false],
    ['de-1996', false],
    ['', false],
  ] as const)('%j: %s', async ([locale, is], { database: { sql } }) => {
    const [row] = await sql`select usher.is_locale(${locale}) as is`
    expect(row?.is).toBe(is)
  })
})

describe('a moment', () => {
  test.for([
    ['2027-03-31T18:00:00Z', '2027-03-31T18:00:00.000Z'],
    ['2027-03-31T18:00:00+02:00', '2027-03-31T16:00:00.000Z'],
    ['2027-03-31 18:00-0530', '2027-03-31T23:30:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ] as const)('%s is %s', async ([text, moment], { database: { sql } }) => {
    const [row] = await sql`select usher.read_time(${text}) as at`
    expect(row?.at.toISOString()).toBe(moment)
  })

  test.for([
    ['has no offset', '2027-03-31T18:00:00'],
    ['has no time', '2027-03-31'],
    ['is no day', '2027-02-30T18:00:00Z'],
    ['is no time', '2027-03-31T25:00:00Z'],
    ['has an offset that no place has', '2027-03-31T18:00:00+99:00'],
    ['is of the year 10000 somewhere', '9999-12-31T23:59:59-01:00'],
    ['is a word of Postgres', 'tomorrow'],
    ['never comes', 'infinity'],
    ['is long', `2027-03-31T18:00:00.${'0'.repeat(40)}Z`],
  ] as const)('is not what %s', async ([, text], { database: { sql } }) => {
    const [row] = await sql`select usher.read_time(${text}) as at`
    expect(row?.at).toBeNull()
  })
})
