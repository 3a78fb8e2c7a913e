import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'

const validate = async (acme: Organisation, token: string) =>
  (await acme.anyone.rpc('validate_organisation_invite', { token })).status

describe('update_organisation_invite_roles', () => {
  test('offers the new roles by a new link, and the old one is dead', async ({ acme }) => {
    const invitee = await acme.person()
    const { invite, token } = await acme.invite(invitee.email)

    expect(
      await acme.admin.rpc('update_organisation_invite_roles', {
        invite_id: invite.id,
        roles: ['finance'],
      }),
    ).toMatchObject({ roles: ['finance'], status: 'pending' })

    expect(await validate(acme, token)).toBe('superseded')
    expect(
      await invitee.rpc('accept_organisation_invite', { token: await acme.mint(invite.id) }),
    ).toMatchObject({ roles: ['finance'] })
    expect(await acme.events()).toContain('invite.roles_updated')
  })

  test('the same roles change nothing, and no mail goes out', async ({ acme }) => {
    const { invite, token } = await acme.invite()
    await acme.admin.rpc('update_organisation_invite_roles', {
      invite_id: invite.id,
      roles: ['member', 'member'],
    })

    expect(await validate(acme, token)).toBe('pending')
    await fanOut(acme.sql)
    expect(
      await acme.admin.select('organisation_deliveries', { invite_id: invite.id }),
    ).toHaveLength(1)
  })

  test.for([
    ['admin', ['admin'], 'role_not_assignable'],
    ['admin', ['nobody'], 'invalid_role'],
    ['admin', [], 'invalid_role'],
    ['member', ['member'], 'permission_denied'],
    ['outsider', ['member'], 'invite_not_found'],
  ] as const)('%s to %j: %s', async ([who, roles, code], { acme }) => {
    const { invite } = await acme.invite()

    await expect(
      acme[who].rpc('update_organisation_invite_roles', { invite_id: invite.id, roles }),
    ).rejects.toMatchObject({ code })
  })

  test('nobody changes an invite whose roles they could not give', async ({ acme }) => {
    const { invite } = await acme.invite(undefined, ['admin'])

    await expect(
      acme.admin.rpc('update_organisation_invite_roles', {
        invite_id: invite.id,
        roles: ['member'],
      }),
    ).rejects.toMatchObject({ code: 'role_not_assignable' })
  })

  test.for(['accepted', 'declined', 'revoked', 'expired'] as const)(
    'not once it is %s',
    async (status, { acme }) => {
      const { id } = await acme.inviteIn(status)

      await expect(
        acme.owner.rpc('update_organisation_invite_roles', { invite_id: id, roles: ['finance'] }),
      ).rejects.toMatchObject({ code: 'invite_not_pending' })
    },
  )
})

describe('reveal_organisation_invite_link', () => {
  test('gives a link that works beside the mailed one, and the trail says who took it', async ({
    acme,
  }) => {
    const { invite, token } = await acme.invite()

    const link = await acme.admin.rpc('reveal_organisation_invite_link', { invite_id: invite.id })

    expect(await validate(acme, link.split('#')[1])).toBe('pending')
    expect(await validate(acme, token)).toBe('pending')
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'invite.link_revealed' }),
    ).toMatchObject([{ actor_id: acme.admin.userId, target_id: invite.id }])
  })

  test.for([
    ['member', 'permission_denied'],
    ['outsider', 'invite_not_found'],
  ] as const)('%s: %s', async ([who, code], { acme }) => {
    const { invite } = await acme.invite()

    await expect(
      acme[who].rpc('reveal_organisation_invite_link', { invite_id: invite.id }),
    ).rejects.toMatchObject({ code })
  })

  test('not of roles that the caller could not give, and not once it is closed', async ({
    acme,
  }) => {
    const { invite } = await acme.invite(undefined, ['admin'])
    const { id } = await acme.inviteIn('revoked')

    await expect(
      acme.admin.rpc('reveal_organisation_invite_link', { invite_id: invite.id }),
    ).rejects.toMatchObject({
      code: 'role_not_assignable',
    })
    await expect(
      acme.admin.rpc('reveal_organisation_invite_link', { invite_id: id }),
    ).rejects.toMatchObject({
      code: 'invite_not_pending',
    })
  })
})

describe('request_organisation_invite_resend', () => {
  const ask = (acme: Organisation, token: string) =>
    acme.anyone.rpc('request_organisation_invite_resend', { token })
  const mails = async (acme: Organisation, kind: string) => {
    await fanOut(acme.sql)
    const rows = await acme.owner.select('organisation_deliveries', { kind })
    return rows.map((mail) => mail.recipient)
  }

  test('tells those who may send it again, once a day', async ({ acme }) => {
    const { token } = await acme.inviteIn('expired')

    expect([await ask(acme, token), await ask(acme, token)]).toEqual([null, null])

    expect((await mails(acme, 'invite_resend_requested')).sort()).toEqual(
      [acme.admin.email, acme.owner.email].sort(),
    )
    expect(
      (await acme.events()).filter((event) => event === 'invite.resend_requested'),
    ).toHaveLength(1)
  })

  test('sends a new link by itself where the organisation allows it', async ({ acme }) => {
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { self_service_resend: true },
    })
    const { id, email, token } = await acme.inviteIn('expired')

    await ask(acme, token)

    expect(await mails(acme, 'invite')).toEqual([email, email])
    expect(await mails(acme, 'invite_resend_requested')).toEqual([])
    expect(await acme.owner.select('organisation_invites', { id })).toMatchObject([
      { status: 'pending' },
    ])
  })

  test.for(['pending', 'accepted', 'declined', 'revoked'] as const)(
    'answers the same for an invite that is %s, and does nothing',
    async (status, { acme }) => {
      const { token } = await acme.inviteIn(status)

      expect(await ask(acme, token)).toBeNull()
      expect(await acme.events()).not.toContain('invite.resend_requested')
    },
  )

  test('answers the same for a forged link', async ({ acme }) => {
    expect(await ask(acme, 'inv_x')).toBeNull()
  })
})

describe('my invites', () => {
  const confirm = (acme: Organisation) =>
    acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
  const trustNobody = (acme: Organisation) =>
    acme.sql`select usher.update_settings('{"auth_confirms_addresses": false}')`

  test('the pending ones to my own confirmed address, and no others', async ({ acme }) => {
    const invitee = await acme.person()
    const { invite } = await acme.invite(invitee.email.toUpperCase(), ['finance'])
    await acme.invite()

    expect(await invitee.rpc('list_my_organisation_invites')).toMatchObject([
      {
        id: invite.id,
        organisation_name: 'Acme',
        roles: ['finance'],
        inviter_email: acme.owner.email,
      },
    ])
    expect(await acme.stranger.rpc('list_my_organisation_invites')).toEqual([])

    await acme.sql`update auth.users set email_confirmed_at = null where id = ${invitee.userId}`
    expect(await invitee.rpc('list_my_organisation_invites')).toEqual([])
  })

  test('are not accepted without the link, unless Auth is known to confirm addresses', async ({
    acme,
  }) => {
    const invitee = await acme.person()
    const { invite } = await acme.invite(invitee.email)
    const accept = () => invitee.rpc('accept_my_organisation_invite', { invite_id: invite.id })

    await expect(accept()).rejects.toMatchObject({ code: 'permission_denied', status: 403 })

    await confirm(acme)
    expect(await accept()).toMatchObject({ status: 'active', roles: ['member'] })
    await expect(accept()).rejects.toMatchObject({ code: 'invite_already_accepted' })
    await trustNobody(acme)
  })

  test("somebody else's looks like none", async ({ acme }) => {
    await confirm(acme)
    const { invite } = await acme.invite()

    await expect(
      acme.stranger.rpc('accept_my_organisation_invite', { invite_id: invite.id }),
    ).rejects.toMatchObject({ code: 'invite_not_found' })
    await trustNobody(acme)
  })
})
