/** Many at once: each race ends in exactly one outcome, and the trail tells it truthfully. */
import postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { test } from '../support/acme.ts'
import { Caller } from '../support/people.ts'
import { ROUNDS } from '../support/rounds.ts'

const CONNECTIONS = 64

describe('a race', { timeout: 60_000 * ROUNDS }, () => {
  test('of 64 connections on one token makes one member and one event', async ({
    acme,
    database,
  }) => {
    const sql = postgres(database.url, { max: CONNECTIONS, onnotice: () => {} })
    onTestFinished(() => sql.end())
    for (let round = 1; round <= ROUNDS; round++) {
      const invitee = await acme.person()
      const { token } = await acme.invite(invitee.email)
      const user = { id: invitee.userId, email: invitee.email }
      const callers = Array.from(
        { length: CONNECTIONS },
        () => new Caller(sql, 'authenticated', user),
      )
      // All connections are open before the first of them asks.
      await Promise.all(callers.map((caller) => caller.rpc('list_my_organisations')))

      const outcomes = await Promise.allSettled(
        callers.map((caller) => caller.rpc('accept_organisation_invite', { token })),
      )

      const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
      expect(refused).toHaveLength(CONNECTIONS - 1)
      expect(new Set(refused.map(({ reason }) => reason.code))).toEqual(
        new Set(['invite_already_accepted']),
      )
      expect((await acme.events()).filter((event) => event === 'invite.accepted')).toHaveLength(
        round,
      )
      expect(
        await acme.sql`select from public.organisation_members where user_id = ${invitee.userId}`,
      ).toHaveLength(1)
    }
  })

  test('of accepting and resending ends in one of the two, and the link says which', async ({
    acme,
  }) => {
    for (let round = 0; round < 10 * ROUNDS; round++) {
      const invitee = await acme.person()
      const { invite, token } = await acme.invite(invitee.email)

      const [accepted, resent] = await Promise.allSettled([
        invitee.rpc('accept_organisation_invite', { token }),
        acme.owner.rpc('resend_organisation_invite', { invite_id: invite.id }),
      ])

      if (accepted.status === 'fulfilled') {
        expect(resent).toMatchObject({ reason: { code: 'invite_not_pending' } })
      } else {
        expect(accepted).toMatchObject({ reason: { code: 'invite_superseded' } })
        expect(resent.status).toBe('fulfilled')
      }
    }
  })

  test('of accepting and banning never leaves a banned person in', async ({ acme }) => {
    for (let round = 0; round < 10 * ROUNDS; round++) {
      const former = await acme.join(['member'], 'left')
      const { token } = await acme.invite(former.email)

      const [, banned] = await Promise.allSettled([
        former.rpc('accept_organisation_invite', { token }),
        acme.owner.rpc('ban_organisation_member', {
          organisation_id: acme.id,
          user_id: former.userId,
        }),
      ])

      expect(banned.status).toBe('fulfilled')
      expect(
        await acme.sql`select status from public.organisation_members where user_id = ${former.userId}`,
      ).toEqual([{ status: 'banned' }])
    }
  })

  test('of two batches with the same addresses, each in its own order, blocks neither', async ({
    acme,
  }) => {
    for (let round = 0; round < 5 * ROUNDS; round++) {
      const invites = Array.from({ length: 200 }, (_, i) => ({
        email: `batch-${round}-${i}@example.com`,
        roles: ['member'],
      }))
      const batches = await Promise.all(
        [invites, invites.toReversed()].map((batch) =>
          acme.owner.rpc('create_organisation_invites', {
            organisation_id: acme.id,
            invites: batch,
          }),
        ),
      )

      const created = batches.flat().filter(({ status }) => status === 'created')
      expect(created).toHaveLength(200)
    }
  })

  test('of a first mail and a first link that is revealed blocks neither', async ({
    acme,
    database,
  }) => {
    const sql = postgres(database.url, { max: 1, onnotice: () => {} })
    onTestFinished(() => sql.end())
    const { invite } = await acme.invite()
    await acme.sql`delete from usher.device_codes`
    await acme.sql`delete from usher.signing_keys`

    let revealed: Promise<unknown> = Promise.resolve()
    const minted = await sql.begin(async (tx) => {
      await tx`select usher.ensure_signing_key()`
      revealed = acme.owner.rpc('reveal_organisation_invite_link', { invite_id: invite.id })
      await expect
        .poll(async () => {
          const [row] = await acme.sql`select count(*)::int as waiting from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`
          return row?.waiting
        })
        .toBe(1)
      const [row] = await tx`select usher.mint_invite_token(${invite.id}) as token`
      return row?.token as string
    })

    expect(minted).toMatch(/^inv_/)
    expect(await revealed).toContain('/invite#inv_')
  })
})
