/**
 * An address as people read it. In a file of its own, because whoever shows none does without it.
 *
 * @module
 */
import punycode from 'punycode/punycode.js'

/**
 * An address, or a domain, with its domain in its own letters. A label whose letters could pass for those of another
 * alphabet stays in ASCII, as in the address bar of browsers.
 *
 * Source: https://chromium.googlesource.com/chromium/src/+/main/docs/idn.md
 */
export function readableAddress(address: string): string {
  const at = address.lastIndexOf('@') + 1
  const labels = address.slice(at).split('.').map(readableLabel)
  return address.slice(0, at) + labels.join('.')
}

function readableLabel(label: string): string {
  if (!label.startsWith('xn--')) return label
  let readable: string
  try {
    readable = punycode.toUnicode(label)
    // What does not lead back is no domain's, and would be shown as another's.
    if (new URL(`https://${readable}`).hostname !== label) return label
  } catch {
    return label
  }
  const alphabets = [/\p{sc=Latn}/u, /\p{sc=Cyrl}/u, /\p{sc=Grek}/u, /\p{sc=Armn}/u, /\p{sc=Cher}/u]
  const isMixed = alphabets.filter((alphabet) => alphabet.test(readable)).length > 1
  // Cyrillic letters alone that all look like Latin ones.
  const isLookalike = /^[асԁеһіјӏорԛѕԝхуъьпгѵѡ\d-]+$/u.test(readable)
  const isSeen = /^[\p{L}\p{M}\p{N}·׳״・-]+$/u.test(readable)
  return isMixed || isLookalike || !isSeen ? label : readable
}
