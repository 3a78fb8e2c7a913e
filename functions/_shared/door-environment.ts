/**
 * The environment of a door: REST, GraphQL, or another. The same variables mean the same to each.
 *
 * @module
 */
import { matching, type Read, readAll, type Variables } from './environment.ts'

export interface Project {
  /** The project's API, as supabase-js takes it. */
  supabaseUrl: string
  /** The key of callers who bring none. */
  publishableKey: string
}

export interface DoorEnvironment extends Project {
  /** Whose pages may call from a browser: `*` for all, or origins. */
  allowedOrigins: string[]
}

/**
 * What a door needs: `SUPABASE_URL` and a publishable key, which every edge function has, and
 * `USHER_ALLOWED_ORIGINS`, origins with commas between them (default: `*`). Throws one error that names
 * all that is wrong.
 */
export function readDoorEnvironment(variables: Variables): DoorEnvironment {
  return readAll(variables, (read) => readDoor(read, variables))
}

/** The same, as a part of an environment that holds more. */
export function readDoor(read: Read, variables: Variables): DoorEnvironment {
  const { USHER_ALLOWED_ORIGINS, SUPABASE_PUBLISHABLE_KEYS, SUPABASE_PUBLISHABLE_KEY } = variables
  return {
    supabaseUrl: read('SUPABASE_URL', matching(/^https?:\/\/[^/]+$/), 'an address without a path'),
    publishableKey:
      keyOf(SUPABASE_PUBLISHABLE_KEYS, SUPABASE_PUBLISHABLE_KEY) ??
      read('SUPABASE_ANON_KEY', matching(/^\S+$/), 'the publishable key of the project'),
    // There are no cookies: a page can do no more here than any program that holds the same token.
    allowedOrigins:
      USHER_ALLOWED_ORIGINS === undefined
        ? ['*']
        : read('USHER_ALLOWED_ORIGINS', parseOrigins, '* or origins such as https://a.test'),
  }
}

/**
 * A key of the project out of two variables.
 *
 * @param all - as hosted functions are given it, such as `{"default": "sb_publishable_…"}`
 * @param one - by itself
 * @returns null where there is neither: then it comes the older way
 */
export function keyOf(all: string | undefined, one: string | undefined): string | null {
  const keys = parseKeys(all ?? '')
  return keys?.default ?? Object.values(keys ?? {})[0] ?? (one || null)
}

function parseKeys(text: string): Record<string, string> | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function parseOrigins(text: string): string[] | null {
  const origins = text.split(',').map((origin) => origin.trim().replace(/\/$/, ''))
  const isOrigin = (origin: string) =>
    origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)
  return origins.every(isOrigin) ? origins : null
}
