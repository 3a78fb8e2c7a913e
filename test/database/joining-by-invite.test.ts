import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { begin, callIn, settled } from '../support/locks.ts'
import { asRefusal } from '../support/refusal.ts'

describe('joining by an invite', () => {
  test('checks again what has changed since: role, domain, seat, membership, ban', async ({
    acme,
  }) => {
    await acme.sql`insert into public.organisation_roles (organisation_id, name) values (${acme.id}, 'pilot')`
    const invitee = await acme.person()
    const { token } = await acme.invite(invitee.email, ['pilot'])
    const accept = () => invitee.rpc('accept_organisation_invite', { token })

    await acme.sql`delete from public.organisation_roles where organisation_id = ${acme.id}`
    await expect(accept()).rejects.toMatchObject({ code: 'invalid_role' })
    await acme.sql`insert into public.organisation_roles (organisation_id, name) values (${acme.id}, 'pilot')`

    await acme.sql`update public.organisations set allowed_email_domains = '{corp.example}' where id = ${acme.id}`
    await expect(accept()).rejects.toMatchObject({ code: 'domain_not_allowed' })

    await acme.sql`update public.organisations set allowed_email_domains = '{}', seat_limit = 5 where id = ${acme.id}`
    await expect(accept()).rejects.toMatchObject({ code: 'seat_limit_reached' })
    await acme.sql`update public.organisations set seat_limit = null where id = ${acme.id}`

    await acme.sql`select usher.add_member(${acme.id}, ${invitee.userId}, '{member}')`
    await expect(accept()).rejects.toMatchObject({ code: 'already_member' })

    await acme.sql`update public.organisation_members set status = 'banned', ended_at = now() where user_id = ${invitee.userId}`
    await expect(accept()).rejects.toMatchObject({ code: 'member_banned' })

    await acme.sql`update public.organisation_members set status = 'left' where user_id = ${invitee.userId}`
    expect(await accept()).toMatchObject({ status: 'active', roles: ['pilot'], ended_at: null })
  })

  test('is by the address of this second, also where it has become another while this waited', async ({
    acme,
  }) => {
    const invitee = await acme.person()
    const { token } = await acme.invite(invitee.email)
    const auth = await begin(acme.sql, null)
    await auth.tx`update auth.users set email = 'moved@example.com' where id = ${invitee.userId}`
    const late = await begin(acme.sql, { role: 'authenticated', sub: invitee.userId })
    const accepting = callIn(late.tx, 'accept_organisation_invite', { token })
    const refused = expect(asRefusal(() => accepting)).rejects.toMatchObject({ code: 'try_again' })
    expect(await settled(acme.sql, late.pid, accepting)).toBe('waits')
    await auth.commit()
    await refused
    await late.rollback().catch(() => {})
    await expect(invitee.rpc('accept_organisation_invite', { token })).rejects.toMatchObject({
      code: 'invite_wrong_email',
    })
  })

  test('of somebody who comes back does not wait for another whom the same person invited', async ({
    acme,
  }) => {
    const held = await acme.person()
    const first = await acme.invite(held.email)
    const open = await begin(acme.sql, { role: 'authenticated', sub: held.userId })
    await callIn(open.tx, 'accept_organisation_invite', { token: first.token })
    const back = await acme.person()
    for (const round of [1, 2]) {
      const { token } = await acme.invite(back.email)
      expect(await back.rpc('accept_organisation_invite', { token })).toMatchObject({
        status: 'active',
      })
      if (round === 1) await back.rpc('leave_organisation', { organisation_id: acme.id })
    }
    await open.commit()
  })

  test('two racing for one link: one member, one event, one refusal', async ({ acme }) => {
    const invitee = await acme.person()
    const { token } = await acme.invite(invitee.email)

    const outcomes = await Promise.allSettled(
      Array.from({ length: 2 }, () => invitee.rpc('accept_organisation_invite', { token })),
    )

    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'invite_already_accepted' },
    })
    expect((await acme.events()).filter((event) => event === 'invite.accepted')).toHaveLength(1)
    expect(
      await acme.owner.select('organisation_members', { user_id: invitee.userId }),
    ).toHaveLength(1)
  })

  test('whichever of accept and revoke comes first wins, and the other is told', async ({
    acme,
  }) => {
    const invitee = await acme.person()
    const { invite, token } = await acme.invite(invitee.email)

    const [accepted, revoked] = await Promise.allSettled([
      invitee.rpc('accept_organisation_invite', { token }),
      acme.owner.rpc('revoke_organisation_invite', { invite_id: invite.id }),
    ])

    if (accepted.status === 'fulfilled') {
      expect(revoked).toMatchObject({ reason: { code: 'invite_not_pending' } })
    } else {
      expect(accepted).toMatchObject({ reason: { code: 'invite_revoked' } })
      expect(revoked.status).toBe('fulfilled')
    }
    expect(await invitee.rpc('list_my_organisations')).toHaveLength(
      accepted.status === 'fulfilled' ? 1 : 0,
    )
  })
})
