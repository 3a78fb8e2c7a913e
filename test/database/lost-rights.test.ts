/** What somebody gave in their own name counts only while they may give it. */
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import {
  deviceCode,
  directoryToken,
  followLostRights,
  inviteBy,
  mailsOf,
  removeAdmin,
  setAdminRoles,
} from '../support/lost-rights.ts'
import { onMember } from '../support/members.ts'
import { scimOf, test, userOf } from '../support/scim.ts'

type Loss = (acme: Organisation) => Promise<unknown>

const ban: Loss = (acme) => acme.owner.rpc('ban_organisation_member', onMember(acme, 'admin'))

/** Every way in which an admin comes to be one no more. */
const LOSSES: Record<string, Loss> = {
  'was removed': removeAdmin,
  'was demoted': (acme) => setAdminRoles(acme, ['finance']),
  'has left': (acme) => acme.admin.rpc('leave_organisation', { organisation_id: acme.id }),
  'was banned': ban,
  'came to an end': ({ sql, admin }) =>
    sql`update public.organisation_members set ends_at = now() where user_id = ${admin.userId}`,
  'lost the role to its end': ({ sql, admin }) =>
    sql`update public.organisation_members set role_ends = jsonb_build_object('admin', now())
      where user_id = ${admin.userId}`,
  'lost the account': ({ sql, admin }) => sql`delete from auth.users where id = ${admin.userId}`,
}

describe('an invite of somebody who', () => {
  for (const [loss, lose] of Object.entries(LOSSES)) {
    test(`${loss} lets nobody in, opens no closed door, and is revoked`, async ({ acme }) => {
      const { id, email } = await inviteBy(acme)
      const token = await acme.mint(id)
      await lose(acme)

      const [closed] = await acme.sql.begin(async (tx) => {
        await tx`select usher.update_settings('{"sign_up": "invite_only"}')`
        const may = await tx`select usher.may_sign_up(${email}, '{}') as may`
        await tx`select usher.update_settings('{"sign_up": "open"}')`
        return may
      })
      expect(closed?.may).toBe(false)
      expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
        status: 'revoked',
        reason: 'inviter_lost_right',
        email: null,
      })
      const invitee = await acme.person(email)
      const accepting = () => invitee.rpc('accept_organisation_invite', { token })
      const refused = { code: 'inviter_lost_right', status: 410 }
      await expect(accepting()).rejects.toMatchObject(refused)
      expect(await invitee.rpc('list_my_organisation_invites')).toEqual([])

      await acme.sql`select usher.end_due_access()`
      await followLostRights(acme)
      expect(await acme.owner.select('organisation_invites', { id })).toMatchObject([
        { status: 'revoked', revoked_reason: 'inviter_lost_right', revoked_by: null },
      ])
      await expect(accepting()).rejects.toMatchObject(refused)
    })
  }

  test('was demoted counts again once they are an admin again', async ({ acme }) => {
    const { id, email } = await inviteBy(acme)
    const token = await acme.mint(id)
    await setAdminRoles(acme, ['member'])
    await setAdminRoles(acme, ['admin'])
    await followLostRights(acme)

    const invitee = await acme.person(email)
    expect(await invitee.rpc('accept_organisation_invite', { token })).toMatchObject({
      roles: ['finance'],
    })
  })

  test('handed the organisation over offers what an admin may give, and no more', async ({
    acme,
  }) => {
    const offers = [
      await inviteBy(acme, 'owner', { roles: ['admin'] }),
      await inviteBy(acme, 'owner'),
    ]
    const tokens = await Promise.all(offers.map(({ id }) => acme.mint(id)))
    await acme.owner.rpc('transfer_organisation_ownership', {
      organisation_id: acme.id,
      new_owner_id: acme.member.userId,
    })

    const outcomes = await Promise.allSettled(
      offers.map(async ({ email }, i) =>
        (await acme.person(email)).rpc('accept_organisation_invite', { token: tokens[i] }),
      ),
    )
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'inviter_lost_right' } },
      { status: 'fulfilled', value: { roles: ['finance'] } },
    ])
  })

  test('has a role that was made smaller is revoked as well', async ({ acme }) => {
    const role = { organisation_id: acme.id, inherits: ['admin'] }
    await acme.owner.rpc('create_organisation_role', { ...role, name: 'recruiter' })
    await setAdminRoles(acme, ['recruiter'])
    const { id } = await inviteBy(acme)
    await acme.owner.rpc('update_organisation_role', { ...role, role: 'recruiter', inherits: [] })
    await followLostRights(acme)

    expect(await acme.owner.select('organisation_invites', { id })).toMatchObject([
      { status: 'revoked', revoked_reason: 'inviter_lost_right' },
    ])
  })

  test('may still give it, and what others have sent, stays as it is', async ({ acme }) => {
    const others = await inviteBy(acme, 'owner')
    const mine = await inviteBy(acme)
    await setAdminRoles(acme, ['admin', 'finance'])
    await followLostRights(acme)
    const status = async () =>
      Object.fromEntries(
        (await acme.owner.select('organisation_invites')).map((row) => [row.id, row.status]),
      )
    expect(await status()).toEqual({ [others.id]: 'pending', [mine.id]: 'pending' })

    await removeAdmin(acme)
    await followLostRights(acme)

    expect(await status()).toEqual({ [others.id]: 'pending', [mine.id]: 'revoked' })
  })
})

test('a device code ends with the right of whoever made it', async ({ acme }) => {
  const code = await deviceCode(acme)
  await removeAdmin(acme)

  await expect(acme.stranger.rpc('enrol_organisation_device', { code })).rejects.toMatchObject({
    code: 'inviter_lost_right',
  })
})

describe('a token of a directory', () => {
  for (const loss of ['was removed', 'was demoted', 'has left', 'lost the account']) {
    test(`goes on for a week with what they had, when who answers for it ${loss}`, async ({
      acme,
      scimUrl,
      tokenBy,
    }) => {
      const scim = scimOf(scimUrl, await tokenBy(acme.admin, 'Okta'))
      await LOSSES[loss]?.(acme)
      await followLostRights(acme)

      const { stops_at } = (await directoryToken(acme)) ?? {}
      const days = (Date.parse(stops_at) - Date.now()) / 86_400_000
      expect(days).toBeGreaterThan(6.9)
      expect(days).toBeLessThan(7.1)
      expect(await mailsOf(acme, 'credentials_lost_right')).toMatchObject([
        { recipient: acme.owner.email, facts: { names: ['Okta'] } },
      ])
      expect((await scim('GET', '/Users')).status).toBe(200)
      const email = `newcomer-${randomUUID().slice(0, 8)}@example.com`
      expect((await scim('POST', '/Users', userOf(email))).status).toBe(201)
      const [pending] = await acme.owner.select('organisation_invites', { email })
      const token = await acme.mint(pending?.id)
      const reason = async () =>
        (await acme.anyone.rpc('validate_organisation_invite', { token })).reason
      expect(await reason()).toBe(null)

      await acme.sql`update public.organisation_directory_tokens set stops_at = now()
        where organisation_id = ${acme.id}`
      expect((await scim('GET', '/Users')).status).toBe(403)
      expect(await reason()).toBe('inviter_lost_right')
    })
  }

  test('stops at once with a ban, and where the organisation waits for nobody', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const waits = (credential_grace: string) =>
      acme.owner.rpc('update_organisation', {
        organisation_id: acme.id,
        changes: { credential_grace },
      })
    const scim = scimOf(scimUrl, await tokenBy(acme.admin))
    const status = async () => (await scim('GET', '/Users')).status

    await waits('0')
    await setAdminRoles(acme, ['member'])
    expect(await status()).toBe(403)

    await waits('30 days')
    await acme.sql`update public.organisation_directory_tokens set stops_at = null
      where organisation_id = ${acme.id}`
    await setAdminRoles(acme, ['admin'])
    expect(await status()).toBe(200)
    await ban(acme)
    expect(await status()).toBe(403)
  })
})

describe('joining by a domain', () => {
  const openDomain = async (acme: Organisation) => {
    const domain = `d-${randomUUID().slice(0, 8)}.example`
    const args = { organisation_id: acme.id, domain }
    await acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
    await acme.admin.rpc('create_organisation_domain', args)
    await acme.admin.rpc('update_organisation_domain', { ...args, join_policy: 'join' })
    await acme.sql`update public.organisation_domains set verified_at = now() where domain = ${domain}`
    return domain
  }
  const join = async (acme: Organisation, domain: string) => {
    const employee = await acme.person(`e-${randomUUID().slice(0, 8)}@${domain}`)
    return employee.rpc('join_organisation', { organisation_id: acme.id })
  }

  test('goes on for a week without who allowed it, and then asks', async ({ acme }) => {
    const domain = await openDomain(acme)
    await removeAdmin(acme)
    expect(await join(acme, domain)).toBe('joined')

    await acme.sql`update public.organisation_domains set stops_at = now() where domain = ${domain}`
    expect(await join(acme, domain)).toBe('requested')

    const [row] = await acme.owner.select('organisation_domains', { domain })
    await acme.owner.rpc('take_over_organisation_credentials', { ids: [row?.id] })
    expect(await join(acme, domain)).toBe('joined')
  })

  test('asks at once when who allowed it is banned', async ({ acme }) => {
    const domain = await openDomain(acme)
    await ban(acme)

    expect(await join(acme, domain)).toBe('requested')
  })

  test('is taken over by nobody who could not give its role', async ({ acme }) => {
    const domain = await openDomain(acme)
    await acme.owner.rpc('update_organisation_domain', {
      organisation_id: acme.id,
      domain,
      role: 'admin',
    })
    const [row] = await acme.owner.select('organisation_domains', { domain })
    const args = { ids: [row?.id] }

    await expect(acme.admin.rpc('take_over_organisation_credentials', args)).rejects.toMatchObject({
      code: 'role_not_assignable',
    })
    await expect(
      acme.outsider.rpc('take_over_organisation_credentials', args),
    ).rejects.toMatchObject({ code: 'credential_not_found' })
  })
})
