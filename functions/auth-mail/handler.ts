/**
 * `POST /auth-mail`: Supabase Auth's Send Email hook. Checks the signature, queues the mail, answers.
 *
 * Supabase Auth gives all its tries together 5 seconds, so nothing is sent here. Tries have different ids;
 * they are told apart by user, action and token.
 *
 * @module
 */
import { Webhook } from 'standardwebhooks'
import { logTrouble } from '../_shared/log.ts'
import type { Seal } from '../_shared/seal.ts'
import { localeOf, mailsOf, readPayload } from './hook.ts'

/** Of the hook's body, which holds all that an account says of itself: more is not read, and not checked either. */
const MAX_CHARACTERS = 1_000_000

export interface QueuedAuthMail {
  to: string
  locale: string | null
  sealed: string
  dedupeKey: Uint8Array
}

export interface HandlerOptions {
  /** `v1,whsec_…`, as Supabase's dashboard shows it. */
  secret: string
  /** The project's address. */
  supabaseUrl: string
  seal: Seal
  /** Answers false when mail cannot be sent to such an address. */
  enqueue(mail: QueuedAuthMail): Promise<boolean>
}

export function createHandler({ secret, supabaseUrl, seal, enqueue }: HandlerOptions) {
  const webhook = new Webhook(secret.replace(/^v1,/, ''))

  return async (request: Request): Promise<Response> => {
    if (request.method !== 'POST') return refuse(405, 'Use POST.')
    let signed: unknown
    try {
      const body = await request.text()
      if (body.length > MAX_CHARACTERS) return refuse(413, 'This is too long.')
      signed = webhook.verify(body, Object.fromEntries(request.headers))
    } catch {
      return refuse(401, 'The signature is not that of the hook’s secret, or too old.')
    }

    const payload = readPayload(signed)
    if (!payload) return refuse(422, 'This is not what the Send Email hook says.')
    const mails = mailsOf(payload, supabaseUrl)
    if (!mails) {
      return refuse(422, `There is no mail for ${payload.email_data.email_action_type}.`)
    }
    try {
      for (const { to, facts, dedupe } of mails) {
        const isQueued = await enqueue({
          to,
          locale: localeOf(payload),
          sealed: await seal.seal(facts),
          dedupeKey: await sha256(dedupe),
        })
        if (!isQueued) return refuse(422, 'Mail cannot be sent to this address.')
      }
      return Response.json({})
    } catch (error) {
      logTrouble('auth_mail.not_queued', { error })
      return refuse(503, 'The mail could not be queued; see the log.')
    }
  }
}

/** As Supabase Auth reads a refusal. */
function refuse(status: number, message: string): Response {
  return Response.json({ error: { http_code: status, message } }, { status })
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
