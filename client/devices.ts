/**
 * Devices: invited by a short code instead of a mail, members like anyone else afterwards.
 *
 * @module
 */
import { type Connection, call, type Returned } from './call.ts'
import type { RoleName } from './generated/roles.ts'
import type { DeviceInvite, InviteStatus } from './invites.ts'
import { listMembers, type Member, type MemberFilter } from './members.ts'
import type { Camel } from './names.ts'
import { eachOf, type IterateOptions, type PageOptions, pageOf } from './pages.ts'
import type { PageResult, Result } from './result.ts'

type DeviceCodeRow = Camel<Returned<'create_organisation_device_invite'>>
/** A device's invite with its code, which is shown this once. */
export type DeviceCode = { [K in keyof DeviceCodeRow]: NonNullable<DeviceCodeRow[K]> }

export interface DeviceDraft {
  /** What people call it: one line, 1 to 100 characters. */
  deviceName: string
  /** 1 to 20 names of roles. */
  roles: RoleName[]
  /** An interval from 1 hour to 30 days, such as `2 hours`; default: a day. */
  expiresIn?: string | undefined
}
export type DeviceFilter = Omit<MemberFilter, 'kind'>

export interface DeviceInviteFilter extends PageOptions {
  status?: InviteStatus | undefined
}

/** `usher.devices` */
export function devices(connection: Connection) {
  return {
    /**
     * Invites a device: makes a short code for it, to be read out and typed in.
     *
     * @returns the code, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `role_not_assignable`, `invalid_role`, `invalid_expiry`, `invalid_settings`,
     *   `seat_limit_reached`, `rate_limited`
     */
    invite(organisationId: string, draft: DeviceDraft): Promise<Result<DeviceCode>> {
      const { deviceName, roles, expiresIn } = draft
      const args = { organisationId, deviceName, roles, expiresIn }
      return call(connection, 'create_organisation_device_invite', args)
    },

    /**
     * Enrols the caller, a device that is signed in to an account of its own.
     *
     * @param code - as the admin was shown it; case, spaces and hyphens do not matter
     * @returns the membership, or `unauthenticated`, `invite_invalid` (no such code), `rate_limited`
     *   (ten wrong codes within an hour), `invite_already_accepted`, `invite_revoked`,
     *   `invite_expired`, `seat_limit_reached`, `already_member`, `member_banned`, …
     */
    enrol(code: string): Promise<Result<Member>> {
      return call(connection, 'enrol_organisation_device', { code })
    },

    /** The devices among the members, newest first, past ones too; as `usher.members.list`. */
    list(organisationId: string, page: DeviceFilter = {}): Promise<PageResult<Member>> {
      return listMembers(connection, organisationId, { ...page, kind: 'device' })
    },

    /** All that `list` gives, page by page, one at a time. */
    iterate(organisationId: string, options: IterateOptions<DeviceFilter> = {}) {
      return eachOf(connection, options, (to, page: DeviceFilter) =>
        listMembers(to, organisationId, { ...page, kind: 'device' }),
      )
    },

    /**
     * Invites of devices, newest first; without their codes. Needs `invite.read`; otherwise empty.
     * They are revoked and expired as any other, by `usher.invites`.
     */
    listInvites(
      organisationId: string,
      { status, ...page }: DeviceInviteFilter = {},
    ): Promise<PageResult<DeviceInvite>> {
      return pageOf(connection, 'organisation_invites', 'created_at', page, (select) => {
        const invites = select.eq('organisation_id', organisationId).eq('kind', 'device')
        return status ? invites.eq('status', status) : invites
      })
    },
  }
}
