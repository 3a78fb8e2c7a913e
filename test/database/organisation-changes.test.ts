import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'

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
