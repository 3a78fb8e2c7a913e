/**
 * Changing the settings of an organisation.
 *
 * @module
 */
import type { Organisation } from './acme.ts'
import type { Person } from './people.ts'

export const updateOrganisation = (
  acme: Organisation,
  changes: object,
  caller: Person = acme.owner,
) => caller.rpc('update_organisation', { organisation_id: acme.id, changes })
