/**
 * Signs mails, where the mail server does not (DKIM, RFC 6376).
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { createPublicKey } from 'node:crypto'
import DKIM from 'nodemailer/lib/dkim'
import type { Signature } from './index.ts'
import type { DkimKey } from './smtp.ts'

export interface Signer {
  sign(message: Buffer): Promise<Buffer>
  signature: Signature
}

/** Signs whole messages. Rejects where nothing was signed: nodemailer itself then sends them as they are. */
export function createSigner({ domain, selector, privateKey }: DkimKey): Signer {
  const dkim = new DKIM({ domainName: domain, keySelector: selector, privateKey })
  const sign = async (message: Buffer): Promise<Buffer> => {
    const chunks: Buffer[] = []
    for await (const chunk of dkim.sign(message)) chunks.push(chunk as Buffer)
    const signed = Buffer.concat(chunks)
    if (!signed.subarray(0, 15).equals(Buffer.from('DKIM-Signature:'))) {
      throw Object.assign(new Error('DKIM_PRIVATE_KEY does not sign.'), { code: 'ECONFIG' })
    }
    return signed
  }
  return { sign, signature: { domain, selector, publicKey: publicHalf(privateKey) } }
}

function publicHalf(privateKey: string): string {
  try {
    return createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64')
  } catch {
    // Of no key at all; signing says so.
    return ''
  }
}
