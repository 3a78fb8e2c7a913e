import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'

describe('organisation_audit_events', () => {
  test('says who did what to what, and from where', async ({ acme }) => {
    const { id } = await acme.admin.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: 'new@example.com',
      roles: ['member'],
    })
    await acme.admin.rpc('revoke_organisation_invite', { invite_id: id, reason: 'Wrong role' })

    const [revoked] = await acme.admin.select('organisation_audit_events', {
      event: 'invite.revoked',
    })
    expect(revoked).toMatchObject({
      organisation_id: acme.id,
      actor_kind: 'user',
      actor_id: acme.admin.userId,
      target_kind: 'invite',
      target_id: id,
      before: { status: 'pending' },
      after: { status: 'revoked' },
      reason: 'Wrong role',
      ip: '192.0.2.7',
      claimed_ip: '198.51.100.66',
      user_agent: 'test',
    })
  })

  test('takes where a call came from out of what the gateway adds, whatever the caller writes', async ({
    acme,
  }) => {
    const forged = {
      'x-forwarded-for': '203.0.113.1',
      'x-real-ip': '203.0.113.2',
      'client-ip': '203.0.113.3',
    }
    await acme.admin.run(async (tx) => {
      const headers = { ...forged, 'cf-connecting-ip': '192.0.2.9' }
      await tx`select set_config('request.headers', ${JSON.stringify(headers)}, true)`
      await tx`select public.update_organisation(${acme.id}, '{"locale": "de"}')`
    })

    const [updated] = await acme.admin.select('organisation_audit_events', {
      event: 'organisation.updated',
    })
    expect(updated).toMatchObject({ ip: '192.0.2.9', claimed_ip: '203.0.113.1' })
  })

  test('holds no address and no token', async ({ acme }) => {
    const { invite, token } = await acme.invite('who@example.com')
    await (await acme.person('who@example.com')).rpc('accept_organisation_invite', { token })

    const trail = JSON.stringify(await acme.owner.select('organisation_audit_events'))
    expect(trail).toContain(invite.id)
    expect(trail).not.toContain('@')
    expect(trail).not.toContain('inv_')
  })

  test('a line cannot be changed or removed, not even by the owner of the table', async ({
    acme,
  }) => {
    for (const statement of [
      'update public.organisation_audit_events set event = event',
      'delete from public.organisation_audit_events',
      'truncate public.organisation_audit_events',
    ]) {
      await expect(acme.sql.unsafe(statement)).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('a call that is refused leaves no line, no invite and no mail', async ({ acme }) => {
    const count = async () => {
      await fanOut(acme.sql)
      const [row] = await acme.sql`select
      (select count(*) from public.organisation_audit_events) as events,
      (select count(*) from public.organisation_deliveries) as deliveries,
      (select count(*) from usher.invites) as invites`
      return row
    }
    const before = await count()

    await expect(
      acme.owner.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: 'x@example.com',
        roles: ['owner'],
      }),
    ).rejects.toMatchObject({ code: 'role_not_assignable' })

    expect(await count()).toEqual(before)
  })

  test('outlives its organisation', async ({ acme }) => {
    await acme.invite()
    await acme.sql`delete from public.organisations where id = ${acme.id}`

    expect(await acme.events()).toEqual(['organisation.created', 'invite.created'])
  })
})

describe('usher.client_address', () => {
  const HOSTED = ['cf-connecting-ip', []] as const
  const KONG = ['x-forwarded-for', []] as const
  const OWN_PROXY = ['x-forwarded-for', ['10.0.0.0/8', 'fd00::/8']] as const
  const BEHIND_A_DOOR = ['cf-connecting-ip', ['198.51.100.0/24']] as const
  const FAR = '9'.repeat(200_000)

  test.for([
    ['nothing', HOSTED, {}, null, null],
    ['Cloudflare alone', HOSTED, { 'cf-connecting-ip': '192.0.2.1' }, '192.0.2.1', null],
    [
      'Cloudflare, which appends',
      HOSTED,
      { 'cf-connecting-ip': '192.0.2.1', 'x-forwarded-for': '203.0.113.1,192.0.2.1' },
      '192.0.2.1',
      '203.0.113.1',
    ],
    [
      'what the caller has not forged',
      HOSTED,
      { 'cf-connecting-ip': '192.0.2.1', 'x-forwarded-for': '192.0.2.1, 172.68.1.1' },
      '192.0.2.1',
      null,
    ],
    [
      'a gateway that adds nothing',
      HOSTED,
      { 'x-forwarded-for': '203.0.113.1' },
      null,
      '203.0.113.1',
    ],
    [
      'another header than the one that counts',
      KONG,
      { 'cf-connecting-ip': '203.0.113.9', 'x-forwarded-for': '203.0.113.1, 192.0.2.1' },
      '192.0.2.1',
      '203.0.113.1',
    ],
    ['one hop', KONG, { 'x-forwarded-for': '192.0.2.1' }, '192.0.2.1', null],
    [
      'proxies of one’s own, and beyond them what was forged',
      OWN_PROXY,
      { 'x-forwarded-for': '203.0.113.1, 192.0.2.1, 10.1.2.3, [fd00::5]:8080' },
      '192.0.2.1',
      '203.0.113.1',
    ],
    [
      'none but one’s own',
      OWN_PROXY,
      { 'x-forwarded-for': '10.0.0.7, 10.1.2.3' },
      '10.0.0.7',
      null,
    ],
    [
      'a door of the project, which is trusted',
      BEHIND_A_DOOR,
      {
        'cf-connecting-ip': '198.51.100.3',
        'x-forwarded-for': '203.0.113.1, 192.0.2.1, 198.51.100.3',
      },
      '192.0.2.1',
      '203.0.113.1',
    ],
    ['IPv6', HOSTED, { 'cf-connecting-ip': '2001:DB8::1' }, '2001:db8::1', null],
    [
      'IPv4 in the clothes of IPv6',
      HOSTED,
      { 'cf-connecting-ip': '::ffff:192.0.2.1' },
      '192.0.2.1',
      null,
    ],
    ['a port', KONG, { 'x-forwarded-for': '192.0.2.1:55555' }, '192.0.2.1', null],
    ['no address', HOSTED, { 'cf-connecting-ip': 'unknown' }, null, null],
    ['half an address', KONG, { 'x-forwarded-for': '192.0.2.1, 300.1.1' }, null, '192.0.2.1'],
    ['an empty place at the end', KONG, { 'x-forwarded-for': '192.0.2.1, ' }, null, '192.0.2.1'],
    [
      'words, tags and signs that turn the text',
      HOSTED,
      { 'cf-connecting-ip': '192.0.2.1', 'x-forwarded-for': '\u202e<b>x</b> \u0000'.slice(0, -1) },
      '192.0.2.1',
      '<b>x</b>',
    ],
    ['200 kB of digits', KONG, { 'x-forwarded-for': FAR }, null, '9'.repeat(64)],
    [
      '200 kB, and a hop',
      KONG,
      { 'x-forwarded-for': `${FAR}, 192.0.2.1` },
      '192.0.2.1',
      '9'.repeat(64),
    ],
    ['200 kB where one address belongs', HOSTED, { 'cf-connecting-ip': FAR }, null, null],
    [
      'a hundred thousand hops',
      OWN_PROXY,
      { 'x-forwarded-for': `${'10.0.0.1,'.repeat(100_000)}10.0.0.2` },
      '10.0.0.1',
      null,
    ],
    ['no text', KONG, { 'x-forwarded-for': { a: 1 } }, null, '{"a":1}'],
  ] as const)('%s', async ([, [header, proxies], headers, ip, claimed], { acme }) => {
    const settings = { client_address_header: header, trusted_proxies: proxies }
    await acme.sql`select usher.update_settings(${acme.sql.json(settings)})`
    const [found] =
      await acme.sql`select * from usher.client_address(${JSON.stringify(headers)}::text::jsonb)`

    await acme.sql`select usher.update_settings('{"client_address_header": "cf-connecting-ip", "trusted_proxies": []}')`
    expect(found).toEqual({ ip, claimed_ip: claimed })
  })
})
