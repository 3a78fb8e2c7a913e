/**
 * Organisations: create one, list one's own, ask what one may do there.
 *
 * @module
 */
import { type AnySupabaseClient, type Camel, call, camelise, type Returned } from './call.ts'
import type { Result } from './result.ts'

export type Organisation = Camel<Returned<'create_organisation'>>
export type MyOrganisation = Camel<Returned<'list_my_organisations'>[number]>

/** `usher.organisations` */
export function organisations(supabase: AnySupabaseClient) {
  return {
    /**
     * Creates an organisation; the caller becomes its owner.
     *
     * @param organisation.name - one line, 1 to 100 characters
     * @param organisation.slug - 2 to 63 of a-z, 0-9 and single hyphens; without it, made of the name
     * @returns the organisation, or `unauthenticated`, `invalid_settings`, `invalid_slug`, `slug_taken`
     */
    create(organisation: { name: string; slug?: string }): Promise<Result<Organisation>> {
      return call(supabase, 'create_organisation', organisation, camelise)
    },

    /** The organisations that the caller is an active member of, by name, with the caller's roles. */
    listMine(): Promise<Result<MyOrganisation[]>> {
      return call(supabase, 'list_my_organisations', {}, (rows) => rows.map(camelise))
    },

    /**
     * Whether the caller may do something there; false, too, for what does not exist.
     *
     * @param permission - `thing.action`, such as `invite.create`
     */
    hasPermission(organisationId: string, permission: string): Promise<Result<boolean>> {
      const args = { organisation_id: organisationId, permission }
      return call(supabase, 'has_organisation_permission', args, (allowed) => allowed)
    },

    /**
     * What the caller may do there, sorted by name.
     *
     * @returns permissions, or `unauthenticated`, `organisation_not_found`
     */
    listMyPermissions(organisationId: string): Promise<Result<string[]>> {
      const args = { organisation_id: organisationId }
      return call(supabase, 'list_my_organisation_permissions', args, (names) => names)
    },
  }
}
