import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { delivery, fail, leaseOne, prepare } from '../support/worker.ts'

/** An invite whose mail came back for good. */
async function bounce(acme: Organisation) {
  const { invite } = await acme.invite()
  const leased = await leaseOne(acme)
  await fail(acme, leased, 'permanent', '5.1.1')
  return { ...invite, delivery_id: leased.delivery_id }
}

const lift = (acme: Organisation, email: string, caller = acme.owner) =>
  caller.rpc('lift_organisation_mail_suppression', { organisation_id: acme.id, email })

describe('lift_organisation_mail_suppression', () => {
  test('lets a mail go again to an address that exists by now', async ({ acme }) => {
    const { email, delivery_id } = await bounce(acme)

    expect(await lift(acme, email.toUpperCase())).toBe(true)
    expect(await lift(acme, email)).toBe(false)
    await acme.owner.rpc('retry_organisation_delivery', { delivery_id })
    expect(await prepare(acme, await leaseOne(acme))).toMatchObject({ to: email })
    expect(await acme.events()).toContain('mail.suppression_lifted')
  })

  test('does not tell one organisation which addresses another has met', async ({ acme }) => {
    const { email } = await bounce(acme)

    expect(
      await acme.outsider.rpc('lift_organisation_mail_suppression', {
        organisation_id: acme.otherId,
        email,
      }),
    ).toBe(false)
    expect(await lift(acme, email)).toBe(true)
  })

  test('leaves a complaint alone; an operator may lift it', async ({ acme }) => {
    const { email } = await bounce(acme)
    await acme.sql`select usher.suppress_address(${email}, 'complaint')`

    expect(await lift(acme, email)).toBe(false)
    const [row] = await acme.sql`select usher.lift_suppression(${email}) as lifted`
    expect(row?.lifted).toBe(true)
  })

  test('a complaint is about the mailbox, and a bounce about the address as it was written', async ({
    acme,
  }) => {
    const isSent = async (email: string) => {
      await acme.invite(email)
      return (await prepare(acme, await leaseOne(acme))) !== null
    }
    await acme.sql`select usher.suppress_address('bounced+1@example.com', 'bounce'),
      usher.suppress_address('angry+1@example.com', 'complaint')`

    expect(await isSent('bounced@example.com')).toBe(true)
    expect(await isSent('bounced+1@example.com')).toBe(false)
    expect(await isSent('angry@example.com')).toBe(false)
    expect(await isSent('angry+2@example.com')).toBe(false)
    await acme.sql`select usher.lift_suppression('angry@example.com')`
    expect(await isSent('angry+3@example.com')).toBe(true)
  })

  test('refuses what is no address', async ({ acme }) => {
    await expect(lift(acme, 'nobody')).rejects.toMatchObject({ code: 'invalid_email' })
  })
})

describe('stop_organisation_mail', () => {
  const mailed = async (acme: Organisation, email?: string) => {
    await acme.invite(email)
    const mail = await prepare(acme, await leaseOne(acme))
    return { email: mail.to as string, token: (mail.stop_link as string).split('#')[1] as string }
  }

  test('stops invites and reminders of this organisation, and of no other', async ({ acme }) => {
    const { email, token } = await mailed(acme)

    expect(await acme.anyone.rpc('stop_organisation_mail', { token })).toBe('Acme')
    expect(await acme.anyone.rpc('stop_organisation_mail', { token })).toBe('Acme')
    expect((await acme.events()).filter((event) => event === 'mail.stopped')).toHaveLength(1)

    const [invite] = await acme.sql`select id from usher.invites where email = ${email}`
    await acme.owner.rpc('resend_organisation_invite', { invite_id: invite?.id })
    const again = await leaseOne(acme)
    expect(await prepare(acme, again)).toBeNull()
    expect(await delivery(acme, again.delivery_id)).toMatchObject({ status: 'suppressed' })

    await acme.sql`delete from public.organisation_deliveries where organisation_id = ${acme.id}`
    await acme.outsider.rpc('create_organisation_invite', {
      organisation_id: acme.otherId,
      email,
      roles: ['member'],
    })
    expect(await prepare(acme, await leaseOne({ ...acme, id: acme.otherId }))).toMatchObject({
      to: email,
    })
  })

  test('is taken back by the same link', async ({ acme }) => {
    const { email, token } = await mailed(acme)
    await acme.anyone.rpc('stop_organisation_mail', { token })
    await acme.anyone.rpc('stop_organisation_mail', { token, stop: false })

    const [invite] = await acme.sql`select id from usher.invites where email = ${email}`
    await acme.owner.rpc('resend_organisation_invite', { invite_id: invite?.id })
    expect(await prepare(acme, await leaseOne(acme))).not.toBeNull()
  })

  test('holds for the mailbox, with whatever +tag and in whatever case the address is written', async ({
    acme,
  }) => {
    const { email, token } = await mailed(acme)
    await acme.anyone.rpc('stop_organisation_mail', { token })

    for (const again of [email.replace('@', '+1@'), email.replace('@', '+news@').toUpperCase()]) {
      await acme.invite(again)
      const leased = await leaseOne(acme)
      expect(await prepare(acme, leased)).toBeNull()
      expect(await delivery(acme, leased.delivery_id)).toMatchObject({ status: 'suppressed' })
    }
    await acme.invite(`not-${email}`)
    expect(await prepare(acme, await leaseOne(acme))).toMatchObject({ to: `not-${email}` })
  })

  test('may be of a mail that was written to a +tag, and of all organisations', async ({
    acme,
  }) => {
    const address = `everywhere-${acme.id.slice(0, 8)}@example.com`
    const { token } = await mailed(acme, address.replace('@', '+acme@'))
    const inviteByOther = async () => {
      await acme.sql`delete from public.organisation_deliveries where organisation_id = ${acme.otherId}`
      const { id } = await acme.outsider.rpc('create_organisation_invite', {
        organisation_id: acme.otherId,
        email: address,
        roles: ['member'],
      })
      const mail = await prepare(acme, await leaseOne({ ...acme, id: acme.otherId }))
      await acme.outsider.rpc('revoke_organisation_invite', { invite_id: id })
      return mail
    }
    const stop = (args: object) => acme.anyone.rpc('stop_organisation_mail', { token, ...args })

    expect(await stop({ everywhere: true })).toBe('Acme')
    expect(await inviteByOther()).toBeNull()
    await acme.invite(address)
    expect(await prepare(acme, await leaseOne(acme))).toBeNull()
    // The other organisation does not learn of it.
    const [event] = await acme.sql`select count(*)::int from public.organisation_audit_events
      where organisation_id = ${acme.otherId} and event like 'mail.%'`
    expect(event?.count).toBe(0)

    // Taking back what was never stopped of the one changes nothing.
    await stop({ stop: false })
    expect(await inviteByOther()).toBeNull()
    await stop({ stop: false, everywhere: true })
    expect(await inviteByOther()).toMatchObject({ to: address })
  })

  test('still lets members hear what happens to their own membership', async ({ acme }) => {
    await acme.sql`insert into usher.mail_opt_outs (organisation_id, email)
      values (${acme.id}, ${acme.member.email})`
    await acme.owner.rpc('remove_organisation_member', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
    })

    expect(await prepare(acme, await leaseOne(acme))).toMatchObject({ kind: 'member_removed' })
  })

  test('takes no token that is not ours, not even that of the invite itself', async ({ acme }) => {
    const { token } = await mailed(acme)
    const other = await acme.invite()
    const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`

    for (const wrong of [forged, other.token, `stp_${other.token.slice(4, 72)}`, '', 'stp_']) {
      await expect(
        acme.anyone.rpc('stop_organisation_mail', { token: wrong }),
      ).rejects.toMatchObject({ code: 'invite_invalid' })
    }
    await expect(
      acme.stranger.rpc('accept_organisation_invite', { token: token.replace('stp_', 'inv_') }),
    ).rejects.toMatchObject({ code: 'invite_invalid' })
  })

  test('works by one POST where the address of functions is known', async ({ acme }) => {
    await acme.sql`select usher.update_settings('{"functions_url": "https://api.example.com/functions/v1/"}')`
    await acme.invite()

    const mail = await prepare(acme, await leaseOne(acme))

    expect(mail.one_click_stop_url).toBe(
      `https://api.example.com/functions/v1/stop-mail?token=${mail.stop_link.split('#')[1]}`,
    )
    await acme.sql`select usher.update_settings('{"functions_url": null}')`
  })
})

describe('retry_organisation_delivery', () => {
  test('starts a failed mail anew', async ({ acme }) => {
    await acme.invite()
    const first = await leaseOne(acme)
    await fail(acme, first, 'permanent', '5.7.1')
    expect((await acme.owner.select('organisation_invites'))[0]?.bounced_at).not.toBeNull()

    await acme.admin.rpc('retry_organisation_delivery', { delivery_id: first.delivery_id })

    expect((await acme.owner.select('organisation_invites'))[0]?.bounced_at).toBeNull()
    expect(await leaseOne(acme)).toMatchObject({ delivery_id: first.delivery_id, attempts: 1 })
    expect(await acme.events()).toContain('delivery.retried')
  })

  test('refuses one that has not failed', async ({ acme }) => {
    const { invite } = await acme.invite()
    const [row] =
      await acme.sql`select id from public.organisation_deliveries where invite_id = ${invite.id}`

    await expect(
      acme.owner.rpc('retry_organisation_delivery', { delivery_id: row?.id }),
    ).rejects.toMatchObject({ code: 'invite_not_pending', details: 'queued' })
  })
})
