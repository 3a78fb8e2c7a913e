/** Which way in an organisation asks for, and how the browser is led there. */
import { randomUUID } from 'node:crypto'
import { createClient } from '@supabase/supabase-js'
import { describe, expect, test } from 'vitest'
import { signInBy, type WayIn, wayIn } from '../../client/index.ts'
import { sharedStack } from './people.ts'

const ID = '21648a9d-8d5a-4555-a9d1-d6375dc14e92'
const preview = (signInProvider: string | null, signInDomain: string | null = null) => ({
  signInProvider,
  signInDomain,
})

describe('wayIn', () => {
  const saml = { protocol: 'saml', providerId: ID }
  test.for([
    [preview(`sso:${ID}`), saml],
    [preview(null, 'corp.example'), { protocol: 'saml', domain: 'corp.example' }],
    [preview('keycloak'), { protocol: 'oidc', provider: 'keycloak' }],
    [preview('custom:zitadel'), { protocol: 'oidc', provider: 'custom:zitadel' }],
    [preview(null), null],
    [`sso:${ID}`, saml],
    ['domain:corp.example', { protocol: 'saml', domain: 'corp.example' }],
    ['custom:zitadel', { protocol: 'oidc', provider: 'custom:zitadel' }],
    ['aal2', null],
    ['amr:totp,webauthn', null],
    ['max_age', null],
    [null, null],
  ] as const)('of %j is %j', ([required, way]) => {
    expect(wayIn(required)).toEqual(way)
  })
})

describe('signInBy', () => {
  /** What supabase-js asks of Auth, and where it would lead the browser. */
  async function led(way: WayIn, answer: object, status = 200) {
    const asked: { url: string; body: unknown }[] = []
    const supabase = createClient('https://project.example.com', 'sb_publishable_x', {
      auth: { persistSession: false, autoRefreshToken: false },
      global: {
        fetch: async (input, init) => {
          asked.push({ url: String(input), body: JSON.parse(String(init?.body ?? '{}')) })
          return Response.json(answer, { status })
        },
      },
    })
    const oauth: unknown[] = []
    const ask = supabase.auth.signInWithOAuth.bind(supabase.auth)
    supabase.auth.signInWithOAuth = (credentials) => {
      oauth.push(credentials)
      return ask(credentials)
    }
    const redirectTo = 'https://app.example.com/invite'
    const error = await signInBy(supabase, { ...way, redirectTo, email: 'kim@example.com' })
    return { asked, oauth, error }
  }
  const url = 'https://idp.example.com'

  test('asks Auth for a SAML provider by its id, or by its domain', async () => {
    const byId = await led({ protocol: 'saml', providerId: ID }, { url })
    const byDomain = await led({ protocol: 'saml', domain: 'corp.example' }, { url })

    const redirect = { redirect_to: 'https://app.example.com/invite' }
    expect(byId.asked).toMatchObject([{ body: { provider_id: ID, ...redirect } }])
    expect(byDomain.asked).toMatchObject([{ body: { domain: 'corp.example', ...redirect } }])
    expect(byId.error).toBeNull()
  })

  test('answers what Auth refuses', async () => {
    const refusal = { code: 404, error_code: 'sso_provider_not_found', msg: 'No SSO provider' }

    const { error } = await led({ protocol: 'saml', domain: 'corp.example' }, refusal, 404)

    expect(error?.code).toBe('sso_provider_not_found')
  })

  test('names an OIDC provider and the address; Keycloak is asked for the scope it needs', async () => {
    const keycloak = await led({ protocol: 'oidc', provider: 'keycloak' }, {})
    const zitadel = await led({ protocol: 'oidc', provider: 'custom:zitadel' }, {})

    const options = {
      redirectTo: 'https://app.example.com/invite',
      queryParams: { login_hint: 'kim@example.com' },
    }
    expect(keycloak.oauth).toEqual([
      { provider: 'keycloak', options: { ...options, scopes: 'openid email profile' } },
    ])
    expect(zitadel.oauth).toEqual([{ provider: 'custom:zitadel', options }])
  })
})

describe('usher.signInRules', () => {
  const stack = sharedStack()

  test('changes what is named, and is null where any way in will do', async () => {
    const { id, owner } = await stack.organisation()
    const { signInRules } = owner.must
    expect((await signInRules.get(id)).data).toBeNull()

    await signInRules.update(id, { provider: 'keycloak', maxAge: '12 hours' })
    const { data: rule } = await signInRules.update(id, { level: 'aal2' })

    expect(rule).toMatchObject({ provider: 'keycloak', maxAge: '12:00:00', level: 'aal2' })
    expect((await signInRules.get(id)).data).toEqual(rule)
    await signInRules.update(id, { provider: null, maxAge: null, level: null })
    expect((await signInRules.get(id)).data).toBeNull()
  })

  test('is said to the page of the link, and refuses whoever came another way', async () => {
    const { id, owner } = await stack.organisation()
    const email = `sso-${randomUUID().slice(0, 8)}@example.com`
    const { data: invite } = await owner.must.invites.create(id, { email, roles: ['member'] })
    await owner.must.signInRules.update(id, { provider: 'keycloak' })
    const token = await stack.tokenOf(owner, invite.id)
    const invitee = await stack.person(email)

    const { data: shown } = await stack.anyone().invites.validate(token)
    const { error } = await invitee.usher.invites.accept(token)

    expect(wayIn(shown)).toEqual({ protocol: 'oidc', provider: 'keycloak' })
    expect(error).toMatchObject({ code: 'sso_required', status: 403, details: 'keycloak' })
  })
})
