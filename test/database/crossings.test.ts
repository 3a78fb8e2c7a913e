/** Where directories, domains, devices, sign-in rules and access with an end meet: no detour gives back what was taken. */
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { patchOf, type Scim, scimOf, test, userOf } from '../support/scim.ts'

const address = (domain = 'example.com') => `p-${randomUUID().slice(0, 8)}@${domain}`
const LATER = '2999-01-01T00:00:00+00:00'

async function memberOf(acme: Organisation, userId: string | null) {
  const [row] = await acme.sql`select * from public.organisation_members
    where organisation_id = ${acme.id} and user_id = ${userId}`
  return row
}

/** People of the domain join by themselves. */
async function openDomain(acme: Organisation, domain = 'example.com') {
  await acme.sql`update usher.settings set auth_confirms_addresses = true`
  await acme.sql`delete from public.organisation_domains where domain = ${domain}`
  await acme.owner.rpc('create_organisation_domain', { organisation_id: acme.id, domain })
  await acme.sql`update public.organisation_domains set verified_at = now(), join_policy = 'join'
    where organisation_id = ${acme.id}`
}

const find = async (scim: Scim, kind: string, filter: string) =>
  (await scim('GET', `/${kind}?${new URLSearchParams({ filter })}`)).body.Resources[0]
const set = (scim: Scim, id: string, path: string, value: unknown) =>
  scim('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path, value }))
/** Somebody with these roles whom the directory keeps from now on. */
async function kept(acme: Organisation, scim: Scim, roles: string[]) {
  const person = await acme.join(roles)
  const { id } = await find(scim, 'Users', `userName eq "${person.email}"`)
  await set(scim, id, 'displayName', 'Known')
  return { ...person, person, id }
}
const endsCome = async (acme: Organisation, userId: string | null) => {
  await acme.sql`update public.organisation_members set ends_at = now() - interval '1 second'
    where organisation_id = ${acme.id} and user_id = ${userId}`
  await acme.sql`select usher.end_due_access()`
}
const rejoin = (acme: Organisation, person: Organisation['member']) =>
  person.rpc('join_organisation', { organisation_id: acme.id })

describe('leaving and coming again', () => {
  test('does not bring back a role that was taken by hand', async ({ acme, scim }) => {
    await openDomain(acme)
    const { person, userId } = await kept(acme, scim, ['admin', 'member'])
    await acme.owner.rpc('update_organisation_member_roles', {
      organisation_id: acme.id,
      user_id: userId,
      roles: ['member'],
    })
    await person.rpc('leave_organisation', { organisation_id: acme.id })

    await rejoin(acme, person)

    expect(await memberOf(acme, userId)).toMatchObject({ status: 'active', roles: ['member'] })
  })

  test.for([
    ['a directory has turned off', async (_, scim, { id }) => set(scim, id, 'active', false)],
    ['had access with an end', async (acme, _, { userId }) => endsCome(acme, userId)],
    [
      'was removed by hand',
      async (acme, _, { userId }) =>
        acme.owner.rpc('remove_organisation_member', {
          organisation_id: acme.id,
          user_id: userId,
        }),
    ],
  ] as [
    string,
    (
      acme: Organisation,
      scim: Scim,
      who: { id: string; userId: string | null },
    ) => Promise<unknown>,
  ][])('is for admins to decide when it is somebody who %s', async ([, end], { acme, scim }) => {
    await openDomain(acme)
    const { person, userId, id } = await kept(acme, scim, ['member'])
    await end(acme, scim, { id, userId })

    expect(await rejoin(acme, person)).toBe('requested')

    expect(await memberOf(acme, userId)).toMatchObject({ status: 'removed' })
  })
})

describe('a directory', () => {
  test('turns off and on again, and the ends that people gave stay', async ({ acme, scim }) => {
    const { id, userId } = await kept(acme, scim, ['finance', 'member'])
    await acme.owner.rpc('update_organisation_member_ends', {
      organisation_id: acme.id,
      user_id: userId,
      ends_at: LATER,
      role_ends: { finance: LATER },
    })

    await set(scim, id, 'active', false)
    await set(scim, id, 'active', true)

    const member = await memberOf(acme, userId)
    expect(member).toMatchObject({ status: 'active', role_ends: { finance: LATER } })
    expect(member?.ends_at).toEqual(new Date(LATER))
  })

  test('does not bring back whose access has ended', async ({ acme, scim }) => {
    const { id, email, userId } = await kept(acme, scim, ['member'])
    await endsCome(acme, userId)

    await scim('PUT', `/Users/${id}`, userOf(email, { displayName: 'Another name' }))

    expect(await memberOf(acme, userId)).toMatchObject({ status: 'removed' })
  })

  test('goes on removing people where members have to show a session', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const scim = scimOf(scimUrl, await tokenBy(acme.admin))
    const { id } = await find(scim, 'Users', `userName eq "${acme.member.email}"`)
    await acme.sql`insert into public.organisation_sign_in_rules (organisation_id, provider, for_members)
      values (${acme.id}, 'keycloak', true)`

    expect((await set(scim, id, 'active', false)).status).toBe(200)

    expect(await memberOf(acme, acme.member.userId)).toMatchObject({ status: 'removed' })
  })

  test('invites whom the sign-in rule asks something of that only a session shows', async ({
    acme,
    scim,
  }) => {
    await openDomain(acme)
    await acme.sql`insert into public.organisation_sign_in_rules (organisation_id, level)
      values (${acme.id}, 'aal2')`
    const former = await acme.join(['member'], 'removed')

    await scim('POST', '/Users', userOf(former.email))

    expect(await memberOf(acme, former.userId)).toMatchObject({ status: 'removed' })
    expect(
      await acme.sql`select status from usher.invites where email = ${former.email}`,
    ).toMatchObject([{ status: 'pending' }])
  })

  test('does not take a former member for whoever has the address that they gave themselves', async ({
    acme,
    scim,
  }) => {
    await acme.sql`update usher.settings set auth_confirms_addresses = false`
    const former = await acme.join(['member'], 'removed')
    const boss = address('corp.example')
    await acme.sql`update auth.users set email = ${boss} where id = ${former.userId}`

    await scim('POST', '/Users', userOf(boss))

    expect(await memberOf(acme, former.userId)).toMatchObject({ status: 'removed' })
  })

  test('gives nobody a role that was deleted and made anew as another', async ({ acme, scim }) => {
    const email = address()
    const { body: user } = await scim('POST', '/Users', userOf(email))
    const make = (permissions: string[]) =>
      acme.owner.rpc('create_organisation_role', {
        organisation_id: acme.id,
        name: 'support',
        permissions,
      })
    await make([])
    const group = await find(scim, 'Groups', 'displayName eq "support"')
    const add = { op: 'add', path: 'members', value: [{ value: user.id }] }
    await scim('PATCH', `/Groups/${group.id}`, patchOf(add))
    await acme.owner.rpc('delete_organisation_role', { organisation_id: acme.id, role: 'support' })
    await make(['member.ban'])
    const [invite] = await acme.sql`select id from usher.invites where email = ${email}`

    const person = await acme.person(email)
    await person.rpc('accept_organisation_invite', { token: await acme.mint(invite?.id) })

    expect(await memberOf(acme, person.userId)).toMatchObject({ roles: ['member'] })
  })

  test('waits for whoever is accepting at this moment, and then removes them', async ({
    acme,
    scim,
  }) => {
    const email = address()
    const { body: user } = await scim('POST', '/Users', userOf(email))
    const [invite] = await acme.sql`select id from usher.invites where email = ${email}`
    const person = await acme.person(email)
    const token = await acme.mint(invite?.id)

    // Accepting has its invite, and waits here for the organisation; then the directory comes.
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let take = () => {}
    const taken = new Promise<void>((resolve) => {
      take = resolve
    })
    const holding = acme.sql.begin(async (tx) => {
      await tx`select from public.organisations where id = ${acme.id} for update`
      take()
      await held
    })
    await taken
    const waiting = async () => {
      const [row] = await acme.sql`select count(*)::int as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
      return row?.n
    }
    const accepting = person.rpc('accept_organisation_invite', { token })
    await expect.poll(waiting).toBe(1)
    const turningOff = set(scim, user.id, 'active', false)
    await expect.poll(waiting).toBe(2)
    release()
    await Promise.all([holding, accepting])

    expect((await turningOff).status).toBe(200)
    expect(await memberOf(acme, person.userId)).toMatchObject({ status: 'removed' })
  })
})

describe('a device', () => {
  const enrol = async (acme: Organisation, email: string) => {
    const { code } = await acme.admin.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Door',
      roles: ['member'],
    })
    const account = await acme.person(email)
    await account.rpc('enrol_organisation_device', { code })
    return account
  }

  test('does not get what a directory keeps for the person of that address', async ({
    acme,
    scim,
  }) => {
    const email = address()
    const { body: user } = await scim('POST', '/Users', userOf(email))
    const group = await find(scim, 'Groups', 'displayName eq "admin"')
    const add = { op: 'add', path: 'members', value: [{ value: user.id }] }
    await scim('PATCH', `/Groups/${group.id}`, patchOf(add))

    const account = await enrol(acme, email)

    expect(await memberOf(acme, account.userId)).toMatchObject({
      kind: 'device',
      roles: ['member'],
    })
  })

  test('that leaves and comes back as a person is a person', async ({ acme }) => {
    const email = address()
    const account = await enrol(acme, email)
    await account.rpc('leave_organisation', { organisation_id: acme.id })
    const { token } = await acme.invite(email, ['admin'])

    expect(await account.rpc('accept_organisation_invite', { token })).toMatchObject({
      kind: 'user',
    })
  })
})

describe('access with an end', () => {
  test('is prolonged by nobody for themselves', async ({ acme }) => {
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'hr',
      permissions: ['member.read', 'member.update'],
    })
    const person = await acme.join(['hr'])
    const of = { organisation_id: acme.id, user_id: person.userId }
    await acme.owner.rpc('update_organisation_member_ends', { ...of, ends_at: LATER })

    await expect(person.rpc('update_organisation_member_ends', of)).rejects.toMatchObject({
      code: 'role_not_assignable',
    })
  })

  test('that is over is not revived, swept or not', async ({ acme }) => {
    await acme.sql`update public.organisation_members set ends_at = now() - interval '1 second'
      where organisation_id = ${acme.id} and user_id = ${acme.member.userId}`

    await expect(
      acme.owner.rpc('update_organisation_member_ends', {
        organisation_id: acme.id,
        user_id: acme.member.userId,
      }),
    ).rejects.toMatchObject({ code: 'member_not_found' })
  })
})

test('the token of an application does not follow it to another address', async ({ acme }) => {
  const { id } = await acme.owner.rpc('create_organisation_directory_endpoint', {
    organisation_id: acme.id,
    name: 'Tickets',
    url: 'https://tickets.example/scim',
    token: 'secret-of-tickets',
  })

  await expect(
    acme.admin.rpc('update_organisation_directory_endpoint', {
      endpoint_id: id,
      changes: { url: 'https://elsewhere.example/scim' },
    }),
  ).rejects.toMatchObject({ code: 'invalid_settings' })
})
