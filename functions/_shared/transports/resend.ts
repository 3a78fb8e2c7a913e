/**
 * Resend, by its HTTP API. https://resend.com/docs/api-reference/emails/send-email
 *
 * @module
 */
import { OURS, post } from './http.ts'
import { headersOf, type Transport } from './index.ts'

/** What may be sent in a day or a month is used up. https://resend.com/docs/api-reference/errors */
const QUOTAS = ['daily_quota_exceeded', 'monthly_quota_exceeded']

/** @param options.url - for tests. Default: https://api.resend.com */
export function createResendTransport(
  apiKey: string,
  { url = 'https://api.resend.com', timeout }: { url?: string; timeout?: number | undefined } = {},
): Transport {
  return {
    send(message) {
      const request = new Request(`${url}/emails`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${apiKey}`,
          'content-type': 'application/json',
          // Kept for 24 hours, longer than the tries that may be in doubt are apart.
          'idempotency-key': message.deliveryId,
        },
        body: JSON.stringify({
          from: toMailbox(message.from),
          to: [message.to],
          ...(message.replyTo && { reply_to: message.replyTo }),
          subject: message.subject,
          html: message.html,
          text: message.text,
          headers: { 'Message-ID': `<${message.id}>`, ...headersOf(message) },
          tags: [{ name: 'delivery_id', value: message.deliveryId }],
        }),
      })
      return post(request, {
        timeout,
        isRepeatable: true,
        messageId: (body) => body.id,
        // The same key with another body: an earlier try was taken and its answer was lost. Each try has a
        // link of its own, so the bodies always differ.
        judge({ body }) {
          if (body.name === 'invalid_idempotent_request') return 'taken'
          return QUOTAS.includes(String(body.name)) ? OURS : null
        },
      })
    },
    close() {},
  }
}

/** `"Name" <address>`, whatever the name holds. Source: RFC 5322 section 3.2.4 */
export function toMailbox({ name, address }: { name: string; address: string }): string {
  return name ? `"${name.replace(/["\\]/g, '\\$&')}" <${address}>` : address
}
