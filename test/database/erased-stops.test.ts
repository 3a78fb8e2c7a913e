import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { placesOf, somebody } from '../support/erasure.ts'
import { fanOut } from '../support/outbox.ts'
import { delivery, lease, leaseOne, prepare } from '../support/worker.ts'

describe('what stopped mail', () => {
  test('stops it again for an address that was erased and is entered anew', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    await acme.invite(email)
    await fanOut(sql)
    await sql`insert into usher.mail_opt_outs (organisation_id, email) values (${acme.id}, ${email})`

    await sql`select usher.erase_address(${email})`
    expect(await placesOf(sql, email)).toEqual([])
    const { invite } = await acme.invite(email)
    const leased = await leaseOne(acme)
    await sql`select usher.prepare_delivery(${leased.delivery_id}, ${leased.fence})`

    expect(await delivery(acme, leased.delivery_id)).toMatchObject({
      status: 'suppressed',
      invite_id: invite.id,
    })
    const [stop] = await sql`select organisation_id from usher.mail_opt_outs where email = ${email}`
    expect(stop?.organisation_id).toBe(acme.id)
  })

  test('is kept by the mailbox, whatever the tag that is erased', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    const tagged = email.replace('@', '+news@')
    const { invite } = await acme.invite(tagged)
    await fanOut(sql)
    const [mail] = await sql`select usher.mint_stop_token(d.id) as token
      from public.organisation_deliveries d where d.invite_id = ${invite.id}`
    await acme.anyone.rpc('stop_organisation_mail', { token: mail?.token })

    await sql`select usher.erase_address(${tagged})`
    expect(await placesOf(sql, email.split('@')[0] as string)).toEqual([])

    await acme.invite(tagged)
    await fanOut(sql)
    expect(await sql`select email from usher.mail_opt_outs where email = ${email}`).toHaveLength(1)
  })

  test('of the whole project does so for any organisation, with its reason', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    await sql`select usher.suppress_address(${email}, 'complaint')`

    await sql`select usher.erase_address(${email})`
    await acme.invite(email)
    await fanOut(sql)

    expect(
      await sql`select reason from usher.suppressed_addresses where email = ${email}`,
    ).toMatchObject([{ reason: 'complaint' }])
  })
})

describe('a mail that was delivered before its recipient was erased', () => {
  /** Invites, lets the mail go out, and erases whom it went to. */
  async function mailed(acme: Organisation, email: string) {
    const { sql } = acme
    const { invite } = await acme.invite(email)
    await fanOut(sql)
    const [mail] = await sql`update public.organisation_deliveries
      set status = 'sent', fence = 1, sent_at = now() where invite_id = ${invite.id}
      returning id, usher.mint_stop_token(id) as token`
    await sql`select usher.erase_address(${email})`
    return mail as unknown as { id: string; token: string }
  }
  const placesOfErased = async ({ sql }: Organisation, { id }: { id: string }) =>
    (await placesOf(sql, `erased@${id}.invalid`)).filter(
      (place) => !place.startsWith('public.organisation_deliveries.'),
    )
  /** What becomes of the mail of a new invite to the address. */
  async function statusOfNext(acme: Organisation, email: string) {
    const { invite } = await acme.invite(email)
    const leased = await lease(acme)
    for (const each of leased) await prepare(acme, each)
    await fanOut(acme.sql)
    const [mail] = await acme.sql`select status from public.organisation_deliveries
      where invite_id = ${invite.id} and kind = 'invite'`
    return mail?.status
  }

  test.for([false, true])(
    'can still be answered with a stop (everywhere: %s)',
    async (everywhere, { acme }) => {
      const { email } = somebody()
      const mail = await mailed(acme, email)

      for (const _ of [1, 2]) {
        await acme.anyone.rpc('stop_organisation_mail', { token: mail.token, everywhere })
      }

      expect(await placesOf(acme.sql, email)).toEqual([])
      expect(await placesOfErased(acme, mail)).toEqual([])
      expect((await acme.events()).filter((event) => event === 'mail.stopped')).toHaveLength(1)
      // Also to another tag of the mailbox.
      expect(await statusOfNext(acme, email.replace('@', '+again@'))).toBe('suppressed')
    },
  )

  test('stops one that is under way to the address again', async ({ acme }) => {
    const { email } = somebody()
    const mail = await mailed(acme, email)
    await acme.invite(email)
    const leased = await leaseOne(acme)

    await acme.anyone.rpc('stop_organisation_mail', { token: mail.token })

    expect(await prepare(acme, leased)).toBeNull()
    expect(await delivery(acme, leased.delivery_id)).toMatchObject({ status: 'suppressed' })
  })

  test.for(['before', 'after'])(
    'takes a stop back %s the address is entered again',
    async (when, { acme }) => {
      const { email } = somebody()
      const mail = await mailed(acme, email)
      const stop = (is: boolean) =>
        acme.anyone.rpc('stop_organisation_mail', { token: mail.token, stop: is })
      await stop(true)
      if (when === 'after') expect(await statusOfNext(acme, email)).toBe('suppressed')

      await stop(false)

      expect(
        await acme.sql`select from usher.erased_stops where organisation_id = ${acme.id}`,
      ).toEqual([])
      if (when === 'after') {
        expect(await acme.sql`select from usher.mail_opt_outs where email = ${email}`).toEqual([])
      } else {
        expect(await statusOfNext(acme, email)).toBe('sending')
      }
    },
  )

  test('says so where nothing was kept of whom it went to', async ({ acme }) => {
    const mail = await mailed(acme, somebody().email)
    await acme.sql`delete from usher.erased_deliveries where delivery_id = ${mail.id}`

    await expect(
      acme.anyone.rpc('stop_organisation_mail', { token: mail.token }),
    ).rejects.toMatchObject({ code: 'invite_invalid' })
  })

  test('is complained about for the mailbox, and bounces for the address', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    const tagged = email.replace('@', '+news@')
    const mail = await mailed(acme, tagged)
    const tell = (kind: string) =>
      sql`select usher.record_delivery_event('resend', ${randomUUID()}, ${kind}, ${mail.id}, is_permanent => true,
        response => ${`550 5.1.1 <${tagged}>: no such user`}, status_code => '5.1.1')`

    await tell('bounced')
    await tell('complained')
    await tell('bounced')

    expect(await placesOf(sql, tagged)).toEqual([])
    expect(await placesOf(sql, email)).toEqual([])
    expect(await placesOfErased(acme, mail)).toEqual([])
    const [row] =
      await sql`select last_response, status from public.organisation_deliveries where id = ${mail.id}`
    expect(row).toMatchObject({ last_response: null, status: 'complained' })

    expect(await statusOfNext(acme, tagged)).toBe('suppressed')
    const rows = await sql`select email, reason from usher.suppressed_addresses
      where usher.mailbox(email) = ${email} order by reason`
    expect(rows.map((each) => ({ ...each }))).toEqual([
      { email: tagged, reason: 'bounce' },
      { email, reason: 'complaint' },
    ])
    expect(await statusOfNext(acme, email.replace('@', '+other@'))).toBe('suppressed')
  })

  test('an operator lets mails go to it again before it is entered', async ({ acme }) => {
    const { email } = somebody()
    const mail = await mailed(acme, email)
    await acme.sql`select usher.record_delivery_event('resend', ${randomUUID()}, 'complained', ${mail.id})`

    const [row] =
      await acme.sql`select usher.lift_suppression(${email.replace('@', '+x@')}) as lifted`

    expect(row?.lifted).toBe(true)
    expect(await statusOfNext(acme, email)).toBe('sending')
  })

  test('leaves nothing of who answers it, once they are erased again', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    const mail = await mailed(acme, email)
    await acme.anyone.rpc('stop_organisation_mail', { token: mail.token })
    await sql.begin(async (tx) => {
      await tx`select set_config('usher.audit_exception', 'UPDATE', true)`
      await tx`update public.organisation_audit_events set ip = '192.0.2.1'
        where target_id = ${mail.id} and event = 'mail.stopped'`
    })

    await sql`select usher.erase_address(${email})`

    expect(
      await sql`select ip from public.organisation_audit_events where target_id = ${mail.id} and event = 'mail.stopped'`,
    ).toMatchObject([{ ip: null }])
  })
})
