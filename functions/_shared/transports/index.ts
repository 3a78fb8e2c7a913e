/**
 * A way to send mail. One interface, whatever is behind it.
 *
 * @module
 */
import type { Failure } from '../database.ts'

export interface Message {
  /** Without angle brackets; the same for every try of one delivery. */
  id: string
  from: { name: string; address: string }
  to: string
  replyTo: string | null
  subject: string
  html: string
  text: string
}

export type Outcome =
  | { ok: true; response: string; providerMessageId: string | null }
  | { ok: false; failure: Failure; response: string; statusCode: string | null }

export interface Transport {
  /** Never throws: whatever happens is an outcome. */
  send(message: Message): Promise<Outcome>
  close(): void
}
