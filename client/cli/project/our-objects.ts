/**
 * The names that Usher takes in a database.
 *
 * @module
 */
import { GRANTS } from '../../generated/grants.ts'

/** In `public`, as `relation public.organisations` and `function public.create_organisation`. */
export const OUR_OBJECTS: string[] = [
  ...new Set(
    Object.keys(GRANTS)
      .filter((object) => / public\./.test(object))
      .map((object) => object.replace(/\(.*$/, '').replace(/^table /, 'relation ')),
  ),
]

/** The first sentence of the comment on schema `usher`, by which it is known to be ours. */
export const OUR_SCHEMA_COMMENT = 'The rules behind the organisation functions of public.'
