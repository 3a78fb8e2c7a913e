/**
 * References to the types of organisations, for types that they are part of.
 *
 * @module
 */
import { builder } from '../builder.ts'
import type { MyOrganisationRow, OrganisationRow } from '../rows.ts'

export const Organisation = builder.objectRef<OrganisationRow>('Organisation')
export const MyOrganisation = builder.objectRef<MyOrganisationRow>('MyOrganisation')
