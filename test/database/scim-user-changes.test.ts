import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { account } from '../support/auth-sessions.ts'
import { fanOut } from '../support/outbox.ts'
import { patchOf, type Scim, scimOf, test, userOf } from '../support/scim.ts'

const ADDRESS = 'ann@acme.example'

const activate = (scim: Scim, id: string, active: boolean) =>
  scim('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: active }))

async function memberOf(acme: Organisation, email = ADDRESS) {
  const [row] = await acme.sql`select * from public.organisation_members
    where organisation_id = ${acme.id} and email = ${email}`
  return row
}

async function inviteOf(acme: Organisation, email = ADDRESS) {
  const [row] = await acme.sql`select * from public.organisation_invites
    where organisation_id = ${acme.id} and email = ${email} order by created_at desc limit 1`
  return row
}

async function idOf(scim: Scim, email: string): Promise<string> {
  const filter = new URLSearchParams({ filter: `userName eq "${email}"` })
  return (await scim('GET', `/Users?${filter}`)).body.Resources[0]?.id
}

/** The organisation has proved the domain, and Auth confirms addresses. */
async function verifyDomain(acme: Organisation, domain = 'acme.example') {
  await acme.sql`update usher.settings set auth_confirms_addresses = true`
  await acme.sql`delete from public.organisation_domains where domain = ${domain}`
  await acme.owner.rpc('create_organisation_domain', { organisation_id: acme.id, domain })
  await acme.sql`update public.organisation_domains set verified_at = now()
    where organisation_id = ${acme.id}`
}

/** Each test has the address to itself. */
async function freshAccount(acme: Organisation, email = ADDRESS) {
  await acme.sql`delete from auth.users where email = ${email}`
  return acme.person(email)
}

describe('a new User', () => {
  test('without an account is invited by mail, and is a member once they accept', async ({
    acme,
    scim,
  }) => {
    const { body: user } = await scim('POST', '/Users', userOf('new@acme.example'))
    const invite = await inviteOf(acme, 'new@acme.example')

    expect(invite).toMatchObject({ status: 'pending', roles: ['member'] })
    expect(user.active).toBe(true)
    await fanOut(acme.sql)
    const [mail] = await acme.sql`select kind from public.organisation_deliveries
      where invite_id = ${invite?.id}`
    expect(mail?.kind).toBe('invite')

    const person = await freshAccount(acme, 'new@acme.example')
    await person.rpc('accept_organisation_invite', { token: await acme.mint(invite?.id) })
    expect(await memberOf(acme, 'new@acme.example')).toMatchObject({
      status: 'active',
      roles: ['member'],
    })
    expect((await scim('GET', `/Users/${user.id}`)).body.active).toBe(true)
  })

  test('with an account of a domain that is proved is a member at once', async ({ acme, scim }) => {
    const person = await freshAccount(acme)
    await verifyDomain(acme)

    await acme.invite(ADDRESS)
    expect((await scim('POST', '/Users', userOf(ADDRESS))).status).toBe(201)

    expect(await memberOf(acme)).toMatchObject({
      status: 'active',
      roles: ['member'],
      user_id: person.userId,
    })
    expect(await inviteOf(acme)).toMatchObject({ status: 'revoked' })
    const events = await acme.owner.select('organisation_audit_events', { event: 'member.joined' })
    expect(events).toMatchObject([{ actor_kind: 'directory', actor_id: acme.owner.userId }])
  })

  test.for([
    ['the domain is not proved', 'update public.organisation_domains set verified_at = null'],
    [
      'Auth does not confirm addresses',
      'update usher.settings set auth_confirms_addresses = false',
    ],
    ['the address is not confirmed', 'update auth.users set email_confirmed_at = null'],
    ['the account is one of single sign-on', 'update auth.users set is_sso_user = true'],
  ] as const)('is asked by an invite where %s', async ([, change], { acme, scim }) => {
    await freshAccount(acme)
    await verifyDomain(acme)
    const where = change.includes('auth.users') ? ` where email = '${ADDRESS}'` : ''
    await acme.sql.unsafe(change + where)

    await scim('POST', '/Users', userOf(ADDRESS))

    expect(await memberOf(acme)).toBe(undefined)
    expect(await inviteOf(acme)).toMatchObject({ status: 'pending' })
  })

  test.for([
    ['no account of it', 'github', undefined],
    ['an account of it', 'keycloak', { status: 'active' }],
  ] as const)(
    'where people come in through a provider: %s',
    async ([, provider, expected], { acme, scim }) => {
      await acme.sql`delete from auth.users where email = ${ADDRESS}`
      await account(acme, ADDRESS, { providers: [provider] })
      await verifyDomain(acme)
      await acme.owner.rpc('update_organisation_sign_in_rule', {
        organisation_id: acme.id,
        changes: { provider: 'keycloak' },
      })

      await scim('POST', '/Users', userOf(ADDRESS))

      if (expected) expect(await memberOf(acme)).toMatchObject(expected)
      else {
        expect(await memberOf(acme)).toBe(undefined)
        expect(await inviteOf(acme)).toMatchObject({ status: 'pending' })
      }
    },
  )

  test('that is not active is written down, and not invited', async ({ acme, scim }) => {
    const { body } = await scim('POST', '/Users', userOf('later@acme.example', { active: false }))

    expect(body.active).toBe(false)
    expect(await inviteOf(acme, 'later@acme.example')).toBe(undefined)
    await activate(scim, body.id, true)
    expect(await inviteOf(acme, 'later@acme.example')).toMatchObject({ status: 'pending' })
  })

  test('who is invited already is not invited twice', async ({ acme, scim }) => {
    const { invite } = await acme.invite('twice@acme.example', ['finance'])

    expect((await scim('POST', '/Users', userOf('twice@acme.example'))).status).toBe(201)

    expect(await inviteOf(acme, 'twice@acme.example')).toMatchObject({ id: invite.id })
  })

  test('who is a member already is found, and cannot be made twice', async ({ acme, scim }) => {
    expect((await scim('POST', '/Users', userOf(acme.member.email))).status).toBe(409)

    const id = await idOf(scim, acme.member.email)
    const { status, body } = await scim(
      'PUT',
      `/Users/${id}`,
      userOf(acme.member.email, { externalId: 'm-1' }),
    )
    expect([status, body.id, body.externalId]).toEqual([200, id, 'm-1'])
  })

  test.for([
    ['no seat is free', 'update public.organisations set seat_limit = 1', 'seat_limit_reached'],
    [
      'their domain is not taken',
      `update public.organisations set allowed_email_domains = '{example.org}'`,
      'domain_not_allowed',
    ],
    [
      'the day has had its invites',
      'update usher.settings set invites_per_day = 0',
      'rate_limited',
    ],
  ] as const)(
    'is refused where %s, and nothing is written down',
    async ([, change, code], { acme, scim }) => {
      await acme.sql.unsafe(change)

      const { status, body } = await scim('POST', '/Users', userOf('nobody@acme.example'))

      expect([status, body.detail]).toEqual([
        code === 'rate_limited' ? 429 : 403,
        expect.stringContaining(code),
      ])
      expect(await idOf(scim, 'nobody@acme.example')).toBe(undefined)
      await acme.sql`update usher.settings set invites_per_day = default`
    },
  )

  test('who is banned stays out, under whatever address', async ({ acme, scim }) => {
    const id = await idOf(scim, acme.member.email)
    await scim('PUT', `/Users/${id}`, userOf(acme.member.email))
    await acme.owner.rpc('ban_organisation_member', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
    })

    expect((await scim('GET', `/Users/${id}`)).body.active).toBe(false)
    for (const email of [acme.member.email, 'alias@acme.example']) {
      const { status, body } = await scim('PUT', `/Users/${id}`, userOf(email))
      expect([status, body.detail]).toEqual([403, expect.stringContaining('member_banned')])
    }
  })
})

describe('active: false', () => {
  test('removes a member at once, with a line in the trail', async ({ acme, scim }) => {
    const id = await idOf(scim, acme.member.email)

    expect((await activate(scim, id, false)).body.active).toBe(false)

    expect(await memberOf(acme, acme.member.email)).toMatchObject({
      status: 'removed',
      status_reason: 'By the directory',
    })
    expect(await acme.member.select('organisations')).toHaveLength(0)
    const events = await acme.owner.select('organisation_audit_events', { event: 'member.removed' })
    expect(events).toMatchObject([
      { actor_kind: 'directory', actor_id: acme.owner.userId, target_id: acme.member.userId },
    ])
  })

  test('and true again bring the same person back at once, with the roles of their groups', async ({
    acme,
    scim,
  }) => {
    const id = await idOf(scim, acme.finance.email)

    await activate(scim, id, false)
    expect((await activate(scim, id, true)).body.active).toBe(true)

    expect(await memberOf(acme, acme.finance.email)).toMatchObject({
      status: 'active',
      roles: ['finance'],
    })
    expect(await inviteOf(acme, acme.finance.email)).toBe(undefined)
  })

  test('and true again bring back whoever signs in by single sign-on as well', async ({
    acme,
    scim,
  }) => {
    await acme.sql`update auth.users set is_sso_user = true where id = ${acme.member.userId}`
    const id = await idOf(scim, acme.member.email)

    await activate(scim, id, false)
    await activate(scim, id, true)

    expect(await memberOf(acme, acme.member.email)).toMatchObject({ status: 'active' })
  })

  test('and true again ask whoever has another address by now', async ({ acme, scim }) => {
    const id = await idOf(scim, acme.member.email)
    await activate(scim, id, false)
    await acme.sql`update auth.users set email = 'moved-away@example.com'
      where id = ${acme.member.userId}`

    await activate(scim, id, true)

    expect(await memberOf(acme, 'moved-away@example.com')).toMatchObject({ status: 'removed' })
    expect(await inviteOf(acme, acme.member.email)).toMatchObject({ status: 'pending' })
  })

  test('revokes what is open for the address: its link is dead', async ({ acme, scim }) => {
    const { body: user } = await scim('POST', '/Users', userOf('open@acme.example'))
    const token = await acme.mint((await inviteOf(acme, 'open@acme.example'))?.id)

    await activate(scim, user.id, false)

    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      status: 'revoked',
    })
  })

  test('never removes the owner', async ({ acme, scim }) => {
    const id = await idOf(scim, acme.owner.email)

    for (const answer of [await activate(scim, id, false), await scim('DELETE', `/Users/${id}`)]) {
      expect([answer.status, answer.body.detail]).toEqual([
        403,
        expect.stringContaining('owner_required'),
      ])
    }
  })

  test('by a token of an admin removes no one who may do more', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const second = await acme.join(['admin'])
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'deleter',
      permissions: ['organisation.delete'],
    })
    await acme.sql`update public.organisation_members set roles = '{deleter}'
      where user_id = ${second.userId}`
    const scim = scimOf(scimUrl, await tokenBy(acme.admin))

    const { status } = await activate(scim, await idOf(scim, second.email), false)

    expect(status).toBe(403)
    expect(await memberOf(acme, second.email)).toMatchObject({ status: 'active' })
  })
})
