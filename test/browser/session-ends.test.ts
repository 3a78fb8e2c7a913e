/**
 * A session that ends while somebody is at work: nothing that they typed is lost, and they are told why.
 *
 * @module-tag long
 */
import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { BrowserContext, Page, Route } from 'playwright-core'
import postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import {
  type Account,
  axe,
  joined,
  mailTo,
  newAddress,
  PASSWORD,
  signUp,
  stack,
  test,
} from '../support/browser.ts'

const SESSION_KEY = `sb-${new URL(stack.apiUrl).hostname.split('.')[0]}-auth-token`

const dialogOf = (page: Page) => page.getByRole('dialog', { name: 'Sign in again' })

function database() {
  const sql = postgres(stack.databaseUrl, { max: 1, onnotice: () => {} })
  onTestFinished(() => sql.end())
  return sql
}

/** Ends all sessions of somebody, as "sign out everywhere" on another device does, once the token is too old. */
async function end(account: Account, page: Page) {
  const sql = database()
  await sql`delete from auth.refresh_tokens where user_id::text = ${account.userId}`
  await sql`delete from auth.sessions where user_id = ${account.userId}`
  await grow(page)
}

/** Lets the access token in the browser be past its hour. */
const grow = (page: Page) =>
  page.evaluate((key) => {
    const session = JSON.parse(localStorage.getItem(key) ?? '{}')
    localStorage.setItem(key, JSON.stringify({ ...session, expires_at: 1 }))
  }, SESSION_KEY)

async function signInOver(page: Page) {
  const dialog = dialogOf(page)
  await dialog.getByLabel('Password', { exact: true }).last().fill(PASSWORD)
  await dialog.getByRole('button', { name: 'Sign in', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
}

/** A token as Supabase Auth issues it, for somebody who signed in so many seconds ago. */
async function sessionOf({ userId, email }: Account, secondsAgo: number, more: object = {}) {
  const now = Math.floor(Date.now() / 1000)
  const amr = [{ method: 'password', timestamp: now - secondsAgo }]
  const payload = { sub: userId, email, role: 'authenticated', aud: 'authenticated', aal: 'aal1' }
  const accessToken = await new SignJWT({ ...payload, amr, ...more })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(now)
    .setExpirationTime(now + 3600)
    .sign(new TextEncoder().encode(stack.jwtSecret))
  return {
    access_token: accessToken,
    refresh_token: randomUUID(),
    token_type: 'bearer',
    expires_in: 3600,
    expires_at: now + 3600,
    user: { id: userId, email, aud: 'authenticated', app_metadata: {}, user_metadata: {} },
  }
}

const json = (route: Route, body: unknown, status = 200) =>
  route.fulfill({ status, json: body, headers: { 'access-control-allow-origin': '*' } })

const compose = ({ slug }: { slug: string }) => `/organisations/${slug}/invitations/new`
const addresses = (page: Page) => page.getByRole('combobox', { name: 'Addresses' })
const message = (page: Page) => page.getByLabel('Message (optional)').first()

describe('a session that ends under somebody’s hands', () => {
  test('leaves the page as it is, says why, and sends what was pressed once they are back', async ({
    owner,
    organisation,
    open,
  }) => {
    const invitee = newAddress('invitee')
    const page = await open(compose(organisation), { as: owner })
    await addresses(page).fill(invitee)
    await message(page).fill('Written before the session ended.')
    await end(owner, page)
    await page.getByRole('button', { name: 'Send 1 invitation' }).click()

    const dialog = dialogOf(page)
    await dialog.getByText('Your session has ended').waitFor()
    const email = dialog.getByLabel('Email address')
    expect(await email.inputValue()).toBe(owner.email)
    expect(await email.getAttribute('readonly')).not.toBeNull()
    expect(await axe(page)).toEqual([])
    expect(await message(page).inputValue()).toBe('Written before the session ended.')
    await page.keyboard.press('Escape')
    await signInOver(page)

    await page.waitForURL(`**/organisations/${organisation.slug}/invitations`)
    const mail = await mailTo(invitee)
    expect(mail.text).toContain('Written before the session ended.')
  })

  test('by signing out in another tab says so, and keeps settings that are not saved yet', async ({
    owner,
    organisation,
    open,
  }) => {
    const path = `/organisations/${organisation.slug}/settings`
    const page = await open(path, { as: owner })
    const section = page.getByRole('region', { name: 'General' })
    await section.getByLabel('Name', { exact: true }).fill('Renamed before')
    const other = await page.context().newPage()
    await other.goto(stack.consoleUrl)
    await other.getByRole('button', { name: 'Account' }).click()
    await other.getByRole('menuitem', { name: 'Sign out' }).click()

    await other.waitForURL('**/sign-in')
    await dialogOf(page).getByText('You signed out in another tab.').waitFor()
    await signInOver(page)
    expect(await section.getByLabel('Name', { exact: true }).inputValue()).toBe('Renamed before')
    await section.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved', { exact: true }).waitFor()
    // And in the other tab they are back as well.
    await other.getByRole('link', { name: 'Renamed before' }).waitFor()
  })

  test('keeps a dialog of the page open, with what was typed into it', async ({ owner, open }) => {
    const page = await open('/', { as: owner })
    await page.getByRole('button', { name: 'New organisation' }).click()
    const form = page.getByRole('dialog', { name: 'New organisation' })
    await form.getByLabel('Name').fill('Half typed')
    await end(owner, page)
    await form.getByRole('button', { name: 'Create' }).click()

    await dialogOf(page).waitFor()
    await page.keyboard.press('Escape')
    await signInOver(page)

    await page.waitForURL('**/organisations/half-typed*/invitations/new')
  })

  test('is renewed without a word where it can be', async ({ owner, organisation, open }) => {
    const page = await open(compose(organisation), { as: owner })
    await addresses(page).fill(newAddress('quiet'))
    // As PostgREST says it whose clock is ahead of the browser's.
    const { data } = await owner.supabase.auth.getSession()
    let refused = 0
    await page.route('**/rest/v1/**', (route) => {
      const isOld = route
        .request()
        .headers()
        .authorization?.includes(data.session?.access_token ?? '')
      if (!isOld) return route.continue()
      refused += 1
      return json(route, { code: 'PGRST303', message: 'JWT expired' }, 401)
    })
    await page.getByRole('button', { name: 'Send 1 invitation' }).click()

    await page.waitForURL(`**/organisations/${organisation.slug}/invitations`)
    expect(refused).toBeGreaterThan(0)
    expect(await dialogOf(page).count()).toBe(0)
  })

  test('that the API refuses and that cannot be renewed has ended', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(compose(organisation), { as: owner })
    const invitee = newAddress('refused')
    await addresses(page).fill(invitee)
    const { data } = await owner.supabase.auth.getSession()
    const refuse = (route: Route) => {
      const isOld = route
        .request()
        .headers()
        .authorization?.includes(data.session?.access_token ?? '')
      return isOld ? json(route, { code: 'PGRST301', message: 'JWSError' }, 401) : route.continue()
    }
    await page.route('**/rest/v1/**', refuse)
    await page.route('**/auth/v1/token?grant_type=refresh_token', (route) =>
      json(route, { code: 400, error_code: 'refresh_token_not_found', msg: 'Not found' }, 400),
    )
    await page.getByRole('button', { name: 'Send 1 invitation' }).click()

    await dialogOf(page).getByText('Your session has ended').waitFor()
    await signInOver(page)
    await page.waitForURL(`**/organisations/${organisation.slug}/invitations`)
    await mailTo(invitee)
  })

  test('can be left for another account, which finds nothing of it', async ({
    owner,
    organisation,
    open,
  }) => {
    const other = await signUp(newAddress('other'))
    const page = await open(compose(organisation), { as: owner })
    await addresses(page).fill('secret@example.com')
    await end(owner, page)
    await page.getByRole('button', { name: 'Send 1 invitation' }).click()
    await dialogOf(page).getByText('What you typed here will be lost.').waitFor()
    await dialogOf(page).getByRole('button', { name: 'Use another account' }).click()

    await page.waitForURL('**/sign-in')
    await page.getByLabel('Address').fill(other.email)
    await page.getByLabel('Password', { exact: true }).last().fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL(`${stack.consoleUrl}/`)
    await page.getByText('You are in no organisation yet').waitFor()
    expect(
      await page.evaluate(() => Object.keys(sessionStorage).filter((key) => /draft/.test(key))),
    ).toEqual([])
  })
})

test('somebody else who signs in in another tab finds the start page here, not another’s work', async ({
  owner,
  organisation,
  open,
}) => {
  const other = await signUp(newAddress('other'))
  const page = await open(compose(organisation), { as: owner })
  await addresses(page).fill('secret@example.com')
  const second = await page.context().newPage()
  await second.goto(stack.consoleUrl)
  await second.getByRole('button', { name: 'Account' }).click()
  await second.getByRole('menuitem', { name: 'Sign out' }).click()
  await second.getByLabel('Address').fill(other.email)
  await second.getByLabel('Password', { exact: true }).last().fill(PASSWORD)
  await second.getByRole('button', { name: 'Sign in', exact: true }).click()

  await page.waitForURL(`${stack.consoleUrl}/`)
  await page.getByText(`You are now signed in as ${other.email}.`).waitFor()
  await page.getByText('You are in no organisation yet').waitFor()
  expect(await dialogOf(page).count()).toBe(0)
})

test('signing out goes to the sign-in page at once, and leaves nothing of a draft', async ({
  owner,
  organisation,
  open,
}) => {
  const page = await open(compose(organisation), { as: owner })
  await addresses(page).fill('secret@example.com')
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()

  await page.waitForURL('**/sign-in?to=*')
  expect(await dialogOf(page).count()).toBe(0)
  expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain('secret@')
})

test('an address that was wanted is kept with its query, over signing in', async ({
  owner,
  organisation,
  open,
}) => {
  const path = `/organisations/${organisation.slug}/settings/templates/new?kind=invite_reminder`
  const page = await open(path)
  await page.getByLabel('Address').fill(owner.email)
  await page.getByLabel('Password', { exact: true }).last().fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()

  await page.waitForURL(`${stack.consoleUrl}${path}`)
})

describe('an organisation whose sign-in rule a session no longer meets', () => {
  async function ruled(organisationId: string, rule: object) {
    const sql = database()
    const row = { organisation_id: organisationId, for_members: true, ...rule }
    await sql`insert into public.organisation_sign_in_rules ${sql(row)}`
  }

  /** Puts a session into the browser, in place of the one that is there. */
  async function become(context: BrowserContext, session: object) {
    await context.addInitScript(
      ([key, value]) => {
        if (window.top !== window || sessionStorage.getItem('became')) return
        localStorage.setItem(key as string, value as string)
        sessionStorage.setItem('became', 'yes')
      },
      [SESSION_KEY, JSON.stringify(session)],
    )
  }

  test('asks for a newer one over the page, and goes on where it was', async ({
    owner,
    organisation,
    open,
  }) => {
    const admin = await joined(owner, organisation.id, ['admin'], 'Ada Admin')
    const page = await open('/config.json')
    await become(page.context(), await sessionOf(admin, 3_000))
    await page.route('**/auth/v1/token?grant_type=password', async (route) =>
      json(route, await sessionOf(admin, 0)),
    )
    await page.goto(stack.consoleUrl + compose(organisation))
    const invitee = newAddress('invitee')
    await addresses(page).fill(invitee)
    await message(page).fill('Kept')
    await ruled(organisation.id, { max_age: '10 minutes' })
    await page.getByRole('button', { name: 'Send 1 invitation' }).click()

    const dialog = dialogOf(page)
    await dialog.getByText('Your session is too old for this organisation.').waitFor()
    expect(await axe(page)).toEqual([])
    // Not now: then it is a refusal as any other, and nothing asks again by itself.
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await page.getByText('sso_required').first().waitFor()
    expect(await message(page).inputValue()).toBe('Kept')
    await page.getByRole('button', { name: 'Sign in again' }).click()
    await signInOver(page)
    await page.getByRole('button', { name: 'Send 1 invitation' }).click()

    await page.waitForURL(`**/organisations/${organisation.slug}/invitations`)
    expect((await mailTo(invitee)).text).toContain('Kept')
  })

  test('leads to the provider, and gives back what was typed to who comes back, and to nobody else', async ({
    owner,
    organisation,
    open,
  }) => {
    const admin = await joined(owner, organisation.id, ['admin'], 'Ada Admin')
    const stranger = await joined(owner, organisation.id, ['admin'], 'Sam Stranger')
    const page = await open(compose(organisation), { as: admin })
    let comes = stranger
    await page.route('**/auth/v1/authorize?**', async (route) => {
      const { user: _, ...tokens } = await sessionOf(comes, 0, {
        app_metadata: { provider: 'keycloak', providers: ['keycloak'] },
        amr: [{ method: 'oauth', timestamp: Math.floor(Date.now() / 1000) }],
      })
      const back = new URL(route.request().url()).searchParams.get('redirect_to')
      const fragment = new URLSearchParams(tokens as unknown as Record<string, string>)
      return route.fulfill({ status: 302, headers: { location: `${back}#${fragment}` } })
    })
    await page.route('**/auth/v1/user', (route) =>
      json(route, {
        ...{ id: comes.userId, email: comes.email, aud: 'authenticated' },
        ...{ app_metadata: {}, user_metadata: {} },
      }),
    )
    const sql = database()
    for (const { userId, email } of [admin, stranger]) {
      await sql`insert into auth.identities (id, provider, provider_id, user_id, identity_data)
        values (${randomUUID()}, 'keycloak', ${email}, ${userId}, ${sql.json({ email })})`
    }
    await addresses(page).fill('kept@example.com')
    await message(page).fill('Typed before going to the provider')
    await ruled(organisation.id, { provider: 'keycloak' })
    const goOn = page.getByRole('button', { name: 'Continue to sign in' })
    await page.getByRole('button', { name: 'Send 1 invitation' }).click()
    await goOn.click()
    await expect.poll(() => message(page).inputValue(), { timeout: 30_000 }).toBe('')
    expect(page.url()).toBe(stack.consoleUrl + compose(organisation))

    comes = admin
    await page.goto(`${stack.apiUrl}/auth/v1/authorize?redirect_to=${page.url()}`)
    await page.getByText('kept@example.com').waitFor()
    expect(await message(page).inputValue()).toBe('Typed before going to the provider')
    await page.getByRole('button', { name: 'Send 1 invitation' }).click()
    await page.waitForURL(`**/organisations/${organisation.slug}/invitations`)
    expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain('kept@')
  })
})
