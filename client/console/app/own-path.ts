/**
 * Addresses that lead to these pages, out of what anybody can write into an address.
 *
 * @module
 */

/**
 * The path to go to, if it is one of these pages: one slash, then none and no backslash, which browsers take for
 * one, nor a tab or line break, which they leave out.
 *
 * @returns null for any other
 */
export function ownPath(wanted: string | null): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return wanted !== null && /^\/(?![/\\])[^\x00-\x1f]*$/.test(wanted) ? wanted : null
}

/** The path of an address of these pages, also of a whole one. */
export function ownPathOf(address: string): string | null {
  const { origin } = window.location
  const url = URL.canParse(address, origin) ? new URL(address, origin) : null
  return url?.origin === origin ? url.pathname + url.search + url.hash : null
}
