/**
 * Signing in and one's own account, organisations that ask for a certain way in, and links that register by one
 * click, in a real browser. The local Auth has neither providers nor an admin API: what Supabase Auth answers there is answered by the test.
 *
 * @module-tag long
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
  authLinkIn,
  authMailTo,
  axe,
  codeIn,
  linkIn,
  linkOf,
  mailTo,
  newAddress,
  PASSWORD,
  signUp,
  stack,
  test,
} from '../support/browser.ts'
import { AUTH_KEY, startAuth } from '../support/one-click.ts'

const CORP = '11111111-1111-4111-8111-111111111111'
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
const ACCEPT = 'Accept the invitation'
const GO_ON = 'Continue to sign in'
const heading = (page: Page) => page.getByRole('heading', { level: 1 })

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

async function fillIn(page: Page, email: string, password = PASSWORD) {
  await page.getByLabel('Email address').fill(email)
  await page
    .getByLabel(/^(Choose a p|P)assword$/)
    .last()
    .fill(password)
}

describe('what Auth says in the address', () => {
  const said = (error: string, code: string, description: string) =>
    new URLSearchParams({
      error,
      ...(code && { error_code: code }),
      error_description: description,
    })
  const expired = said('access_denied', 'otp_expired', 'Email link is invalid or has expired')
  const database = said('server_error', 'unexpected_failure', 'Database error saving new user')
  const hook = said('access_denied', 'unknown', 'Only people who have been invited')
  const closed = said('access_denied', 'signup_disabled', 'Signups not allowed for this instance')
  const state = said('invalid_request', 'bad_oauth_state', 'OAuth callback with invalid state')
  const flow = said('server_error', 'flow_state_expired', 'Flow state expired')
  const banned = said('access_denied', 'user_banned', 'User is banned')
  const denied = said('access_denied', '', 'The resource owner denied the request')
  const unknown = said('server_error', 'brand_new_code', 'Call +1-555-0100 at once')

  test.for([
    [`/sign-in#${expired}&sb=`, 'This link has expired or has already been used. Sign in below'],
    [`/#${expired}`, 'This link has expired or has already been used. Sign in below'],
    [`/new-password#${expired}`, 'already been used. Request a new one.'],
    [`/?${database}#${database}`, 'If only invited people can sign up here'],
    [`/invite?organisation=5e0f4a7e&${hook}#${hook}`, 'only invited people can sign up'],
    [`/sign-in?to=%2Fmembers&${closed}`, 'only invited people can sign up'],
    [`/?${state}`, 'Signing in took too long, or was started in another browser.'],
    [`/organisations/acme/members#${flow}`, 'Signing in took too long'],
    [`/sign-in#${banned}`, 'This account has been suspended.'],
    [`/register#${denied}`, 'The sign-in was cancelled, or your identity provider refused it.'],
    [`/stop-mail#${unknown}`, 'Something unexpected happened. Try again.'],
  ] as const)('is said in words: %s', async ([address, words], { open }) => {
    const page = await open(address)

    const notice = page.getByRole('alert').filter({ hasText: words })
    await notice.waitFor()
    await heading(page).waitFor()
    expect(page.url()).not.toContain('error')
    const text = await page.locator('main').innerText()
    expect(text).not.toMatch(/invalid or has|Database|not allowed|callback|owner|\+1-555/)
    if (address.includes('brand_new_code')) expect(text).toContain('brand_new_code')
    expect(await axe(page)).toEqual([])
  })

  test('needs nothing of whoever is signed in anyway', async ({ owner, open }) => {
    const page = await open(`/#${expired}`, { as: owner })

    await page.getByText('You are signed in, so there is nothing more to do.').waitFor()
    await heading(page).filter({ hasText: 'Your organisations' }).waitFor()
    await page.goto(`${stack.consoleUrl}/?${state}`)
    await page.getByText('Signing in took too long').waitFor()
  })

  test('leaves the invitation that waits in the tab as it is', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(await invited(owner, organisation.id, newAddress('saml-error')))
    await heading(page)
      .filter({ hasText: `Join ${organisation.name}` })
      .waitFor()

    await page.goto(`${stack.consoleUrl}/stop-mail`)
    await page.goto(`${stack.consoleUrl}/invite?${hook}#${hook}`)

    await page.getByText('only invited people can sign up').waitFor()
    await heading(page)
      .filter({ hasText: `Join ${organisation.name}` })
      .waitFor()
    expect(page.url()).toBe(`${stack.consoleUrl}/invite`)
  })

  test('a session in it that is none is said to have ended', async ({ open }) => {
    const fragment = new URLSearchParams({
      access_token: 'e30.e30.e30',
      refresh_token: 'nonsense',
      type: 'magiclink',
    })
    const page = await open(`/sign-in#${fragment}`)

    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').innerText()).not.toMatch(/JWT|token/i)
    expect(page.url()).toBe(`${stack.consoleUrl}/sign-in`)
  })
})

describe('what Auth answers a form', () => {
  test.for([
    [400, { code: 'invalid_credentials' }, 'Incorrect email address or password.'],
    [400, { code: 'user_banned' }, 'This account has been suspended.'],
    [403, { code: 'unknown', message: 'Usher says no' }, 'only invited people can sign up'],
    [429, { code: 'over_request_rate_limit' }, 'Too many attempts.'],
    [422, { code: 'email_provider_disabled' }, 'This sign-in method is not available here.'],
    [400, { code: 'brand_new_code' }, 'Something unexpected happened. Try again.'],
  ] as const)('is said in words: %i %j', async ([status, answer, words], { open }) => {
    const page = await open('/sign-in')
    await page.route('**/auth/v1/token**', (route) => {
      const { code } = answer
      const body = { message: 'Raw words of a library', ...answer, error_code: code }
      return json(route, body, status)
    })
    await fillIn(page, newAddress())
    await button(page, 'Sign in').click()

    const text = await page.getByRole('alert').innerText()
    expect(text).toContain(words)
    expect(text).not.toMatch(/Raw words|Usher says/)
    expect(text.includes('brand_new_code')).toBe(answer.code === 'brand_new_code')
  })

  test.for([
    [['length', 'characters'], 'This password is too weak.'],
    [['pwned'], 'This password has appeared in a data breach.'],
  ] as const)(
    'a password that is refused because of %j: %s',
    async ([reasons, words], { open }) => {
      const page = await open('/sign-in')
      await page.route('**/auth/v1/signup**', (route) =>
        json(
          route,
          { code: 'weak_password', error_code: 'weak_password', weak_password: { reasons } },
          422,
        ),
      )
      await button(page, 'Create an account instead').click()
      await page.getByLabel('Your name').fill('Wanda Weak')
      await fillIn(page, newAddress())
      await button(page, 'Create account').click()

      await page.getByText(words).waitFor()
    },
  )

  test('no answer at all is said to be none', async ({ open }) => {
    const page = await open('/sign-in', { logs: /net::ERR_FAILED/ })
    await page.route('**/auth/v1/**', (route) => route.abort())
    await fillIn(page, newAddress())
    await button(page, 'Sign in').click()

    const notice = page.getByRole('alert')
    await notice.filter({ hasText: 'The server did not answer.' }).waitFor()
    expect(await notice.innerText()).not.toContain('fetch')
  })

  test('where sign-up is closed, the address is refused in words, by the hook and by the trigger', async ({
    open,
  }) => {
    const page = await open('/sign-in')
    let status = 403
    await page.route('**/auth/v1/signup**', (route) =>
      json(
        route,
        status === 403
          ? { code: 'unknown', error_code: 'unknown', message: 'Only people who have been invited' }
          : { code: 'unexpected_failure', message: 'Database error saving new user' },
        status,
      ),
    )
    await button(page, 'Create an account instead').click()
    await page.getByLabel('Your name').fill('Nobody')
    await fillIn(page, newAddress())
    await button(page, 'Create account').click()
    await page.getByText('only invited people can sign up').waitFor()

    const other = await open('/sign-in', { logs: /status of 500/ })
    status = 500
    await other.route('**/auth/v1/signup**', (route) =>
      json(route, { code: 'unexpected_failure', message: 'Database error saving new user' }, 500),
    )
    await button(other, 'Create an account instead').click()
    await other.getByLabel('Your name').fill('Nobody')
    await fillIn(other, newAddress())
    await button(other, 'Create account').click()
    await other.getByText('If only invited people can sign up here').waitFor()
  })
})

describe("one's own account", () => {
  test('is made without an invitation, and leads to where its owner wanted to go', async ({
    open,
  }) => {
    const email = newAddress('plain')
    const page = await open('/sign-in?to=/organisations/nowhere/members')
    await button(page, 'Create an account instead').click()
    await page.getByLabel('Your name').fill('Paula Plain')
    await fillIn(page, email)
    await button(page, 'Create account').click()
    await page.getByText(`We sent an email to ${email}.`).waitFor()
    expect(await axe(page)).toEqual([])

    const phone = await open(authLinkIn(await authMailTo(email)))

    await phone.waitForURL('**/organisations/nowhere/members')
    await phone.getByText('There is nothing here').waitFor()
  })

  test('gets a new password by a mail when the old one is forgotten', async ({ owner, open }) => {
    const page = await open('/sign-in?to=/organisations/nowhere/roles')
    await page.getByLabel('Email address').fill(owner.email)
    await page.getByRole('link', { name: 'Forgot password?' }).click()
    await heading(page).filter({ hasText: 'Reset your password' }).waitFor()
    expect(await page.getByLabel('Email address').inputValue()).toBe(owner.email)
    expect(await axe(page)).toEqual([])
    await button(page, 'Send reset link').click()
    await page.getByText(`We sent an email to ${owner.email}.`).waitFor()
    const link = authLinkIn(await authMailTo(owner.email, 'recovery'))

    const second = await page.context().newPage()
    await second.goto(link)
    await heading(second).filter({ hasText: 'Choose a new password' }).waitFor()
    expect(await axe(second)).toEqual([])
    // What waits in the other tab goes on.
    await page.waitForURL('**/organisations/nowhere/roles')
    await second.getByLabel('New password').fill(PASSWORD)
    await button(second, 'Save password').click()
    await second.getByText('This is your password already.').waitFor()
    await second.getByLabel('New password').fill('another-long-password')
    await button(second, 'Save password').click()
    await second.waitForURL('**/organisations/nowhere/roles')

    const { error } = await owner.supabase.auth.signInWithPassword({
      email: owner.email,
      password: 'another-long-password',
    })
    expect(error).toBeNull()

    const late = await open(link)
    await late.getByText('already been used. Request a new one.').waitFor()
    await heading(late).filter({ hasText: 'Reset your password' }).waitFor()
  })

  test('gets a new password by the code of that mail', async ({ owner, open }) => {
    const page = await open('/new-password')
    await page.getByLabel('Email address').fill(owner.email)
    await button(page, 'Send reset link').click()
    await page.getByLabel('6-digit code').fill(codeIn(await authMailTo(owner.email, 'recovery')))
    await button(page, 'Continue').click()
    await page.getByLabel('New password').fill('another-long-password')
    await button(page, 'Save password').click()

    await heading(page).filter({ hasText: 'Your organisations' }).waitFor()
  })

  test('where Auth may lead to the site only, a new password is asked for there', async ({
    owner,
    open,
  }) => {
    const { data } = await owner.supabase.auth.getSession()
    const { access_token = '', refresh_token = '' } = data.session ?? {}
    const fragment = new URLSearchParams({ access_token, refresh_token, type: 'recovery' })
    const page = await open(`/#${fragment}`)

    await heading(page).filter({ hasText: 'Choose a new password' }).waitFor()
    await page.getByRole('link', { name: 'Cancel' }).click()
    await heading(page).filter({ hasText: 'Your organisations' }).waitFor()
  })

  test('changes its name, which others see at once, and its password', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/members`, { as: owner })
    await page.getByRole('row', { name: /Olive Owner/ }).waitFor()
    await button(page, 'Account').click()
    await page.getByRole('menuitem', { name: 'Your account' }).click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.getByLabel('Your name').inputValue()).toBe('Olive Owner')
    expect(await axe(page)).toEqual([])
    await dialog.getByLabel('Your name').fill('Olivia Owner')
    await dialog.getByRole('button', { name: 'Save' }).click()

    await page.getByText('Your name has been changed.').waitFor()
    await page.getByRole('row', { name: /Olivia Owner/ }).waitFor()
    await button(page, 'Account').click()
    await page.getByRole('menu').getByText('Olivia Owner').waitFor()
    await page.getByRole('menuitem', { name: 'Your account' }).click()
    await dialog.getByRole('link', { name: 'Change password' }).click()
    await page.getByLabel('New password').fill('another-long-password')
    await button(page, 'Save password').click()
    await page.waitForURL(`**/organisations/${organisation.slug}/members`)
    const { error } = await owner.supabase.auth.signInWithPassword({
      email: owner.email,
      password: 'another-long-password',
    })
    expect(error).toBeNull()
  })
})

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

    await page.getByText(`${organisation.name} requires single sign-on`).waitFor()
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
    await button(page, 'Continue').click()
    await page.getByText('KEYKEYKEY').waitFor()
    expect(await axe(page)).toEqual([])
    await page.getByLabel('Code from the app').fill('000000')
    await button(page, 'Confirm').click()
    await page.getByText('This code is incorrect or expired.').waitFor()
    await page.getByLabel('Code from the app').fill('123456')
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

    await page.getByText(`We’ll create an account for ${email} and sign you in.`).waitFor()
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

    await page.getByText('This link can no longer do that.').waitFor()
    await page.getByLabel('Choose a password').waitFor()
  })
})
