/**
 * The environment of the SCIM function.
 *
 * @module
 */
import { matching, readAll, readDatabaseUrl, type Variables } from '../_shared/environment.ts'

export interface ScimEnvironment {
  /** As the role usher_worker. */
  databaseUrl: string
  /** Where identity providers find this function, such as https://…/functions/v1/scim/v2. */
  scimUrl: string
}

/** Throws one error that names all that is wrong. */
export function readScimEnvironment(variables: Variables): ScimEnvironment {
  const { SUPABASE_URL, USHER_SCIM_URL } = variables
  const withDefaults = {
    ...variables,
    USHER_SCIM_URL: USHER_SCIM_URL || `${SUPABASE_URL}/functions/v1/scim/v2`,
  }
  return readAll(withDefaults, (read) => ({
    databaseUrl: readDatabaseUrl(read),
    scimUrl: read(
      'USHER_SCIM_URL',
      matching(/^https?:\/\/.+\/scim\/v2$/),
      'an address that ends with /scim/v2',
    ),
  }))
}
