/**
 * Access reviews: campaigns in which every right is confirmed or withdrawn.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { instant, lines, name, oneOf } from '../inputs.ts'
import {
  created,
  id,
  inOrganisation,
  type Operation,
  OUTSIDE,
  page,
  pageOfTable,
  row,
} from '../operation.ts'
import type { RefusalCode } from '../refusals.ts'
import { AccessReview, AccessReviewItem } from '../schemas.ts'

const tag = 'Access reviews'
const path = '/organisations/{organisation_id}/access-reviews'
const review = z.object({ review_id: id })
const OUT_OF_REACH: RefusalCode[] = [
  'unauthenticated',
  'access_review_not_found',
  'permission_denied',
]

export const accessReviews: Operation[] = [
  {
    id: 'listAccessReviews',
    method: 'get',
    path,
    tag,
    summary: 'The reviews, newest first. For those with access_review.manage or audit.read.',
    source: {
      table: 'organisation_access_reviews',
      equal: ['organisation_id', 'status'],
      order: [
        ['started_at', 'desc'],
        ['id', 'desc'],
      ],
    },
    params: inOrganisation,
    query: z.strictObject({ status: AccessReview.shape.status.optional(), ...pageOfTable }),
    answers: page(AccessReview),
    refuses: ['unauthenticated'],
  },
  {
    id: 'startAccessReview',
    method: 'post',
    path,
    tag,
    summary: 'Starts a review of each role of each active member.',
    source: { function: 'start_organisation_access_review' },
    params: inOrganisation,
    body: z.strictObject({
      title: name.openapi({ example: 'Third quarter' }),
      due_at: instant.openapi({ description: 'In the future, by a year at most.' }),
    }),
    answers: created(AccessReview),
    refuses: [...OUTSIDE, 'invalid_settings', 'rate_limited'],
    creates: {},
  },
  {
    id: 'listAccessReviewItems',
    method: 'get',
    path: '/access-reviews/{review_id}/items',
    tag,
    summary: 'The rights that a review asks about, with the answers.',
    source: {
      table: 'organisation_access_review_items',
      equal: ['review_id', 'decision', 'user_id'],
      order: [
        ['user_id', 'asc'],
        ['role', 'asc'],
      ],
    },
    params: review,
    query: z.strictObject({
      decision: AccessReviewItem.shape.decision.unwrap().optional(),
      user_id: id.optional(),
      ...pageOfTable,
    }),
    answers: page(AccessReviewItem),
    refuses: ['unauthenticated'],
  },
  {
    id: 'answerAccessReview',
    method: 'post',
    path: '/access-reviews/{review_id}/answers',
    tag,
    summary: 'Confirms or withdraws rights: all of these answers count, or none does.',
    source: { function: 'answer_organisation_access_review' },
    params: review,
    body: z.strictObject({
      answers: z.array(
        z.strictObject({
          item_id: id,
          decision: oneOf(['confirm', 'withdraw']),
          reason: lines(500).optional().openapi({ description: 'Has to be there to withdraw.' }),
        }),
      ),
    }),
    answers: row(AccessReview),
    refuses: [
      ...OUT_OF_REACH,
      'access_review_not_open',
      'invalid_settings',
      'invalid_message',
      'owner_required',
      'member_not_found',
    ],
  },
  {
    id: 'closeAccessReview',
    method: 'post',
    path: '/access-reviews/{review_id}/close',
    tag,
    summary: 'Ends a review by hand, with what was left open.',
    source: { function: 'close_organisation_access_review' },
    params: review,
    body: z.strictObject({ reason: lines(500).optional() }),
    answers: row(AccessReview),
    refuses: [...OUT_OF_REACH, 'access_review_not_open', 'invalid_message'],
  },
]
