/**
 * Organisations: create, change, hand over; list one's own, ask what one may do there; join.
 *
 * @module
 */
import { type Connection, call, type Returned, type RowOf, settleOne } from './call.ts'
import type { Permission, RoleName } from './generated/roles.ts'
import type { Member } from './members.ts'
import { type Camel, snakeise } from './names.ts'
import { longList } from './pages.ts'
import type { Result } from './result.ts'

export interface Organisation extends Camel<RowOf<'organisations'>> {}
export type MyOrganisation = Omit<
  Camel<Returned<'list_my_organisations'>[number]>,
  'kind' | 'roles'
> & {
  kind: 'user' | 'device'
  roles: RoleName[]
}
/** What one's confirmed address opens: `join` lets one in, `ask` makes a request. */
export type JoinableOrganisation = Omit<
  Camel<Returned<'list_joinable_organisations'>[number]>,
  'joinPolicy' | 'logoUrl' | 'accentColour'
> & {
  joinPolicy: 'join' | 'ask'
  logoUrl: string | null
  accentColour: string | null
}
/** Settings of the whole project that pages have to know before anybody has an account. */
export interface SignUpPolicy {
  /**
   * `invite_only`: only people with a pending invitation, or with an email address of a domain that lets its
   * people join, may create an account.
   */
  signUp: 'open' | 'invite_only'
  /** Whether the project's Auth confirms addresses: then `invites.acceptMine` accepts without the link. */
  authConfirmsAddresses: boolean
}
/** What is left out stays; null takes an optional setting back. */
export type OrganisationChanges = Partial<Omit<Organisation, 'id' | 'createdAt'>>

/** What the caller answers for from now on. */
export interface TakenOverCredential {
  id: string
  kind: 'directory_token' | 'domain'
  organisationId: string
  /** Of the token, or the domain itself. */
  name: string
}

/** `usher.organisations` */
export function organisations(connection: Connection) {
  return {
    /**
     * Creates an organisation; the caller becomes its owner.
     *
     * @param organisation.name - one line, 1 to 100 characters
     * @param organisation.slug - 2 to 63 of a-z, 0-9 and single hyphens; without it, made of the name
     * @returns the organisation, or `unauthenticated`, `permission_denied` (an anonymous account), `email_unverified`,
     *   `invalid_settings`, `invalid_slug`, `slug_taken`
     */
    create({ name, slug }: { name: string; slug?: string }): Promise<Result<Organisation>> {
      return call(connection, 'create_organisation', { name, slug })
    },

    /** One organisation; null when there is none, or none that the caller may read. */
    get(organisationId: string): Promise<Result<Organisation | null>> {
      const { supabase } = connection
      return settleOne(
        connection,
        supabase.from('organisations').select('*').eq('id', organisationId),
      )
    },

    /** The organisations that the caller is an active member of, by name, with the caller's roles. */
    listMine(): Promise<Result<MyOrganisation[]>> {
      return longList(connection, 'list_my_organisations')
    },

    /**
     * Changes settings; what is left out stays.
     *
     * @param changes.inviteTtl - lifetime of invites, an interval from 1 hour to 30 days
     * @param changes.seatLimit - how many active members there may be; null: any number
     * @param changes.allowedEmailDomains - only their addresses may be invited; empty: any
     * @param changes.reminderBefore - an interval from 1 hour to 14 days; null: no reminder
     * @param changes.auditRetention - an interval of 30 days to 100 years; null: for ever; the owner alone
     * @param changes.credentialGrace - how long tokens of directories, and joining by domain, go on when
     *   whoever answers for them has lost the right to: an interval of 0 to 30 days
     * @returns the organisation, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `slug_taken`, or an `invalid_…` code
     */
    update(organisationId: string, changes: OrganisationChanges): Promise<Result<Organisation>> {
      return call(connection, 'update_organisation', {
        organisationId,
        changes: snakeise(changes) as Record<string, string>,
      })
    },

    /**
     * Deletes an organisation with its members, roles, invites and mails, for good. The owner may.
     *
     * @returns nothing, or `unauthenticated`, `organisation_not_found`, `permission_denied`
     */
    delete(organisationId: string): Promise<Result<null>> {
      return call(connection, 'delete_organisation', { organisationId })
    },

    /**
     * Hands an organisation over; the old owner becomes an admin. The owner may.
     *
     * @param newOwnerId - the user id of another active member
     * @returns the membership of the new owner, or `unauthenticated`, `organisation_not_found`,
     *   `permission_denied`, `member_not_found`
     */
    transferOwnership(organisationId: string, newOwnerId: string): Promise<Result<Member>> {
      return call(connection, 'transfer_organisation_ownership', { organisationId, newOwnerId })
    },

    /**
     * Ends the caller's own membership.
     *
     * @returns it, or `unauthenticated`, `organisation_not_found`, `owner_required`
     */
    leave(organisationId: string): Promise<Result<Member>> {
      return call(connection, 'leave_organisation', { organisationId })
    },

    /**
     * The caller answers from now on for tokens of directories and for domains by which people join, so that
     * they go on. `stopsAt` of a token or domain says when it stops because whoever answered for it has lost
     * the right.
     *
     * @param ids - 1 to 100 ids of `directories.listTokens` and `domains.list`; all are taken over, or none
     * @returns what was taken over, or `unauthenticated`, `credential_not_found`, `permission_denied`,
     *   `role_not_assignable`, `invalid_role`, `invalid_settings`
     */
    takeOverCredentials(ids: string[]): Promise<Result<TakenOverCredential[]>> {
      return call(connection, 'take_over_organisation_credentials', { ids })
    },

    /**
     * Whether the caller may do something there; false, too, for what does not exist.
     *
     * @param permission - `thing.action`, such as `invite.create`
     */
    hasPermission(organisationId: string, permission: Permission): Promise<Result<boolean>> {
      return call(connection, 'has_organisation_permission', { organisationId, permission })
    },

    /**
     * What the caller may do there, sorted by name.
     *
     * @returns permissions, or `unauthenticated`, `organisation_not_found`
     */
    listMyPermissions(organisationId: string): Promise<Result<Permission[]>> {
      return call(connection, 'list_my_organisation_permissions', { organisationId })
    },

    /**
     * Who may create an account in this project. Anyone may ask, signed in or not, so that no page offers what
     * would be refused.
     */
    getSignUpPolicy(): Promise<Result<SignUpPolicy>> {
      return call(connection, 'organisation_sign_up_policy', {})
    },

    /** The organisations that the domain of the caller's confirmed address opens. */
    listJoinable(): Promise<Result<JoinableOrganisation[]>> {
      return call(connection, 'list_joinable_organisations', {})
    },

    /**
     * Joins one of `listJoinable`, or asks to.
     *
     * @returns `joined`, or `requested` (also when asked before); or `unauthenticated`,
     *   `organisation_not_found`, `already_member`, `member_banned`, `seat_limit_reached`, …
     */
    join(organisationId: string): Promise<Result<'joined' | 'requested'>> {
      return call(connection, 'join_organisation', { organisationId })
    },
  }
}
