import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'

const claim = (acme: Organisation, domain: string, who: 'admin' | 'outsider' = 'admin') =>
  acme[who].rpc('create_organisation_domain', {
    organisation_id: who === 'admin' ? acme.id : acme.otherId,
    domain,
  })

const confirm = async (
  acme: Organisation,
  organisationId: string,
  domain: string,
  values: string[],
) =>
  (
    await acme.sql.begin(async (tx) => {
      await tx`set local role usher_worker`
      return tx`select usher.confirm_domain(${organisationId}, ${domain}, ${tx.array(values)}) as ok`
    })
  )[0]?.ok

const newDomain = () => `d${randomUUID().slice(0, 8)}.example`

/** A verified domain of acme, and someone whose confirmed address is of it. */
async function open(acme: Organisation, join_policy: 'join' | 'ask', role = 'member') {
  await acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
  onTestFinished(async () => {
    await acme.sql`select usher.update_settings('{"auth_confirms_addresses": false}')`
  })
  const domain = newDomain()
  const { verification } = await claim(acme, domain)
  await confirm(acme, acme.id, domain, [verification])
  await acme.admin.rpc('update_organisation_domain', {
    organisation_id: acme.id,
    domain,
    join_policy,
    role,
  })
  return { domain, employee: await acme.person(`e-${randomUUID().slice(0, 6)}@${domain}`) }
}

const join = (acme: Organisation, who: { rpc: Organisation['owner']['rpc'] }) =>
  who.rpc('join_organisation', { organisation_id: acme.id })

describe('claiming a domain', () => {
  test('is proved by the record that was asked for, and by no other', async ({ acme }) => {
    const domain = newDomain()
    const claimed = await claim(acme, ` @${domain.toUpperCase()} `)

    expect(claimed).toMatchObject({ domain, verified_at: null, join_policy: 'none' })
    expect(claimed.verification).toMatch(/^usher-verification=[0-9a-f]{32}$/)
    expect(await confirm(acme, acme.id, domain, [])).toBe(false)
    expect(await confirm(acme, acme.id, domain, ['v=spf1 -all', 'usher-verification=0'])).toBe(
      false,
    )
    expect(await confirm(acme, acme.id, domain, ['v=spf1 -all', claimed.verification])).toBe(true)
    expect(await acme.events()).toContain('domain.verified')
  })

  test('belongs to who proves it first', async ({ acme }) => {
    const domain = newDomain()
    const [ours, theirs] = [await claim(acme, domain), await claim(acme, domain, 'outsider')]

    expect(await confirm(acme, acme.id, domain, [ours.verification])).toBe(true)
    expect(await confirm(acme, acme.otherId, domain, [theirs.verification])).toBe(false)
  })

  test.for(['', 'example', 'not a domain', 'exa_mple.com', '10.0.0.12'])(
    '%j is none',
    async (domain, { acme }) => {
      await expect(claim(acme, domain)).rejects.toMatchObject({ code: 'invalid_settings' })
    },
  )

  test('its role is one that the admin can give', async ({ acme }) => {
    const domain = newDomain()
    await claim(acme, domain)
    const update = (changes: object) =>
      acme.admin.rpc('update_organisation_domain', { organisation_id: acme.id, domain, ...changes })

    await expect(update({ role: 'admin' })).rejects.toMatchObject({ code: 'role_not_assignable' })
    await expect(update({ role: 'nobody' })).rejects.toMatchObject({ code: 'invalid_role' })
    await expect(update({ join_policy: 'sometimes' })).rejects.toMatchObject({
      code: 'invalid_settings',
    })
    expect(await update({ role: 'finance', join_policy: 'ask' })).toMatchObject({
      role: 'finance',
      join_policy: 'ask',
    })
  })

  test('is looked for at once, and then ever more rarely', async ({ acme }) => {
    const domain = newDomain()
    await claim(acme, domain)
    const isDue = async () =>
      (await acme.sql`select from usher.list_domains_to_verify() where domain = ${domain}`)
        .length === 1
    expect(await isDue()).toBe(true)

    await confirm(acme, acme.id, domain, [])
    expect(await isDue()).toBe(false)

    await acme.sql`update public.organisation_domains set checked_at = now() - interval '2 minutes' where domain = ${domain}`
    expect(await isDue()).toBe(true)
    await acme.sql`update public.organisation_domains set created_at = now() - interval '31 days' where domain = ${domain}`
    expect(await isDue()).toBe(false)
  })
})

describe('joining by a domain', () => {
  test('lets its people in with the role that was chosen', async ({ acme }) => {
    const { employee, domain } = await open(acme, 'join', 'finance')

    expect(await employee.rpc('list_joinable_organisations')).toMatchObject([
      { id: acme.id, domain },
    ])
    expect(await join(acme, employee)).toBe('joined')

    expect(await employee.rpc('list_my_organisations')).toMatchObject([
      { id: acme.id, roles: ['finance'] },
    ])
    expect(await employee.rpc('list_joinable_organisations')).toEqual([])
    await expect(join(acme, employee)).rejects.toMatchObject({ code: 'already_member' })
  })

  test('answers the invite that somebody has, with its roles and its end', async ({ acme }) => {
    const { employee } = await open(acme, 'join')
    const ends = '2999-01-01T00:00:00+00:00'
    const invited = await acme.owner.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: employee.email,
      roles: ['finance'],
      membership_ends_at: ends,
    })
    const token = await acme.mint(invited.id)

    expect(await join(acme, employee)).toBe('joined')

    expect(
      await acme.owner.select('organisation_members', { user_id: employee.userId }),
    ).toMatchObject([{ roles: ['finance'], ends_at: ends }])
    await expect(employee.rpc('accept_organisation_invite', { token })).rejects.toMatchObject({
      code: 'invite_already_accepted',
    })
  })

  test('is for confirmed addresses of that very domain', async ({ acme }) => {
    const { domain } = await open(acme, 'join')
    const below = await acme.person(`x@sub.${domain}`)
    const unconfirmed = await acme.person(`y@${domain}`)
    await acme.sql`update auth.users set email_confirmed_at = null where id = ${unconfirmed.userId}`

    for (const who of [acme.stranger, below, unconfirmed]) {
      await expect(join(acme, who)).rejects.toMatchObject({ code: 'organisation_not_found' })
      expect(await who.rpc('list_joinable_organisations')).toEqual([])
    }
  })

  test('is shut where Auth is not known to confirm addresses', async ({ acme }) => {
    const { employee } = await open(acme, 'join')
    await acme.sql`select usher.update_settings('{"auth_confirms_addresses": false}')`

    await expect(join(acme, employee)).rejects.toMatchObject({ code: 'organisation_not_found' })
  })

  test('is shut for who is banned, and when no seat is free', async ({ acme }) => {
    const { employee, domain } = await open(acme, 'join')
    await join(acme, employee)
    await acme.owner.rpc('ban_organisation_member', {
      organisation_id: acme.id,
      user_id: employee.userId,
    })
    await expect(join(acme, employee)).rejects.toMatchObject({ code: 'member_banned' })

    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { seat_limit: 1 },
    })
    await expect(join(acme, await acme.person(`late@${domain}`))).rejects.toMatchObject({
      code: 'seat_limit_reached',
    })
  })
})

describe('asking to join', () => {
  test('makes a member once an admin agrees', async ({ acme }) => {
    const { employee } = await open(acme, 'ask')
    expect([await join(acme, employee), await join(acme, employee)]).toEqual([
      'requested',
      'requested',
    ])
    expect(await employee.rpc('list_my_organisations')).toEqual([])

    const requests = await acme.admin.select('organisation_join_requests', { status: 'pending' })
    expect(requests).toMatchObject([{ email: employee.email }])
    const request_id = requests[0]?.id
    expect(
      await acme.admin.rpc('approve_organisation_join_request', { request_id, roles: ['finance'] }),
    ).toMatchObject({
      user_id: employee.userId,
      roles: ['finance'],
    })
    await expect(
      acme.admin.rpc('approve_organisation_join_request', { request_id }),
    ).rejects.toMatchObject({
      code: 'request_not_open',
    })
  })

  test('can be turned down, and asked again', async ({ acme }) => {
    const { employee } = await open(acme, 'ask')
    await join(acme, employee)
    const [request] = await acme.admin.select('organisation_join_requests')

    await acme.admin.rpc('decline_organisation_join_request', {
      request_id: request?.id,
      reason: 'Not yet',
    })

    expect(await employee.select('organisation_join_requests')).toMatchObject([
      { status: 'declined', reason: 'Not yet' },
    ])
    expect(await join(acme, employee)).toBe('requested')
    expect(await acme.outsider.select('organisation_join_requests')).toHaveLength(0)
  })

  test('answers the invite that somebody has as well, and gives its roles too', async ({
    acme,
  }) => {
    const { employee } = await open(acme, 'ask')
    await join(acme, employee)
    const invited = await acme.owner.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: employee.email,
      roles: ['finance'],
    })
    const [request] = await acme.owner.select('organisation_join_requests')

    await acme.admin.rpc('approve_organisation_join_request', { request_id: request?.id })

    expect(
      await acme.owner.select('organisation_members', { user_id: employee.userId }),
    ).toMatchObject([{ roles: ['finance', 'member'] }])
    expect(await acme.owner.select('organisation_invites', { id: invited.id })).toMatchObject([
      { status: 'accepted', accepted_by: employee.userId },
    ])
  })

  test('gives no role that the admin could not give', async ({ acme }) => {
    const { employee } = await open(acme, 'ask')
    await join(acme, employee)
    const [request] = await acme.admin.select('organisation_join_requests')

    await expect(
      acme.admin.rpc('approve_organisation_join_request', {
        request_id: request?.id,
        roles: ['admin'],
      }),
    ).rejects.toMatchObject({ code: 'role_not_assignable' })
  })
})

test('the closed door opens for people of a domain that lets them join', async ({ acme }) => {
  const { domain } = await open(acme, 'join')
  await acme.sql`select usher.update_settings('{"sign_up": "invite_only"}')`
  onTestFinished(async () => {
    await acme.sql`select usher.update_settings('{"sign_up": "open"}')`
  })

  expect(await acme.person(`new@${domain}`)).toBeTruthy()
  await expect(acme.person(`new@${newDomain()}`)).rejects.toThrow(/signup_not_invited/)
})
