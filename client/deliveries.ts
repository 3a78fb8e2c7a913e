/**
 * Deliveries: what became of the mails, and how one that did not get through is sent after all.
 *
 * @module
 */
import { type Connection, call, type RowOf } from './call.ts'
import type { Camel } from './names.ts'
import { eachOf, type IterateOptions, type PageOptions, pageOf } from './pages.ts'
import type { PageResult, Result } from './result.ts'

/** What a mail tells of. */
export type MailKind =
  | 'invite'
  | 'invite_reminder'
  | 'invite_accepted'
  | 'invite_declined'
  | 'invite_expired'
  | 'invite_resend_requested'
  | 'member_roles_updated'
  | 'member_removed'
  | 'access_ending'
  | 'access_ended'
  | 'member_banned'
  | 'ownership_transferred'
  | 'join_requested'
  | 'join_approved'
  | 'join_declined'
  | 'device_enrolled'
  | 'access_review_started'
  | 'access_review_overdue'
  | 'webhook_disabled'
  | 'invites_lost_right'
  | 'credentials_lost_right'

/**
 * `suppressed`: not sent, because its address gets no mail. From `delivered` on, as the mail provider
 * tells; the worst that is known counts.
 */
export type DeliveryStatus =
  | 'queued'
  | 'sending'
  | 'sent'
  | 'failed'
  | 'cancelled'
  | 'suppressed'
  | 'delivered'
  | 'opened'
  | 'bounced'
  | 'complained'
/** One mail to one address. */
export type Delivery = Omit<
  Camel<RowOf<'organisation_deliveries'>>,
  'status' | 'kind' | 'organisationId'
> & {
  status: DeliveryStatus
  kind: MailKind
  organisationId: string
}

export interface DeliveryFilter extends PageOptions {
  status?: DeliveryStatus | undefined
  kind?: MailKind | undefined
  inviteId?: string | undefined
  memberId?: string | undefined
}

function listDeliveries(
  connection: Connection,
  organisationId: string,
  { status, kind, inviteId, memberId, ...page }: DeliveryFilter,
): Promise<PageResult<Delivery>> {
  return pageOf(connection, 'organisation_deliveries', 'created_at', page, (select) => {
    let deliveries = select.eq('organisation_id', organisationId)
    if (status) deliveries = deliveries.eq('status', status)
    if (kind) deliveries = deliveries.eq('kind', kind)
    if (inviteId) deliveries = deliveries.eq('invite_id', inviteId)
    return memberId ? deliveries.eq('member_id', memberId) : deliveries
  })
}

/** `usher.deliveries` */
export function deliveries(connection: Connection) {
  return {
    /** The mails of an organisation, newest first. Needs `invite.read`; otherwise empty. */
    list(organisationId: string, page: DeliveryFilter = {}): Promise<PageResult<Delivery>> {
      return listDeliveries(connection, organisationId, page)
    },

    /** All that `list` gives, page by page, one at a time. */
    iterate(organisationId: string, options: IterateOptions<DeliveryFilter> = {}) {
      return eachOf(connection, options, (to, page: DeliveryFilter) =>
        listDeliveries(to, organisationId, page),
      )
    },

    /**
     * Sends a mail anew that has failed or was suppressed. One to an address that still gets no mail is
     * suppressed again: `liftSuppression` comes first.
     *
     * @returns the mail, `queued`, or `unauthenticated`, `delivery_not_found`,
     *   `permission_denied`, `invite_not_pending` (it has not failed; details: its status)
     */
    retry(deliveryId: string): Promise<Result<Delivery>> {
      return call(connection, 'retry_organisation_delivery', { deliveryId })
    },

    /**
     * Lets mails go again to an address that a mail of this organisation came back from: for a mailbox
     * that was made since. Complaints, and what its owner has stopped, stay.
     *
     * @returns whether it was stopped for that, or `unauthenticated`, `organisation_not_found`,
     *   `permission_denied`, `invalid_email`, `rate_limited` (50 a day)
     */
    liftSuppression(organisationId: string, email: string): Promise<Result<boolean>> {
      return call(connection, 'lift_organisation_mail_suppression', { organisationId, email })
    },
  }
}
