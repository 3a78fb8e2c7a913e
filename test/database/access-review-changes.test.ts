import { describe, expect } from 'vitest'
import {
  type Answer,
  answerReview,
  inDays,
  itemOf,
  itemsOf,
  startReview,
} from '../support/access-reviews.ts'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import type { Person } from '../support/people.ts'

const rolesOf = async (acme: Organisation, { userId }: Person) =>
  (await acme.owner.select('organisation_members', { user_id: userId }))[0]?.roles

describe('a review', () => {
  test('is closed by hand, and keeps what was left open', async ({ acme }) => {
    const { id } = await startReview(acme)
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
    await expect(answerReview(acme.owner, id, late)).rejects.toMatchObject({
      code: 'access_review_not_open',
      details: 'closed',
    })
    await expect(acme.admin.rpc('close_organisation_access_review', closing)).rejects.toMatchObject(
      { code: 'access_review_not_open' },
    )
  })
})

describe('withdrawing', () => {
  test('takes the role away at once, with a mail and a reason in the trail', async ({ acme }) => {
    const { id } = await startReview(acme)

    await answerReview(acme.admin, id, [
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
    await fanOut(acme.sql)
    const mails = await acme.owner.select('organisation_deliveries', {
      kind: 'member_roles_updated',
    })
    expect(mails.map(({ recipient }) => recipient)).toEqual([acme.finance.email])
  })

  test('needs a reason', async ({ acme }) => {
    const { id } = await startReview(acme)
    const item_id = await itemOf(acme, id, acme.finance)

    for (const reason of [undefined, '', '   ', 'x'.repeat(501), 'a\u0007']) {
      const refused = answerReview(acme.owner, id, [
        { item_id, decision: 'withdraw', ...(reason !== undefined && { reason }) },
      ])
      await expect(refused).rejects.toMatchObject({ code: 'invalid_message', details: item_id })
    }
    expect(await rolesOf(acme, acme.finance)).toEqual(['finance'])
  })

  test('is not for the right of the owner, which can be confirmed', async ({ acme }) => {
    const { id } = await startReview(acme)
    const item_id = await itemOf(acme, id, acme.owner)

    await expect(
      answerReview(acme.admin, id, [{ item_id, decision: 'withdraw', reason: 'A coup' }]),
    ).rejects.toMatchObject({ code: 'owner_required' })
    await answerReview(acme.admin, id, [{ item_id, decision: 'confirm' }])

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
    const { id } = await startReview(acme, {}, reviewer)
    const item_id = await itemOf(acme, id, acme.member)

    await expect(
      answerReview(reviewer, id, [{ item_id, decision: 'withdraw', reason: 'No longer here' }]),
    ).rejects.toMatchObject({ code: 'permission_denied', details: 'member.update' })
    await answerReview(reviewer, id, [{ item_id, decision: 'confirm', reason: 'Still here' }])

    expect(await rolesOf(acme, acme.member)).toEqual(['member'])
  })
})

describe('nobody reviews their own rights', () => {
  test('while another could', async ({ acme }) => {
    const { id } = await startReview(acme)
    for (const person of [acme.owner, acme.admin]) {
      const item_id = await itemOf(acme, id, person)
      await expect(
        answerReview(person, id, [{ item_id, decision: 'confirm' }]),
      ).rejects.toMatchObject({
        code: 'permission_denied',
        details: item_id,
      })
    }
  })

  test('but a reviewer who is the only one', async ({ acme }) => {
    const founder = acme.outsider
    const { id } = await startReview({ ...acme, id: acme.otherId }, {}, founder)
    const [item] = await founder.select('organisation_access_review_items')

    const review = await answerReview(founder, id, [{ item_id: item?.id, decision: 'confirm' }])

    expect(review.status).toBe('completed')
  })
})

describe('answers', () => {
  test('count all or not at all', async ({ acme }) => {
    const { id } = await startReview(acme)

    await expect(
      answerReview(acme.owner, id, [
        { item_id: await itemOf(acme, id, acme.finance), decision: 'withdraw', reason: 'Gone' },
        { item_id: await itemOf(acme, id, acme.owner), decision: 'confirm' },
      ]),
    ).rejects.toMatchObject({ code: 'permission_denied' })

    expect(await rolesOf(acme, acme.finance)).toEqual(['finance'])
    expect((await itemsOf(acme, id)).every(({ decision }) => decision === null)).toBe(true)
  })

  test('are given once', async ({ acme }) => {
    const { id } = await startReview(acme)
    const item_id = await itemOf(acme, id, acme.finance)
    await answerReview(acme.owner, id, [{ item_id, decision: 'confirm' }])

    await expect(
      answerReview(acme.admin, id, [{ item_id, decision: 'withdraw', reason: 'After all' }]),
    ).rejects.toMatchObject({ code: 'access_review_not_open', details: item_id })
  })

  test('of two reviewers at once are both there, and complete the review', async ({ acme }) => {
    const { id } = await startReview(acme)
    const others = (await itemsOf(acme, id)).filter(({ user_id }) => user_id !== acme.owner.userId)
    const ownersRight = await itemOf(acme, id, acme.owner)

    await Promise.all([
      answerReview(
        acme.owner,
        id,
        others.map((item) => ({ item_id: item.id, decision: 'confirm' })),
      ),
      answerReview(acme.admin, id, [{ item_id: ownersRight, decision: 'confirm' }]),
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
    const { id } = await startReview(acme)
    await expect(
      answerReview(acme.owner, id, answers as unknown as Answer[]),
    ).rejects.toMatchObject({
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
    await expect(startReview(acme, more)).rejects.toMatchObject({ code: 'invalid_settings' })
  })

  test('to members without access_review.manage; to outsiders it is not there', async ({
    acme,
  }) => {
    const { id } = await startReview(acme)
    const answers = [{ item_id: await itemOf(acme, id, acme.member), decision: 'confirm' }]

    await expect(startReview(acme, {}, acme.member)).rejects.toMatchObject({
      code: 'permission_denied',
    })
    await expect(startReview(acme, {}, acme.outsider)).rejects.toMatchObject({
      code: 'organisation_not_found',
    })
    await expect(answerReview(acme.member, id, answers)).rejects.toMatchObject({
      code: 'permission_denied',
    })
    await expect(answerReview(acme.outsider, id, answers)).rejects.toMatchObject({
      code: 'access_review_not_found',
    })
    expect(await acme.member.select('organisation_access_reviews')).toHaveLength(0)
    expect(await acme.outsider.select('organisation_access_review_items')).toHaveLength(0)
  })
})
