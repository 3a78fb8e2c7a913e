/**
 * A way to send mail. One interface, whatever is behind it.
 *
 * @module
 */
import type { About, Failure } from '../database.ts'

export interface Message {
  /** The delivery's id: providers get it as idempotency key and as a tag. */
  deliveryId: string
  /** The Message-ID, without angle brackets; the same for every try of one delivery. */
  id: string
  from: { name: string; address: string }
  to: string
  replyTo: string | null
  subject: string
  html: string
  text: string
  /** Takes one POST to stop more of the same. */
  oneClickStopUrl: string | null
  /** Where SMTP servers send what comes back; null: the address of `from`. */
  returnPath?: string | null
  /** Asks the provider to tell when it is opened, where that is asked mail by mail. */
  trackOpens: boolean
}

export type Outcome =
  | { ok: true; response: string; providerMessageId: string | null }
  | {
      ok: false
      failure: Failure
      /** Of whom the refusal speaks, where that is known. */
      about: About | null
      response: string
      statusCode: string | null
    }

/** Where DNS has the key: <selector>._domainkey.<domain>. Source: RFC 6376 */
export interface Signature {
  domain: string
  selector: string
  /** In base64, as it stands behind p=. */
  publicKey: string
}

export interface Transport {
  /** Never throws: whatever happens is an outcome. */
  send(message: Message): Promise<Outcome>
  /** With which key it signs each mail; null or none: whoever takes them does, or nobody. */
  signature?: Signature | null
  close(): void
}

/** Headers that every mail has, whichever way it goes. */
export function headersOf(message: Message): Record<string, string> {
  return {
    // Nobody's holiday reply should come back. Source: RFC 3834
    'Auto-Submitted': 'auto-generated',
    // Mail programs show their own button for it. Source: RFC 8058
    ...(message.oneClickStopUrl && {
      'List-Unsubscribe': `<${message.oneClickStopUrl}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    }),
  }
}
