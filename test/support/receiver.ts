/**
 * A receiver of webhooks on this machine, as a customer would write it: it takes what the public
 * `standardwebhooks` package verifies.
 *
 * @module
 */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { onTestFinished } from 'vitest'

export interface Heard {
  id: string
  type: string
  headers: IncomingHttpHeaders
}

export interface Answer {
  status: number
  headers?: Record<string, string>
  body?: string
}

/**
 * Starts one; it ends with the test.
 *
 * @param answer - for the nth request, from 0, that was verified; `hang` never answers. Default: 204
 */
export async function startReceiver(
  answer: (nth: number) => Answer | 'hang' = () => ({ status: 204 }),
) {
  const heard: Heard[] = []
  let secret = ''
  let refused = 0
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { headers } = request
    try {
      const body = Buffer.concat(chunks).toString()
      const { type } = new Webhook(secret).verify(body, headers as Record<string, string>) as Heard
      const next = answer(heard.length)
      heard.push({ id: String(headers['webhook-id']), type, headers })
      if (next === 'hang') return
      response.writeHead(next.status, next.headers).end(next.body)
    } catch (error) {
      if (!(error instanceof WebhookVerificationError)) throw error
      refused += 1
      response.writeHead(401).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    heard,
    /** Ends what hangs. */
    hangUp: () => server.closeAllConnections(),
    /** How many requests were signed with another secret. */
    refused: () => refused,
    /** Verifies with this one from now on. */
    trust(next: string) {
      secret = next
    },
  }
}
