/**
 * Access reviews: starting one, and answering it.
 *
 * @module
 */
import type { Organisation } from './acme.ts'
import type { Person } from './people.ts'

export type Answer = { item_id: string; decision: string; reason?: string }

export const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()

export const startReview = (acme: Organisation, more: object = {}, who: Person = acme.owner) =>
  who.rpc('start_organisation_access_review', {
    organisation_id: acme.id,
    title: 'Third quarter',
    due_at: inDays(14),
    ...more,
  })

export const itemsOf = async (acme: Organisation, reviewId: string) =>
  (await acme.owner.select('organisation_access_review_items', { review_id: reviewId })).sort(
    (a, b) => a.role.localeCompare(b.role),
  )

export async function itemOf(acme: Organisation, reviewId: string, person: Person) {
  const item = (await itemsOf(acme, reviewId)).find(({ user_id }) => user_id === person.userId)
  return item?.id as string
}

export const answerReview = (who: Person, reviewId: string, answers: Answer[]) =>
  who.rpc('answer_organisation_access_review', {
    review_id: reviewId,
    answers: answers as unknown as Record<string, unknown>,
  })

/** Answers all that is open: the owner's own right by the admin, the others by the owner. */
export async function confirmAll(acme: Organisation, reviewId: string) {
  const open = (await itemsOf(acme, reviewId)).filter(({ decision }) => decision === null)
  const confirmed = (items: typeof open) =>
    items.map(({ id }) => ({ item_id: id as string, decision: 'confirm' }))
  await answerReview(
    acme.owner,
    reviewId,
    confirmed(open.filter(({ user_id }) => user_id !== acme.owner.userId)),
  )
  return answerReview(
    acme.admin,
    reviewId,
    confirmed(open.filter(({ user_id }) => user_id === acme.owner.userId)),
  )
}
