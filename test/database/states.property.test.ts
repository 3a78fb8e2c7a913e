/** Random operations by random people, against a small model of the states of invites and members. */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { createAcme, type Organisation, test } from '../support/acme.ts'
import type { Person } from '../support/people.ts'
import { ROUNDS, SEED } from '../support/rounds.ts'

type InviteState = 'pending' | 'accepted' | 'declined' | 'revoked' | 'expired'
type MemberState = 'none' | 'active' | 'banned' | 'left' | 'removed'

interface ModelInvite {
  id: string
  state: InviteState
  issue: number
  tokens: { token: string; issue: number }[]
}

/** One person outside of the organisation, as the model knows them. */
interface Subject {
  person: Person
  member: MemberState
  invites: ModelInvite[]
}

const OPERATIONS = [
  'invite',
  'resend',
  'revoke',
  'expire',
  'time',
  'accept',
  'decline',
  'leave',
  'remove',
  'ban',
  'unban',
] as const
type Operation = (typeof OPERATIONS)[number]

const CLOSED: Record<Exclude<InviteState, 'pending'>, string> = {
  accepted: 'invite_already_accepted',
  declined: 'invite_declined',
  revoked: 'invite_revoked',
  expired: 'invite_expired',
}
const BLOCKED: Partial<Record<MemberState, string>> = {
  active: 'already_member',
  banned: 'member_banned',
}

const attempt = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )

/** Does one operation for real and in the model; answers what happened and what had to. */
async function step(
  acme: Organisation,
  subject: Subject,
  operation: Operation,
  pick: number,
): Promise<[actual: string, expected: string] | null> {
  const last = subject.invites.at(-1)
  const on = { organisation_id: acme.id, user_id: subject.person.userId }

  if (operation === 'invite') {
    const expected =
      BLOCKED[subject.member] ?? (last?.state === 'pending' ? 'already_invited' : 'ok')
    const { email } = subject.person
    const call = acme.admin.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email,
      roles: ['member'],
    })
    const actual = await attempt(call)
    if (actual === 'ok') {
      const { id } = await call
      const tokens = [{ token: await acme.mint(id), issue: 1 }]
      subject.invites.push({ id, state: 'pending', issue: 1, tokens })
    }
    return [actual, expected]
  }

  if (
    operation === 'leave' ||
    operation === 'remove' ||
    operation === 'ban' ||
    operation === 'unban'
  ) {
    const isActive = subject.member === 'active'
    const [call, expected, next] = {
      leave: ['leave_organisation', isActive ? 'ok' : 'organisation_not_found', 'left'],
      remove: ['remove_organisation_member', isActive ? 'ok' : 'member_not_found', 'removed'],
      ban: [
        'ban_organisation_member',
        { none: 'member_not_found', banned: 'member_banned' }[subject.member as string] ?? 'ok',
        'banned',
      ],
      unban: [
        'unban_organisation_member',
        subject.member === 'banned' ? 'ok' : 'member_not_found',
        'removed',
      ],
    }[operation] as [string, string, MemberState]
    const actual =
      operation === 'leave'
        ? await attempt(subject.person.rpc(call, { organisation_id: acme.id }))
        : await attempt(acme.owner.rpc(call, on))
    if (expected === 'ok') {
      subject.member = next
      if (operation === 'ban' && last?.state === 'pending') last.state = 'revoked'
    }
    return [actual, expected]
  }

  const invite = last
  if (!invite) return null
  const isOpen = invite.state === 'pending'

  if (operation === 'time') {
    if (isOpen) {
      await acme.expire(invite.id)
      invite.state = 'expired'
    }
    return null
  }
  if (operation === 'revoke' || operation === 'expire') {
    const actual = await attempt(
      acme.admin.rpc(`${operation}_organisation_invite`, { invite_id: invite.id }),
    )
    if (isOpen) invite.state = operation === 'revoke' ? 'revoked' : 'expired'
    return [actual, isOpen ? 'ok' : 'invite_not_pending']
  }
  if (operation === 'resend') {
    const expected =
      isOpen || invite.state === 'expired'
        ? (BLOCKED[subject.member] ?? 'ok')
        : 'invite_not_pending'
    const actual = await attempt(
      acme.admin.rpc('resend_organisation_invite', { invite_id: invite.id }),
    )
    if (expected === 'ok') {
      invite.state = 'pending'
      invite.issue += 1
      invite.tokens.push({ token: await acme.mint(invite.id), issue: invite.issue })
    }
    return [actual, expected]
  }

  // Any link that they ever had, old ones too.
  const all = subject.invites.flatMap((each) => each.tokens.map((token) => ({ each, ...token })))
  const chosen = all[pick % all.length]
  if (!chosen) return null
  const { each, token, issue } = chosen
  const problem =
    issue !== each.issue
      ? 'invite_superseded'
      : each.state === 'pending'
        ? null
        : CLOSED[each.state]
  if (operation === 'decline') {
    const actual = await attempt(acme.anyone.rpc('decline_organisation_invite', { token }))
    if (!problem) each.state = 'declined'
    return [actual, problem ?? 'ok']
  }
  const expected = problem ?? BLOCKED[subject.member] ?? 'ok'
  const actual = await attempt(subject.person.rpc('accept_organisation_invite', { token }))
  if (expected === 'ok') {
    each.state = 'accepted'
    subject.member = 'active'
  }
  return [actual, expected]
}

describe('any sequence of operations', () => {
  test('leads where the states of invites and members say', { timeout: 120_000 * ROUNDS }, async ({
    database,
  }) => {
    const { sql } = database
    await sql`select usher.update_settings('{"resend_cooldown": "0", "resends_per_day": 1000}')`
    const operation = fc.record({
      who: fc.nat({ max: 1 }),
      what: fc.constantFrom(...OPERATIONS),
      pick: fc.nat({ max: 20 }),
    })

    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 30 }), async (operations) => {
        const acme = await createAcme(sql)
        const subjects: Subject[] = [
          { person: await acme.person(), member: 'none', invites: [] },
          { person: await acme.person(), member: 'none', invites: [] },
        ]
        let accepted = 0

        for (const { who, what, pick } of operations) {
          const outcome = await step(acme, subjects[who] as Subject, what, pick)
          if (outcome) expect([what, outcome[0]]).toEqual([what, outcome[1]])
          if (what === 'accept' && outcome?.[1] === 'ok') accepted += 1
        }

        for (const { person, member, invites } of subjects) {
          const rows = await acme.owner.select('organisation_members', { user_id: person.userId })
          expect(rows[0]?.status ?? 'none').toBe(member)
          for (const { id, state } of invites) {
            expect(await acme.owner.select('organisation_invites', { id })).toMatchObject([
              { status: state },
            ])
          }
        }
        const events = await acme.events()
        expect(events.filter((event) => event === 'invite.accepted')).toHaveLength(accepted)
      }),
      { numRuns: 40 * ROUNDS, ...(SEED !== null && { seed: SEED }) },
    )
  })
})
