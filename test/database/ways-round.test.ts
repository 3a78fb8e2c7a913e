/** Ways round the rules, by two steps or by another door, that were found open once. */
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { begin } from '../support/locks.ts'
import { Caller, type Person } from '../support/people.ts'
import { patchOf, scimOf, test, userOf } from '../support/scim.ts'

const tag = () => randomUUID().slice(0, 8)
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()
const on = ({ id }: Organisation, { userId }: Person, more: object = {}) => ({
  organisation_id: id,
  user_id: userId,
  ...more,
})
const memberOf = async (acme: Organisation, { userId }: Person) =>
  (await acme.owner.select('organisation_members', { user_id: userId }))[0]
const adminPermissions = (acme: Organisation): Promise<string[]> =>
  acme.owner.rpc('list_organisation_role_permissions', { organisation_id: acme.id, role: 'admin' })
const confirmAddresses = ({ sql }: Organisation) =>
  sql`select usher.update_settings('{"auth_confirms_addresses": true}')`

/** An admin whose time is limited, and the end of it. */
async function temporaryAdmin(acme: Organisation) {
  const admin = await acme.join(['admin'])
  await acme.owner.rpc('update_organisation_member_ends', on(acme, admin, { ends_at: inAnHour() }))
  return {
    admin,
    async end() {
      await acme.sql`update public.organisation_members set ends_at = now() - interval '1 second'
        where user_id = ${admin.userId}`
      await acme.sql`select usher.end_due_access()`
    },
  }
}

async function openDomain(acme: Organisation, by: Person, policy: 'join' | 'ask', role = 'member') {
  const domain = `d-${tag()}.example`
  const args = { organisation_id: acme.id, domain }
  await confirmAddresses(acme)
  await by.rpc('create_organisation_domain', args)
  await by.rpc('update_organisation_domain', { ...args, join_policy: policy, role })
  await acme.sql`update public.organisation_domains set verified_at = now() where domain = ${domain}`
  return domain
}

describe('more than one has', () => {
  test('is not put into a role that others hold, by somebody whose time is limited', async ({
    acme,
  }) => {
    const role = { organisation_id: acme.id, role: 'helper' }
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'helper',
      permissions: ['member.read', 'role.manage'],
    })
    const { admin } = await temporaryAdmin(acme)
    const refused = { code: 'permission_denied', details: 'role.manage' }

    await expect(
      admin.rpc('grant_organisation_permission', { ...role, permission: 'member.ban' }),
    ).rejects.toMatchObject(refused)
    await expect(
      admin.rpc('update_organisation_role', { ...role, inherits: ['finance'] }),
    ).rejects.toMatchObject(refused)
    // A role that has an end beside one that has none is no way either.
    const both = await acme.join(['admin', 'helper'])
    await acme.owner.rpc(
      'update_organisation_member_ends',
      on(acme, both, { role_ends: { admin: inAnHour() } }),
    )
    await expect(
      both.rpc('grant_organisation_permission', { ...role, permission: 'member.ban' }),
    ).rejects.toMatchObject(refused)
    // To take away is no gift.
    await admin.rpc('revoke_organisation_permission', { ...role, permission: 'role.manage' })
  })

  test('is not given in two halves, nor by making the second half later', async ({ acme }) => {
    const all = await adminPermissions(acme)
    const create = (name: string, permissions: string[]) =>
      acme.admin.rpc('create_organisation_role', { organisation_id: acme.id, name, permissions })
    const give = (roles: string[]) =>
      acme.admin.rpc('update_organisation_member_roles', on(acme, acme.member, { roles }))
    await create('half-a', all.slice(0, 10))
    await create('half-b', all.slice(10))
    await create('nothing', [])
    const refused = { code: 'role_not_assignable' }

    await expect(give(['half-a', 'half-b'])).rejects.toMatchObject(refused)
    await give(['half-a', 'nothing'])
    await expect(give(['half-a', 'nothing', 'half-b'])).rejects.toMatchObject(refused)
    await expect(
      acme.admin.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: `half-${tag()}@example.com`,
        roles: ['half-a', 'half-b'],
      }),
    ).rejects.toMatchObject(refused)
    await expect(
      acme.admin.rpc('update_organisation_role', {
        organisation_id: acme.id,
        role: 'nothing',
        permissions: all.slice(10),
      }),
    ).rejects.toMatchObject({ code: 'permission_denied' })
  })

  test('is not joined by a domain whose rule somebody made whose time is over', async ({
    acme,
  }) => {
    const { admin, end } = await temporaryAdmin(acme)
    const domain = await openDomain(acme, admin, 'join', 'finance')
    await end()

    const employee = await acme.person(`e-${tag()}@${domain}`)
    expect(await employee.rpc('join_organisation', { organisation_id: acme.id })).toBe('requested')
  })

  test('is not kept by a group that somebody gave whose time is limited', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const { admin } = await temporaryAdmin(acme)
    const scim = scimOf(scimUrl, await tokenBy(admin, 'Theirs'))
    await tokenBy(acme.owner, 'Lasting')
    const email = `k-${tag()}@example.com`
    const user = await scim('POST', '/Users', userOf(email))
    const groups = await scim('GET', '/Groups?filter=displayName%20eq%20%22finance%22')
    const change = { op: 'add', path: 'members', value: [{ value: user.body.id }] }
    await scim('PATCH', `/Groups/${groups.body.Resources[0].id}`, patchOf(change))
    const [open] = await acme.owner.select('organisation_invites', { email })
    await acme.owner.rpc('revoke_organisation_invite', { invite_id: open?.id })

    const { token } = await acme.invite(email)
    const joined = await acme.person(email)
    await joined.rpc('accept_organisation_invite', { token })

    const { ends_at } = (await memberOf(acme, admin)) ?? {}
    expect(await memberOf(acme, joined)).toMatchObject({
      roles: ['finance', 'member'],
      role_ends: { finance: ends_at },
    })
  })
})

describe('whoever answered for a token', () => {
  test('is not let in by it once they were removed', async ({ acme, scimUrl, tokenBy }) => {
    await openDomain(acme, acme.owner, 'ask')
    const former = await acme.join(['admin'])
    const scim = scimOf(scimUrl, await tokenBy(former))
    await acme.owner.rpc('remove_organisation_member', on(acme, former))

    expect((await scim('POST', '/Users', userOf(former.email))).status).toBe(403)
    expect(await memberOf(acme, former)).toMatchObject({ status: 'removed' })
    expect((await scim('POST', '/Users', userOf(`other-${tag()}@example.com`))).status).toBe(201)
  })

  test('is given nothing by it once they were demoted', async ({ acme, scimUrl, tokenBy }) => {
    const former = await acme.join(['admin'])
    const scim = scimOf(scimUrl, await tokenBy(former))
    const role = await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'almost',
      permissions: ['member.ban', 'directory.manage', 'member.read'],
    })
    await acme.owner.rpc(
      'update_organisation_member_roles',
      on(acme, former, { roles: ['member'] }),
    )
    const filter = encodeURIComponent(`userName eq "${former.email}"`)
    const me = (await scim('GET', `/Users?filter=${filter}`)).body.Resources[0]

    const change = { op: 'add', path: 'members', value: [{ value: me.id }] }
    expect((await scim('PATCH', `/Groups/${role.id}`, patchOf(change))).status).toBe(403)
    expect(await memberOf(acme, former)).toMatchObject({ roles: ['member'] })
  })
})

describe('what an organisation asks of people', () => {
  const enrol = async (acme: Organisation, account: Caller) => {
    const { code } = await acme.owner.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Till',
      roles: ['admin'],
    })
    return account.rpc('enrol_organisation_device', { code })
  }
  const nameless = async ({ sql }: Organisation, phone: string | null = null) => {
    const id = randomUUID()
    await sql`insert into auth.users (id, phone) values (${id}, ${phone})`
    return new Caller(sql, 'authenticated', { id, email: '' })
  }
  const onlyAllowed = (acme: Organisation) =>
    acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { allowed_email_domains: ['allowed.example'] },
    })

  test.for(['banned', 'of another domain'])(
    'is asked of a device whose account takes an address that is %s',
    async (what, { acme }) => {
      if (what === 'banned') {
        await acme.owner.rpc('ban_organisation_member', on(acme, acme.member))
        await acme.sql`delete from auth.users where id = ${acme.member.userId}`
      } else {
        await onlyAllowed(acme)
      }
      const device = await nameless(acme)
      await enrol(acme, device)
      const email = what === 'banned' ? acme.member.email : `x-${tag()}@elsewhere.example`
      await acme.sql`update auth.users set email = ${email}, email_confirmed_at = now()
        where id = ${device.userId}`

      const args = { organisation_id: acme.id, permission: 'invite.create' }
      expect(await device.rpc('has_organisation_permission', args)).toBe(false)
    },
  )

  test('is asked of an account with a phone number', async ({ acme }) => {
    await onlyAllowed(acme)

    await expect(enrol(acme, await nameless(acme, '+491701234567'))).rejects.toMatchObject({
      code: 'domain_not_allowed',
    })
  })

  test('is asked of the address that a request to join came from', async ({ acme }) => {
    const domain = await openDomain(acme, acme.owner, 'ask')
    const asker = await acme.person(`a-${tag()}@${domain}`)
    await asker.rpc('join_organisation', { organisation_id: acme.id })
    const [request] = await acme.owner.select('organisation_join_requests', {
      user_id: asker.userId,
    })
    await acme.sql`update auth.users set email = ${`a-${tag()}@elsewhere.example`}
      where id = ${asker.userId}`

    await expect(
      acme.admin.rpc('approve_organisation_join_request', { request_id: request?.id }),
    ).rejects.toMatchObject({ code: 'request_not_open', details: 'address_changed' })
  })
})

describe('no fault of Postgres', () => {
  test('comes of two approvals at once where seats are limited', async ({ acme }) => {
    const domain = await openDomain(acme, acme.owner, 'ask')
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { seat_limit: 1000 },
    })
    const askers = [
      await acme.person(`a-${tag()}@${domain}`),
      await acme.person(`b-${tag()}@${domain}`),
    ]
    for (const asker of askers) await asker.rpc('join_organisation', { organisation_id: acme.id })
    const requests = await acme.owner.select('organisation_join_requests')
    const holder = await begin(acme.sql, null)
    await holder.tx`select from auth.users where id = any (${askers.map(({ userId }) => userId)}) for update`

    const approving = [acme.admin, acme.owner].map((who, i) =>
      who.rpc('approve_organisation_join_request', { request_id: requests[i]?.id }),
    )
    await expect
      .poll(async () => {
        const [row] = await acme.sql`select count(*)::int as waiting from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`
        return row?.waiting
      })
      .toBe(2)
    await holder.commit()

    expect((await Promise.allSettled(approving)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
    ])
  })

  test('meets somebody whom a directory knows under two addresses', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const scim = scimOf(scimUrl, await tokenBy(acme.owner))
    const member = await acme.join(['member'])
    await scim('POST', '/Users', userOf(member.email))
    const other = `new-${tag()}@example.com`
    await member.rpc('leave_organisation', { organisation_id: acme.id })
    await acme.sql`update auth.users set email = ${other} where id = ${member.userId}`
    await scim('POST', '/Users', userOf(other))
    const [open] = await acme.owner.select('organisation_invites', { email: other })

    const token = await acme.mint(open?.id)
    expect(await member.rpc('accept_organisation_invite', { token })).toMatchObject({
      status: 'active',
    })
  })

  test('and no word on what is somebody else’s comes of sending invites anew', async ({ acme }) => {
    const { invite } = await acme.invite()
    const foreign = await acme.outsider.rpc('create_organisation_invite', {
      organisation_id: acme.otherId,
      email: 'x@example.com',
      roles: ['member'],
    })
    const outcomeOf = (who: Person, ids: string) =>
      who
        .run((tx) => tx`select public.reissue_organisation_invites(${ids}::text::uuid[]) as rows`)
        .then(
          ([row]) => JSON.stringify(row?.rows),
          ({ code }) => code,
        )

    expect(await outcomeOf(acme.stranger, `{{${foreign.id}},{${randomUUID()}}}`)).toBe(
      'invite_not_found',
    )
    expect(await outcomeOf(acme.admin, `{${foreign.id},${invite.id}}`)).toBe(
      await outcomeOf(acme.admin, `{${randomUUID()},${invite.id}}`),
    )
  })
})
