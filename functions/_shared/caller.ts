/**
 * The caller of a door: a supabase-js client that acts as whoever sent the request.
 *
 * @module
 */
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import type { Database } from '../../client/generated/database.types.ts'
import type { Project } from './door-environment.ts'

export type CallerClient = SupabaseClient<Database>

/** As whom the database is asked. */
export interface Credentials {
  /** The project's key: publishable, secret, or one of the older tokens. */
  key: string
  /** A session's access token; null: none beside the key. */
  token: string | null
}

export interface CallerOptions {
  /** How it reaches the API. Default: `fetch` */
  send?: typeof fetch | undefined
  /** For the logs of the project. */
  requestId?: string
}

/**
 * The trail says where a change came from: the gateway in front of the database names this computer, and what is passed on
 * here stands beside it as claimed, unless the project's `trusted_proxies` name this one.
 */
const FORWARDED = ['x-forwarded-for', 'user-agent']
/** Milliseconds. A function of the database that takes longer has been ended by it. */
const PATIENCE = 60_000

/**
 * Reads as whom a request comes: `Authorization` carries a session's token or a key, `apikey` a key;
 * without either it is nobody.
 *
 * @returns null for an Authorization that is neither: it must not pass for nobody's
 */
export function credentialsOf(given: Headers, { publishableKey }: Project): Credentials | null {
  const bearer = given.get('authorization')?.match(/^Bearer +(\S+)$/i)?.[1]
  const key = given.get('apikey') || publishableKey
  if (bearer?.split('.').length === 3) return { key, token: bearer }
  if (given.has('authorization') && !bearer) return null
  // Keys of today (sb_…) are no tokens: the project's gateway knows what each may.
  return { key: bearer ?? key, token: null }
}

/**
 * Makes a client that passes the request's session and key on, so that the database decides what its
 * sender may do. Holds nothing between requests.
 *
 * @param given - headers of the request
 */
export function callerClient(
  { supabaseUrl }: Project,
  { key, token }: Credentials,
  given: Headers,
  { send = fetch, requestId }: CallerOptions = {},
): CallerClient {
  const headers: Record<string, string> = {}
  if (token) headers.authorization = `Bearer ${token}`
  if (requestId) headers['x-request-id'] = requestId
  for (const name of FORWARDED) {
    const value = given.get(name)
    if (value) headers[name] = value
  }
  return createClient<Database>(supabaseUrl, key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    // The caller knows better whether to try again, and when.
    db: { retry: false },
    global: {
      headers,
      fetch: (input, init) => send(input, { ...init, signal: AbortSignal.timeout(PATIENCE) }),
    },
  })
}
