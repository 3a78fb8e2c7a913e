/**
 * The token of the link that led here.
 *
 * @module
 */

/**
 * Reads the token from the fragment (`/invite#inv_…`) or from `?token=`, and takes it out of the
 * address bar and the history at once, so that it reaches no screenshot, bookmark or referrer.
 */
export function takeToken(location: Location, history: History): string | null {
  const fragment = location.hash.slice(1)
  const token = fragment.startsWith('inv_')
    ? fragment
    : new URLSearchParams(location.search).get('token')
  if (token) history.replaceState(null, '', location.pathname)
  return token
}
