/**
 * The way in that an organisation asks for: from the words of the contract to those of supabase-js.
 *
 * @module
 */
import type { AuthError } from '@supabase/supabase-js'
import type { AnySupabaseClient } from './call.ts'
import type { InvitePreview } from './invites.ts'

/** Single sign-on by SAML, whose provider Supabase Auth knows by id or by mail domain; or by OIDC. */
export type WayIn =
  | { protocol: 'saml'; providerId: string }
  | { protocol: 'saml'; domain: string }
  | { protocol: 'oidc'; provider: string }

/**
 * Through whom somebody has to come.
 *
 * @param required - the preview of an invite, or `details` of the refusal `sso_required`
 * @returns null when no provider is asked for: then any sign-in will do, or a second factor is missing
 */
export function wayIn(
  required: Pick<InvitePreview, 'signInProvider' | 'signInDomain'> | string | null,
): WayIn | null {
  const name =
    required === null || typeof required === 'string'
      ? required
      : (required.signInProvider ?? (required.signInDomain && `domain:${required.signInDomain}`))
  if (!name || /^(aal\d|max_age|amr:.*)$/.test(name)) return null
  if (name.startsWith('sso:')) return { protocol: 'saml', providerId: name.slice('sso:'.length) }
  if (name.startsWith('domain:')) return { protocol: 'saml', domain: name.slice('domain:'.length) }
  return { protocol: 'oidc', provider: name }
}

/**
 * Leads the browser to the identity provider, which leads back to `redirectTo` with a session.
 *
 * @param way.redirectTo - the page to come back to. Never put a token into it: it passes through the
 *   provider; `openLanding` keeps the token in the tab meanwhile
 * @param way.email - for the provider's form; it may be changed there
 * @returns the error of Supabase Auth; null when the browser is on its way
 */
export async function signInBy(
  { auth }: AnySupabaseClient,
  { redirectTo, email, ...way }: WayIn & { redirectTo: string; email?: string | undefined },
): Promise<AuthError | null> {
  if (way.protocol === 'saml') {
    const provider = 'domain' in way ? { domain: way.domain } : { providerId: way.providerId }
    const { error } = await auth.signInWithSSO({ ...provider, options: { redirectTo } })
    return error
  }
  const { error } = await auth.signInWithOAuth({
    provider: way.provider as Parameters<typeof auth.signInWithOAuth>[0]['provider'],
    options: {
      redirectTo,
      // Keycloak 22 and later answer nothing about a user without it.
      ...(way.provider === 'keycloak' && { scopes: 'openid email profile' }),
      ...(email && { queryParams: { login_hint: email } }),
    },
  })
  return error
}
