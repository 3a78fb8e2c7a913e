/**
 * Postmark, by its HTTP API. https://postmarkapp.com/developer/api/email-api
 *
 * @module
 */
import { OURS, post } from './http.ts'
import { headersOf, type Transport } from './index.ts'
import { toMailbox } from './resend.ts'

/** Of its codes for 422, the one that speaks of the message, and the one of an address that it writes to no more. */
const INVALID = 300
const INACTIVE = 406

/**
 * @param options.stream - the message stream. Default: outbound
 * @param options.url - for tests. Default: https://api.postmarkapp.com
 */
export function createPostmarkTransport(
  serverToken: string,
  {
    stream = 'outbound',
    url = 'https://api.postmarkapp.com',
    timeout,
  }: { stream?: string | undefined; url?: string; timeout?: number | undefined } = {},
): Transport {
  return {
    send(message) {
      const headers = {
        ...headersOf(message),
        'Message-ID': `<${message.id}>`,
        // Or else it puts one of its own in its place.
        'X-PM-KeepID': 'true',
      }
      const request = new Request(`${url}/email`, {
        method: 'POST',
        headers: {
          accept: 'application/json',
          'content-type': 'application/json',
          'x-postmark-server-token': serverToken,
        },
        body: JSON.stringify({
          From: toMailbox(message.from),
          To: message.to,
          ...(message.replyTo && { ReplyTo: message.replyTo }),
          Subject: message.subject,
          HtmlBody: message.html,
          TextBody: message.text,
          Headers: Object.entries(headers).map(([Name, Value]) => ({ Name, Value })),
          Metadata: { delivery_id: message.deliveryId },
          MessageStream: stream,
          TrackOpens: message.trackOpens,
        }),
      })
      return post(request, {
        timeout,
        messageId: (body) => body.MessageID,
        judge({ status, body }) {
          if (status !== 422 || body.ErrorCode === INVALID) return null
          return body.ErrorCode === INACTIVE ? { failure: 'permanent', about: 'recipient' } : OURS
        },
      })
    },
    close() {},
  }
}
