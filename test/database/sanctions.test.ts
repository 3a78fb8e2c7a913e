import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { onMember } from '../support/members.ts'

describe('banning', () => {
  test('holds for the address when the account is deleted and made again', async ({ acme }) => {
    const domain = `d-${acme.id}.example`
    await acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
    await acme.sql`insert into public.organisation_domains
      (organisation_id, domain, verification, verified_at, join_policy)
      values (${acme.id}, ${domain}, 'x', now(), 'join')`
    const email = `eve@${domain}`
    const eve = await acme.person(email)
    const joining = (who: typeof eve) => who.rpc('join_organisation', { organisation_id: acme.id })
    await joining(eve)
    const args = { organisation_id: acme.id, user_id: eve.userId }
    await acme.admin.rpc('ban_organisation_member', args)

    await acme.sql`delete from auth.users where id = ${eve.userId}`
    const again = await acme.person(email)

    expect(await again.rpc('list_joinable_organisations')).toEqual([])
    await expect(joining(again)).rejects.toMatchObject({ code: 'member_banned' })
    await expect(acme.invite(email)).rejects.toMatchObject({ code: 'member_banned' })
    const { code } = await acme.admin.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Door',
      roles: ['member'],
    })
    await expect(again.rpc('enrol_organisation_device', { code })).rejects.toMatchObject({
      code: 'member_banned',
    })
    // It can be seen and lifted; then they are somebody who was removed, and ask.
    expect(await acme.admin.select('organisation_members', { user_id: eve.userId })).toMatchObject([
      { status: 'banned', email },
    ])
    await acme.admin.rpc('unban_organisation_member', args)
    expect(await joining(again)).toBe('requested')
  })

  test('holds for an address that the account takes later, and for the one that it had', async ({
    acme,
  }) => {
    const before = acme.member.email
    const after = `after-${acme.id}@example.com`
    await acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
    await acme.owner.rpc('ban_organisation_member', onMember(acme, 'member'))
    await acme.sql`update auth.users set email = ${after} where id = ${acme.member.userId}`

    for (const email of [before, after]) {
      await expect(acme.invite(email)).rejects.toMatchObject({ code: 'member_banned' })
    }
  })

  test('does not hold for an address that the account only claims', async ({ acme }) => {
    const victim = `victim-${acme.id}@example.com`
    await acme.owner.rpc('ban_organisation_member', onMember(acme, 'member'))
    await acme.sql`update auth.users set email = ${victim}, email_confirmed_at = null
      where id = ${acme.member.userId}`
    await acme.sql`update auth.users set email = ${acme.member.email} where id = ${acme.member.userId}`

    expect((await acme.invite(victim)).invite).toMatchObject({ status: 'pending' })
  })
})
