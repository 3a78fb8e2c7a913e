import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'

describe('resend_organisation_invite', () => {
  test.for(['pending', 'expired'] as const)(
    'an invite that is %s goes out again with a new link',
    async (status, { acme }) => {
      const old = await acme.inviteIn(status)

      const resent = await acme.admin.rpc('resend_organisation_invite', { invite_id: old.id })

      expect(resent).toMatchObject({ id: old.id, status: 'pending', resend_count: 1 })
      expect(new Date(resent.expires_at).getTime() - Date.now()).toBeCloseTo(7 * 86_400_000, -5)
      expect(
        await acme.anyone.rpc('validate_organisation_invite', { token: old.token }),
      ).toMatchObject({
        status: 'superseded',
        reason: 'invite_superseded',
      })
      const token = await acme.mint(old.id)
      expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
        status: 'pending',
      })
      await fanOut(acme.sql)
      expect(
        await acme.admin.select('organisation_deliveries', { invite_id: old.id }),
      ).toHaveLength(2)
      expect(await acme.events()).toContain('invite.resent')
    },
  )

  test.for(['accepted', 'declined', 'revoked'] as const)(
    'an invite that is %s cannot be sent again',
    async (status, { acme }) => {
      const { id } = await acme.inviteIn(status)

      await expect(
        acme.owner.rpc('resend_organisation_invite', { invite_id: id }),
      ).rejects.toMatchObject({
        code: 'invite_not_pending',
        details: status,
      })
    },
  )

  test('a minute lies between two resends, and five are all a day allows', async ({ acme }) => {
    const { invite } = await acme.invite()
    const resend = () => acme.owner.rpc('resend_organisation_invite', { invite_id: invite.id })
    await resend()

    await expect(resend()).rejects.toMatchObject({
      code: 'rate_limited',
      status: 429,
      headers: { 'retry-after': expect.stringMatching(/^(60|5\d)$/) },
    })

    const wait = () =>
      acme.sql`update usher.invites set issued_at = issued_at - interval '2 minutes' where id = ${invite.id}`
    for (let i = 2; i <= 5; i++) {
      await wait()
      expect(await resend()).toMatchObject({ resend_count: i })
    }
    await wait()
    await expect(resend()).rejects.toMatchObject({ code: 'rate_limited' })
  })

  test('nobody sends again what they could not have sent', async ({ acme }) => {
    const { invite } = await acme.invite('boss@example.com', ['admin'])

    await expect(
      acme.admin.rpc('resend_organisation_invite', { invite_id: invite.id }),
    ).rejects.toMatchObject({
      code: 'role_not_assignable',
    })
  })

  test('an expired invite does not come back beside a newer one', async ({ acme }) => {
    const { id, email } = await acme.inviteIn('expired')
    const { invite } = await acme.invite(email)

    await expect(
      acme.owner.rpc('resend_organisation_invite', { invite_id: id }),
    ).rejects.toMatchObject({
      code: 'already_invited',
      details: invite.id,
    })
  })

  test('what has changed since is checked again', async ({ acme }) => {
    const { invite } = await acme.invite('later@example.com')
    const resend = () => acme.owner.rpc('resend_organisation_invite', { invite_id: invite.id })

    await acme.sql`update public.organisations set allowed_email_domains = '{corp.example}' where id = ${acme.id}`
    await expect(resend()).rejects.toMatchObject({ code: 'domain_not_allowed' })

    await acme.sql`update public.organisations set allowed_email_domains = '{}' where id = ${acme.id}`
    await acme.sql`select usher.add_member(${acme.id}, ${(await acme.person('later@example.com')).userId}, '{member}')`
    await expect(resend()).rejects.toMatchObject({ code: 'already_member' })

    await acme.sql`update public.organisation_members set status = 'banned', ended_at = now()
      where organisation_id = ${acme.id} and email = 'later@example.com'`
    await expect(resend()).rejects.toMatchObject({ code: 'member_banned' })
  })

  test.for([
    ['member', 'permission_denied'],
    ['outsider', 'invite_not_found'],
    ['stranger', 'invite_not_found'],
  ] as const)('%s: %s', async ([who, code], { acme }) => {
    const { invite } = await acme.invite()

    await expect(
      acme[who].rpc('resend_organisation_invite', { invite_id: invite.id }),
    ).rejects.toMatchObject({ code })
  })
})
