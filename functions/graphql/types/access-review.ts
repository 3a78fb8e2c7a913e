/**
 * Access reviews: start one, answer what it asks about, close it.
 *
 * @module
 */
import { builder, operation, snakeCased } from '../builder.ts'
import type { AccessReviewItemRow, AccessReviewRow } from '../rows.ts'
import { inOrganisation } from './page.ts'

const AccessReview = builder.objectRef<AccessReviewRow>('AccessReview')
const AccessReviewItem = builder.objectRef<AccessReviewItemRow>('AccessReviewItem')

builder.objectType(AccessReviewItem, {
  description: 'A right that a review asks about.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    userId: t.expose('user_id', { type: 'UUID' }),
    role: t.exposeString('role'),
    grantedAt: t.expose('granted_at', { type: 'DateTime' }),
    grantedBy: t.expose('granted_by', { type: 'UUID', nullable: true }),
    decision: t.exposeString('decision', {
      nullable: true,
      description: 'confirmed, withdrawn or lapsed; null: open.',
    }),
    reason: t.exposeString('reason', { nullable: true }),
    decidedAt: t.expose('decided_at', { type: 'DateTime', nullable: true }),
    decidedBy: t.expose('decided_by', { type: 'UUID', nullable: true }),
  }),
})

builder.objectType(AccessReview, {
  description: 'A campaign in which every right is confirmed or withdrawn.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    title: t.exposeString('title'),
    status: t.exposeString('status', { description: 'open, completed or closed.' }),
    dueAt: t.expose('due_at', { type: 'DateTime' }),
    startedAt: t.expose('started_at', { type: 'DateTime' }),
    startedBy: t.expose('started_by', { type: 'UUID', nullable: true }),
    endedAt: t.expose('ended_at', { type: 'DateTime', nullable: true }),
    closedBy: t.expose('closed_by', { type: 'UUID', nullable: true }),
    closedReason: t.exposeString('closed_reason', { nullable: true }),
    items: t.field({
      type: [AccessReviewItem],
      resolve: ({ id }, _, { loaders }) => loaders.accessReviewItems.load(id),
    }),
  }),
})

export const AccessReviewConnection = builder.connectionObject({
  type: AccessReview,
  name: 'AccessReviewConnection',
})

const AccessReviewAnswer = builder.inputType('AccessReviewAnswer', {
  fields: (t) => ({
    itemId: t.field({ type: 'UUID', required: true }),
    decision: t.string({ required: true, description: 'confirm or withdraw.' }),
    reason: t.string({ description: 'Has to be there to withdraw.' }),
  }),
})

const ofReview = builder.args((t) => ({ reviewId: t.field({ type: 'UUID', required: true }) }))

builder.mutationFields((t) => ({
  startAccessReview: t.field({
    type: AccessReview,
    description: 'Starts a review of each role of each active member. Needs access_review.manage.',
    args: {
      ...inOrganisation,
      title: t.arg.string({ required: true }),
      dueAt: t.arg({ type: 'DateTime', required: true }),
    },
    ...operation('start_organisation_access_review'),
  }),
  answerAccessReview: t.field({
    type: AccessReview,
    description:
      'Confirms or withdraws rights: all of these answers count, or none does. Needs access_review.manage.',
    args: { ...ofReview, answers: t.arg({ type: [AccessReviewAnswer], required: true }) },
    ...operation(
      'answer_organisation_access_review',
      ({ reviewId, answers }: { reviewId: string; answers: object[] }) => ({
        review_id: reviewId,
        answers: answers.map(snakeCased),
      }),
    ),
  }),
  closeAccessReview: t.field({
    type: AccessReview,
    description: 'Ends a review by hand, with what was left open. Needs access_review.manage.',
    args: { ...ofReview, reason: t.arg.string() },
    ...operation('close_organisation_access_review'),
  }),
}))
