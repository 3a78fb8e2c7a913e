/**
 * `POST /mail-webhooks/<provider>`: what became of mails, told by resend, postmark, ses, standard for any other
 * sender of Standard Webhooks, or report for a mail server that passes on what came back.
 *
 * A provider that is not set up is not found. What is refused is refused for good, and what could not be
 * written down now answers 503, so that the provider comes again: telling twice is harmless.
 *
 * @module
 */
import { log, logTrouble } from '../_shared/log.ts'
import type { MailReport } from '../_shared/mail-report.ts'
import type { DeliveryEvent, Reader } from './event.ts'

/** More than any event of one mail is long. */
const MAX_BYTES = 256 * 1024

export interface HandlerOptions {
  readers: Partial<Record<string, Reader>>
  /** Answers recorded, duplicate, unknown or ignored. */
  record(provider: string, event: DeliveryEvent): Promise<string>
  /** Answers as well. */
  recordReport?(report: MailReport): Promise<string>
}

export function createHandler({ readers, record, recordReport }: HandlerOptions) {
  return async (request: Request): Promise<Response> => {
    const provider = new URL(request.url).pathname.split('/').filter(Boolean).at(-1) ?? ''
    const read = Object.hasOwn(readers, provider) ? readers[provider] : null
    if (!read) return answer(404, 'No such provider is set up here.')
    if (request.method !== 'POST') return answer(405, 'Use POST.')
    const bytes = new Uint8Array(await request.arrayBuffer())
    // A returned mail may be longer: of that, what is at its beginning is read.
    if (bytes.length > MAX_BYTES && provider !== 'report') return answer(413, 'This is too long.')
    const body = new TextDecoder().decode(bytes)

    try {
      const reading = await read(request, body, bytes)
      if ('refusal' in reading) {
        logTrouble('mail_webhook.refused', { provider, reason: reading.refusal })
        return answer(reading.status, reading.refusal)
      }
      if ('reports' in reading) {
        for (const report of reading.reports) {
          const outcome = await recordReport?.(report)
          log('mail_report.taken', { action: report.action, about: report.about, outcome })
        }
        return answer(
          200,
          reading.reports.length > 0 ? 'Taken.' : 'This is no report of a mail of ours.',
        )
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
