/**
 * Mails of Auth, handed to the Send Email hook as Supabase Auth hands them: `functions/auth-mail` words them and
 * puts them into the outbox. So the local stack sends what a project with the hook sends.
 *
 * Source: https://supabase.com/docs/guides/auth/auth-hooks/send-email-hook
 *
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { Webhook } from 'standardwebhooks'
import type { AuthMessage } from './lite.ts'

export interface AuthMail {
  to: string
  /** Such as `signup` or `recovery`. */
  action: string
  /** Six digits. */
  code: string
  /** What the link carries; empty where there is only a code. */
  hash: string
  /** Where the link leads in the end; null: to the site. */
  redirectTo: string | null
}

export type AuthMails = ReturnType<typeof createAuthMails>

interface AuthMailsOptions {
  sql: postgres.Sql
  siteUrl: string
  /** Where the hook answers, and its secret as Supabase's dashboard shows it; without it, mails go nowhere. */
  hook?: { url: string; secret: string } | undefined
}

export function createAuthMails({ sql, siteUrl, hook }: AuthMailsOptions) {
  const asked = new AsyncLocalStorage<string | null>()
  const webhook = hook && new Webhook(hook.secret.replace(/^v1,/, ''))

  async function send({ to, action, code, hash, redirectTo }: AuthMail): Promise<void> {
    if (!hook || !webhook) return
    const [user] = await sql`
      select u.id, u.email, u.email_change as new_email, u.raw_user_meta_data as user_metadata
      from auth.users u where lower(u.email) = lower(${to}) or lower(u.email_change) = lower(${to})`
    const body = JSON.stringify({
      user: { ...user, id: user?.id ?? randomUUID() },
      email_data: {
        token: code,
        token_hash: hash,
        redirect_to: redirectTo ?? siteUrl,
        email_action_type: action,
        site_url: siteUrl,
      },
    })
    const id = `msg_${randomUUID()}`
    const now = new Date()
    const answer = await fetch(hook.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': webhook.sign(id, now, body),
      },
      body,
    })
    if (!answer.ok) throw new Error(`The Send Email hook answered ${answer.status}.`)
  }

  return {
    send,
    /** Notes where the links of mails that come of this request lead: the stand-in forgets it. */
    leadingTo: <T>(redirectTo: string | null, work: () => T): T => asked.run(redirectTo, work),
    /** Takes a mail of the stand-in, which says in its text what the hook is told in fields. */
    sendMessage({ to, text = '' }: AuthMessage): Promise<void> {
      const link = text.match(/https?:\S+/)?.[0]
      const given = link ? new URL(link).searchParams : null
      return send({
        to,
        action: given?.get('type') ?? 'reauthentication',
        code: text.match(/\b\d{6}\b/)?.[0] ?? '',
        hash: given?.get('token') ?? '',
        redirectTo: asked.getStore() ?? null,
      })
    },
  }
}
