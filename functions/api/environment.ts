/**
 * The environment of the REST function.
 *
 * @module
 */
import { matching, readAll, type Variables } from '../_shared/environment.ts'
import type { Project } from './caller.ts'
import { DEFAULT_ASSETS } from './reference.ts'

export interface ApiEnvironment {
  project: Project
  /** Where callers find this function, without a slash at the end. */
  apiUrl: string
  /** Sites whose pages may call it; `*` for all. */
  origins: string[]
  /** Where the files of Swagger UI are. */
  referenceAssets: URL
}

/** A hosted function gets the first two by itself. Throws one error that names all that is wrong. */
export function readApiEnvironment(variables: Variables): ApiEnvironment {
  const withDefaults = {
    USHER_API_URL: `${variables.SUPABASE_URL}/functions/v1/api`,
    USHER_ALLOWED_ORIGINS: 'none',
    USHER_REFERENCE_ASSETS: DEFAULT_ASSETS,
    ...Object.fromEntries(Object.entries(variables).filter(([, value]) => value)),
  }
  return readAll(withDefaults, (read) => ({
    project: {
      supabaseUrl: read(
        'SUPABASE_URL',
        matching(/^https?:\/\/[^/]+$/),
        'an address without a path',
      ),
      publishableKey:
        keyOf(variables) ??
        read('SUPABASE_ANON_KEY', matching(/^\S+$/), 'the publishable key of the project'),
    },
    apiUrl: read(
      'USHER_API_URL',
      matching(/^https?:\/\/.+\/api$/),
      'an address that ends with /api',
    ),
    origins: read(
      'USHER_ALLOWED_ORIGINS',
      parseOrigins,
      '"*", "none", or origins with commas between',
    ),
    referenceAssets: read(
      'USHER_REFERENCE_ASSETS',
      parseAssets,
      'the address of a folder, https://…/ or file:///…/',
    ),
  }))
}

/** As hosted functions are given it, `{"default": "sb_publishable_…"}`, or by itself; older: the anon key. */
function keyOf({ SUPABASE_PUBLISHABLE_KEYS, SUPABASE_PUBLISHABLE_KEY }: Variables): string | null {
  const keys = parseKeys(SUPABASE_PUBLISHABLE_KEYS ?? '')
  return keys?.default ?? Object.values(keys ?? {})[0] ?? SUPABASE_PUBLISHABLE_KEY ?? null
}

function parseKeys(text: string): Record<string, string> | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function parseOrigins(text: string): string[] | null {
  const origins = text.split(',').map((origin) => origin.trim())
  if (text === 'none') return []
  return origins.every((origin) => origin === '*' || /^https?:\/\/[^/]+$/.test(origin))
    ? origins
    : null
}

function parseAssets(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url && ['https:', 'file:'].includes(url.protocol) && text.endsWith('/') ? url : null
}
