/**
 * Arguments that many fields have.
 *
 * @module
 */
import { builder } from '../builder.ts'
import { DEFAULT_PAGE, MAX_PAGE } from '../connection.ts'

/** Of every page: forward only, as the keysets of the database go. */
export const pageArgs = builder.args((t) => ({
  first: t.int({ required: true, defaultValue: DEFAULT_PAGE, description: `1 to ${MAX_PAGE}.` }),
  after: t.string({ description: 'The endCursor of the page before.' }),
}))

export const inOrganisation = builder.args((t) => ({
  organisationId: t.field({ type: 'UUID', required: true }),
}))
