/**
 * When a server wants to be asked again. Source: RFC 9110 section 10.2.3
 *
 * @module
 */

/**
 * @param header - Retry-After, as seconds or as a time
 * @param now - milliseconds since 1970
 * @returns seconds, from 0 to a day; null where it says nothing that can be read
 */
export function parseRetryAfter(header: string | undefined, now: number): number | null {
  if (!header) return null
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000
  return Number.isNaN(seconds) ? null : Math.min(Math.max(Math.ceil(seconds), 0), 86_400)
}
