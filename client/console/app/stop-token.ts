/**
 * The token of the link to stop mails. It is not one of an invite, and not kept: whoever comes again, comes by
 * the mail again.
 *
 * @module
 */

/** Takes it out of the address bar and the history. @returns null when the address has none */
export function takeStopToken(): string | null {
  const { hash, pathname, search } = window.location
  if (!hash.startsWith('#stp_')) return null
  window.history.replaceState(window.history.state, '', pathname + search)
  return hash.slice(1)
}
