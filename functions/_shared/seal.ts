/**
 * What waits in the database and must not be read there: encrypted by the functions, for the functions.
 *
 * AES-256-GCM with a key derived from a secret that the database does not have, so that a dump holds no
 * code and no link that signs anyone in. Source: OWASP Cryptographic Storage Cheat Sheet
 *
 * @module
 */
const encoder = new TextEncoder()

export interface Seal {
  seal(value: object): Promise<string>
  /** Throws when it was sealed with another secret, or changed since. */
  open<Value>(sealed: string): Promise<Value>
}

/** @param secret - of any length; a new one makes what was sealed with the old one unreadable */
export function createSeal(secret: string): Seal {
  const key = deriveKey(secret)
  return {
    async seal(value) {
      const iv = crypto.getRandomValues(new Uint8Array(12))
      const text = encoder.encode(JSON.stringify(value))
      const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await key, text)
      return toBase64(new Uint8Array([...iv, ...new Uint8Array(sealed)]))
    },
    async open(sealed) {
      const bytes = Uint8Array.from(atob(sealed), (character) => character.charCodeAt(0))
      const iv = bytes.slice(0, 12)
      const text = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, await key, bytes.slice(12))
      return JSON.parse(new TextDecoder().decode(text))
    },
  }
}

async function deriveKey(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, [
    'deriveKey',
  ])
  const parameters = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(32),
    info: encoder.encode('usher auth mail'),
  }
  return crypto.subtle.deriveKey(parameters, material, { name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ])
}

const toBase64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))
