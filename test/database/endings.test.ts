import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { asRefusal } from '../support/refusal.ts'

const memberOf = async ({ sql, id }: Organisation, userId: string) =>
  (
    await sql`select * from public.organisation_members
      where organisation_id = ${id} and user_id = ${userId}`
  )[0]

/** Ends the membership of the member, as a rule does that has asked all there is to ask. */
const end = (acme: Organisation, reason: string | null) =>
  asRefusal(
    () => acme.sql`select usher.end_membership(m.id, 'removed', 'member.removed', ${reason}, 'worker')
      from public.organisation_members m
      where m.organisation_id = ${acme.id} and m.user_id = ${acme.member.userId}`,
  )

describe('a membership that ends', () => {
  test('keeps its roles as they were, and says since when it is over and why', async ({ acme }) => {
    await end(acme, '  Has moved on ')

    expect(await memberOf(acme, acme.member.userId)).toMatchObject({
      status: 'removed',
      roles: ['member'],
      ended_at: expect.any(Date),
      status_reason: 'Has moved on',
    })
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'member.removed' }),
    ).toMatchObject([
      {
        target_id: acme.member.userId,
        actor_kind: 'worker',
        before: { status: 'active', roles: ['member'] },
        after: { status: 'removed' },
        reason: 'Has moved on',
      },
    ])
  })

  test('needs no reason: blanks are none', async ({ acme }) => {
    await end(acme, ' \n ')

    expect(await memberOf(acme, acme.member.userId)).toMatchObject({ status_reason: null })
  })

  test.for([
    ['501 characters', 'x'.repeat(501)],
    ['a sign that cannot be seen', 'Gone\u0007'],
  ] as const)('goes on when the reason has %s', async ([, reason], { acme }) => {
    await expect(end(acme, reason)).rejects.toMatchObject({ code: 'invalid_message', status: 422 })
    expect(await memberOf(acme, acme.member.userId)).toMatchObject({ status: 'active' })
  })

  test('may give a reason of 500 characters', async ({ acme }) => {
    await end(acme, 'x'.repeat(500))

    expect(await memberOf(acme, acme.member.userId)).toMatchObject({ status: 'removed' })
  })
})

describe('a membership whose time is over', () => {
  const endAccess = (acme: Organisation) =>
    acme.sql`select usher.end_access(m) from public.organisation_members m
      where m.organisation_id = ${acme.id} and m.user_id = ${acme.member.userId}`
  const mails = async (acme: Organisation) => {
    await fanOut(acme.sql)
    return acme.owner.select('organisation_deliveries', { kind: 'access_ended' })
  }

  test('is ended by the clock, and its member hears what has ended and when', async ({ acme }) => {
    const ends_at = '2001-01-01T00:00:00+00:00'
    await acme.sql`update public.organisation_members set ends_at = ${ends_at}
      where user_id = ${acme.member.userId}`

    await endAccess(acme)

    expect(await memberOf(acme, acme.member.userId)).toMatchObject({ status: 'removed' })
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'member.access_ended' }),
    ).toMatchObject([{ actor_kind: 'worker', reason: 'The membership had an end.' }])
    expect(await mails(acme)).toMatchObject([
      { recipient: acme.member.email, facts: { roles: ['member'], is_membership: true, ends_at } },
    ])
  })

  test.for([
    ['a device', `kind = 'device'`],
    ['somebody without an address', 'email = null'],
  ] as const)('ends without a mail for %s', async ([, change], { acme }) => {
    await acme.sql.unsafe(
      `update public.organisation_members set ${change} where user_id = '${acme.member.userId}'`,
    )

    await endAccess(acme)

    expect(await memberOf(acme, acme.member.userId)).toMatchObject({ status: 'removed' })
    expect(await mails(acme)).toEqual([])
  })
})
