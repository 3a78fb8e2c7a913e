/**
 * An address with its domain in the ASCII of the DNS, by which Usher and Supabase Auth store and compare it.
 * Sources: RFC 5890, UTS 46.
 *
 * @module
 */

/**
 * An address as Supabase Auth takes it: `ann@münchen.example` becomes `ann@xn--mnchen-3ya.example`. What is no address
 * comes back as it is, trimmed: whoever it is sent to says what is wrong with it.
 */
export function asciiAddress(address: string): string {
  const trimmed = address.trim()
  const at = trimmed.lastIndexOf('@') + 1
  const domain = trimmed.slice(at)
  // ASCII has one spelling, and signs that a URL would take for the end of a host are of none.
  if (at < 1 || /^[!-~]*$/.test(domain) || /[\s/\\?#:%[\]]/.test(domain)) return trimmed
  try {
    return trimmed.slice(0, at) + new URL(`https://${domain}`).hostname
  } catch {
    return trimmed
  }
}
