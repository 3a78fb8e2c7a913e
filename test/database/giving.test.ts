import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { deviceCode, inviteBy, setAdminRoles } from '../support/lost-rights.ts'
import { onMember } from '../support/members.ts'
import { patchOf, scimOf, test } from '../support/scim.ts'

describe('nobody gives for longer than they have', () => {
  const END = '2998-01-01T00:00:00+00:00'
  const until = (acme: Organisation, ends: object) =>
    acme.owner.rpc('update_organisation_member_ends', onMember(acme, 'admin', ends))

  test.for([{ ends_at: END }, { role_ends: { admin: END } }])('with %j', async (ends, { acme }) => {
    await until(acme, ends)

    expect(await inviteBy(acme)).toMatchObject({ membership_ends_at: END })
    await expect(
      inviteBy(acme, 'admin', { membership_ends_at: '2999-01-01T00:00:00Z' }),
    ).rejects.toMatchObject({ code: 'invalid_expiry' })
    const changed = await acme.admin.rpc(
      'update_organisation_member_roles',
      onMember(acme, 'member', { roles: ['member', 'finance'] }),
    )
    expect(changed.role_ends).toEqual({ finance: END })
    await expect(
      acme.admin.rpc('update_organisation_member_ends', onMember(acme, 'member')),
    ).rejects.toMatchObject({ code: 'invalid_expiry' })
    const code = await deviceCode(acme)
    expect(await acme.stranger.rpc('enrol_organisation_device', { code })).toMatchObject({
      ends_at: END,
    })
  })

  test('also when their end came after the invite was sent', async ({ acme }) => {
    const { id, email } = await inviteBy(acme)
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
    await setAdminRoles(acme, ['admin', 'deputy'])
    await until(acme, { role_ends: { deputy: END } })

    expect(await inviteBy(acme)).toMatchObject({ membership_ends_at: null })
  })
})

describe('a token of a directory', () => {
  test('gives nothing that lasts longer than who answers for it', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const END = '2998-01-01T00:00:00+00:00'
    await acme.owner.rpc(
      'update_organisation_member_ends',
      onMember(acme, 'admin', { ends_at: END }),
    )
    const scim = scimOf(scimUrl, await tokenBy(acme.admin))
    const { body } = await scim('GET', '/Groups?filter=displayName%20eq%20%22finance%22')
    const [member] = await acme.sql`select id from public.organisation_members
      where user_id = ${acme.member.userId}`
    const change = { op: 'add', path: 'members', value: [{ value: member?.id }] }
    await scim('PATCH', `/Groups/${body.Resources[0].id}`, patchOf(change))

    const [row] = await acme.owner.select('organisation_members', { user_id: acme.member.userId })
    expect(row).toMatchObject({ roles: ['finance', 'member'], role_ends: { finance: END } })
  })
})
