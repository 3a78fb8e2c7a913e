/**
 * What a mail provider tells of a mail, in one shape.
 *
 * @module
 */

import type { MailReport } from '../_shared/mail-report.ts'

/** As `usher.record_delivery_event` takes it. */
export interface DeliveryEvent {
  /** The provider's own id of this event, or one made of what it tells: tells a repetition. */
  eventId: string
  kind: 'delivered' | 'opened' | 'bounced' | 'complained'
  /** Our id, which the provider was given with the mail; null when it does not say. */
  deliveryId: string | null
  /** The provider's id of the mail. */
  providerMessageId: string | null
  /** ISO 8601, by the provider's clock; null when it does not say. */
  occurredAt: string | null
  /** Of a bounce: whether the address will never take mail. */
  isPermanent: boolean
  /** Of a bounce: what the recipient's server said. */
  response: string | null
  /** Of a bounce: its enhanced status code (RFC 3463). */
  statusCode: string | null
}

/** An event of which nothing is known yet but what it is. */
export const blankEvent = {
  deliveryId: null,
  providerMessageId: null,
  occurredAt: null,
  isPermanent: false,
  response: null,
  statusCode: null,
}

/** A genuine request: the events in it, or the reports. Or why it is refused. */
export type Reading =
  | { events: DeliveryEvent[] }
  | { reports: MailReport[] }
  | { refusal: string; status: number }

/** Reads the webhooks of one provider; `bytes` are its body as it came. */
export type Reader = (request: Request, body: string, bytes: Uint8Array) => Promise<Reading>

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const asUuid = (value: unknown) =>
  typeof value === 'string' && UUID.test(value) ? value : null

export const asText = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)

/** An id of the provider's: a text or a number, kept to what an index can hold. */
export function asId(value: unknown): string | null {
  return typeof value === 'number' ? String(value) : (asText(value)?.slice(0, 300) ?? null)
}

/** What a provider's word stands for; null for a word that is not in the list. */
export function named<Value>(list: Record<string, Value>, word: unknown): Value | null {
  return typeof word === 'string' && Object.hasOwn(list, word) ? (list[word] ?? null) : null
}

/** A time since there is mail, or null for what is none: a provider's slip must not lose the event. */
export function asTime(value: unknown): string | null {
  const time = new Date(typeof value === 'string' ? value : Number.NaN)
  return time.getTime() > 0 && time.getUTCFullYear() <= 9999 ? time.toISOString() : null
}
