/**
 * Join requests: people of a domain who ask to be let in.
 *
 * @module
 */
import { type Connection, call, type RowOf } from './call.ts'
import type { RoleName } from './generated/roles.ts'
import type { Member, Reason } from './members.ts'
import type { Camel } from './names.ts'
import { eachOf, type IterateOptions, type PageOptions, pageOf } from './pages.ts'
import type { PageResult, Result } from './result.ts'

export type JoinRequestStatus = 'pending' | 'approved' | 'declined'
export type JoinRequest = Omit<Camel<RowOf<'organisation_join_requests'>>, 'status'> & {
  status: JoinRequestStatus
}

export interface JoinRequestFilter extends PageOptions {
  status?: JoinRequestStatus | undefined
}

function listRequests(
  connection: Connection,
  organisationId: string,
  { status, ...page }: JoinRequestFilter,
): Promise<PageResult<JoinRequest>> {
  return pageOf(connection, 'organisation_join_requests', 'created_at', page, (select) => {
    const requests = select.eq('organisation_id', organisationId)
    return status ? requests.eq('status', status) : requests
  })
}

/** `usher.joinRequests` */
export function joinRequests(connection: Connection) {
  return {
    /** The requests to join, newest first: all with `invite.read`, otherwise one's own. */
    list(organisationId: string, page: JoinRequestFilter = {}): Promise<PageResult<JoinRequest>> {
      return listRequests(connection, organisationId, page)
    },

    /** All that `list` gives, page by page, one at a time. */
    iterate(organisationId: string, options: IterateOptions<JoinRequestFilter> = {}) {
      return eachOf(connection, options, (to, page: JoinRequestFilter) =>
        listRequests(to, organisationId, page),
      )
    },

    /**
     * Lets somebody in who asked to join.
     *
     * @param options.roles - what they join with; default: the role of their domain
     * @returns the membership, or `unauthenticated`, `request_not_found`,
     *   `permission_denied`, `request_not_open`, `invalid_role`, `role_not_assignable`,
     *   `seat_limit_reached`, `already_member`, `member_banned`
     */
    approve(
      requestId: string,
      { roles }: { roles?: RoleName[] | undefined } = {},
    ): Promise<Result<Member>> {
      return call(connection, 'approve_organisation_join_request', { requestId, roles })
    },

    /**
     * Turns a request down; they may ask again.
     *
     * @param options.reason - at most 500 characters; the one who asked can read it
     * @returns the request, or `unauthenticated`, `request_not_found`, `permission_denied`,
     *   `request_not_open`, `invalid_message`
     */
    decline(requestId: string, { reason }: Reason = {}): Promise<Result<JoinRequest>> {
      return call(connection, 'decline_organisation_join_request', { requestId, reason })
    },
  }
}
