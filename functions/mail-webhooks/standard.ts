/**
 * Senders by the Standard Webhooks specification: Resend, and any other.
 * https://www.standardwebhooks.com
 *
 * @module
 */
import { Webhook } from 'standardwebhooks'
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

/** `email.delivered` and so on; what else it tells is nothing to us. */
const KINDS: Record<string, DeliveryEvent['kind']> = {
  'email.delivered': 'delivered',
  'email.opened': 'opened',
  'email.bounced': 'bounced',
  'email.complained': 'complained',
}

interface Payload {
  type?: unknown
  created_at?: unknown
  timestamp?: unknown
  data?: {
    /** Ours, where the sender gives it back as it is. */
    delivery_id?: unknown
    /** Resend: what the mail was tagged with. */
    tags?: { delivery_id?: unknown }
    email_id?: unknown
    message_id?: unknown
    bounce?: { type?: unknown; message?: unknown; status_code?: unknown }
  }
}

/**
 * @param secret - `whsec_…`
 * @returns a reader that also takes the header names of Svix, which Resend sends
 */
export function createStandardReader(secret: string): Reader {
  const webhook = new Webhook(secret)
  return async (request, body) => {
    const header = (name: string) =>
      request.headers.get(`webhook-${name}`) ?? request.headers.get(`svix-${name}`) ?? ''
    const id = header('id')
    let payload: Payload
    try {
      payload = webhook.verify(body, {
        'webhook-id': id,
        'webhook-timestamp': header('timestamp'),
        'webhook-signature': header('signature'),
      }) as Payload
    } catch {
      return { refusal: 'The signature is wrong, or too old.', status: 401 }
    }

    const kind = named(KINDS, payload?.type)
    if (!kind) return { events: [] }
    const data = payload.data ?? {}
    const event: DeliveryEvent = {
      ...blankEvent,
      eventId: id,
      kind,
      deliveryId: asUuid(data.delivery_id ?? data.tags?.delivery_id),
      providerMessageId: asId(data.email_id ?? data.message_id),
      occurredAt: asTime(payload.created_at ?? payload.timestamp),
      isPermanent: /^(permanent|hard)/i.test(asText(data.bounce?.type) ?? ''),
      response: asText(data.bounce?.message),
      statusCode: asText(data.bounce?.status_code),
    }
    return { events: [event] }
  }
}
