import { describe, expect } from 'vitest'
import {
  answerReview,
  confirmAll,
  itemOf,
  itemsOf,
  startReview,
} from '../support/access-reviews.ts'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'

describe('a review', () => {
  test('asks about every role of every active member, since when and given by whom', async ({
    acme,
  }) => {
    const { invite, token } = await acme.invite(acme.stranger.email, ['finance', 'member'])
    await acme.stranger.rpc('accept_organisation_invite', { token })
    await acme.join(['member'], 'left')

    const review = await startReview(acme)

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
    await startReview(acme)

    await fanOut(acme.sql)
    const mails = await acme.owner.select('organisation_deliveries', {
      kind: 'access_review_started',
    })
    expect(mails.map(({ recipient }) => recipient).sort()).toEqual(
      [acme.admin.email, acme.owner.email].sort(),
    )
    expect(mails[0]?.facts).toMatchObject({ review: 'Third quarter' })
  })

  test('is complete by itself when the last right is answered', async ({ acme }) => {
    const { id } = await startReview(acme)

    const review = await confirmAll(acme, id)

    expect(review).toMatchObject({ status: 'completed', closed_by: null })
    expect(review.ended_at).not.toBeNull()
    const [event] = await acme.owner.select('organisation_audit_events', {
      event: 'access_review.completed',
    })
    expect(event?.after).toEqual({ confirmed: 4, withdrawn: 0, lapsed: 0, open: 0 })
  })

  test('that is overdue is brought to mind once, and stays open', async ({ acme }) => {
    const { id } = await startReview(acme)
    await acme.sql`update public.organisation_access_reviews set due_at = now() - interval '1 hour' where id = ${id}`
    const remind = async () =>
      (await acme.sql`select usher.remind_overdue_reviews() as count`)[0]?.count

    expect([await remind(), await remind()]).toEqual([1, 0])

    await fanOut(acme.sql)
    const mails = await acme.owner.select('organisation_deliveries', {
      kind: 'access_review_overdue',
    })
    expect(mails).toHaveLength(2)
    expect(await confirmAll(acme, id)).toMatchObject({ status: 'completed' })
  })
})

describe('a right that goes meanwhile', () => {
  test.for(['removed', 'banned', 'changed', 'left', 'deleted'] as const)(
    'because its holder is %s needs no answer any more',
    async (how, { acme }) => {
      const { id } = await startReview(acme)
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
    const { id } = await startReview(acme)
    const left = (await itemsOf(acme, id)).filter(
      ({ user_id }) => user_id !== acme.owner.userId && user_id !== acme.member.userId,
    )
    await answerReview(
      acme.owner,
      id,
      left.map((item) => ({ item_id: item.id, decision: 'confirm' })),
    )
    await answerReview(acme.admin, id, [
      { item_id: await itemOf(acme, id, acme.owner), decision: 'confirm' },
    ])

    await acme.member.rpc('leave_organisation', { organisation_id: acme.id })

    const [review] = await acme.owner.select('organisation_access_reviews')
    expect(review).toMatchObject({ status: 'completed' })
  })

  test('because the organisation is deleted stops nothing', async ({ acme }) => {
    await startReview(acme)
    await acme.owner.rpc('delete_organisation', { organisation_id: acme.id })

    expect(await acme.events()).not.toContain('access_review.completed')
  })
})

test('a person who is forgotten leaves no reason behind', async ({ acme }) => {
  const { id } = await startReview(acme)
  await answerReview(acme.owner, id, [
    {
      item_id: await itemOf(acme, id, acme.finance),
      decision: 'withdraw',
      reason: 'Drinks at work',
    },
  ])

  await acme.sql`select usher.erase_person(${acme.finance.userId})`

  expect(JSON.stringify(await itemsOf(acme, id))).not.toContain('Drinks')
})
