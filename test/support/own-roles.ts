/**
 * Roles that an organisation makes for itself, and roles that exclude each other.
 *
 * @module
 */
import type { Organisation } from './acme.ts'

export const createRole = (
  acme: Organisation,
  role: Record<string, unknown>,
  who: 'owner' | 'admin' | 'member' = 'admin',
) => acme[who].rpc('create_organisation_role', { organisation_id: acme.id, ...role })

export const excludeRoles = (acme: Organisation, roles: string[], cardinality = 2) =>
  acme.admin.rpc('create_organisation_role_exclusion', {
    organisation_id: acme.id,
    name: 'Four eyes',
    roles,
    cardinality,
  })
