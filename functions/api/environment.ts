/**
 * The environment of the REST function.
 *
 * @module
 */
import { type DoorEnvironment, readDoor } from '../_shared/door-environment.ts'
import { matching, readAll, type Variables } from '../_shared/environment.ts'
import { DEFAULT_ASSETS } from './reference.ts'

export interface ApiEnvironment extends DoorEnvironment {
  /** Where callers find this function, without a slash at the end. */
  apiUrl: string
  /** Where the files of Swagger UI are. */
  referenceAssets: URL
}

/** A hosted function needs nothing beyond what it has. Throws one error that names all that is wrong. */
export function readApiEnvironment(variables: Variables): ApiEnvironment {
  const { SUPABASE_URL, USHER_API_URL, USHER_REFERENCE_ASSETS } = variables
  const withDefaults = {
    ...variables,
    USHER_API_URL: USHER_API_URL || `${SUPABASE_URL}/functions/v1/api`,
    USHER_REFERENCE_ASSETS: USHER_REFERENCE_ASSETS || DEFAULT_ASSETS,
  }
  return readAll(withDefaults, (read) => ({
    ...readDoor(read, variables),
    apiUrl: read(
      'USHER_API_URL',
      matching(/^https?:\/\/.+\/api$/),
      'an address that ends with /api',
    ),
    referenceAssets: read(
      'USHER_REFERENCE_ASSETS',
      parseAssets,
      'the address of a folder, https://…/ or file:///…/',
    ),
  }))
}

function parseAssets(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url && ['https:', 'file:'].includes(url.protocol) && text.endsWith('/') ? url : null
}
