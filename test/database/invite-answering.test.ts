import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'

describe('validate_organisation_invite', () => {
  test('shows who invites to what, as what, until when', async ({ acme }) => {
    const { invite, token } = await acme.invite('new@example.com', ['finance', 'member'])

    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      status: 'pending',
      reason: null,
      organisation_id: acme.id,
      organisation_name: 'Acme',
      email: 'new@example.com',
      roles: ['finance', 'member'],
      inviter_name: 'owner',
      inviter_email: acme.owner.email,
      locale: 'en',
      expires_at: (invite as unknown as { expires_at: string }).expires_at,
      has_account: false,
    })
  })

  test('says whether to sign in or to register', async ({ acme }) => {
    const { token } = await acme.invite(acme.stranger.email)

    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      has_account: true,
    })
  })

  test('says it only to the reader of the mailbox, not to whoever revealed a link of their own', async ({
    acme,
  }) => {
    for (const email of [acme.stranger.email, 'nobody-yet@example.com']) {
      const { invite, token } = await acme.invite(email)
      const link = await acme.owner.rpc('reveal_organisation_invite_link', { invite_id: invite.id })
      const revealed = link.split('#')[1]
      const says = (token: string) => acme.anyone.rpc('validate_organisation_invite', { token })

      expect(await says(revealed)).toMatchObject({ status: 'pending', has_account: null })
      expect(await says(token)).toMatchObject({ has_account: email === acme.stranger.email })
      await acme.expire(invite.id)
      expect(await says(revealed)).toMatchObject({ status: 'expired', has_account: null })
    }
  })

  test('is the same but for that, for an address with an account and for one without', async ({
    acme,
  }) => {
    const answers = []
    for (const email of [acme.stranger.email, 'never-seen@example.com']) {
      const created = await acme.owner.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email,
        roles: ['member'],
      })
      const link = await acme.owner.rpc('reveal_organisation_invite_link', {
        invite_id: created.id,
      })
      const preview = await acme.anyone.rpc('validate_organisation_invite', {
        token: link.split('#')[1],
      })
      const own = { id: 0, email: 0, created_at: 0, issued_at: 0, expires_at: 0 }
      answers.push({ ...created, ...own, preview: { ...preview, ...own } })
    }
    expect(answers[0]).toEqual(answers[1])
  })

  test.for([
    ['accepted', 'invite_already_accepted'],
    ['declined', 'invite_declined'],
    ['revoked', 'invite_revoked'],
    ['expired', 'invite_expired'],
  ] as const)('an invite that is %s says %s', async ([status, reason], { acme }) => {
    const { token } = await acme.inviteIn(status)

    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      status,
      reason,
    })
  })

  test('a link that is spent shows the organisation only', async ({ acme }) => {
    const { token } = await acme.inviteIn('revoked')

    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      organisation_id: acme.id,
      organisation_name: 'Acme',
      email: null,
      roles: null,
      inviter_email: null,
      message: null,
    })
  })

  test.for([
    null,
    '',
    'inv_',
    'inv_x',
    'x'.repeat(10_000),
    "inv_'; drop table usher.invites; --",
    'inv_\u{1F600}',
  ])('the token %j is invalid, and that is all it says', async (token, { acme }) => {
    const preview = await acme.anyone.rpc('validate_organisation_invite', { token })

    const { status, reason, ...rest } = preview
    expect([status, reason]).toEqual(['invalid', 'invite_invalid'])
    expect(Object.values(rest).every((value) => value === null)).toBe(true)
  })

  test('changes nothing, and can run read only', async ({ acme }) => {
    const { token } = await acme.invite()

    const preview = await acme.anyone.run(async (tx) => {
      await tx`set transaction read only`
      return tx`select status from public.validate_organisation_invite(${token})`
    })

    expect(preview).toMatchObject([{ status: 'pending' }])
  })
})

describe('accept_organisation_invite', () => {
  test('makes the invitee a member with exactly the roles of the invite', async ({ acme }) => {
    const invitee = await acme.person()
    const { invite, token } = await acme.invite(invitee.email, ['finance', 'member'])

    const member = await invitee.rpc('accept_organisation_invite', { token })

    expect(member).toMatchObject({
      organisation_id: acme.id,
      user_id: invitee.userId,
      roles: ['finance', 'member'],
      status: 'active',
      kind: 'user',
    })
    expect(await invitee.rpc('list_my_organisations')).toMatchObject([
      { id: acme.id, is_owner: false },
    ])
    expect(await acme.owner.select('organisation_invites', { id: invite.id })).toMatchObject([
      { status: 'accepted', accepted_by: invitee.userId },
    ])
    expect(await acme.events()).toEqual([
      'organisation.created',
      'invite.created',
      'invite.accepted',
    ])
    await fanOut(acme.sql)
    expect(
      await acme.owner.select('organisation_deliveries', { kind: 'invite_accepted' }),
    ).toMatchObject([{ recipient: acme.owner.email, status: 'queued' }])
  })

  test('the case of the address makes no difference', async ({ acme }) => {
    const { token } = await acme.invite('mixed@example.com')

    expect(
      await (await acme.person('MiXeD@Example.COM')).rpc('accept_organisation_invite', { token }),
    ).toMatchObject({
      status: 'active',
    })
  })

  test('needs a session', async ({ acme }) => {
    const { token } = await acme.invite()

    await expect(acme.anyone.rpc('accept_organisation_invite', { token })).rejects.toMatchObject({
      code: '42501',
    })
  })

  test('needs the account to be there still', async ({ acme }) => {
    const { token } = await acme.invite(acme.stranger.email)
    await acme.sql`delete from auth.users where id = ${acme.stranger.userId}`

    await expect(acme.stranger.rpc('accept_organisation_invite', { token })).rejects.toMatchObject({
      code: 'unauthenticated',
      status: 401,
    })
  })

  test('is not for another address, and the invite stays open', async ({ acme }) => {
    const { invite, token } = await acme.invite()

    await expect(acme.stranger.rpc('accept_organisation_invite', { token })).rejects.toMatchObject({
      code: 'invite_wrong_email',
      status: 403,
    })
    expect(await acme.owner.select('organisation_invites', { id: invite.id })).toMatchObject([
      { status: 'pending' },
    ])
  })

  test('is not for an address that has not been confirmed', async ({ acme }) => {
    const invitee = await acme.person()
    const { token } = await acme.invite(invitee.email)
    await acme.sql`update auth.users set email_confirmed_at = null where id = ${invitee.userId}`

    await expect(invitee.rpc('accept_organisation_invite', { token })).rejects.toMatchObject({
      code: 'email_unverified',
      status: 403,
    })
  })

  test.for([
    ['accepted', 'invite_already_accepted', 409],
    ['declined', 'invite_declined', 410],
    ['revoked', 'invite_revoked', 410],
    ['expired', 'invite_expired', 410],
  ] as const)('an invite that is %s: %s', async ([status, code, http], { acme }) => {
    const { email, token } = await acme.inviteIn(status)
    const invitee = await acme.person(status === 'accepted' ? 'else@example.com' : email)

    await expect(invitee.rpc('accept_organisation_invite', { token })).rejects.toMatchObject({
      code,
      status: http,
    })
  })

  test('a link from before the resend is refused, the new one is good', async ({ acme }) => {
    const invitee = await acme.person()
    const { invite, token } = await acme.invite(invitee.email)
    await acme.owner.rpc('resend_organisation_invite', { invite_id: invite.id })

    await expect(invitee.rpc('accept_organisation_invite', { token })).rejects.toMatchObject({
      code: 'invite_superseded',
    })
    expect(
      await invitee.rpc('accept_organisation_invite', { token: await acme.mint(invite.id) }),
    ).toMatchObject({
      roles: ['member'],
    })
  })

  test('a forged token is refused', async ({ acme }) => {
    await expect(
      acme.stranger.rpc('accept_organisation_invite', { token: `inv_${'A'.repeat(116)}` }),
    ).rejects.toMatchObject({ code: 'invite_invalid', status: 404 })
  })
})

describe('decline_organisation_invite', () => {
  test('needs the link only, is final, and tells the admins why', async ({ acme }) => {
    const { invite, token } = await acme.invite()

    expect(
      await acme.anyone.rpc('decline_organisation_invite', { token, reason: ' No time ' }),
    ).toMatchObject({
      status: 'declined',
      organisation_name: 'Acme',
    })

    expect(await acme.owner.select('organisation_invites', { id: invite.id })).toMatchObject([
      { status: 'declined', declined_reason: 'No time' },
    ])
    await fanOut(acme.sql)
    const mails = await acme.owner.select('organisation_deliveries', { kind: 'invite_declined' })
    expect(mails.map((mail) => mail.recipient).sort()).toEqual(
      [acme.admin.email, acme.owner.email].sort(),
    )
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'invite.declined' }),
    ).toMatchObject([{ actor_kind: 'invitee', actor_id: null, reason: 'No time' }])
  })

  test.for([
    ['accepted', 'invite_already_accepted'],
    ['declined', 'invite_declined'],
    ['revoked', 'invite_revoked'],
    ['expired', 'invite_expired'],
  ] as const)('an invite that is %s: %s', async ([status, code], { acme }) => {
    const { token } = await acme.inviteIn(status)

    await expect(acme.anyone.rpc('decline_organisation_invite', { token })).rejects.toMatchObject({
      code,
    })
  })

  test('an old or a forged link declines nothing', async ({ acme }) => {
    const { invite, token } = await acme.invite()
    await acme.owner.rpc('resend_organisation_invite', { invite_id: invite.id })

    await expect(acme.anyone.rpc('decline_organisation_invite', { token })).rejects.toMatchObject({
      code: 'invite_superseded',
    })
    await expect(
      acme.anyone.rpc('decline_organisation_invite', { token: 'inv_x' }),
    ).rejects.toMatchObject({
      code: 'invite_invalid',
    })
  })

  test('a reason that is too long is refused, and the invite stays open', async ({ acme }) => {
    const { token } = await acme.invite()

    await expect(
      acme.anyone.rpc('decline_organisation_invite', { token, reason: 'x'.repeat(501) }),
    ).rejects.toMatchObject({ code: 'invalid_message' })
    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      status: 'pending',
    })
  })
})
