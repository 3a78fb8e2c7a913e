import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { delivery, leaseOne, prepare } from '../support/worker.ts'

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

    await fanOut(acme.sql)
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
      await fanOut(acme.sql)
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
