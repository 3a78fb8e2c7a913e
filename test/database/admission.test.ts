import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'

describe('accept_organisation_invite', () => {
  test('the last seat is taken once', async ({ acme }) => {
    const people = await Promise.all([acme.person(), acme.person()])
    const tokens = await Promise.all(
      people.map(async ({ email }) => (await acme.invite(email)).token),
    )
    await acme.sql`update public.organisations set seat_limit = 6 where id = ${acme.id}`

    const outcomes = await Promise.allSettled(
      people.map((invitee, i) => invitee.rpc('accept_organisation_invite', { token: tokens[i] })),
    )

    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'seat_limit_reached' },
    })
  })
})

describe('create_organisation_invite', () => {
  test('nobody is invited to a seat that is not there', async ({ acme }) => {
    await acme.sql`update public.organisations set seat_limit = 5 where id = ${acme.id}`

    await expect(acme.invite()).rejects.toMatchObject({ code: 'seat_limit_reached', status: 409 })
  })
})
