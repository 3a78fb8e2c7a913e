/** The register of rights, against the only truth there is: what people may do. */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { createAcme, type Organisation, test } from '../support/acme.ts'
import type { Person } from '../support/people.ts'
import { ROUNDS, SEED } from '../support/rounds.ts'

/** A permission that only holders of the role have, beside the owner. */
const TELLING = {
  admin: 'invite.create',
  finance: 'billing.manage',
  auditor: 'audit.read',
} as const
const ROLES = [
  [],
  ['member'],
  ['finance', 'member'],
  ['auditor'],
  ['admin'],
  ['finance', 'auditor'],
]

const OPERATIONS = [
  'invite',
  'roles',
  'remove',
  'ban',
  'unban',
  'leave',
  'transfer',
  'end',
] as const

const rightsOf = (acme: Organisation) =>
  acme.sql`select r.* from usher.access_rights(${acme.id}) r order by granted_at`

const ignored = () => undefined

/** Does something to somebody; where the rules refuse it, nothing happens. */
async function step(
  acme: Organisation,
  people: Person[],
  [operation, who, roles]: [(typeof OPERATIONS)[number], number, string[]],
): Promise<void> {
  const person = people[who % people.length] as Person
  const on = { organisation_id: acme.id, user_id: person.userId }
  const [row] = await acme.sql`select user_id from public.organisation_members
    where organisation_id = ${acme.id} and 'owner' = any (roles)`
  const owner = [...people, acme.owner].find(({ userId }) => userId === row?.user_id) as Person
  const invite = async () => {
    const draft = { organisation_id: acme.id, email: person.email, roles }
    const { id } = await owner.rpc('create_organisation_invite', draft)
    await person.rpc('accept_organisation_invite', { token: await acme.mint(id) })
  }
  const ways = {
    invite,
    roles: () => owner.rpc('update_organisation_member_roles', { ...on, roles }),
    remove: () => owner.rpc('remove_organisation_member', { ...on, reason: 'Done' }),
    ban: () => owner.rpc('ban_organisation_member', on),
    unban: () => owner.rpc('unban_organisation_member', on),
    leave: () => person.rpc('leave_organisation', { organisation_id: acme.id }),
    transfer: () =>
      owner.rpc('transfer_organisation_ownership', {
        organisation_id: acme.id,
        new_owner_id: person.userId,
      }),
    // Over at once, as if its time had come.
    end: async () => {
      await acme.sql`update public.organisation_members set ends_at = now() - interval '1 second'
        where organisation_id = ${acme.id} and user_id = ${person.userId} and not 'owner' = any (roles)`
      if (roles.length > 0) await acme.sql`select usher.end_due_access()`
    },
  }
  await ways[operation]().catch(ignored)
}

describe('the register of rights', () => {
  test('says after any history exactly what people may do, and explains each right', {
    timeout: 60_000 * ROUNDS,
  }, async ({ database }) => {
    const operation = fc.tuple(fc.constantFrom(...OPERATIONS), fc.nat(3), fc.constantFrom(...ROLES))
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 4, maxLength: 16 }), async (steps) => {
        const acme = await createAcme(database.sql)
        await acme.owner.rpc('create_organisation_role', {
          organisation_id: acme.id,
          name: 'auditor',
          permissions: ['audit.read'],
        })
        const people = [await acme.person(), await acme.person(), await acme.person()]
        for (const each of steps) await step(acme, people, each)

        const rights = await rightsOf(acme)
        for (const person of [...people, acme.owner]) {
          const held = rights.filter((each) => each.user_id === person.userId && each.is_held)
          for (const [role, permission] of Object.entries(TELLING)) {
            const may = await person.rpc('has_organisation_permission', {
              organisation_id: acme.id,
              permission,
            })
            // An admin holds all of these permissions, and an owner every one.
            const says = held.some((each) => ['owner', 'admin', role].includes(each.role))
            expect(says, `${role} of ${person.email}`).toBe(may)
          }
        }
        const mine = rights.filter(({ user_id }) => people.some(({ userId }) => userId === user_id))
        expect(mine.filter(({ is_explained }) => !is_explained)).toEqual([])
        expect(mine.filter((each) => each.is_held && each.ended_at !== null)).toEqual([])
      }),
      { numRuns: 8 * ROUNDS, ...(SEED !== null && { seed: SEED }) },
    )
  })

  test('says by whom, through what and why a right came and went', async ({ acme }) => {
    const draft = {
      organisation_id: acme.id,
      email: acme.stranger.email,
      roles: ['finance'],
      message: 'To close the books',
    }
    const { id } = await acme.admin.rpc('create_organisation_invite', draft)
    await acme.stranger.rpc('accept_organisation_invite', { token: await acme.mint(id) })
    const on = { organisation_id: acme.id, user_id: acme.stranger.userId }
    await acme.owner.rpc('remove_organisation_member', { ...on, reason: 'Books are closed' })

    const [right] = (await rightsOf(acme)).filter(({ user_id }) => user_id === acme.stranger.userId)
    expect(right).toMatchObject({
      role: 'finance',
      is_held: false,
      is_explained: true,
      granted_through: 'invite.accepted',
      granted_by: acme.admin.userId,
      grant_reason: 'To close the books',
      ended_through: 'member.removed',
      ended_by: acme.owner.userId,
      end_reason: 'Books are closed',
    })
  })

  test('says why a review has withdrawn a right, and until when one is held', async ({ acme }) => {
    const review = await acme.owner.rpc('start_organisation_access_review', {
      organisation_id: acme.id,
      title: 'Yearly',
      due_at: new Date(Date.now() + 86_400_000).toISOString(),
    })
    const [item] = await acme.owner.select('organisation_access_review_items', {
      user_id: acme.finance.userId,
    })
    const answers = [{ item_id: item?.id, decision: 'withdraw', reason: 'Not needed' }]
    await acme.owner.rpc('answer_organisation_access_review', { review_id: review.id, answers })
    const ends_at = '2100-01-01T00:00:00Z'
    const on = { organisation_id: acme.id, user_id: acme.member.userId }
    await acme.owner.rpc('update_organisation_member_ends', { ...on, ends_at })

    const rights = await rightsOf(acme)
    const changes = await acme.sql`select * from usher.access_changes(${acme.id})`
    expect(changes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          user_id: acme.finance.userId,
          role: 'finance',
          change: 'withdrawn',
          reason: 'Not needed',
        }),
      ]),
    )
    const temporary = rights.find(({ user_id }) => user_id === acme.member.userId)
    expect(temporary?.ends_at).toEqual(new Date(ends_at))
  })

  test('shows a right that somebody gave or took by SQL, and that nothing explains it', async ({
    acme,
  }) => {
    const { invite, token } = await acme.invite(acme.stranger.email, ['finance', 'member'])
    await acme.stranger.rpc('accept_organisation_invite', { token })
    await acme.sql`update public.organisation_members set roles = '{admin,member}'
      where organisation_id = ${acme.id} and user_id = ${acme.stranger.userId}`

    const rights = (await rightsOf(acme)).filter(({ user_id }) => user_id === acme.stranger.userId)

    expect(invite).toBeTruthy()
    const told = Object.fromEntries(
      rights.map(({ role, is_held, is_explained }) => [role, [is_held, is_explained]]),
    )
    expect(told).toEqual({
      admin: [true, false],
      finance: [false, false],
      member: [true, true],
    })
  })
})
