import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fail, leaseOne, prepare } from '../support/worker.ts'

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
