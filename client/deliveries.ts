/**
 * Deliveries: what became of the mails.
 *
 * @module
 */
import type { Connection, RowOf } from './call.ts'
import type { Camel } from './names.ts'
import { eachOf, type IterateOptions, type PageOptions, pageOf } from './pages.ts'
import type { PageResult } from './result.ts'

export type DeliveryStatus = 'queued' | 'sending' | 'sent' | 'failed' | 'cancelled' | 'suppressed'
/** One mail to one address. */
export type Delivery = Omit<Camel<RowOf<'organisation_deliveries'>>, 'status'> & {
  status: DeliveryStatus
}

export interface DeliveryFilter extends PageOptions {
  status?: DeliveryStatus | undefined
  /** Such as `invite` or `member_removed`. */
  kind?: string | undefined
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
  }
}
