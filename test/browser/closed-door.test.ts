/**
 * Where only the invited may have an account, no page offers one to anybody else, and who asks is told why not.
 *
 * @module-tag long
 */
import { rm } from 'node:fs/promises'
import { createClient } from '@supabase/supabase-js'
import type { Page } from 'playwright-core'
import postgres from 'postgres'
import { describe, expect } from 'vitest'
import { createUsher } from '../../client/index.ts'
import { axe, newAddress, PASSWORD, test as withBrowser } from '../support/browser.ts'
import { freeRange, runStart, temporaryFolder, untilReady } from '../support/stack.ts'

/** `test` with a stack of its own, because who may have an account is for a whole project. */
const test = withBrowser.extend(
  'closed',
  { scope: 'file' },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures from the pattern
  async ({}, { onCleanup }) => {
    const folder = await temporaryFolder()
    const run = runStart({ USHER_DATA: folder, USHER_PORT: String(await freeRange()) })
    onCleanup(async () => {
      run.process.kill('SIGTERM')
      await run.ended
      await rm(folder, { recursive: true, force: true })
    })
    const { apiUrl, publishableKey, consoleUrl, databaseUrl } = await untilReady(run, folder)
    const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
    await sql`select usher.update_settings('{"sign_up": "invite_only"}')`
    await sql.end()

    const supabase = createClient(apiUrl, publishableKey, { auth: { persistSession: false } })
    await supabase.auth.signInWithPassword({ email: 'owner@example.com', password: 'password' })
    const usher = createUsher(supabase).throwOnError()
    const { data: organisations } = await usher.organisations.listMine()
    const id = organisations.find(({ isOwner }) => isOwner)?.id ?? ''
    const linkFor = async (email: string) => {
      const { data: invite } = await usher.invites.create(id, { email, roles: ['member'] })
      return (await usher.invites.revealLink(invite.id)).data
    }
    return { consoleUrl, id, linkFor }
  },
)

const offers = (page: Page) =>
  page
    .getByRole('button', { name: /create (an )?account/i })
    .or(page.getByLabel(/choose a password/i))

describe('without an invitation', () => {
  test.for(['/', '/sign-in', '/register', '/invite', '/organisations/rockets/members', '/nowhere'])(
    'no account is offered at %s, and the page says what it takes',
    async (path, { open, closed }) => {
      const page = await open(closed.consoleUrl + path)

      await page
        .getByText(/need an invitation/i)
        .first()
        .waitFor()
      expect(await offers(page).count()).toBe(0)
      expect(await axe(page)).toEqual([])
    },
  )

  test.for(['/invite#inv_nonsense', '/register#inv_nonsense'])(
    'a link that is none leads to no account either: %s',
    async (path, { open, closed }) => {
      const page = await open(closed.consoleUrl + path)

      await page.getByRole('link', { name: 'To my organisations' }).waitFor()
      expect(await offers(page).count()).toBe(0)
    },
  )

  test('neither start page nor a missing page offers an account to whoever has one', async ({
    open,
    closed,
  }) => {
    const page = await open(`${closed.consoleUrl}/sign-in?to=/nowhere`)
    await page.getByLabel('Email address').fill('member@example.com')
    await page.getByLabel('Password', { exact: true }).last().fill('password')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    const toStart = page.getByRole('link', { name: 'To the start page' })
    await toStart.waitFor()
    expect(await offers(page).count()).toBe(0)

    await toStart.click()
    await page.getByRole('button', { name: 'New organisation' }).waitFor()
    expect(await offers(page).count()).toBe(0)
  })

  test('is told how to get one, and an address that is not invited is refused in words', async ({
    open,
    closed,
  }) => {
    const page = await open(`${closed.consoleUrl}/sign-in`)
    await page.getByRole('link', { name: 'How to get one' }).click()
    await page.getByText('Only people who have been invited can create an account here.').waitFor()

    await page.getByRole('button', { name: 'Try with your email address' }).click()
    await page.getByLabel('Email address').fill(newAddress('stranger'))
    await page.getByLabel('Your name').fill('Sam Stranger')
    await page.getByLabel('Choose a password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByText('No account could be created: only invited people can sign up.').waitFor()
  })
})

describe('with an invitation', () => {
  test('its page offers the account, and leads inside', async ({ open, closed }) => {
    const email = newAddress('invited')
    const page = await open(await closed.linkFor(email))
    await page.getByLabel('Your name').fill('Ivy Invited')
    await page.getByLabel('Choose a password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Create account' }).click()

    await page.waitForURL(`**/organisations/${closed.id}/members`)
    await page.getByRole('row', { name: new RegExp(email) }).waitFor()
  })
})
