import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import type { Person } from '../support/people.ts'

type Answer = { item_id: string; decision: string; reason?: string }

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()

const start = (acme: Organisation, more: object = {}, who: Person = acme.owner) =>
  who.rpc('start_organisation_access_review', {
    organisation_id: acme.id,
    title: 'Third quarter',
    due_at: inDays(14),
    ...more,
  })

const itemsOf = async (acme: Organisation, reviewId: string) =>
  (await acme.owner.select('organisation_access_review_items', { review_id: reviewId })).sort(
    (a, b) => a.role.localeCompare(b.role),
  )

async function itemOf(acme: Organisation, reviewId: string, person: Person) {
  const item = (await itemsOf(acme, reviewId)).find(({ user_id }) => user_id === person.userId)
  return item?.id as string
}

const answer = (who: Person, reviewId: string, answers: Answer[]) =>
  who.rpc('answer_organisation_access_review', {
    review_id: reviewId,
    answers: answers as unknown as Record<string, unknown>,
  })

const rolesOf = async (acme: Organisation, { userId }: Person) =>
  (await acme.owner.select('organisation_members', { user_id: userId }))[0]?.roles

/** Answers all that is open: the owner's own right by the admin, the others by the owner. */
async function confirmAll(acme: Organisation, reviewId: string) {
  const open = (await itemsOf(acme, reviewId)).filter(({ decision }) => decision === null)
  const confirmed = (items: typeof open) =>
    items.map(({ id }) => ({ item_id: id as string, decision: 'confirm' }))
  await answer(
    acme.owner,
    reviewId,
    confirmed(open.filter(({ user_id }) => user_id !== acme.owner.userId)),
  )
  return answer(
    acme.admin,
    reviewId,
    confirmed(open.filter(({ user_id }) => user_id === acme.owner.userId)),
  )
}

describe('a review', () => {
  test('asks about every role of every active member, since when and given by whom', async ({
    acme,
  }) => {
    const { invite, token } = await acme.invite(acme.stranger.email, ['finance', 'member'])
    await acme.stranger.rpc('accept_organisation_invite', { token })
    await acme.join(['member'], 'left')

    const review = await start(acme)

    const items = await itemsOf(acme, review.id)
    expect(items.map(({ role }) => role)).toEqual([
      'admin',
      'finance',
      'finance',
      'member',
      'member',
      'owner',
    ])
    const [accepted] = await acme.owner.select('organisation_audit_events', {
      event: 'invite.accepted',
      target_id: invite.id,
    })
    expect(items.filter(({ user_id }) => user_id === acme.stranger.userId)).toEqual([
      expect.objectContaining({
        role: 'finance',
        granted_by: acme.owner.userId,
        granted_at: accepted?.occurred_at,
        decision: null,
      }),
      expect.objectContaining({ role: 'member' }),
    ])
    expect(review).toMatchObject({
      status: 'open',
      started_by: acme.owner.userId,
      title: 'Third quarter',
    })
  })

  test('tells those who may answer by mail', async ({ acme }) => {
    await start(acme)

    const mails = await acme.owner.select('organisation_deliveries', {
      kind: 'access_review_started',
    })
    expect(mails.map(({ recipient }) => recipient).sort()).toEqual(
      [acme.admin.email, acme.owner.email].sort(),
    )
    expect(mails[0]?.facts).toMatchObject({ review: 'Third quarter' })
  })

  test('is complete by itself when the last right is answered', async ({ acme }) => {
    const { id } = await start(acme)

    const review = await confirmAll(acme, id)

    expect(review).toMatchObject({ status: 'completed', closed_by: null })
    expect(review.ended_at).not.toBeNull()
    const [event] = await acme.owner.select('organisation_audit_events', {
      event: 'access_review.completed',
    })
    expect(event?.after).toEqual({ confirmed: 4, withdrawn: 0, lapsed: 0, open: 0 })
  })

  test('is closed by hand, and keeps what was left open', async ({ acme }) => {
    const { id } = await start(acme)
    const closing = { review_id: id, reason: 'Started by mistake' }

    const review = await acme.admin.rpc('close_organisation_access_review', closing)

    expect(review).toMatchObject({
      status: 'closed',
      closed_by: acme.admin.userId,
      closed_reason: 'Started by mistake',
    })
    expect((await itemsOf(acme, id)).map(({ decision }) => decision)).toEqual([
      null,
      null,
      null,
      null,
    ])
    const late = [{ item_id: await itemOf(acme, id, acme.member), decision: 'confirm' }]
    await expect(answer(acme.owner, id, late)).rejects.toMatchObject({
      code: 'access_review_not_open',
      details: 'closed',
    })
    await expect(acme.admin.rpc('close_organisation_access_review', closing)).rejects.toMatchObject(
      { code: 'access_review_not_open' },
    )
  })

  test('that is overdue is brought to mind once, and stays open', async ({ acme }) => {
    const { id } = await start(acme)
    await acme.sql`update public.organisation_access_reviews set due_at = now() - interval '1 hour' where id = ${id}`
    const remind = async () =>
      (await acme.sql`select usher.remind_overdue_reviews() as count`)[0]?.count

    expect([await remind(), await remind()]).toEqual([1, 0])

    const mails = await acme.owner.select('organisation_deliveries', {
      kind: 'access_review_overdue',
    })
    expect(mails).toHaveLength(2)
    expect(await confirmAll(acme, id)).toMatchObject({ status: 'completed' })
  })
})

describe('withdrawing', () => {
  test('takes the role away at once, with a mail and a reason in the trail', async ({ acme }) => {
    const { id } = await start(acme)

    await answer(acme.admin, id, [
      {
        item_id: await itemOf(acme, id, acme.finance),
        decision: 'withdraw',
        reason: 'Has moved to sales',
      },
    ])

    expect(await rolesOf(acme, acme.finance)).toEqual([])
    expect(
      await acme.finance.rpc('has_organisation_permission', {
        organisation_id: acme.id,
        permission: 'billing.read',
      }),
    ).toBe(false)
    expect((await acme.events()).slice(-2)).toEqual([
      'access_review.withdrawn',
      'member.roles_updated',
    ])
    const [event] = await acme.owner.select('organisation_audit_events', {
      event: 'access_review.withdrawn',
    })
    expect(event).toMatchObject({
      reason: 'Has moved to sales',
      target_id: acme.finance.userId,
      actor_id: acme.admin.userId,
    })
    const mails = await acme.owner.select('organisation_deliveries', {
      kind: 'member_roles_updated',
    })
    expect(mails.map(({ recipient }) => recipient)).toEqual([acme.finance.email])
  })

  test('needs a reason', async ({ acme }) => {
    const { id } = await start(acme)
    const item_id = await itemOf(acme, id, acme.finance)

    for (const reason of [undefined, '', '   ', 'x'.repeat(501), 'a\u0007']) {
      const refused = answer(acme.owner, id, [
        { item_id, decision: 'withdraw', ...(reason !== undefined && { reason }) },
      ])
      await expect(refused).rejects.toMatchObject({ code: 'invalid_message', details: item_id })
    }
    expect(await rolesOf(acme, acme.finance)).toEqual(['finance'])
  })

  test('is not for the right of the owner, which can be confirmed', async ({ acme }) => {
    const { id } = await start(acme)
    const item_id = await itemOf(acme, id, acme.owner)

    await expect(
      answer(acme.admin, id, [{ item_id, decision: 'withdraw', reason: 'A coup' }]),
    ).rejects.toMatchObject({ code: 'owner_required' })
    await answer(acme.admin, id, [{ item_id, decision: 'confirm' }])

    expect(await rolesOf(acme, acme.owner)).toEqual(['owner'])
  })

  test('follows the ordinary rule: a reviewer who may not change members cannot', async ({
    acme,
  }) => {
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'reviewer',
      permissions: ['access_review.manage'],
    })
    const reviewer = await acme.join(['reviewer'])
    const { id } = await start(acme, {}, reviewer)
    const item_id = await itemOf(acme, id, acme.member)

    await expect(
      answer(reviewer, id, [{ item_id, decision: 'withdraw', reason: 'No longer here' }]),
    ).rejects.toMatchObject({ code: 'permission_denied', details: 'member.update' })
    await answer(reviewer, id, [{ item_id, decision: 'confirm', reason: 'Still here' }])

    expect(await rolesOf(acme, acme.member)).toEqual(['member'])
  })
})

describe('nobody reviews their own rights', () => {
  test('while another could', async ({ acme }) => {
    const { id } = await start(acme)
    for (const person of [acme.owner, acme.admin]) {
      const item_id = await itemOf(acme, id, person)
      await expect(answer(person, id, [{ item_id, decision: 'confirm' }])).rejects.toMatchObject({
        code: 'permission_denied',
        details: item_id,
      })
    }
  })

  test('but a reviewer who is the only one', async ({ acme }) => {
    const founder = acme.outsider
    const { id } = await start({ ...acme, id: acme.otherId }, {}, founder)
    const [item] = await founder.select('organisation_access_review_items')

    const review = await answer(founder, id, [{ item_id: item?.id, decision: 'confirm' }])

    expect(review.status).toBe('completed')
  })
})

describe('a right that goes meanwhile', () => {
  test.for(['removed', 'banned', 'changed', 'left', 'deleted'] as const)(
    'because its holder is %s needs no answer any more',
    async (how, { acme }) => {
      const { id } = await start(acme)
      const { finance } = acme
      const it = { organisation_id: acme.id, user_id: finance.userId }
      const ways = {
        removed: () => acme.admin.rpc('remove_organisation_member', it),
        banned: () => acme.admin.rpc('ban_organisation_member', it),
        changed: () =>
          acme.admin.rpc('update_organisation_member_roles', { ...it, roles: ['member'] }),
        left: () => finance.rpc('leave_organisation', { organisation_id: acme.id }),
        deleted: () => acme.sql`delete from auth.users where id = ${finance.userId}`,
      }

      await ways[how]()

      const item = (await itemsOf(acme, id)).find(({ user_id }) => user_id === finance.userId)
      expect(item).toMatchObject({ decision: 'lapsed', decided_by: null })
      expect(await confirmAll(acme, id)).toMatchObject({ status: 'completed' })
    },
  )

  test('completes the review if it was the last', async ({ acme }) => {
    const { id } = await start(acme)
    const left = (await itemsOf(acme, id)).filter(
      ({ user_id }) => user_id !== acme.owner.userId && user_id !== acme.member.userId,
    )
    await answer(
      acme.owner,
      id,
      left.map((item) => ({ item_id: item.id, decision: 'confirm' })),
    )
    await answer(acme.admin, id, [
      { item_id: await itemOf(acme, id, acme.owner), decision: 'confirm' },
    ])

    await acme.member.rpc('leave_organisation', { organisation_id: acme.id })

    const [review] = await acme.owner.select('organisation_access_reviews')
    expect(review).toMatchObject({ status: 'completed' })
  })

  test('because the organisation is deleted stops nothing', async ({ acme }) => {
    await start(acme)
    await acme.owner.rpc('delete_organisation', { organisation_id: acme.id })

    expect(await acme.events()).not.toContain('access_review.completed')
  })
})

describe('answers', () => {
  test('count all or not at all', async ({ acme }) => {
    const { id } = await start(acme)

    await expect(
      answer(acme.owner, id, [
        { item_id: await itemOf(acme, id, acme.finance), decision: 'withdraw', reason: 'Gone' },
        { item_id: await itemOf(acme, id, acme.owner), decision: 'confirm' },
      ]),
    ).rejects.toMatchObject({ code: 'permission_denied' })

    expect(await rolesOf(acme, acme.finance)).toEqual(['finance'])
    expect((await itemsOf(acme, id)).every(({ decision }) => decision === null)).toBe(true)
  })

  test('are given once', async ({ acme }) => {
    const { id } = await start(acme)
    const item_id = await itemOf(acme, id, acme.finance)
    await answer(acme.owner, id, [{ item_id, decision: 'confirm' }])

    await expect(
      answer(acme.admin, id, [{ item_id, decision: 'withdraw', reason: 'After all' }]),
    ).rejects.toMatchObject({ code: 'access_review_not_open', details: item_id })
  })

  test('of two reviewers at once are both there, and complete the review', async ({ acme }) => {
    const { id } = await start(acme)
    const others = (await itemsOf(acme, id)).filter(({ user_id }) => user_id !== acme.owner.userId)
    const ownersRight = await itemOf(acme, id, acme.owner)

    await Promise.all([
      answer(
        acme.owner,
        id,
        others.map((item) => ({ item_id: item.id, decision: 'confirm' })),
      ),
      answer(acme.admin, id, [{ item_id: ownersRight, decision: 'confirm' }]),
    ])

    const [review] = await acme.owner.select('organisation_access_reviews')
    expect(review).toMatchObject({ status: 'completed' })
  })

  test.for([
    ['no array', {}, 'invalid_settings'],
    ['none', [], 'invalid_settings'],
    ['another word', [{ decision: 'maybe' }], 'invalid_settings'],
    ['another item', [{ item_id: 'nothing', decision: 'confirm' }], 'access_review_not_found'],
  ] as const)('are refused: %s', async ([, answers, code], { acme }) => {
    const { id } = await start(acme)
    await expect(answer(acme.owner, id, answers as unknown as Answer[])).rejects.toMatchObject({
      code,
    })
  })
})

describe('a review is refused', () => {
  test.for([
    ['without a title', { title: ' ' }],
    ['with a title of two lines', { title: 'a\nb' }],
    ['without a day', { due_at: null }],
    ['with a day that is gone', { due_at: inDays(-1) }],
    ['with a day years ahead', { due_at: inDays(400) }],
  ] as const)('%s', async ([, more], { acme }) => {
    await expect(start(acme, more)).rejects.toMatchObject({ code: 'invalid_settings' })
  })

  test('to members without access_review.manage; to outsiders it is not there', async ({
    acme,
  }) => {
    const { id } = await start(acme)
    const answers = [{ item_id: await itemOf(acme, id, acme.member), decision: 'confirm' }]

    await expect(start(acme, {}, acme.member)).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(start(acme, {}, acme.outsider)).rejects.toMatchObject({
      code: 'organisation_not_found',
    })
    await expect(answer(acme.member, id, answers)).rejects.toMatchObject({
      code: 'permission_denied',
    })
    await expect(answer(acme.outsider, id, answers)).rejects.toMatchObject({
      code: 'access_review_not_found',
    })
    expect(await acme.member.select('organisation_access_reviews')).toHaveLength(0)
    expect(await acme.outsider.select('organisation_access_review_items')).toHaveLength(0)
  })
})

test('a person who is forgotten leaves no reason behind', async ({ acme }) => {
  const { id } = await start(acme)
  await answer(acme.owner, id, [
    {
      item_id: await itemOf(acme, id, acme.finance),
      decision: 'withdraw',
      reason: 'Drinks at work',
    },
  ])

  await acme.sql`select usher.erase_person(${acme.finance.userId})`

  expect(JSON.stringify(await itemsOf(acme, id))).not.toContain('Drinks')
})
