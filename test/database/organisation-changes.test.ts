import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'

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

describe('update_organisation', () => {
  test('changes what is named, leaves the rest, and says what was', async ({ acme }) => {
    await acme.sql`insert into public.organisation_domains (organisation_id, domain, verification, verified_at)
      values (${acme.id}, 'acme.example', 'x', now())`
    const changes = {
      name: 'Acme Two',
      accent_colour: '#4F46E5',
      reply_to: 'HR@Acme.example',
      locale: 'de-AT',
      invite_ttl: '2 days',
      seat_limit: 50,
      allowed_email_domains: ['@Corp.example', 'corp.example', 'b.example'],
      self_service_resend: true,
      logo_url: 'https://acme.example/logo.png',
      slug: `acme-two-${acme.id.slice(0, 6)}`,
    }

    expect(
      await acme.admin.rpc('update_organisation', { organisation_id: acme.id, changes }),
    ).toMatchObject({
      ...changes,
      accent_colour: '#4f46e5',
      reply_to: 'hr@acme.example',
      allowed_email_domains: ['b.example', 'corp.example'],
      expiry_mail: false,
    })
    const [event] = await acme.owner.select('organisation_audit_events', {
      event: 'organisation.updated',
    })
    expect(event).toMatchObject({
      before: { name: 'Acme', reply_to: false },
      after: { name: 'Acme Two', reply_to: true },
    })
    expect(JSON.stringify(event)).not.toContain('@')
  })

  test('null takes an optional setting back', async ({ acme }) => {
    const set = (changes: object) =>
      acme.owner.rpc('update_organisation', { organisation_id: acme.id, changes })
    await set({ seat_limit: 50, accent_colour: '#000000' })

    expect(await set({ seat_limit: null, accent_colour: null })).toMatchObject({
      seat_limit: null,
      accent_colour: null,
    })
  })

  test.for([
    ['invalid_settings', { id: 'x' }],
    ['invalid_settings', { created_at: '2020-01-01' }],
    ['invalid_settings', ['name']],
    ['invalid_settings', { name: null }],
    ['invalid_settings', { name: 'a\nb' }],
    ['invalid_settings', { accent_colour: 'red' }],
    ['invalid_settings', { logo_url: 'javascript:alert(1)' }],
    ['invalid_settings', { logo_url: 'http://acme.example/logo.png' }],
    ['invalid_settings', { locale: 'german' }],
    ['invalid_settings', { audit_retention: '29 days' }],
    ['invalid_settings', { audit_retention: '200000 years' }],
    ['invalid_settings', { seat_limit: 0 }],
    ['invalid_settings', { seat_limit: 'many' }],
    ['invalid_settings', { allowed_email_domains: ['not a domain'] }],
    ['invalid_settings', { allowed_email_domains: Array(1001).fill('corp.example') }],
    ['invalid_settings', { self_service_resend: null }],
    ['invalid_settings', { invite_ttl: 'soon' }],
    ['invalid_expiry', { invite_ttl: '31 days' }],
    ['invalid_expiry', { invite_ttl: null }],
    ['invalid_email', { reply_to: 'nobody' }],
    ['invalid_slug', { slug: 'No' }],
    ['invalid_settings', { seat_limit: 1_000_001 }],
  ] as const)('%s: %j', async ([code, changes], { acme }) => {
    await expect(
      acme.owner.rpc('update_organisation', { organisation_id: acme.id, changes }),
    ).rejects.toMatchObject({ code })
  })

  test('a slug that is taken is refused', async ({ acme }) => {
    const [other] = await acme.outsider.select('organisations')

    await expect(
      acme.owner.rpc('update_organisation', {
        organisation_id: acme.id,
        changes: { slug: other?.slug },
      }),
    ).rejects.toMatchObject({ code: 'slug_taken' })
  })

  test.for([
    ['finance', 'permission_denied'],
    ['outsider', 'organisation_not_found'],
  ] as const)('%s: %s', async ([who, code], { acme }) => {
    await expect(
      acme[who].rpc('update_organisation', { organisation_id: acme.id, changes: {} }),
    ).rejects.toMatchObject({ code })
  })
})

describe('audit_retention', () => {
  const change = (acme: Organisation, who: 'owner' | 'admin', value: string | null, more = {}) =>
    acme[who].rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { audit_retention: value, ...more },
    })

  test('is changed by the owner alone, whatever others may do', async ({ acme }) => {
    await acme.owner.rpc('create_organisation_role', {
      ...{ organisation_id: acme.id, name: 'deputy' },
      permissions: ['organisation.update', 'organisation.delete', 'audit.read'],
      inherits: ['admin'],
    })
    const deputy = await acme.join(['deputy'])
    for (const who of [acme.admin, deputy]) {
      for (const value of ['30 days', '5 years', '100 years']) {
        await expect(change({ ...acme, owner: who }, 'owner', value)).rejects.toMatchObject({
          code: 'permission_denied',
          details: 'audit_retention',
        })
      }
    }

    await change(acme, 'owner', '5 years')
    for (const value of ['30 days', '6 years', null]) {
      await expect(change(acme, 'admin', value, { name: 'Other' })).rejects.toMatchObject({
        code: 'permission_denied',
      })
    }
    const [organisation] = await acme.admin.select('organisations', { id: acme.id })
    expect(organisation).toMatchObject({ audit_retention: '5 years', name: 'Acme' })
  })

  test('may be sent along by an admin as it is', async ({ acme }) => {
    await change(acme, 'owner', '5 years')

    expect(await change(acme, 'admin', '60 months', { locale: 'de' })).toMatchObject({
      locale: 'de',
    })
  })

  test('goes with the ownership', async ({ acme }) => {
    await acme.owner.rpc('transfer_organisation_ownership', {
      ...{ organisation_id: acme.id, new_owner_id: acme.admin.userId },
    })

    await expect(change(acme, 'owner', '5 years')).rejects.toMatchObject({
      code: 'permission_denied',
    })
    await change(acme, 'admin', '5 years')
  })
})

test('a thousand allowed domains are no hindrance to another change', async ({ acme }) => {
  const update = (changes: object) =>
    acme.owner.rpc('update_organisation', { organisation_id: acme.id, changes })
  const domains = Array.from({ length: 1000 }, (_, i) => `d${i}.example`)
  await update({ allowed_email_domains: domains })

  expect(await update({ name: 'Renamed' })).toMatchObject({ name: 'Renamed' })
})

describe('delete_organisation', () => {
  test('the owner deletes it with all that is in it; the trail stays', async ({ acme }) => {
    await acme.invite()

    expect(await acme.owner.rpc('delete_organisation', { organisation_id: acme.id })).toBeNull()

    expect(await acme.member.rpc('list_my_organisations')).toEqual([])
    expect(await acme.events()).toEqual([
      'organisation.created',
      'invite.created',
      'organisation.deleted',
    ])
  })

  test.for([
    ['admin', 'permission_denied'],
    ['outsider', 'organisation_not_found'],
  ] as const)('%s: %s', async ([who, code], { acme }) => {
    await expect(
      acme[who].rpc('delete_organisation', { organisation_id: acme.id }),
    ).rejects.toMatchObject({ code })
  })
})
