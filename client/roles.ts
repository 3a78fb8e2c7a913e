/**
 * Roles: the built-in ones, an organisation's own, and which may not be held together.
 *
 * @module
 */
import { type Connection, call, type RowOf } from './call.ts'
import type { Permission, RoleName } from './generated/roles.ts'
import type { Member } from './members.ts'
import type { Camel } from './names.ts'
import { allOf } from './pages.ts'
import type { Result } from './result.ts'

/** A role. Built-in ones have no `organisationId`. */
export type Role = Omit<
  Camel<RowOf<'organisation_roles'>>,
  'name' | 'permissions' | 'grantedPermissions' | 'inherits'
> & {
  name: RoleName
  /** All that it permits: what was granted, and what it inherits. */
  permissions: Permission[]
  grantedPermissions: Permission[]
  inherits: RoleName[]
}
/** So many (`cardinality`) of these roles may not be held together. */
export interface RoleExclusion extends Camel<RowOf<'organisation_role_exclusions'>> {}

export interface RoleDraft {
  /** 1 to 63 of a-z, 0-9, - and _, a letter first; stays for good, because it is signed into links. */
  name: string
  /** At most 500 characters. */
  description?: string | undefined
  /** What it permits, out of what the caller holds. */
  permissions?: Permission[] | undefined
  /** Roles whose permissions it has as well; never `owner`. */
  inherits?: RoleName[] | undefined
}

/** `usher.roles` */
export function roles(connection: Connection) {
  return {
    /**
     * The roles that the caller may see, by name: the built-in ones, and with `role.read` the
     * organisation's own, each with what it permits.
     */
    list(organisationId: string): Promise<Result<Role[]>> {
      return allOf(connection, 'organisation_roles', [['name', 'asc']], (select) =>
        select.or(`organisation_id.is.null,organisation_id.eq."${organisationId}"`),
      )
    },

    /**
     * Makes an own role.
     *
     * @returns the role, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `invalid_role`, `invalid_settings` (an unknown permission)
     */
    create(organisationId: string, draft: RoleDraft): Promise<Result<Role>> {
      const { name, description, permissions, inherits } = draft
      const args = { organisationId, name, description, permissions, inherits }
      return call(connection, 'create_organisation_role', args)
    },

    /**
     * Changes an own role; what is left out stays. Its holders have the new permissions at once.
     *
     * @returns the role, or as `create`, or `role_not_assignable` (a member would hold what may not be
     *   held together)
     */
    update(
      organisationId: string,
      role: RoleName,
      changes: Omit<RoleDraft, 'name'>,
    ): Promise<Result<Role>> {
      const { description, permissions, inherits } = changes
      const args = { organisationId, role, description, permissions, inherits }
      return call(connection, 'update_organisation_role', args)
    },

    /**
     * Deletes an own role that nobody holds.
     *
     * @returns nothing, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `invalid_role`, `role_in_use` (details: `members`, `invites`, `roles` or `exclusions`)
     */
    delete(organisationId: string, role: RoleName): Promise<Result<null>> {
      return call(connection, 'delete_organisation_role', { organisationId, role })
    },

    /** Adds a permission that the caller holds to an own role. Returns and fails as `update` does. */
    grantPermission(
      organisationId: string,
      role: RoleName,
      permission: Permission,
    ): Promise<Result<Role>> {
      return call(connection, 'grant_organisation_permission', { organisationId, role, permission })
    },

    /** Takes a permission from an own role; what it inherits stays. As `grantPermission`. */
    revokePermission(
      organisationId: string,
      role: RoleName,
      permission: Permission,
    ): Promise<Result<Role>> {
      return call(connection, 'revoke_organisation_permission', {
        organisationId,
        role,
        permission,
      })
    },

    /**
     * The active members who are given this role itself, by address.
     *
     * @returns members, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `invalid_role`
     */
    listMembers(organisationId: string, role: RoleName): Promise<Result<Member[]>> {
      return call(connection, 'list_organisation_role_members', { organisationId, role })
    },

    /**
     * The roles that the caller may give, built-in ones first: what a page offers to those who may invite
     * or change members.
     *
     * @returns names, or `unauthenticated`, `organisation_not_found`
     */
    listAssignable(organisationId: string): Promise<Result<RoleName[]>> {
      return call(connection, 'list_assignable_organisation_roles', { organisationId })
    },

    /** All that a role permits, its own and what it inherits, sorted. Fails as `listMembers` does. */
    listPermissions(organisationId: string, role: RoleName): Promise<Result<Permission[]>> {
      return call(connection, 'list_organisation_role_permissions', { organisationId, role })
    },

    /** Which roles may not be held together, by name. Needs `role.read`; otherwise empty. */
    listExclusions(organisationId: string): Promise<Result<RoleExclusion[]>> {
      return allOf(connection, 'organisation_role_exclusions', [['name', 'asc']], (select) =>
        select.eq('organisation_id', organisationId),
      )
    },

    /**
     * Separates duties; one of the same name is replaced.
     *
     * @param exclusion.name - one line, at most 100 characters
     * @param exclusion.roles - two or more roles of the organisation, never `owner`
     * @param exclusion.cardinality - how many are too many; default 2: no two together
     * @returns the exclusion, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `invalid_role`, `role_in_use` (a member holds them together already)
     */
    createExclusion(
      organisationId: string,
      exclusion: { name: string; roles: RoleName[]; cardinality?: number | undefined },
    ): Promise<Result<RoleExclusion>> {
      const { name, roles, cardinality } = exclusion
      const args = { organisationId, name, roles, cardinality }
      return call(connection, 'create_organisation_role_exclusion', args)
    },

    /**
     * Lifts a separation of duty.
     *
     * @returns nothing, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `invalid_role`
     */
    deleteExclusion(organisationId: string, name: string): Promise<Result<null>> {
      return call(connection, 'delete_organisation_role_exclusion', { organisationId, name })
    },
  }
}
