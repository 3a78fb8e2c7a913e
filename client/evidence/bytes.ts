/**
 * Bytes, their SHA-256, and both as hex. By Web Crypto, which browsers and Node have alike.
 *
 * @module
 */

const encoder = new TextEncoder()

export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text)

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** @returns lower case, two digits a byte */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** @param hex - of any case; what is no hex becomes 0, so that no sum fits */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length >> 1)
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at] = Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16)
  }
  return bytes
}

/** The SHA-256 of all parts, one after the other, as hex. */
export async function sha256(...parts: Uint8Array<ArrayBuffer>[]): Promise<string> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', all)))
}
