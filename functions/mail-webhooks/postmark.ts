/**
 * Postmark. Its webhooks are not signed: they carry the user name and password that they were set up with.
 * https://postmarkapp.com/developer/webhooks/webhooks-overview
 *
 * @module
 */
import { isEqual } from '../_shared/worker-request.ts'
import {
  asId,
  asText,
  asTime,
  asUuid,
  blankEvent,
  type DeliveryEvent,
  named,
  type Reader,
} from './event.ts'

const KINDS: Record<string, DeliveryEvent['kind']> = {
  Delivery: 'delivered',
  Open: 'opened',
  Bounce: 'bounced',
  SpamComplaint: 'complained',
}

/** Bounces that are none: an answer of a person or a machine, or a mail that is only late. */
const NO_BOUNCE = [
  'Transient',
  'Subscribe',
  'Unsubscribe',
  'AutoResponder',
  'AddressChange',
  'OpenRelayTest',
]

/** After these the address will not take mail. */
const PERMANENT = ['HardBounce', 'BadEmailAddress', 'ManuallyDeactivated']

interface Payload {
  RecordType?: unknown
  ID?: unknown
  MessageID?: unknown
  Type?: unknown
  Details?: unknown
  Description?: unknown
  Metadata?: { delivery_id?: unknown }
  DeliveredAt?: unknown
  ReceivedAt?: unknown
  BouncedAt?: unknown
}

/** @param user - `user:password`, as in the address that Postmark was given */
export function createPostmarkReader(user: string): Reader {
  return async (request, body) => {
    if (!(await isEqual(request.headers.get('authorization') ?? '', `Basic ${btoa(user)}`))) {
      return { refusal: 'The user name or the password is wrong.', status: 401 }
    }
    let payload: Payload
    try {
      payload = JSON.parse(body)
    } catch {
      return { refusal: 'This is not JSON.', status: 400 }
    }

    const kind = named(KINDS, payload?.RecordType)
    const type = asText(payload?.Type) ?? ''
    if (!kind || NO_BOUNCE.includes(type)) return { events: [] }
    const at = payload.DeliveredAt ?? payload.ReceivedAt ?? payload.BouncedAt
    const event: DeliveryEvent = {
      ...blankEvent,
      // Bounces and complaints have an id; a delivery happens once, and of opens the first counts.
      eventId: [payload.RecordType, asId(payload.ID ?? payload.MessageID)].join(' '),
      kind,
      deliveryId: asUuid(payload.Metadata?.delivery_id),
      providerMessageId: asId(payload.MessageID),
      occurredAt: asTime(at),
      isPermanent: PERMANENT.includes(type),
      response: asText(payload.Details) ?? asText(payload.Description),
      statusCode: asText(payload.Details)?.match(/\b[245]\.\d{1,3}\.\d{1,3}\b/)?.[0] ?? null,
    }
    return { events: [event] }
  }
}
