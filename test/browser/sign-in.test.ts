/**
 * Organisations that ask for a certain way in, and links that register by one click, in a real browser. The local
 * Auth has neither providers nor an admin API: what Supabase Auth answers there is answered by the test.
 */
import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Page, Route } from 'playwright-core'
import postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { createCodeMaker } from '../../functions/one-click/auth.ts'
import { createHandler } from '../../functions/one-click/handler.ts'
import { oneClickRulesOf } from '../../functions/one-click/rules.ts'
import {
  type Account,
  axe,
  linkIn,
  linkOf,
  mailTo,
  newAddress,
  signUp,
  stack,
  test,
} from '../support/browser.ts'
import { AUTH_KEY, startAuth } from '../support/one-click.ts'

const CORP = '11111111-1111-4111-8111-111111111111'
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
const ACCEPT = 'Accept the invitation'
const GO_ON = 'Go on to sign in'

function database() {
  const sql = postgres(stack.databaseUrl, { max: 2, onnotice: () => {} })
  onTestFinished(() => sql.end())
  return sql
}

async function invited(owner: Account, organisationId: string, email: string) {
  const { data } = await owner.usher.invites.create(organisationId, { email, roles: ['member'] })
  return linkOf(owner, data)
}

/** A session as Supabase Auth issues it. */
async function sessionOf(id: string, email: string, claims: object) {
  const now = Math.floor(Date.now() / 1000)
  const payload = { sub: id, email, role: 'authenticated', aud: 'authenticated', ...claims }
  const accessToken = await new SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(now)
    .setExpirationTime(now + 3600)
    .sign(new TextEncoder().encode(stack.jwtSecret))
  return {
    access_token: accessToken,
    refresh_token: 'refresh',
    token_type: 'bearer',
    expires_in: 3600,
    expires_at: now + 3600,
    user: { id, email, aud: 'authenticated', app_metadata: {}, user_metadata: {}, factors: [] },
  }
}

const bySaml = {
  app_metadata: { provider: `sso:${CORP}`, providers: [`sso:${CORP}`] },
  amr: [{ method: 'sso/saml', provider: CORP, timestamp: Math.floor(Date.now() / 1000) }],
  aal: 'aal1',
}

const json = (route: Route, body: unknown, status = 200) =>
  route.fulfill({ status, json: body, headers: { 'access-control-allow-origin': '*' } })

describe('an organisation with single sign-on', () => {
  test('sends an invitee to its provider, who comes back, accepts and is in', async ({
    owner,
    organisation,
    open,
  }) => {
    const sql = database()
    const email = newAddress('saml')
    const link = await invited(owner, organisation.id, email)
    await owner.usher.signInRules.update(organisation.id, { provider: `sso:${CORP}` })
    const page = await open('/sign-in')
    const asked: Record<string, unknown>[] = []
    await page.route('**/auth/v1/sso', (route) => {
      if (route.request().method() === 'OPTIONS') return route.continue()
      asked.push(route.request().postDataJSON())
      return json(route, { url: 'https://idp.example.com/login' })
    })
    const id = randomUUID()
    const session = await sessionOf(id, email, bySaml)
    await page.route('https://idp.example.com/**', async (route) => {
      // Auth makes the account when the provider has answered.
      await sql`insert into auth.users (id, email, email_confirmed_at, is_sso_user)
        values (${id}, ${email}, now(), true)`
      await sql`insert into auth.identities (id, provider, provider_id, user_id, identity_data)
        values (${randomUUID()}, ${`sso:${CORP}`}, ${email}, ${id}, ${sql.json({ email })})`
      const { user: _, ...tokens } = session
      const fragment = new URLSearchParams(tokens as unknown as Record<string, string>)
      const location = `${asked[0]?.redirect_to}#${fragment}`
      return route.fulfill({ status: 302, headers: { location } })
    })
    await page.route('**/auth/v1/user', (route) => json(route, session.user))
    await page.goto(link)

    await page.getByText(`${organisation.name} wants you to sign in`).waitFor()
    expect(await page.getByLabel('Password').count()).toBe(0)
    expect(await axe(page)).toEqual([])
    await button(page, GO_ON).click()
    await button(page, ACCEPT).click()

    await page.waitForURL(`**/organisations/${organisation.id}/members`)
    expect(asked).toMatchObject([
      // The token stays in the tab: it goes neither to Auth nor to the provider.
      { provider_id: CORP, redirect_to: `${stack.consoleUrl}/invite` },
    ])
  })

  test('refuses who signed in by password, and shows the way', async ({
    owner,
    organisation,
    open,
  }) => {
    const invitee = await signUp(newAddress('password'))
    const link = await invited(owner, organisation.id, invitee.email)
    await owner.usher.signInRules.update(organisation.id, { provider: 'keycloak' })
    const page = await open(link, { as: invitee })
    const asked: URL[] = []
    await page.route('**/auth/v1/authorize?**', (route) => {
      asked.push(new URL(route.request().url()))
      return route.fulfill({ body: 'Keycloak' })
    })

    await button(page, ACCEPT).click()
    await page.getByText('The organisation wants another way of signing in.').waitFor()
    await page.getByText('sso_required').waitFor()
    await button(page, GO_ON).click()
    await page.getByText('Keycloak').waitFor()

    const query = Object.fromEntries(asked[0]?.searchParams ?? [])
    expect(query).toMatchObject({
      provider: 'keycloak',
      redirect_to: `${stack.consoleUrl}/invite`,
      scopes: 'openid email profile',
    })
    expect(asked[0]?.href).not.toContain('inv_')
  })

  test('that wants a second factor gets one set up, and lets the invitee in', async ({
    owner,
    organisation,
    open,
  }) => {
    const invitee = await signUp(newAddress('factor'))
    const link = await invited(owner, organisation.id, invitee.email)
    await owner.usher.signInRules.update(organisation.id, { level: 'aal2' })
    const page = await open(link, { as: invitee })
    const session = await sessionOf(invitee.userId, invitee.email, {
      aal: 'aal2',
      amr: [{ method: 'totp', timestamp: Math.floor(Date.now() / 1000) }],
    })
    await page.route('**/auth/v1/factors**', (route) =>
      json(route, {
        id: 'factor',
        type: 'totp',
        totp: {
          qr_code: '<svg xmlns="http://www.w3.org/2000/svg"/>',
          secret: 'KEYKEYKEY',
          uri: '',
        },
      }),
    )
    await page.route('**/auth/v1/factors/factor/challenge', (route) =>
      json(route, { id: 'challenge', type: 'totp', expires_at: 9_999_999_999 }),
    )
    await page.route('**/auth/v1/factors/factor/verify', (route) =>
      route.request().postDataJSON().code === '123456'
        ? json(route, session)
        : json(route, { code: 422, error_code: 'mfa_verification_failed', msg: 'No' }, 422),
    )

    await button(page, ACCEPT).click()
    await button(page, 'Go on').click()
    await page.getByText('KEYKEYKEY').waitFor()
    expect(await axe(page)).toEqual([])
    await page.getByLabel('Code of the app').fill('000000')
    await button(page, 'Confirm').click()
    await page.getByText('This code is wrong or too old.').waitFor()
    await page.getByLabel('Code of the app').fill('123456')
    await button(page, 'Confirm').click()
    await page.getByText('Done. Try again now.').waitFor()
    await button(page, ACCEPT).click()

    await page.waitForURL(`**/organisations/${organisation.id}/members`)
  })

  test('says so in its settings', async ({ owner, organisation, open }) => {
    const page = await open(`/organisations/${organisation.slug}/settings`, { as: owner })
    const section = page.getByRole('region', { name: 'Signing in' })

    await section.getByLabel('People come in').selectOption('through one provider')
    await section.getByLabel('Provider').fill('custom:zitadel')
    await section.getByLabel('Signed in at most').selectOption('12 hours')
    await section.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved', { exact: true }).waitFor()
    await section.getByLabel('Ask it of members, too').check()
    await section.getByRole('button', { name: 'Save' }).click()
    await section.getByText('sso_required').waitFor()
    expect(await axe(page)).toEqual([])

    const { data: rule } = await owner.usher.signInRules.get(organisation.id)
    expect(rule).toMatchObject({
      provider: 'custom:zitadel',
      maxAge: '12:00:00',
      level: 'aal1',
      forMembers: false,
    })
  })
})

describe('one click', () => {
  async function openWithOneClick(email: string, open: (path: string) => Promise<Page>) {
    const sql = database()
    const update = (changes: object) =>
      sql`select usher.update_settings(${sql.json(changes as never)})`
    await update({ one_click: 'new_addresses' })
    onTestFinished(async () => {
      const late = postgres(stack.databaseUrl, { max: 1, onnotice: () => {} })
      await late`select usher.update_settings('{"one_click": "off"}')`
      await late.end()
    })
    const auth = await startAuth({ sql })
    const handle = createHandler({
      rules: oneClickRulesOf(sql),
      makeCode: createCodeMaker(auth.url, AUTH_KEY),
      allowedOrigins: [stack.consoleUrl],
    })
    const page = await open('/sign-in')
    const oneClickUrl = `${stack.apiUrl}/functions/v1/one-click`
    await page.route('**/config.json', async (route) => {
      const config = await (await route.fetch()).json()
      return route.fulfill({ json: { ...config, oneClickUrl } })
    })
    await page.route(oneClickUrl, async (route) => {
      const request = route.request()
      const answer = await handle(
        new Request(request.url(), {
          method: request.method(),
          headers: await request.allHeaders(),
          body: request.postData(),
        }),
      )
      return route.fulfill({
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: await answer.text(),
      })
    })
    await page.route('**/auth/v1/verify**', async (route) => {
      const body = route.request().postData() ?? ''
      const answer = await fetch(`${auth.url}/auth/v1/verify`, { method: 'POST', body })
      const { user, ...refusal } = (await answer.json()) as { user?: { id: string } }
      const claims = { aal: 'aal1', amr: [{ method: 'otp', timestamp: 0 }] }
      return user
        ? json(route, await sessionOf(user.id, email, claims))
        : json(route, refusal, answer.status)
    })
    return { page, sql }
  }

  test('registers, signs in and accepts', async ({ owner, organisation, open }) => {
    const email = newAddress('click')
    const { page } = await openWithOneClick(email, open)
    await owner.usher.invites.create(organisation.id, { email, roles: ['member'] })
    await page.goto(linkIn(await mailTo(email)))

    await page.getByText(`We make an account for ${email} and sign you in.`).waitFor()
    expect(await axe(page)).toEqual([])
    await button(page, 'Join with one click').click()

    await page.waitForURL(`**/organisations/${organisation.id}/members`)
    await page.getByRole('row', { name: new RegExp(email) }).waitFor()
  })

  test('that comes to nothing leads to the ordinary way', async ({ owner, organisation, open }) => {
    const email = newAddress('late')
    const { page, sql } = await openWithOneClick(email, open)
    const { data } = await owner.usher.invites.create(organisation.id, { email, roles: ['member'] })
    await page.goto(linkIn(await mailTo(email)))
    await button(page, 'Join with one click').waitFor()

    await sql`update usher.invite_tokens set minted_at = now() - interval '1 day'
      where invite_id = ${data.id}`
    await button(page, 'Join with one click').click()

    await page.getByText('This link cannot do that any more.').waitFor()
    await page.getByLabel('Choose a password').waitFor()
  })
})
