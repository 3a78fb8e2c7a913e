import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { person } from '../support/people.ts'

const signUp = (acme: Organisation, value: 'open' | 'invite_only') =>
  acme.sql`select usher.update_settings(${acme.sql.json({ sign_up: value })})`

/** What Auth does when somebody registers, before their address is confirmed. */
async function register(acme: Organisation, email: string, metadata: Record<string, string> = {}) {
  const id = randomUUID()
  await acme.sql`insert into auth.users (id, email, raw_user_meta_data) values (${id}, ${email}, ${acme.sql.json(metadata)})`
  return id
}

const confirm = (acme: Organisation, id: string) =>
  acme.sql`update auth.users set email_confirmed_at = now() where id = ${id}`

const memberships = (acme: Organisation, id: string) =>
  acme.sql`select roles, status from public.organisation_members where user_id = ${id}`

const fresh = () => `fresh-${randomUUID().slice(0, 8)}@example.com`

describe('the closed door', () => {
  test('lets in who is invited, whatever way they come, and nobody else', async ({ acme }) => {
    const { email, id } = await acme.inviteIn('pending')
    const revoked = await acme.inviteIn('revoked')
    const expired = await acme.inviteIn('expired')
    await signUp(acme, 'invite_only')

    try {
      for (const address of [fresh(), revoked.email, expired.email]) {
        await expect(register(acme, address)).rejects.toThrow(/signup_not_invited/)
      }
      await expect(
        acme.sql`insert into auth.users (id) values (gen_random_uuid())`,
      ).rejects.toThrow(/signup_not_invited/)
      expect(await register(acme, email.toUpperCase())).toBeTruthy()
    } finally {
      await signUp(acme, 'open')
    }
    expect(id).toBeTruthy()
  })

  test('lets a device in that brings an open code', async ({ acme }) => {
    const { code } = await acme.admin.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Scanner',
      roles: ['member'],
    })
    await signUp(acme, 'invite_only')

    try {
      expect(await register(acme, fresh(), { device_code: code })).toBeTruthy()
      await expect(register(acme, fresh(), { device_code: 'AAAAA-AAAAA' })).rejects.toThrow(
        /signup_not_invited/,
      )
    } finally {
      await signUp(acme, 'open')
    }
  })

  test("says so in words by Auth's hook", async ({ acme }) => {
    const { email } = await acme.inviteIn('pending')
    const hook = async (user: object) =>
      (
        await acme.sql`select usher.before_user_created(${acme.sql.json({ metadata: {}, user } as never)}) as answer`
      )[0]?.answer
    expect(await hook({ email: fresh() })).toEqual({})
    await signUp(acme, 'invite_only')

    try {
      expect(await hook({ email, user_metadata: {} })).toEqual({})
      expect(await hook({ email: fresh(), user_metadata: {} })).toMatchObject({
        error: { http_code: 403 },
      })
      expect(await hook({ phone: '123' })).toMatchObject({ error: { http_code: 403 } })
    } finally {
      await signUp(acme, 'open')
    }
  })

  test('is known to everybody, and no other setting with it', async ({ acme }) => {
    const open = { sign_up: 'open', auth_confirms_addresses: false }
    expect(await acme.anyone.rpc('organisation_sign_up_policy')).toEqual(open)
    await signUp(acme, 'invite_only')
    await acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`

    try {
      const closed = { sign_up: 'invite_only', auth_confirms_addresses: true }
      for (const caller of [acme.anyone, acme.roleless, acme.owner]) {
        expect(await caller.rpc('organisation_sign_up_policy')).toEqual(closed)
      }
    } finally {
      await signUp(acme, 'open')
      await acme.sql`select usher.update_settings('{"auth_confirms_addresses": false}')`
    }
  })

  test('knows two positions', async ({ acme }) => {
    await expect(signUp(acme, 'ajar' as 'open')).rejects.toThrow(/invalid_settings/)
  })
})

describe('signing up with a token', () => {
  test('makes a member once the address is confirmed, and not before', async ({ acme }) => {
    const { invite, token } = await acme.invite(fresh(), ['finance'])
    const id = await register(acme, invite.email, { invite_token: token, full_name: 'Fresh' })
    expect(await memberships(acme, id)).toEqual([])

    await confirm(acme, id)

    expect(await memberships(acme, id)).toEqual([{ roles: ['finance'], status: 'active' }])
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'invite.accepted' }),
    ).toMatchObject([{ actor_kind: 'user', actor_id: id }])
  })

  test('makes a member at once where Auth confirms at once', async ({ acme }) => {
    const { invite, token } = await acme.invite(fresh())

    const invitee = await person(acme.sql, 'fresh', {
      email: invite.email,
      metadata: { invite_token: token },
    })

    expect(await invitee.rpc('list_my_organisations')).toMatchObject([
      { id: acme.id, roles: ['member'] },
    ])
  })

  test('keeps no token in the account', async ({ acme }) => {
    const { invite, token } = await acme.invite(fresh())
    const id = await register(acme, invite.email, { invite_token: token, full_name: 'Fresh' })

    expect(
      await acme.sql`select raw_user_meta_data as data from auth.users where id = ${id}`,
    ).toEqual([{ data: { full_name: 'Fresh' } }])
  })

  test('never fails because of the token', async ({ acme }) => {
    const other = await acme.invite(fresh())
    const revoked = await acme.inviteIn('revoked')
    const broken: [string, string][] = [
      [fresh(), 'inv_nonsense'],
      [fresh(), other.token],
      [revoked.email, revoked.token],
    ]

    for (const [email, invite_token] of broken) {
      const id = await register(acme, email, { invite_token })
      await confirm(acme, id)
      expect(await memberships(acme, id)).toEqual([])
    }
    expect(await acme.owner.select('organisation_invites', { id: other.invite.id })).toMatchObject([
      { status: 'pending' },
    ])
  })

  test('does not join by an invite that was sent anew or revoked before the address was confirmed', async ({
    acme,
  }) => {
    const { invite, token } = await acme.invite(fresh())
    const id = await register(acme, invite.email, { invite_token: token })
    await acme.owner.rpc('resend_organisation_invite', { invite_id: invite.id })

    await confirm(acme, id)

    expect(await memberships(acme, id)).toEqual([])
  })
})
