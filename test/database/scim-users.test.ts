import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { patchOf, type Scim, test, userOf } from '../support/scim.ts'

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

describe('a User', () => {
  test('who left by themselves is asked by an invite before they are back', async ({
    acme,
    scim,
  }) => {
    await verifyDomain(acme, 'example.com')
    const id = await idOf(scim, acme.member.email)
    await scim('PUT', `/Users/${id}`, userOf(acme.member.email))
    await acme.member.rpc('leave_organisation', { organisation_id: acme.id })
    expect((await scim('GET', `/Users/${id}`)).body.active).toBe(false)

    await activate(scim, id, true)

    expect(await memberOf(acme, acme.member.email)).toMatchObject({ status: 'left' })
    expect(await inviteOf(acme, acme.member.email)).toMatchObject({ status: 'pending' })
  })

  test('whose invite somebody took back reads as inactive', async ({ acme, scim }) => {
    const { body: user } = await scim('POST', '/Users', userOf('back@acme.example'))
    await acme.admin.rpc('revoke_organisation_invite', {
      invite_id: (await inviteOf(acme, 'back@acme.example'))?.id,
    })

    expect((await scim('GET', `/Users/${user.id}`)).body.active).toBe(false)
  })

  test('who declined gets no second mail until the directory turns them off and on', async ({
    acme,
    scim,
  }) => {
    const { body: user } = await scim('POST', '/Users', userOf('no@acme.example'))
    const invite = await inviteOf(acme, 'no@acme.example')
    await acme.anyone.rpc('decline_organisation_invite', { token: await acme.mint(invite?.id) })

    await activate(scim, user.id, true)
    expect(await inviteOf(acme, 'no@acme.example')).toMatchObject({ status: 'declined' })
    await activate(scim, user.id, false)
    await activate(scim, user.id, true)

    expect(await inviteOf(acme, 'no@acme.example')).toMatchObject({ status: 'pending' })
  })

  test('with a new address takes the open invite along', async ({ acme, scim }) => {
    const { body: user } = await scim('POST', '/Users', userOf('old@acme.example'))

    await scim('PUT', `/Users/${user.id}`, userOf('renamed@acme.example'))

    expect(await inviteOf(acme, 'old@acme.example')).toMatchObject({ status: 'revoked' })
    expect(await inviteOf(acme, 'renamed@acme.example')).toMatchObject({ status: 'pending' })
  })

  test('that is deleted is removed and forgotten, and can come again', async ({ acme, scim }) => {
    const id = await idOf(scim, acme.member.email)

    expect((await scim('DELETE', `/Users/${id}`)).status).toBe(204)
    expect(await memberOf(acme, acme.member.email)).toMatchObject({ status: 'removed' })
    expect(await idOf(scim, acme.member.email)).toBe(undefined)

    expect((await scim('POST', '/Users', userOf(acme.member.email))).status).toBe(201)
    expect(await memberOf(acme, acme.member.email)).toMatchObject({ status: 'active' })
  })

  test('is never a device', async ({ acme, scim }) => {
    await acme.sql`update public.organisation_members set kind = 'device'
      where user_id = ${acme.member.userId}`

    expect(await idOf(scim, acme.member.email)).toBe(undefined)
  })

  test('leaves nothing of what the directory said of them when the person is erased', async ({
    acme,
    scim,
  }) => {
    const id = await idOf(scim, acme.member.email)
    await scim('PUT', `/Users/${id}`, userOf(acme.member.email, { nickName: 'Mem' }))

    await acme.sql`select usher.erase_person(${acme.member.userId})`

    const rows = await acme.sql`select * from usher.directory_users where id = ${id}`
    expect(rows).toHaveLength(0)
  })
})
