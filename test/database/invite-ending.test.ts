import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'

describe('revoke_organisation_invite', () => {
  test('an admin withdraws a pending invite, and its link is dead', async ({ acme }) => {
    const { invite, token } = await acme.invite()

    expect(
      await acme.admin.rpc('revoke_organisation_invite', {
        invite_id: invite.id,
        reason: 'Changed plans',
      }),
    ).toMatchObject({
      status: 'revoked',
      revoked_by: acme.admin.userId,
      revoked_reason: 'Changed plans',
    })

    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      status: 'revoked',
    })
  })

  test.for(['accepted', 'declined', 'revoked', 'expired'] as const)(
    'an invite that is %s cannot be revoked',
    async (status, { acme }) => {
      const { id } = await acme.inviteIn(status)

      await expect(
        acme.admin.rpc('revoke_organisation_invite', { invite_id: id }),
      ).rejects.toMatchObject({
        code: 'invite_not_pending',
        status: 409,
        details: status,
      })
    },
  )

  test.for([
    ['finance', 'permission_denied'],
    ['member', 'permission_denied'],
    ['roleless', 'permission_denied'],
    ['outsider', 'invite_not_found'],
    ['stranger', 'invite_not_found'],
    ['anyone', '42501'],
    ['service', '42501'],
  ] as const)('%s: %s', async ([who, code], { acme }) => {
    const { invite } = await acme.invite()

    await expect(
      acme[who].rpc('revoke_organisation_invite', { invite_id: invite.id }),
    ).rejects.toMatchObject({ code })
  })

  test('an invite that is not there looks like one of another tenant', async ({ acme }) => {
    await expect(
      acme.owner.rpc('revoke_organisation_invite', {
        invite_id: '00000000-0000-4000-8000-000000000000',
      }),
    ).rejects.toMatchObject({ code: 'invite_not_found', status: 404 })
  })

  test('a reason that is too long is refused', async ({ acme }) => {
    const { invite } = await acme.invite()

    await expect(
      acme.owner.rpc('revoke_organisation_invite', {
        invite_id: invite.id,
        reason: 'x'.repeat(501),
      }),
    ).rejects.toMatchObject({ code: 'invalid_message' })
  })
})

describe('expiry', () => {
  test('a pending invite past its time reads as expired everywhere, unswept', async ({ acme }) => {
    const { id, token } = await acme.inviteIn('expired')

    expect(await acme.sql`select status from usher.invites where id = ${id}`).toMatchObject([
      { status: 'pending' },
    ])
    expect(await acme.owner.select('organisation_invites', { id })).toMatchObject([
      { status: 'expired' },
    ])
    expect(
      await acme.owner.rpc('list_organisation_invites', {
        organisation_id: acme.id,
        status: 'expired',
      }),
    ).toMatchObject([{ id }])
    expect(
      await acme.owner.rpc('list_organisation_invites', {
        organisation_id: acme.id,
        status: 'pending',
      }),
    ).toEqual([])
    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      status: 'expired',
    })
  })

  test('reads the same in the view and in the rules', async ({ acme }) => {
    for (const status of ['pending', 'accepted', 'declined', 'revoked', 'expired'] as const)
      await acme.inviteIn(status)

    expect(
      await acme.sql`select v.status from public.organisation_invites v join usher.invites i using (id)
      where v.status <> usher.invite_status(i.status, i.expires_at)`,
    ).toEqual([])
    expect(await acme.owner.select('organisation_invites', { status: 'expired' })).toHaveLength(1)
  })

  test('a new invite for the address writes the expiry of the old one down', async ({ acme }) => {
    const { id, email } = await acme.inviteIn('expired')

    await acme.invite(email)

    expect(await acme.sql`select status from usher.invites where id = ${id}`).toMatchObject([
      { status: 'expired' },
    ])
    expect(await acme.events()).toContain('invite.expired')
  })
})

describe('expire_organisation_invite', () => {
  test('lets an invite expire by hand, and it can be sent again', async ({ acme }) => {
    const { invite, token } = await acme.invite()

    expect(
      await acme.admin.rpc('expire_organisation_invite', { invite_id: invite.id }),
    ).toMatchObject({
      status: 'expired',
    })

    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      status: 'expired',
    })
    expect(
      await acme.admin.rpc('resend_organisation_invite', { invite_id: invite.id }),
    ).toMatchObject({
      status: 'pending',
    })
  })

  test.for([
    ['member', 'permission_denied'],
    ['outsider', 'invite_not_found'],
  ] as const)('%s: %s', async ([who, code], { acme }) => {
    const { invite } = await acme.invite()

    await expect(
      acme[who].rpc('expire_organisation_invite', { invite_id: invite.id }),
    ).rejects.toMatchObject({ code })
  })

  test('not once it is closed', async ({ acme }) => {
    const { id } = await acme.inviteIn('declined')

    await expect(
      acme.owner.rpc('expire_organisation_invite', { invite_id: id }),
    ).rejects.toMatchObject({
      code: 'invite_not_pending',
    })
  })
})

describe('the sweep', () => {
  test('writes each expiry down once, with a mail where the organisation wants one', async ({
    acme,
  }) => {
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { expiry_mail: true },
    })
    const { id } = await acme.inviteIn('expired')
    await acme.invite()
    const sweep = () =>
      acme.sql.begin(async (tx) => {
        await tx`set local role usher_worker`
        return tx`select usher.expire_due_invites() as n`
      })

    await sweep()
    expect(await sweep()).toEqual([{ n: 0 }])

    expect(await acme.sql`select status from usher.invites where id = ${id}`).toEqual([
      { status: 'expired' },
    ])
    expect((await acme.events()).filter((event) => event === 'invite.expired')).toHaveLength(1)
    await fanOut(acme.sql)
    expect(
      await acme.owner.select('organisation_deliveries', { kind: 'invite_expired' }),
    ).toMatchObject([{ recipient: acme.owner.email, invite_id: id }])
  })
})

describe('reminders', () => {
  const remind = async ({ sql }: Organisation) =>
    (await sql`select usher.remind_due_invites() as n`)[0]?.n

  test('bring an unanswered invite to mind once, before it ends, where the organisation wants it', async ({
    acme,
  }) => {
    const { invite } = await acme.invite()
    const soon = () => acme.sql`update usher.invites set issued_at = now() - interval '6 days',
      expires_at = now() + interval '1 day' where id = ${invite.id}`
    await soon()
    expect(await remind(acme)).toBe(0)

    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { reminder_before: '2 days' },
    })
    expect(await remind(acme)).toBe(1)
    expect(await remind(acme)).toBe(0)

    await fanOut(acme.sql)
    expect(
      await acme.owner.select('organisation_deliveries', { kind: 'invite_reminder' }),
    ).toMatchObject([{ recipient: invite.email }])
    expect(await acme.events()).toContain('invite.reminded')
  })

  test('not on the day of the mail, and not for what is answered', async ({ acme }) => {
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { reminder_before: '14 days' },
    })
    await acme.invite()
    await acme.inviteIn('declined')

    expect(await remind(acme)).toBe(0)
  })
})
