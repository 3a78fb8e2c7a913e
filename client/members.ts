/**
 * Members: who belongs to an organisation, and with which roles.
 *
 * @module
 */
import { type Connection, call, type RowOf, settleOne } from './call.ts'
import type { Permission, RoleName } from './generated/roles.ts'
import type { Camel } from './names.ts'
import { eachOf, type IterateOptions, type PageOptions, pageOf } from './pages.ts'
import type { PageResult, Result } from './result.ts'

export type MemberStatus = 'active' | 'banned' | 'left' | 'removed'
export type Member = Omit<
  Camel<RowOf<'organisation_members'>>,
  'kind' | 'status' | 'roles' | 'roleEnds'
> & {
  kind: 'user' | 'device'
  status: MemberStatus
  roles: RoleName[]
  /** When roles stop counting, in ISO 8601; a role that is not among them has no end of its own. */
  roleEnds: Partial<Record<RoleName, string>>
}

/** Until when a membership counts, and its roles: a `Date`, or ISO 8601 with an offset. */
export interface MemberEnds {
  /** Null, as without it: the membership has no end. */
  endsAt?: string | Date | null | undefined
  /** A role that is not among them has no end of its own. */
  roleEnds?: Partial<Record<RoleName, string | Date>> | undefined
}

export interface MemberFilter extends PageOptions {
  status?: MemberStatus | undefined
  kind?: Member['kind'] | undefined
  /** Only those who hold this role itself. */
  role?: RoleName | undefined
  /** Only those whose address or name holds this text, in any case. */
  search?: string | undefined
}

export interface Reason {
  /** At most 500 characters, kept in the trail. */
  reason?: string | undefined
}

/** The page that `usher.members.list` and `usher.devices.list` give. */
export function listMembers(
  connection: Connection,
  organisationId: string,
  { status, kind, role, search, ...page }: MemberFilter,
): Promise<PageResult<Member>> {
  return pageOf(connection, 'organisation_members', 'joined_at', page, (select) => {
    let members = select.eq('organisation_id', organisationId)
    if (status) members = members.eq('status', status)
    if (kind) members = members.eq('kind', kind)
    if (role) members = members.contains('roles', [role])
    if (search?.trim()) {
      const pattern = patternOf(search.trim())
      members = members.or(`email.imatch."${pattern}",display_name.imatch."${pattern}"`)
    }
    return members
  })
}

/**
 * A regular expression for a text as it stands. It goes between quotes, so nothing is escaped by a
 * backslash; the five characters that brackets do not take stand for any one.
 */
function patternOf(text: string): string {
  return text.replace(/[^\p{L}\p{N}\s]/gu, (sign) => ('"\\^[]'.includes(sign) ? '.' : `[${sign}]`))
}

/** `usher.members` */
export function members(connection: Connection) {
  return {
    /**
     * The memberships of an organisation that the caller may see, newest first, past ones too: all with
     * `member.read`, otherwise one's own. An organisation of others is empty.
     */
    list(organisationId: string, page: MemberFilter = {}): Promise<PageResult<Member>> {
      return listMembers(connection, organisationId, page)
    },

    /** All that `list` gives, page by page, one at a time. */
    iterate(organisationId: string, options: IterateOptions<MemberFilter> = {}) {
      return eachOf(connection, options, (to, page: MemberFilter) =>
        listMembers(to, organisationId, page),
      )
    },

    /** One membership; null when there is none, or none that the caller may see. */
    get(organisationId: string, userId: string): Promise<Result<Member | null>> {
      const select = connection.supabase
        .from('organisation_members')
        .select('*')
        .eq('organisation_id', organisationId)
        .eq('user_id', userId)
      return settleOne(connection, select)
    },

    /**
     * Gives a member exactly these roles; they count at once, and the member gets a mail.
     *
     * @param roles - names of roles, or none: a member without a role may do nothing; never `owner`
     * @returns the membership, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `member_not_found`, `owner_required`, `invalid_role`, `role_not_assignable`
     */
    updateRoles(
      organisationId: string,
      userId: string,
      roles: RoleName[],
    ): Promise<Result<Member>> {
      const args = { organisationId, userId, roles }
      return call(connection, 'update_organisation_member_roles', args)
    },

    /**
     * Says until when a membership counts, and each of its roles; what was said before is forgotten.
     * At that second it stops counting; the member gets a mail some days before, and then.
     *
     * @returns the membership, or as `updateRoles`, or `invalid_expiry`, `invalid_settings`
     */
    updateEnds(
      organisationId: string,
      userId: string,
      { endsAt = null, roleEnds = {} }: MemberEnds,
    ): Promise<Result<Member>> {
      return call(connection, 'update_organisation_member_ends', {
        organisationId,
        userId,
        endsAt: endsAt as string,
        roleEnds: roleEnds as never,
      })
    },

    /**
     * Ends a membership at once; the person gets a mail and may be invited again.
     *
     * @returns the membership, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `member_not_found`, `owner_required`, `invalid_message`
     */
    remove(
      organisationId: string,
      userId: string,
      { reason }: Reason = {},
    ): Promise<Result<Member>> {
      return call(connection, 'remove_organisation_member', { organisationId, userId, reason })
    },

    /**
     * Shuts a member, or a former one, out until the ban is lifted. Pending invites to them and by them
     * are revoked.
     *
     * @returns the membership, or as `remove`, or `member_banned`
     */
    ban(organisationId: string, userId: string, { reason }: Reason = {}): Promise<Result<Member>> {
      return call(connection, 'ban_organisation_member', { organisationId, userId, reason })
    },

    /**
     * Lifts a ban. The person is then a removed member, who may be invited again.
     *
     * @returns the membership, or as `remove`
     */
    unban(
      organisationId: string,
      userId: string,
      { reason }: Reason = {},
    ): Promise<Result<Member>> {
      return call(connection, 'unban_organisation_member', { organisationId, userId, reason })
    },

    /** Ends the caller's own membership, as `usher.organisations.leave` does. */
    leave(organisationId: string): Promise<Result<Member>> {
      return call(connection, 'leave_organisation', { organisationId })
    },

    /**
     * The roles that an active member is given, sorted.
     *
     * @returns names, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `member_not_found`
     */
    listRoles(organisationId: string, userId: string): Promise<Result<RoleName[]>> {
      return call(connection, 'list_organisation_member_roles', { organisationId, userId })
    },

    /** All that an active member may do, sorted. Fails as `listRoles` does. */
    listPermissions(organisationId: string, userId: string): Promise<Result<Permission[]>> {
      return call(connection, 'list_organisation_member_permissions', { organisationId, userId })
    },
  }
}
