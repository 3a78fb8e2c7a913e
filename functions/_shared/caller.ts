/**
 * The caller of a door: a supabase-js client that acts as whoever sent the request.
 *
 * @module
 */
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import type { Database } from '../../client/generated/database.types.ts'
import type { DoorEnvironment } from './environment.ts'

export type CallerClient = SupabaseClient<Database>

/**
 * Makes a client that passes the request's session and key on, so that the database decides what its
 * sender may do; without them it is nobody. Holds nothing between requests.
 *
 * @param send - how it reaches the API; default: `fetch`
 */
export function callerClient(
  request: Request,
  environment: DoorEnvironment,
  send: typeof fetch = fetch,
): CallerClient {
  const headers: Record<string, string> = {}
  // The trail says where a change came from: from the caller's computer, not from this one.
  for (const name of ['authorization', 'x-forwarded-for', 'user-agent']) {
    const value = request.headers.get(name)
    if (value) headers[name] = value
  }
  return createClient<Database>(
    environment.apiUrl,
    request.headers.get('apikey') || environment.publishableKey,
    {
      global: { headers, fetch: send },
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    },
  )
}
