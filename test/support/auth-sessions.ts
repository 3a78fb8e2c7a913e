/**
 * Accounts and access tokens as Supabase Auth makes them: with SAML, with OIDC, with a password.
 *
 * Sources: internal/models/sessions.go and internal/models/linking.go of github.com/supabase/auth.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { Organisation } from './acme.ts'
import { Caller } from './people.ts'
import { SSO_DOMAINS } from './stand-ins.ts'

/** Ids of SAML providers. */
export const CORP = '11111111-1111-4111-8111-111111111111'
export const RIVAL = '22222222-2222-4222-8222-222222222222'
export const now = () => Math.floor(Date.now() / 1000)
export const ago = (seconds: number) => now() - seconds
export const email = () => `new-${randomUUID().slice(0, 8)}@corp.example`

export interface Account {
  providers: string[]
  /** The address that an identity was given, where it is not the account's. */
  known?: Record<string, string>
}

/** An account as Supabase Auth keeps it: one identity a provider; SAML ones stand alone. */
export async function account(
  acme: Organisation,
  address: string,
  { providers, known = {} }: Account,
) {
  const id = randomUUID()
  const appMetadata = acme.sql.json({ provider: providers[0] ?? null, providers })
  const isSso = providers.some((name) => name.startsWith('sso:'))
  await acme.sql`insert into auth.users
    (id, email, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, is_sso_user)
    values (${id}, ${address}, now(), ${appMetadata}, '{}', ${isSso})`
  for (const provider of providers) {
    await acme.sql`insert into auth.identities (id, provider, provider_id, user_id, identity_data)
      values (${randomUUID()}, ${provider}, ${randomUUID()}, ${id},
        ${acme.sql.json({ email: known[provider] ?? address, email_verified: true })})`
  }
  return new Caller(acme.sql, 'authenticated', { id, email: address })
}

export type Claims = Record<string, unknown>
export interface Amr {
  method: string
  timestamp: number
  provider?: string
}

/** The claims of an access token as Supabase Auth issues it. */
export function token(
  address: string,
  providers: string[],
  amr: (Amr | string)[],
  more: Claims = {},
) {
  return {
    aud: 'authenticated',
    email: address,
    phone: '',
    app_metadata: { provider: providers[0], providers },
    user_metadata: { email: address, email_verified: true },
    aal: 'aal1',
    amr,
    session_id: randomUUID(),
    is_anonymous: false,
    ...more,
  }
}

export const saml = (provider?: string, timestamp = now()): Amr => ({
  method: 'sso/saml',
  timestamp,
  ...(provider && { provider }),
})
export const oauth = (timestamp = now()): Amr => ({ method: 'oauth', timestamp })
export const password = (timestamp = now()): Amr => ({ method: 'password', timestamp })
export const totp = (timestamp = now()): Amr => ({ method: 'totp', timestamp })

export const SSO = `sso:${CORP}`

export const setRule = (acme: Organisation, changes: Claims) =>
  acme.owner.rpc('update_organisation_sign_in_rule', { organisation_id: acme.id, changes })

/** Tells Auth's table of SAML domains, which the stand-in for Auth lacks. */
export async function knownDomain(acme: Organisation, domain = 'corp.example', provider = CORP) {
  await acme.sql.unsafe(SSO_DOMAINS)
  await acme.sql`delete from auth.sso_domains where domain = ${domain}`
  await acme.sql`insert into auth.sso_domains values (${provider}, ${domain})`
}

export const confirmsAddresses = async (acme: Organisation, value: boolean) => {
  await acme.sql`select usher.update_settings(${acme.sql.json({ auth_confirms_addresses: value })})`
}
