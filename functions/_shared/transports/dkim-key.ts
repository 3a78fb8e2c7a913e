/**
 * The key that mails are signed with (DKIM, RFC 6376).
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { createPrivateKey, type KeyObject } from 'node:crypto'

/** Verifiers take no shorter ones. Source: RFC 8301 section 3.2 */
const MIN_BITS = 1024

/**
 * A key as people have it: PKCS#1 or PKCS#8 in PEM, on one line or several, with line breaks written as \n, in quotes,
 * without its first and last line, or encoded as base64 once more. Throws an error that says what is wrong with it.
 *
 * @returns PKCS#8 in PEM
 */
export function toDkimKey(text: string): string {
  const key = parseKey(text)
  if (key.asymmetricKeyType !== 'rsa') {
    throw new Error(
      `is of the kind ${key.asymmetricKeyType}, which Gmail and Outlook do not verify: take an RSA key of 2048 bits`,
    )
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < MIN_BITS) throw new Error(`has ${bits} bits: verifiers ask for ${MIN_BITS}, take 2048`)
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function parseKey(text: string): KeyObject {
  const plain = unwrap(text)
  const [, label, body] = plain.match(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END/) ?? []
  if (label && /PUBLIC|CERTIFICATE/.test(label)) {
    throw new Error(`is a ${label.toLowerCase()}: it has to be the private key`)
  }
  if (label?.includes('ENCRYPTED') || body?.includes('Proc-Type')) {
    throw new Error('is encrypted with a password: give it without one')
  }
  const base64 = (body ?? plain).replace(/\s/g, '')
  if (!/^[A-Za-z0-9+/]+=*$/.test(base64)) throw new Error('is no private key in PEM or base64')
  for (const type of ['pkcs8', 'pkcs1'] as const) {
    try {
      return createPrivateKey({ key: Buffer.from(base64, 'base64'), format: 'der', type })
    } catch {
      // Of the other kind, or none.
    }
  }
  throw new Error('is no private key in PEM or base64, or not a whole one')
}

/** Without what files of variables and places for secrets put around it. */
function unwrap(text: string): string {
  const plain = text
    .trim()
    .replace(/^(['"])([\s\S]*)\1$/, '$2')
    .replace(/(\\r)?\\n/g, '\n')
    .trim()
  const decoded = /^[A-Za-z0-9+/=\s]+$/.test(plain) ? Buffer.from(plain, 'base64').toString() : ''
  return decoded.includes('-----BEGIN') ? decoded : plain
}
