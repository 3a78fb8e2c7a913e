/**
 * Domains: an organisation proves a mail domain, and lets its people join by themselves.
 *
 * @module
 */
import { type Connection, call, type RowOf } from './call.ts'
import type { RoleName } from './generated/roles.ts'
import type { Camel } from './names.ts'
import { allOf } from './pages.ts'
import type { Result } from './result.ts'

/** `none`; `join`: people of the domain become members by themselves; `ask`: they ask to. */
export type JoinPolicy = 'none' | 'join' | 'ask'
/** `verification` is what the TXT record at `_usher.<domain>` has to say. */
export type Domain = Omit<Camel<RowOf<'organisation_domains'>>, 'joinPolicy' | 'role'> & {
  joinPolicy: JoinPolicy
  role: RoleName
}

/** `usher.domains` */
export function domains(connection: Connection) {
  return {
    /** The domains of an organisation, by name. Needs `organisation.update`; otherwise empty. */
    list(organisationId: string): Promise<Result<Domain[]>> {
      return allOf(connection, 'organisation_domains', [['domain', 'asc']], (select) =>
        select.eq('organisation_id', organisationId),
      )
    },

    /**
     * Claims a domain. It is verified once its TXT record says what `verification` does.
     *
     * @returns the domain, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `invalid_settings`
     */
    create(organisationId: string, domain: string): Promise<Result<Domain>> {
      return call(connection, 'create_organisation_domain', { organisationId, domain })
    },

    /**
     * Says what people of a domain may do, once it is verified; what is left out stays.
     *
     * @param changes.role - what they join with; the caller must be able to give it
     * @returns the domain, or as `create`, or `invalid_role`, `role_not_assignable`
     */
    update(
      organisationId: string,
      domain: string,
      changes: { joinPolicy?: JoinPolicy | undefined; role?: RoleName | undefined },
    ): Promise<Result<Domain>> {
      const { joinPolicy, role } = changes
      const args = { organisationId, domain, joinPolicy, role }
      return call(connection, 'update_organisation_domain', args)
    },

    /** Gives a domain up; who has joined by it stays. Fails as `create` does. */
    delete(organisationId: string, domain: string): Promise<Result<null>> {
      return call(connection, 'delete_organisation_domain', { organisationId, domain })
    },
  }
}
