import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import {
  type Amr,
  account,
  confirmsAddresses,
  email,
  oauth,
  password,
  setRule,
  token,
} from '../support/auth-sessions.ts'

const byKeycloak = { provider: 'keycloak' }

describe('every other way of becoming a member asks the same', () => {
  test('the list of one’s own invites', async ({ acme }) => {
    await setRule(acme, byKeycloak)
    await confirmsAddresses(acme, true)
    const address = email()
    const invitee = await account(acme, address, { providers: ['email', 'keycloak'] })
    const { invite } = await acme.invite(address)
    const accept = (amr: Amr) =>
      invitee
        .inSession(token(address, ['email', 'keycloak'], [amr]))
        .rpc('accept_my_organisation_invite', { invite_id: invite.id })

    await expect(accept(password())).rejects.toMatchObject({ code: 'sso_required' })
    expect(await accept(oauth())).toMatchObject({ status: 'active' })
    await confirmsAddresses(acme, false)
  })

  test('signing up with the link: the account is made, the invite stays open', async ({ acme }) => {
    await setRule(acme, byKeycloak)
    const address = email()
    const { token: link } = await acme.invite(address)

    const id = randomUUID()
    await acme.sql`insert into auth.users (id, email, email_confirmed_at, raw_user_meta_data)
      values (${id}, ${address}, now(), ${acme.sql.json({ invite_token: link })})`

    expect(await acme.anyone.rpc('validate_organisation_invite', { token: link })).toMatchObject({
      status: 'pending',
      has_account: true,
    })
    expect(await acme.owner.select('organisation_members', { user_id: id })).toEqual([])
  })

  test('joining by domain, and asking to', async ({ acme }) => {
    const domain = `d-${randomUUID().slice(0, 8)}.example`
    await acme.sql`insert into public.organisation_domains
      (organisation_id, domain, verification, verified_at, join_policy)
      values (${acme.id}, ${domain}, 'x', now(), 'join')`
    await confirmsAddresses(acme, true)
    await setRule(acme, byKeycloak)
    const address = `somebody@${domain}`
    const somebody = await account(acme, address, { providers: ['email', 'keycloak'] })
    const join = (amr: Amr) =>
      somebody
        .inSession(token(address, ['email', 'keycloak'], [amr]))
        .rpc('join_organisation', { organisation_id: acme.id })

    for (const policy of ['join', 'ask']) {
      await acme.sql`update public.organisation_domains set join_policy = ${policy}`
      await expect(join(password())).rejects.toMatchObject({ code: 'sso_required' })
    }
    expect(await join(oauth())).toBe('requested')
    await acme.sql`update public.organisation_domains set join_policy = 'join'`
    expect(await join(oauth())).toBe('joined')
    await confirmsAddresses(acme, false)
  })

  test('a request from before the rule is not approved for an unknown account', async ({
    acme,
  }) => {
    const request = async (providers: string[]) => {
      const address = email()
      const { userId } = await account(acme, address, { providers })
      const [row] = await acme.sql`insert into public.organisation_join_requests
        (organisation_id, user_id, email) values (${acme.id}, ${userId}, ${address}) returning id`
      return { request_id: row?.id, roles: ['member'] }
    }
    await setRule(acme, byKeycloak)

    await expect(
      acme.admin.rpc('approve_organisation_join_request', await request(['email'])),
    ).rejects.toMatchObject({ code: 'sso_required' })
    expect(
      await acme.admin.rpc(
        'approve_organisation_join_request',
        await request(['email', 'keycloak']),
      ),
    ).toMatchObject({ status: 'active' })
  })
})

describe('a rule for members', () => {
  /** Somebody with the role who can come both ways. */
  async function joined(acme: Organisation, role: string) {
    const address = email()
    const providers = ['email', 'keycloak']
    const caller = await account(acme, address, { providers })
    await acme.sql`select usher.add_member(${acme.id}, ${caller.userId}, ${[role]})`
    const by = (amr: Amr) => caller.inSession(token(address, providers, [amr]))
    return { byPassword: by(password()), byKeycloak: by(oauth()) }
  }
  const rule = { ...byKeycloak, for_members: true }
  const change = (acme: Organisation, changes: object) => ({ organisation_id: acme.id, changes })

  test('keeps out whoever came another way, at once and everywhere', async ({ acme }) => {
    const admin = await joined(acme, 'admin')
    await admin.byKeycloak.rpc('update_organisation_sign_in_rule', change(acme, rule))
    const may = { organisation_id: acme.id, permission: 'member.read' }

    expect(await admin.byPassword.rpc('has_organisation_permission', may)).toBe(false)
    expect(await admin.byPassword.select('organisation_invites')).toEqual([])
    expect(await admin.byPassword.select('organisations')).toEqual([])
    await expect(
      admin.byPassword.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: email(),
        roles: ['member'],
      }),
    ).rejects.toMatchObject({ code: 'sso_required', details: 'keycloak' })
    // They still see where they belong, and so where to sign in anew.
    expect(await admin.byPassword.rpc('list_my_organisations')).toMatchObject([{ id: acme.id }])

    expect(await admin.byKeycloak.rpc('has_organisation_permission', may)).toBe(true)
    expect(await admin.byKeycloak.select('organisations')).toHaveLength(1)
  })

  test('is not turned on by somebody whom it would keep out', async ({ acme }) => {
    const admin = await joined(acme, 'admin')

    for (const caller of [admin.byPassword, acme.owner]) {
      await expect(
        caller.rpc('update_organisation_sign_in_rule', change(acme, rule)),
      ).rejects.toMatchObject({ code: 'sso_required', details: 'keycloak' })
    }
  })

  test('never keeps out the owner, who can take it back, nor a device', async ({ acme }) => {
    const admin = await joined(acme, 'admin')
    await acme.sql`update public.organisation_members set kind = 'device'
      where user_id = ${acme.member.userId}`
    await admin.byKeycloak.rpc('update_organisation_sign_in_rule', change(acme, rule))
    const may = { organisation_id: acme.id, permission: 'member.read' }

    expect(await acme.member.rpc('has_organisation_permission', may)).toBe(true)
    expect(await setRule(acme, { for_members: false })).toMatchObject({ for_members: false })
    expect(await admin.byPassword.rpc('has_organisation_permission', may)).toBe(true)
  })

  test('does not cross to another organisation', async ({ acme }) => {
    const admin = await joined(acme, 'admin')
    await admin.byKeycloak.rpc('update_organisation_sign_in_rule', change(acme, rule))
    const created = await admin.byPassword.rpc('create_organisation', { name: 'Mine' })

    expect(await admin.byPassword.select('organisations')).toMatchObject([{ id: created.id }])
  })
})
