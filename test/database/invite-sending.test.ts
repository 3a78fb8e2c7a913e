import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'

describe('create_organisation_invite', () => {
  test('returns the invite, with what was asked for and never a token', async ({ acme }) => {
    const invite = await acme.admin.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: '  New.Person+tag@EXAMPLE.com ',
      roles: ['member', 'finance', 'member'],
      expires_in: '2 days',
      message: 'Hello\r\nthere',
      locale: 'de-AT',
      redirect_to: '/welcome?from=mail',
      metadata: { plan: 'pro' },
    })

    expect(invite).toMatchObject({
      email: 'new.person+tag@example.com',
      roles: ['finance', 'member'],
      status: 'pending',
      message: 'Hello\nthere',
      locale: 'de-AT',
      redirect_to: '/welcome?from=mail',
      metadata: { plan: 'pro' },
      invited_by: acme.admin.userId,
      resend_count: 0,
    })
    expect(new Date(invite.expires_at).getTime() - Date.now()).toBeCloseTo(2 * 86_400_000, -5)
    expect(JSON.stringify(invite)).not.toContain('inv_')
  })

  test('lives for seven days unless told otherwise', async ({ acme }) => {
    const { invite } = await acme.invite()
    const [row] =
      await acme.sql`select expires_at - issued_at between interval '7 days' - interval '1 second'
      and interval '7 days' as is_a_week from usher.invites where id = ${invite.id}`

    expect(row).toEqual({ is_a_week: true })
  })

  test('queues exactly one mail', async ({ acme }) => {
    const { invite } = await acme.invite()

    await fanOut(acme.sql)
    expect(
      await acme.admin.select('organisation_deliveries', { invite_id: invite.id }),
    ).toMatchObject([{ kind: 'invite', recipient: invite.email, status: 'queued', attempts: 0 }])
  })

  test.for(['finance', 'member', 'roleless'] as const)(
    '%s may not invite',
    async (who, { acme }) => {
      await expect(
        acme[who].rpc('create_organisation_invite', {
          organisation_id: acme.id,
          email: 'x@example.com',
          roles: ['member'],
        }),
      ).rejects.toMatchObject({ code: 'permission_denied', status: 403, details: 'invite.create' })
    },
  )

  test.for(['outsider', 'stranger'] as const)(
    '%s is told of no such organisation',
    async (who, { acme }) => {
      await expect(
        acme[who].rpc('create_organisation_invite', {
          organisation_id: acme.id,
          email: 'x@example.com',
          roles: ['member'],
        }),
      ).rejects.toMatchObject({ code: 'organisation_not_found', status: 404 })
    },
  )

  test.for([
    ['invalid_expiry', { expires_in: '59 minutes' }],
    ['invalid_expiry', { expires_in: '30 days 1 second' }],
    ['invalid_expiry', { expires_in: '-3 days' }],
    ['invalid_message', { message: 'x'.repeat(1001) }],
    ['invalid_message', { message: 'bell \u0007' }],
    ['invalid_redirect', { redirect_to: 'https://evil.example' }],
    ['invalid_redirect', { redirect_to: '//evil.example' }],
    ['invalid_redirect', { redirect_to: '/\\evil.example' }],
    ['invalid_redirect', { redirect_to: 'javascript:alert(1)' }],
    ['invalid_redirect', { redirect_to: 'http://localhost:3000@evil.example/' }],
    ['invalid_redirect', { redirect_to: 'http://localhost:3000.evil.example/' }],
    ['invalid_settings', { locale: 'Klingon' }],
    ['invalid_settings', { metadata: ['a list'] }],
    ['invalid_settings', { metadata: { big: Array.from({ length: 3000 }, (_, i) => i * 7919) } }],
    ['invalid_settings', { template_id: '00000000-0000-4000-8000-000000000000' }],
  ] as const)('%s: %j', async ([code, extra], { acme }) => {
    await expect(
      acme.owner.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: 'x@example.com',
        roles: ['member'],
        ...extra,
      }),
    ).rejects.toMatchObject({ code, status: 422 })
  })

  test('a second invite of one address says which one is open', async ({ acme }) => {
    const { invite } = await acme.invite('twice@example.com')

    await expect(
      acme.admin.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: 'TWICE@example.com',
        roles: ['member'],
      }),
    ).rejects.toMatchObject({ code: 'already_invited', status: 409, details: invite.id })
  })

  test('two at once: one is sent, the other is told', async ({ acme }) => {
    const outcomes = await Promise.allSettled(
      [acme.owner, acme.admin].map((who) =>
        who.rpc('create_organisation_invite', {
          organisation_id: acme.id,
          email: 'race@example.com',
          roles: ['member'],
        }),
      ),
    )

    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'already_invited' },
    })
  })

  test.for(['expired', 'declined', 'revoked'] as const)(
    'an invite that is %s does not stand in the way',
    async (status, { acme }) => {
      const { email } = await acme.inviteIn(status)

      expect(
        await acme.owner.rpc('create_organisation_invite', {
          organisation_id: acme.id,
          email,
          roles: ['finance'],
        }),
      ).toMatchObject({ status: 'pending', roles: ['finance'] })
    },
  )

  test('a member is not invited, and a banned person neither', async ({ acme }) => {
    const banned = await acme.join(['member'], 'banned')

    await expect(acme.invite(acme.member.email.toUpperCase())).rejects.toMatchObject({
      code: 'already_member',
      status: 409,
    })
    await expect(acme.invite(banned.email)).rejects.toMatchObject({
      code: 'member_banned',
      status: 403,
    })
  })

  test('only allowed domains are invited', async ({ acme }) => {
    await acme.sql`update public.organisations set allowed_email_domains = '{corp.example}' where id = ${acme.id}`

    await expect(acme.invite('x@example.com')).rejects.toMatchObject({
      code: 'domain_not_allowed',
      status: 403,
    })
    expect((await acme.invite('x@corp.example')).invite).toMatchObject({ email: 'x@corp.example' })
  })

  test('the allowance of a day is not exceeded', async ({ acme }) => {
    await acme.sql`insert into usher.rate_limits values (${`invites:${acme.id}`}, now() - interval '1 hour', 20000)`

    await expect(acme.invite()).rejects.toMatchObject({
      code: 'rate_limited',
      status: 429,
      headers: { 'retry-after': expect.stringMatching(/^82[78]\d\d$/) },
    })
  })
})

describe('create_organisation_invites', () => {
  test('answers each row in order, and sends the good ones', async ({ acme }) => {
    const { invite } = await acme.invite('open@example.com')
    const banned = await acme.join(['member'], 'banned')
    const roles = ['member']

    const outcome = await acme.admin.rpc('create_organisation_invites', {
      organisation_id: acme.id,
      invites: [
        { email: 'first@example.com', roles },
        { email: 'bad', roles },
        { email: 'twice@example.com', roles: ['nobody'] },
        { email: 'twice@example.com', roles },
        { email: 'Twice@example.com', roles },
        { email: 'open@example.com', roles },
        { email: acme.member.email, roles },
        { email: banned.email, roles },
        { email: 'boss@example.com', roles: ['admin'] },
        { email: 'late@example.com', roles, expires_in: 'soon' },
        { email: 'none@example.com' },
        'not an object',
        { email: 'last@example.com', roles, expires_in: '1 hour' },
      ],
    })

    expect(
      outcome.map((row: Record<string, unknown>) => [row.row_number, row.status, row.error_code]),
    ).toEqual([
      [1, 'created', null],
      [2, 'failed', 'invalid_email'],
      [3, 'failed', 'invalid_role'],
      [4, 'created', null],
      [5, 'failed', 'already_invited'],
      [6, 'failed', 'already_invited'],
      [7, 'failed', 'already_member'],
      [8, 'failed', 'member_banned'],
      [9, 'failed', 'role_not_assignable'],
      [10, 'failed', 'invalid_expiry'],
      [11, 'failed', 'invalid_role'],
      [12, 'failed', 'invalid_email'],
      [13, 'created', null],
    ])
    expect(outcome[4].error_details).toBe(outcome[3].invite_id)
    expect(outcome[5].error_details).toBe(invite.id)
    const created = [0, 3, 12].map((i) => outcome[i].invite_id).sort()
    await fanOut(acme.sql)
    const mails = await acme.admin.select('organisation_deliveries', { kind: 'invite' })
    expect(mails.map((mail) => mail.invite_id).sort()).toEqual([...created, invite.id].sort())
  })

  test('takes ten thousand, and not one more', async ({ acme }) => {
    const many = Array.from({ length: 10_001 }, (_, i) => ({
      email: `p${i}@example.com`,
      roles: ['member'],
    }))

    await expect(
      acme.owner.rpc('create_organisation_invites', { organisation_id: acme.id, invites: many }),
    ).rejects.toMatchObject({ code: 'batch_too_large', status: 413 })

    const outcome = await acme.owner.rpc('create_organisation_invites', {
      organisation_id: acme.id,
      invites: many.slice(1),
    })
    expect(outcome).toHaveLength(10_000)
    expect(outcome.every((row: { status: string }) => row.status === 'created')).toBe(true)
    await fanOut(acme.sql)
    const [mails] = await acme.sql`select count(*)::integer as n, bool_and(is_bulk) as all_bulk
      from public.organisation_deliveries where organisation_id = ${acme.id}`
    expect(mails).toEqual({ n: 10_000, all_bulk: true })
  })

  test('wants a list', async ({ acme }) => {
    await expect(
      acme.owner.rpc('create_organisation_invites', {
        organisation_id: acme.id,
        invites: { email: 'x' },
      }),
    ).rejects.toMatchObject({ code: 'invalid_settings' })
    expect(
      await acme.owner.rpc('create_organisation_invites', {
        organisation_id: acme.id,
        invites: [],
      }),
    ).toEqual([])
  })

  test('asks for the same permission', async ({ acme }) => {
    await expect(
      acme.member.rpc('create_organisation_invites', { organisation_id: acme.id, invites: [] }),
    ).rejects.toMatchObject({ code: 'permission_denied' })
  })
})
