/**
 * What Supabase Auth says in the address to which it leads back: a session, or why there is none. Fragments and
 * queries are anybody's to make up, so nothing of it is shown but as a choice among words of our own.
 *
 * Source: internal/api/{verify,external,samlacs}.go of github.com/supabase/auth.
 *
 * @module
 */
import { AuthError } from '@supabase/supabase-js'

export interface AuthReturn {
  /** What the mail was for whose link led here: `signup`, `recovery`, `magiclink`, `invite` …; null: none did. */
  by: string | null
  /** The session to take; null when none was sent. */
  session: { access_token: string; refresh_token: string } | null
  /** Why there is none; null when nothing was wrong. */
  refusal: AuthError | null
  /** Puts it back into the address, for a reload to try it again. */
  putBack(): void
}

const OF_REFUSALS = ['error', 'error_code', 'error_description']
const OF_SESSIONS = [
  ...['access_token', 'refresh_token', 'expires_in', 'expires_at', 'token_type', 'type'],
  ...['provider_token', 'provider_refresh_token', 'sb'],
]

/**
 * Reads it, and takes it out of the address bar and the history: tokens are secrets, and an error that has been read
 * is not to come again with each reload. Call it before supabase-js looks. The rest of the address stays.
 */
export function takeAuthReturn(
  location: { hash: string; search: string; pathname: string } = window.location,
  history: Pick<History, 'state' | 'replaceState'> = window.history,
): AuthReturn {
  const { pathname, search, hash } = location
  const query = new URLSearchParams(search)
  const fragment = new URLSearchParams(hash.slice(1))
  const said = (name: string) => fragment.get(name) ?? query.get(name)

  const code = said('error_code') ?? said('error')
  const refusal =
    code === null && said('error_description') === null
      ? null
      : new AuthError(said('error_description') ?? '', undefined, code ?? undefined)
  const accessToken = fragment.get('access_token')
  const refreshToken = fragment.get('refresh_token')
  const session =
    accessToken && refreshToken ? { access_token: accessToken, refresh_token: refreshToken } : null

  const by = session && fragment.get('type')

  if (refusal || accessToken) {
    for (const name of OF_REFUSALS) query.delete(name)
    for (const name of [...OF_REFUSALS, ...OF_SESSIONS]) fragment.delete(name)
    const rest = [query.size ? `?${query}` : '', fragment.size ? `#${fragment}` : '']
    history.replaceState(history.state, '', pathname + rest.join(''))
  }
  return {
    by,
    session,
    refusal,
    putBack: () => history.replaceState(history.state, '', pathname + search + hash),
  }
}
