/**
 * `POST /mail-webhooks/<provider>`: what became of mails, told by resend, postmark, ses, or standard for any
 * other sender of Standard Webhooks.
 *
 * A provider that is not set up is not found. What is refused is refused for good, and what could not be
 * written down now answers 503, so that the provider comes again: telling twice is harmless.
 *
 * @module
 */
import { log, logTrouble } from '../_shared/log.ts'
import type { DeliveryEvent, Reader } from './event.ts'

/** More than any event of one mail is long. */
const MAX_BYTES = 256 * 1024

export interface HandlerOptions {
  readers: Partial<Record<string, Reader>>
  /** Answers recorded, duplicate, unknown or ignored. */
  record(provider: string, event: DeliveryEvent): Promise<string>
}

export function createHandler({ readers, record }: HandlerOptions) {
  return async (request: Request): Promise<Response> => {
    const provider = new URL(request.url).pathname.split('/').filter(Boolean).at(-1) ?? ''
    const read = Object.hasOwn(readers, provider) ? readers[provider] : null
    if (!read) return answer(404, 'No such provider is set up here.')
    if (request.method !== 'POST') return answer(405, 'Use POST.')
    const body = await request.text()
    if (body.length > MAX_BYTES) return answer(413, 'This is too long.')

    try {
      const reading = await read(request, body)
      if ('refusal' in reading) {
        logTrouble('mail_webhook.refused', { provider, reason: reading.refusal })
        return answer(reading.status, reading.refusal)
      }
      for (const event of reading.events) {
        const outcome = await record(provider, event)
        log('mail_webhook.taken', {
          provider,
          kind: event.kind,
          delivery_id: event.deliveryId,
          outcome,
        })
      }
      return answer(200, 'Taken.')
    } catch (error) {
      logTrouble('mail_webhook.failed', { provider, error })
      return answer(503, 'Not written down; please come again.')
    }
  }
}

function answer(status: number, message: string): Response {
  return Response.json({ message }, { status, headers: status === 405 ? { allow: 'POST' } : {} })
}
