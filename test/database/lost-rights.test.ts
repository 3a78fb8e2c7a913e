/** What somebody gave in their own name counts only while they may give it. */
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { patchOf, scimOf, test, userOf } from '../support/scim.ts'

type Loss = (acme: Organisation) => Promise<unknown>

const on = (acme: Organisation, whom: 'admin' | 'member' | 'roleless', more: object = {}) => ({
  organisation_id: acme.id,
  user_id: acme[whom].userId,
  ...more,
})
const setRoles = (acme: Organisation, roles: string[]) =>
  acme.owner.rpc('update_organisation_member_roles', on(acme, 'admin', { roles }))
const remove: Loss = (acme) => acme.owner.rpc('remove_organisation_member', on(acme, 'admin'))
const ban: Loss = (acme) => acme.owner.rpc('ban_organisation_member', on(acme, 'admin'))

/** Every way in which an admin comes to be one no more. */
const LOSSES: Record<string, Loss> = {
  'was removed': remove,
  'was demoted': (acme) => setRoles(acme, ['finance']),
  'has left': (acme) => acme.admin.rpc('leave_organisation', { organisation_id: acme.id }),
  'was banned': ban,
  'came to an end': ({ sql, admin }) =>
    sql`update public.organisation_members set ends_at = now() where user_id = ${admin.userId}`,
  'lost the role to its end': ({ sql, admin }) =>
    sql`update public.organisation_members set role_ends = jsonb_build_object('admin', now())
      where user_id = ${admin.userId}`,
  'lost the account': ({ sql, admin }) => sql`delete from auth.users where id = ${admin.userId}`,
}

const invite = (acme: Organisation, who: 'admin' | 'owner' = 'admin', more: object = {}) =>
  acme[who].rpc('create_organisation_invite', {
    organisation_id: acme.id,
    email: `new-${randomUUID().slice(0, 8)}@example.com`,
    roles: ['finance'],
    ...more,
  })
const deviceCode = async (acme: Organisation): Promise<string> =>
  (
    await acme.admin.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Door',
      roles: ['member'],
    })
  ).code
const follow = ({ sql }: Organisation) => sql`select usher.follow_lost_rights()`
const mails = (acme: Organisation, kind: string) =>
  acme.sql`select recipient, facts from public.organisation_deliveries
    where organisation_id = ${acme.id} and kind = ${kind} order by recipient`

describe('an invite of somebody who', () => {
  for (const [loss, lose] of Object.entries(LOSSES)) {
    test(`${loss} lets nobody in, opens no closed door, and is revoked`, async ({ acme }) => {
      const { id, email } = await invite(acme)
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
      await follow(acme)
      expect(await acme.owner.select('organisation_invites', { id })).toMatchObject([
        { status: 'revoked', revoked_reason: 'inviter_lost_right', revoked_by: null },
      ])
      await expect(accepting()).rejects.toMatchObject(refused)
    })
  }

  test('was demoted counts again once they are an admin again', async ({ acme }) => {
    const { id, email } = await invite(acme)
    const token = await acme.mint(id)
    await setRoles(acme, ['member'])
    await setRoles(acme, ['admin'])
    await follow(acme)

    const invitee = await acme.person(email)
    expect(await invitee.rpc('accept_organisation_invite', { token })).toMatchObject({
      roles: ['finance'],
    })
  })

  test('handed the organisation over offers what an admin may give, and no more', async ({
    acme,
  }) => {
    const offers = [await invite(acme, 'owner', { roles: ['admin'] }), await invite(acme, 'owner')]
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
    await setRoles(acme, ['recruiter'])
    const { id } = await invite(acme)
    await acme.owner.rpc('update_organisation_role', { ...role, role: 'recruiter', inherits: [] })
    await follow(acme)

    expect(await acme.owner.select('organisation_invites', { id })).toMatchObject([
      { status: 'revoked', revoked_reason: 'inviter_lost_right' },
    ])
  })

  test('may still give it, and what others have sent, stays as it is', async ({ acme }) => {
    const others = await invite(acme, 'owner')
    const mine = await invite(acme)
    await setRoles(acme, ['admin', 'finance'])
    await follow(acme)
    const status = async () =>
      Object.fromEntries(
        (await acme.owner.select('organisation_invites')).map((row) => [row.id, row.status]),
      )
    expect(await status()).toEqual({ [others.id]: 'pending', [mine.id]: 'pending' })

    await remove(acme)
    await follow(acme)

    expect(await status()).toEqual({ [others.id]: 'pending', [mine.id]: 'revoked' })
  })
})

test('a device code ends with the right of whoever made it', async ({ acme }) => {
  const code = await deviceCode(acme)
  await remove(acme)

  await expect(acme.stranger.rpc('enrol_organisation_device', { code })).rejects.toMatchObject({
    code: 'inviter_lost_right',
  })
})

describe('whoever may invite', () => {
  test('gets one notice, and makes the same offers anew in their own name', async ({ acme }) => {
    const ends = '2999-01-01T00:00:00+00:00'
    const more = { message: 'Welcome', membership_ends_at: ends, metadata: { a: 1 } }
    const [one, two] = [await invite(acme, 'admin', more), await invite(acme)]
    await remove(acme)
    await follow(acme)
    expect(await mails(acme, 'invites_lost_right')).toMatchObject([
      { recipient: acme.owner.email, facts: { count: 2, person_email: acme.admin.email } },
    ])

    const open = await invite(acme, 'owner')
    const outcomes = await acme.owner.rpc('reissue_organisation_invites', {
      invite_ids: [one.id, open.id, randomUUID(), two.id],
    })
    const failed = { status: 'failed', invite_id: null }
    expect(outcomes).toMatchObject([
      { row_number: 1, email: one.email, status: 'created' },
      { row_number: 2, ...failed, error_code: 'invite_not_pending', error_details: 'pending' },
      { row_number: 3, ...failed, error_code: 'invite_not_found' },
      { row_number: 4, email: two.email, status: 'created' },
    ])
    const id = outcomes[0].invite_id
    expect(await acme.owner.select('organisation_invites', { id })).toMatchObject([
      { ...more, invited_by: acme.owner.userId, roles: ['finance'], status: 'pending' },
    ])
    expect(await acme.owner.select('organisation_invites', { id: one.id })).toMatchObject([
      { status: 'revoked' },
    ])
  })

  test('need not wait for the worker to do so', async ({ acme }) => {
    const { id } = await invite(acme)
    await remove(acme)

    expect(
      await acme.owner.rpc('reissue_organisation_invites', { invite_ids: [id] }),
    ).toMatchObject([{ status: 'created' }])
  })

  test('takes an invite over by sending it again, or by offering more with it', async ({
    acme,
  }) => {
    const [sent, changed] = [await invite(acme), await invite(acme, 'admin', { roles: ['member'] })]
    await setRoles(acme, ['member'])
    await acme.owner.rpc('resend_organisation_invite', { invite_id: sent.id })
    await acme.owner.rpc('update_organisation_invite_roles', {
      invite_id: changed.id,
      roles: ['finance'],
    })
    await follow(acme)

    for (const { id, email } of [sent, changed]) {
      const token = await acme.mint(id)
      const invitee = await acme.person(email)
      expect(await invitee.rpc('accept_organisation_invite', { token })).toMatchObject({
        roles: ['finance'],
      })
    }
  })
})

describe('a token of a directory', () => {
  const tokenRow = async (acme: Organisation) =>
    (await acme.owner.select('organisation_directory_tokens'))[0]

  for (const loss of ['was removed', 'was demoted', 'has left', 'lost the account']) {
    test(`goes on for a week with what they had, when who answers for it ${loss}`, async ({
      acme,
      scimUrl,
      tokenBy,
    }) => {
      const scim = scimOf(scimUrl, await tokenBy(acme.admin, 'Okta'))
      await LOSSES[loss]?.(acme)
      await follow(acme)

      const { stops_at } = (await tokenRow(acme)) ?? {}
      const days = (Date.parse(stops_at) - Date.now()) / 86_400_000
      expect(days).toBeGreaterThan(6.9)
      expect(days).toBeLessThan(7.1)
      expect(await mails(acme, 'credentials_lost_right')).toMatchObject([
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
    await setRoles(acme, ['member'])
    expect(await status()).toBe(403)

    await waits('30 days')
    await acme.sql`update public.organisation_directory_tokens set stops_at = null
      where organisation_id = ${acme.id}`
    await setRoles(acme, ['admin'])
    expect(await status()).toBe(200)
    await ban(acme)
    expect(await status()).toBe(403)
  })

  test('goes on without an end once somebody takes it over', async ({ acme, scimUrl, tokenBy }) => {
    const scim = scimOf(scimUrl, await tokenBy(acme.admin, 'Okta'))
    const { id } = await tokenRow(acme)
    await remove(acme)

    expect(await acme.owner.rpc('take_over_organisation_credentials', { ids: [id] })).toMatchObject(
      [{ id, kind: 'directory_token', name: 'Okta' }],
    )
    expect(await tokenRow(acme)).toMatchObject({
      responsible_id: acme.owner.userId,
      created_by: acme.admin.userId,
      stops_at: null,
    })
    expect((await scim('GET', '/Users')).status).toBe(200)
    expect(await acme.events()).toContain('credentials.taken_over')
  })

  test('that has stopped stays so when they are an admin again, until it is taken over', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const scim = scimOf(scimUrl, await tokenBy(acme.admin))
    const status = async () => (await scim('GET', '/Users')).status
    await setRoles(acme, ['member'])
    await acme.sql`update public.organisation_directory_tokens set stops_at = now()
      where organisation_id = ${acme.id}`
    await setRoles(acme, ['admin'])
    expect(await status()).toBe(403)

    const { id } = await tokenRow(acme)
    await acme.admin.rpc('take_over_organisation_credentials', { ids: [id] })
    expect(await status()).toBe(200)
  })

  test('gives nothing that lasts longer than who answers for it', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const END = '2998-01-01T00:00:00+00:00'
    await acme.owner.rpc('update_organisation_member_ends', on(acme, 'admin', { ends_at: END }))
    const scim = scimOf(scimUrl, await tokenBy(acme.admin))
    const { body } = await scim('GET', '/Groups?filter=displayName%20eq%20%22finance%22')
    const [member] = await acme.sql`select id from public.organisation_members
      where user_id = ${acme.member.userId}`
    const change = { op: 'add', path: 'members', value: [{ value: member?.id }] }
    await scim('PATCH', `/Groups/${body.Resources[0].id}`, patchOf(change))

    const [row] = await acme.owner.select('organisation_members', { user_id: acme.member.userId })
    expect(row).toMatchObject({ roles: ['finance', 'member'], role_ends: { finance: END } })
  })

  test('of somebody who may not read members reads no address', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'plumber',
      permissions: ['directory.manage'],
    })
    await acme.owner.rpc(
      'update_organisation_member_roles',
      on(acme, 'roleless', { roles: ['plumber'] }),
    )
    const scim = scimOf(scimUrl, await tokenBy(acme.roleless))

    for (const path of ['/Users', '/Groups']) {
      const { status, body } = await scim('GET', path)
      expect(status).toBe(403)
      expect(JSON.stringify(body)).not.toContain('@example.com')
    }
    const endpoint = { name: 'Mine', url: 'https://mine.example/scim', token: 'secret' }
    const creating = (who: 'owner' | 'roleless') =>
      acme[who].rpc('create_organisation_directory_endpoint', {
        organisation_id: acme.id,
        ...endpoint,
      })
    const refused = { code: 'permission_denied', details: 'member.read' }
    await expect(creating('roleless')).rejects.toMatchObject(refused)
    const { id } = await creating('owner')
    await expect(
      acme.roleless.rpc('update_organisation_directory_endpoint', {
        endpoint_id: id,
        changes: { url: 'https://other.example/scim', token: 'secret' },
      }),
    ).rejects.toMatchObject(refused)
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
    await remove(acme)
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

describe('nobody gives for longer than they have', () => {
  const END = '2998-01-01T00:00:00+00:00'
  const until = (acme: Organisation, ends: object) =>
    acme.owner.rpc('update_organisation_member_ends', on(acme, 'admin', ends))

  test.for([{ ends_at: END }, { role_ends: { admin: END } }])('with %j', async (ends, { acme }) => {
    await until(acme, ends)

    expect(await invite(acme)).toMatchObject({ membership_ends_at: END })
    await expect(
      invite(acme, 'admin', { membership_ends_at: '2999-01-01T00:00:00Z' }),
    ).rejects.toMatchObject({ code: 'invalid_expiry' })
    const changed = await acme.admin.rpc(
      'update_organisation_member_roles',
      on(acme, 'member', { roles: ['member', 'finance'] }),
    )
    expect(changed.role_ends).toEqual({ finance: END })
    await expect(
      acme.admin.rpc('update_organisation_member_ends', on(acme, 'member')),
    ).rejects.toMatchObject({ code: 'invalid_expiry' })
    const code = await deviceCode(acme)
    expect(await acme.stranger.rpc('enrol_organisation_device', { code })).toMatchObject({
      ends_at: END,
    })
  })

  test('also when their end came after the invite was sent', async ({ acme }) => {
    const { id, email } = await invite(acme)
    const token = await acme.mint(id)
    await until(acme, { ends_at: END })

    const invitee = await acme.person(email)
    expect(await invitee.rpc('accept_organisation_invite', { token })).toMatchObject({
      ends_at: END,
    })
  })

  test('but an end of one role is none where another role is enough', async ({ acme }) => {
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'deputy',
      inherits: ['admin'],
    })
    await setRoles(acme, ['admin', 'deputy'])
    await until(acme, { role_ends: { deputy: END } })

    expect(await invite(acme)).toMatchObject({ membership_ends_at: null })
  })
})
