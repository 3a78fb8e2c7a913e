import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import {
  type Amr,
  account,
  ago,
  type Claims,
  CORP,
  email,
  knownDomain,
  now,
  oauth,
  password,
  RIVAL,
  SSO,
  saml,
  setRule,
  token,
  totp,
} from '../support/auth-sessions.ts'

interface Case {
  says: string
  rule: Claims
  /** The providers that the account has come by. */
  has: string[]
  known?: Record<string, string>
  amr: (Amr | string)[]
  claims?: Claims
  /** What is missing; without it, the invite is accepted. */
  lacks?: string
}

const bySaml = { provider: SSO }
const byKeycloak = { provider: 'keycloak' }

const CASES: Case[] = [
  { says: 'SAML: the right provider', rule: bySaml, has: [SSO], amr: [saml(CORP)] },
  {
    says: 'SAML: the right provider, which amr leaves unnamed',
    rule: bySaml,
    has: [SSO],
    amr: [saml()],
  },
  { says: 'SAML: amr as plain words', rule: bySaml, has: [SSO], amr: ['sso/saml'] },
  {
    says: 'SAML: another provider',
    rule: bySaml,
    has: [`sso:${RIVAL}`],
    amr: [saml(RIVAL)],
    lacks: SSO,
  },
  {
    says: 'SAML: amr names another provider than the account',
    rule: bySaml,
    has: [SSO],
    amr: [saml(RIVAL)],
    lacks: SSO,
  },
  { says: 'SAML: no amr at all', rule: bySaml, has: [SSO], amr: [], lacks: SSO },
  {
    says: 'SAML: amr is not a list',
    rule: bySaml,
    has: [SSO],
    amr: [],
    claims: { amr: 'sso/saml' },
    lacks: SSO,
  },
  {
    says: 'SAML: a password, though the account has the identity as well',
    rule: bySaml,
    has: [SSO, 'email'],
    amr: [password()],
    lacks: SSO,
  },
  {
    says: 'SAML: a one-time code by mail',
    rule: bySaml,
    has: [SSO],
    amr: [{ method: 'otp', timestamp: now() }],
    lacks: SSO,
  },
  {
    says: 'SAML: the token tells of the provider, the account knows nothing of it',
    rule: bySaml,
    has: ['email'],
    amr: [saml(CORP)],
    claims: { app_metadata: { provider: SSO, providers: [SSO] } },
    lacks: SSO,
  },
  {
    says: 'SAML: forged in user_metadata, which everyone writes themselves',
    rule: bySaml,
    has: ['email'],
    amr: [password()],
    claims: {
      user_metadata: {
        provider: SSO,
        providers: [SSO],
        amr: [saml(CORP)],
        app_metadata: { provider: SSO, providers: [SSO] },
        iss: SSO,
      },
    },
    lacks: SSO,
  },
  {
    says: 'SAML: the identity has another address than the account',
    rule: bySaml,
    has: [SSO],
    known: { [SSO]: 'somebody-else@corp.example' },
    amr: [saml(CORP)],
    lacks: SSO,
  },
  { says: 'SAML by domain', rule: { domain: 'corp.example' }, has: [SSO], amr: [saml(CORP)] },
  {
    says: 'SAML by domain: the provider of another domain',
    rule: { domain: 'corp.example' },
    has: [`sso:${RIVAL}`],
    amr: [saml(RIVAL)],
    lacks: 'domain:corp.example',
  },
  { says: 'OIDC: Keycloak', rule: byKeycloak, has: ['keycloak'], amr: [oauth()] },
  {
    says: 'OIDC: Keycloak, of an account that began with a password',
    rule: byKeycloak,
    has: ['email', 'keycloak'],
    amr: [oauth()],
  },
  {
    says: 'OIDC: a custom provider such as Zitadel',
    rule: { provider: 'custom:zitadel' },
    has: ['custom:zitadel'],
    amr: [oauth()],
  },
  {
    says: 'OIDC: another custom provider',
    rule: { provider: 'custom:zitadel' },
    has: ['custom:other'],
    amr: [oauth()],
    lacks: 'custom:zitadel',
  },
  {
    says: 'OIDC: another provider',
    rule: byKeycloak,
    has: ['google'],
    amr: [oauth()],
    lacks: 'keycloak',
  },
  {
    says: 'OIDC: one of two providers, and the token does not say which',
    rule: byKeycloak,
    has: ['keycloak', 'google'],
    amr: [oauth()],
    lacks: 'keycloak',
  },
  {
    says: 'OIDC: one of two providers, and the token names it',
    rule: byKeycloak,
    has: ['keycloak', 'google'],
    amr: [{ ...oauth(), provider: 'keycloak' }],
  },
  {
    says: 'OIDC: one of two providers, and the token names the other',
    rule: byKeycloak,
    has: ['keycloak', 'google'],
    amr: [{ ...oauth(), provider: 'google' }],
    lacks: 'keycloak',
  },
  {
    says: 'OIDC: a password, though the account has the identity as well',
    rule: byKeycloak,
    has: ['email', 'keycloak'],
    amr: [password()],
    lacks: 'keycloak',
  },
  {
    says: 'OIDC: a linked identity of another address',
    rule: byKeycloak,
    has: ['email', 'keycloak'],
    known: { keycloak: 'somebody-else@corp.example' },
    amr: [oauth()],
    lacks: 'keycloak',
  },
  {
    says: 'OIDC: forged in user_metadata',
    rule: byKeycloak,
    has: ['email'],
    amr: [password()],
    claims: {
      user_metadata: { provider: 'keycloak', providers: ['keycloak'], iss: 'https://id.example' },
    },
    lacks: 'keycloak',
  },
  {
    says: 'OIDC: a session by SAML is none by OIDC',
    rule: byKeycloak,
    has: [SSO],
    amr: [saml(CORP)],
    lacks: 'keycloak',
  },
  {
    says: 'level: aal2',
    rule: { level: 'aal2' },
    has: ['email'],
    amr: [totp(), password()],
    claims: { aal: 'aal2' },
  },
  {
    says: 'level: aal1 where aal2 is asked',
    rule: { level: 'aal2' },
    has: ['email'],
    amr: [password()],
    lacks: 'aal2',
  },
  {
    says: 'level: no level in the token',
    rule: { level: 'aal2' },
    has: ['email'],
    amr: [password()],
    claims: { aal: undefined },
    lacks: 'aal2',
  },
  {
    says: 'level: forged in user_metadata',
    rule: { level: 'aal2' },
    has: ['email'],
    amr: [password()],
    claims: { user_metadata: { aal: 'aal2' } },
    lacks: 'aal2',
  },
  {
    says: 'provider and level: the provider alone is not enough',
    rule: { ...bySaml, level: 'aal2' },
    has: [SSO],
    amr: [saml(CORP)],
    lacks: 'aal2',
  },
  {
    says: 'provider and level: both',
    rule: { ...bySaml, level: 'aal2' },
    has: [SSO],
    amr: [totp(), saml(CORP)],
    claims: { aal: 'aal2' },
  },
  {
    says: 'methods: one of those asked for',
    rule: { methods: ['webauthn', 'totp'] },
    has: ['email'],
    amr: [totp(), password()],
  },
  {
    says: 'methods: none of those asked for',
    rule: { methods: ['webauthn', 'totp'] },
    has: ['email'],
    amr: [password()],
    lacks: 'amr:totp,webauthn',
  },
  {
    says: 'stale: SAML of yesterday, though the token was refreshed a minute ago',
    rule: { ...bySaml, max_age: '12 hours' },
    has: [SSO],
    amr: [{ method: 'token_refresh', timestamp: ago(60) }, saml(CORP, ago(86_400))],
    lacks: SSO,
  },
  {
    says: 'stale: SAML of yesterday, a second factor of now',
    rule: { ...bySaml, max_age: '12 hours' },
    has: [SSO],
    amr: [totp(), saml(CORP, ago(86_400))],
    claims: { aal: 'aal2' },
    lacks: SSO,
  },
  {
    says: 'fresh: SAML of an hour ago',
    rule: { ...bySaml, max_age: '12 hours' },
    has: [SSO],
    amr: [saml(CORP, ago(3_600))],
  },
  {
    says: 'stale: a password of yesterday',
    rule: { max_age: '12 hours' },
    has: ['email'],
    amr: [password(ago(86_400))],
    lacks: 'max_age',
  },
  {
    says: 'stale: amr that does not say when',
    rule: { max_age: '12 hours' },
    has: ['email'],
    amr: ['password'],
    lacks: 'max_age',
  },
  { says: 'no rule: a password', rule: {}, has: ['email'], amr: [password()] },
]

describe('accepting, by what the token says', () => {
  test.for(CASES)('$says', async ({ rule, has, known, amr, claims, lacks }, { acme }) => {
    await knownDomain(acme)
    await setRule(acme, rule)
    const address = email()
    const invitee = await account(acme, address, { providers: has, ...(known && { known }) })
    const { token: link } = await acme.invite(address)

    const accepting = invitee
      .inSession(token(address, has, amr, claims))
      .rpc('accept_organisation_invite', { token: link })

    if (lacks) {
      await expect(accepting).rejects.toMatchObject({
        code: 'sso_required',
        status: 403,
        details: lacks,
      })
      expect(await acme.anyone.rpc('validate_organisation_invite', { token: link })).toMatchObject({
        status: 'pending',
      })
    } else {
      expect(await accepting).toMatchObject({ user_id: invitee.userId, status: 'active' })
    }
  })

  test('a token of any odd shape is refused in words, and never an error', async ({ acme }) => {
    await setRule(acme, { ...bySaml, level: 'aal2', max_age: '1 hour' })
    const address = email()
    const invitee = await account(acme, address, { providers: [SSO] })
    const { token: link } = await acme.invite(address)
    const odd = [
      {},
      { amr: null, app_metadata: null, aal: null },
      { amr: {}, app_metadata: [], aal: 2 },
      { amr: [null, 7, true, [], [['sso/saml']], {}, { method: null }], app_metadata: 'sso' },
      { amr: [{ method: ['sso/saml'] }], app_metadata: { provider: [SSO], providers: SSO } },
      { amr: [{ method: 'sso/saml', timestamp: 'now' }], app_metadata: { provider: SSO } },
      { amr: [{ method: 'sso/saml', provider: {} }], app_metadata: { providers: [{}, null, 1] } },
    ]

    for (const claims of odd) {
      await expect(
        invitee.inSession(claims).rpc('accept_organisation_invite', { token: link }),
      ).rejects.toMatchObject({ code: 'sso_required', details: SSO })
    }
  })

  test('nobody but the invited address learns which way in is asked for', async ({ acme }) => {
    await setRule(acme, bySaml)
    const { token: link } = await acme.invite()

    await expect(
      acme.stranger.rpc('accept_organisation_invite', { token: link }),
    ).rejects.toMatchObject({ code: 'invite_wrong_email', details: null })
  })

  test('the page of the link learns which way in to offer', async ({ acme }) => {
    await setRule(acme, { ...bySaml, level: 'aal2' })
    const open = await acme.invite()
    const revoked = await acme.inviteIn('revoked')
    const preview = (link: string) =>
      acme.anyone.rpc('validate_organisation_invite', { token: link })

    expect(await preview(open.token)).toMatchObject({
      sign_in_provider: SSO,
      sign_in_domain: null,
      sign_in_level: 'aal2',
    })
    expect(await preview(revoked.token)).toMatchObject({ sign_in_provider: null })
  })
})
