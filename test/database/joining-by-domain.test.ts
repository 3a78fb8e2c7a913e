import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { joinByDomain, openDomain } from '../support/domains.ts'

describe('joining by a domain', () => {
  test('lets its people in with the role that was chosen', async ({ acme }) => {
    const { employee, domain } = await openDomain(acme, 'join', 'finance')

    expect(await employee.rpc('list_joinable_organisations')).toMatchObject([
      { id: acme.id, domain },
    ])
    expect(await joinByDomain(acme, employee)).toBe('joined')

    expect(await employee.rpc('list_my_organisations')).toMatchObject([
      { id: acme.id, roles: ['finance'] },
    ])
    expect(await employee.rpc('list_joinable_organisations')).toEqual([])
    await expect(joinByDomain(acme, employee)).rejects.toMatchObject({ code: 'already_member' })
  })

  test('answers the invite that somebody has, with its roles and its end', async ({ acme }) => {
    const { employee } = await openDomain(acme, 'join')
    const ends = '2999-01-01T00:00:00+00:00'
    const invited = await acme.owner.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: employee.email,
      roles: ['finance'],
      membership_ends_at: ends,
    })
    const token = await acme.mint(invited.id)

    expect(await joinByDomain(acme, employee)).toBe('joined')

    expect(
      await acme.owner.select('organisation_members', { user_id: employee.userId }),
    ).toMatchObject([{ roles: ['finance'], ends_at: ends }])
    await expect(employee.rpc('accept_organisation_invite', { token })).rejects.toMatchObject({
      code: 'invite_already_accepted',
    })
  })

  test('is for confirmed addresses of that very domain', async ({ acme }) => {
    const { domain } = await openDomain(acme, 'join')
    const below = await acme.person(`x@sub.${domain}`)
    const unconfirmed = await acme.person(`y@${domain}`)
    await acme.sql`update auth.users set email_confirmed_at = null where id = ${unconfirmed.userId}`

    for (const who of [acme.stranger, below, unconfirmed]) {
      await expect(joinByDomain(acme, who)).rejects.toMatchObject({
        code: 'organisation_not_found',
      })
      expect(await who.rpc('list_joinable_organisations')).toEqual([])
    }
  })

  test('is shut where Auth is not known to confirm addresses', async ({ acme }) => {
    const { employee } = await openDomain(acme, 'join')
    await acme.sql`select usher.update_settings('{"auth_confirms_addresses": false}')`

    await expect(joinByDomain(acme, employee)).rejects.toMatchObject({
      code: 'organisation_not_found',
    })
  })

  test('is shut for who is banned, and when no seat is free', async ({ acme }) => {
    const { employee, domain } = await openDomain(acme, 'join')
    await joinByDomain(acme, employee)
    await acme.owner.rpc('ban_organisation_member', {
      organisation_id: acme.id,
      user_id: employee.userId,
    })
    await expect(joinByDomain(acme, employee)).rejects.toMatchObject({ code: 'member_banned' })

    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { seat_limit: 1 },
    })
    await expect(joinByDomain(acme, await acme.person(`late@${domain}`))).rejects.toMatchObject({
      code: 'seat_limit_reached',
    })
  })
})
