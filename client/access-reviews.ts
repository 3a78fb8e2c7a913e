/**
 * Access reviews: campaigns in which every right is confirmed or withdrawn.
 *
 * @module
 */
import { type Connection, call, type RowOf } from './call.ts'
import type { RoleName } from './generated/roles.ts'
import type { Order } from './keyset.ts'
import type { Camel } from './names.ts'
import { allOf, eachOf, type IterateOptions, type PageOptions, pageOf } from './pages.ts'
import type { PageResult, Result } from './result.ts'

export type AccessReviewStatus = 'open' | 'completed' | 'closed'

/** A review. `completed`: every right was answered; `closed`: ended by hand. */
export type AccessReview = Omit<Camel<RowOf<'organisation_access_reviews'>>, 'status'> & {
  status: AccessReviewStatus
}

/** A right that a review asks about: one role of one member. */
export type AccessReviewItem = Omit<
  Camel<RowOf<'organisation_access_review_items'>>,
  'role' | 'decision'
> & {
  role: RoleName
  /** `lapsed`: it went before anybody answered; null: open. */
  decision: 'confirmed' | 'withdrawn' | 'lapsed' | null
}

export interface AccessReviewAnswer {
  itemId: string
  decision: 'confirm' | 'withdraw'
  /** At most 500 characters; has to be there to withdraw. */
  reason?: string | undefined
}

export interface AccessReviewFilter extends PageOptions {
  status?: AccessReviewStatus | undefined
}

function listReviews(
  connection: Connection,
  organisationId: string,
  { status, ...page }: AccessReviewFilter,
): Promise<PageResult<AccessReview>> {
  return pageOf(connection, 'organisation_access_reviews', 'started_at', page, (select) => {
    const reviews = select.eq('organisation_id', organisationId)
    return status ? reviews.eq('status', status) : reviews
  })
}

/** `usher.accessReviews` */
export function accessReviews(connection: Connection) {
  return {
    /** The reviews, newest first. Needs `access_review.manage` or `audit.read`; otherwise empty. */
    list(organisationId: string, page: AccessReviewFilter = {}): Promise<PageResult<AccessReview>> {
      return listReviews(connection, organisationId, page)
    },

    /** All that `list` gives, page by page, one at a time. */
    iterate(organisationId: string, options: IterateOptions<AccessReviewFilter> = {}) {
      return eachOf(connection, options, (to, page: AccessReviewFilter) =>
        listReviews(to, organisationId, page),
      )
    },

    /** All that a review asks about, by person and role. */
    listItems(reviewId: string): Promise<Result<AccessReviewItem[]>> {
      const order: Order = [
        ['user_id', 'asc'],
        ['role', 'asc'],
      ]
      return allOf(connection, 'organisation_access_review_items', order, (select) =>
        select.eq('review_id', reviewId),
      )
    },

    /**
     * Starts a review: each role of each active member, as it is now, is to be confirmed or withdrawn.
     *
     * @param review.title - one line of at most 100 characters
     * @param review.dueAt - by when it should be done; in the future, by a year at most
     * @returns the review, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `invalid_settings`
     */
    start(
      organisationId: string,
      { title, dueAt }: { title: string; dueAt: string | Date },
    ): Promise<Result<AccessReview>> {
      const args = { organisationId, title, dueAt: new Date(dueAt).toISOString() }
      return call(connection, 'start_organisation_access_review', args)
    },

    /**
     * Confirms or withdraws rights: all of these answers count, or none does. The last one completes the
     * review.
     *
     * @param answers - 1 to 1,000
     * @returns the review, or `unauthenticated`, `access_review_not_found`, `permission_denied` (also for one's own
     *   right, while another could answer), `access_review_not_open`, `invalid_settings`, `invalid_message`,
     *   `owner_required`; `details` holds the id of the item in the way
     */
    answer(reviewId: string, answers: AccessReviewAnswer[]): Promise<Result<AccessReview>> {
      const sent = answers.map(({ itemId, decision, reason }) => ({
        item_id: itemId,
        decision,
        reason,
      }))
      return call(connection, 'answer_organisation_access_review', { reviewId, answers: sent })
    },

    /**
     * Ends a review by hand. Rights that nobody answered stay as they are.
     *
     * @param options.reason - at most 500 characters
     * @returns the review, or `unauthenticated`, `access_review_not_found`, `permission_denied`,
     *   `access_review_not_open`, `invalid_message`
     */
    close(reviewId: string, { reason }: { reason?: string } = {}): Promise<Result<AccessReview>> {
      return call(connection, 'close_organisation_access_review', { reviewId, reason })
    },
  }
}
