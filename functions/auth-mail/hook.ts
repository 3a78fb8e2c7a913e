/**
 * What Supabase Auth's Send Email hook says, as the mails that come of it.
 *
 * Source: https://supabase.com/docs/guides/auth/auth-hooks/send-email-hook
 *
 * @module
 */
import { AUTH_ACTIONS, type AuthAction, type AuthFacts } from '../_shared/delivery.ts'

export interface HookPayload {
  user: {
    id: string
    email?: string
    new_email?: string
    user_metadata?: Record<string, unknown>
  }
  email_data: {
    token?: string
    token_hash?: string
    token_new?: string
    token_hash_new?: string
    redirect_to?: string
    email_action_type: string
    old_email?: string
  }
}

/**
 * What was signed, as the hook's payload: of its texts, those that are none are left out.
 *
 * @returns null when it does not say who the user is and what the mail is for
 */
export function readPayload(signed: unknown): HookPayload | null {
  const { user, email_data } = (signed ?? {}) as { [key in keyof HookPayload]?: unknown }
  const { id, ...userTexts } = textsOf(user)
  const { email_action_type, ...dataTexts } = textsOf(email_data)
  if (id === undefined || email_action_type === undefined) return null
  const metadata = (user as HookPayload['user']).user_metadata
  return {
    user: { ...userTexts, id, user_metadata: typeof metadata === 'object' ? (metadata ?? {}) : {} },
    email_data: { ...dataTexts, email_action_type },
  }
}

function textsOf(given: unknown): Record<string, string> {
  const entries = Object.entries(typeof given === 'object' ? (given ?? {}) : {})
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

export interface AuthMail {
  to: string
  facts: AuthFacts
  /** What tells a repetition: the same user, action and token. */
  dedupe: string
}

/** The language that the user's own data names, if it looks like one. */
export function localeOf({ user }: HookPayload): string | null {
  const { locale, lang, language } = user.user_metadata ?? {}
  const named = [locale, lang, language].find((value) => typeof value === 'string')
  return typeof named === 'string' && /^[\w-]{2,35}$/.test(named) ? named.replace('_', '-') : null
}

/**
 * The mails to send: one, or two when both addresses of a change have to confirm it.
 *
 * @param supabaseUrl - the project's address, where links of Supabase Auth are opened
 * @returns null for an action that is not known
 */
export function mailsOf(payload: HookPayload, supabaseUrl: string): AuthMail[] | null {
  const { user, email_data: data } = payload
  const action = AUTH_ACTIONS.find((known) => known === data.email_action_type)
  if (!action) return null

  const mail = (to: string | undefined, about: string | undefined, code = '', hash = '') => ({
    to: to ?? '',
    facts: {
      action,
      email: about ?? to ?? '',
      code: code || null,
      link: hash ? verifyLink(supabaseUrl, action, hash, data.redirect_to) : null,
    },
    dedupe: [user.id, action, to, hash || code || data.old_email].join(' '),
  })

  if (action === 'email_change' && user.new_email) {
    // The names are the wrong way round, for old times' sake: token_hash_new goes to the present address
    // with token, token_hash to the new one with token_new. One pair alone goes to the new address.
    return data.token_hash_new
      ? [
          mail(user.email, user.new_email, data.token, data.token_hash_new),
          mail(user.new_email, user.new_email, data.token_new, data.token_hash),
        ]
      : [mail(user.new_email, user.new_email, data.token, data.token_hash)]
  }
  if (action === 'email_changed_notification')
    return [mail(data.old_email ?? user.email, user.email)]
  // What only tells of something has no token; a code to type in has no link.
  if (action.endsWith('_notification')) return [mail(user.email, user.email)]
  return action === 'reauthentication'
    ? [mail(user.email, user.email, data.token)]
    : [mail(user.email, user.email, data.token, data.token_hash)]
}

function verifyLink(
  supabaseUrl: string,
  action: AuthAction,
  tokenHash: string,
  redirectTo = '',
): string {
  const url = new URL('/auth/v1/verify', supabaseUrl)
  url.search = new URLSearchParams({
    token: tokenHash,
    type: action,
    ...(redirectTo && { redirect_to: redirectTo }),
  }).toString()
  return url.href
}
