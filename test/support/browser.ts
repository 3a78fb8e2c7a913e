/**
 * People with a browser each, an organisation to work in, and the mailbox.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import {
  type Browser,
  type BrowserContextOptions,
  type ConsoleMessage,
  chromium,
  type Page,
} from 'playwright-core'
import postgres from 'postgres'
import { test as base, expect, inject } from 'vitest'
import { createUsher, type MailedInvite, type Usher } from '../../client/index.ts'
import { withDatabase } from '../../scripts/schema.ts'

export const stack = inject('stack')
export const PASSWORD = 'a-long-password'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** The project is known by the first part of its host; so is the session in the browser's storage. */
const SESSION_KEY = `sb-${new URL(stack.apiUrl).hostname.split('.')[0]}-auth-token`

/** Somebody with an account. */
export interface Account {
  email: string
  userId: string
  supabase: SupabaseClient
  usher: Usher<false, true>
}

export const newAddress = (name = 'person') => `${name}-${randomUUID().slice(0, 8)}@example.com`

/** Makes an account, and confirms its address without the mail. */
export async function signUp(email = newAddress(), fullName?: string): Promise<Account> {
  const supabase = createClient(stack.apiUrl, stack.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
  })
  const { error: refused } = await supabase.auth.signUp({
    email,
    password: PASSWORD,
    options: { data: fullName ? { full_name: fullName } : {} },
  })
  if (refused) throw refused
  await confirmAddress(email)
  const { data, error } = await supabase.auth.signInWithPassword({ email, password: PASSWORD })
  if (error) throw error
  return {
    email,
    userId: data.user.id,
    supabase,
    usher: createUsher(supabase).throwOnError(),
  }
}

/** As the link in the mail of Auth would. */
async function confirmAddress(email: string): Promise<void> {
  const sql = postgres(stack.databaseUrl, { max: 1, onnotice: () => {} })
  await sql`update auth.users set email_confirmed_at = now() where email = ${email}`
  await sql.end()
}

/** The link that an invitation's mail carries: it says whether to sign in or to register. */
export async function linkOf(by: Account, invite: MailedInvite): Promise<string> {
  const page = (await revealedLinkOf(by, invite)).split('#')[0]
  const [row] = await withDatabase(
    stack.databaseUrl,
    (sql) => sql`select usher.mint_invite_token(${invite.id}, is_mailed => true) as token`,
  )
  return `${page}#${row?.token}`
}

/** The link that is shown to whoever invites, which does not. */
export async function revealedLinkOf(by: Account, invite: MailedInvite): Promise<string> {
  return (await by.usher.invites.revealLink(invite.id)).data
}

/** A new account that is a member with these roles. */
export async function joined(
  owner: Account,
  organisationId: string,
  roles: string[],
  name: string,
): Promise<Account> {
  const account = await signUp(newAddress(name.split(' ')[0]?.toLowerCase()), name)
  const { data: invite } = await owner.usher.invites.create(organisationId, {
    email: account.email,
    roles,
  })
  await account.usher.invites.accept((await linkOf(owner, invite)).split('#')[1] ?? '')
  return account
}

export interface Mail {
  subject: string
  text: string
  to: { address: string }[]
}

/** Waits for the newest mail to an address that fits. */
export async function mailTo(address: string, fits: (mail: Mail) => boolean = () => true) {
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline) {
    const mails = (await (await fetch(`${stack.mailboxUrl}/email`)).json()) as Mail[]
    const mail = mails.findLast(
      (each) => each.to.some((to) => to.address === address) && fits(each),
    )
    if (mail) return mail
    await wait(150)
  }
  throw new Error(`No such mail to ${address} within 30 seconds.`)
}

/** The invitation's link in a mail. */
export function linkIn(mail: Mail): string {
  const link = mail.text.match(/https?:\/\/\S+#inv_[A-Za-z0-9_-]+/)?.[0]
  if (!link) throw new Error(`No link in: ${mail.text}`)
  return link
}

/** The link in a mail of Auth. */
export function authLinkIn(mail: Mail): string {
  const link = mail.text.match(/https?:\/\/\S+\/auth\/v1\/verify\?\S+/)?.[0]
  if (!link) throw new Error(`No link of Auth in: ${mail.text}`)
  return link
}

/** The code in a mail of Auth. */
export function codeIn(mail: Mail): string {
  const code = mail.text.match(/\b\d{6}\b/)?.[0]
  if (!code) throw new Error(`No code in: ${mail.text}`)
  return code
}

/** Waits for the newest mail of Auth of a kind to an address; `signup` confirms it. */
export const authMailTo = (
  address: string,
  kind: 'signup' | 'magiclink' | 'recovery' = 'signup',
  fits: (mail: Mail) => boolean = () => true,
) => mailTo(address, (mail) => mail.text.includes(`&type=${kind}`) && fits(mail))

/** What axe finds wrong with a page, in short. */
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return page.evaluate(async () => {
    type Found = { violations: { id: string; nodes: { html: string }[] }[] }
    const { axe } = globalThis as unknown as {
      axe: { run(options: object): Promise<Found> }
    }
    const { violations } = await axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    })
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`)
  })
}

/**
 * Whether this is the line that the browser itself writes for each answer of 4xx, here of the API or of Auth:
 * a refusal, which the page puts into words. Nothing else may stand in the log, no answer of 5xx, none that never
 * came, and none of the pages' own server.
 */
function isRefusal(message: ConsoleMessage): boolean {
  const { pathname } = new URL(message.location().url || 'about:blank')
  return (
    /^Failed to load resource: the server responded with a status of 4\d\d/.test(message.text()) &&
    /^\/(rest|auth|functions)\/v1\//.test(pathname)
  )
}

interface OpenOptions extends BrowserContextOptions {
  /** Who is signed in; nobody without. */
  as?: Account
  language?: string
  /** An error that the browser has to log here, such as of a connection that the test cuts. */
  logs?: RegExp
}

/** Opens an address (of the console unless it is a whole one) in a browser of its own. */
export type Open = (path: string, options?: OpenOptions) => Promise<Page>

/** `test` with an organisation of its own, its owner, and browsers. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures from the pattern
  .extend('browser', { scope: 'file' }, async ({}, { onCleanup }): Promise<Browser> => {
    const browser = await chromium.connect(inject('browserAddress'))
    onCleanup(() => browser.close())
    return browser
  })
  .extend('open', async ({ browser }, { onCleanup }): Promise<Open> => {
    const faults: string[] = []
    const contexts: { close(): Promise<void> }[] = []
    onCleanup(async () => {
      await Promise.all(contexts.map((context) => context.close()))
      // A page that throws, or that does what its own policy forbids, is broken whatever it shows.
      expect(faults).toEqual([])
    })
    return async (path, { as, language = 'en', logs, ...options } = {}) => {
      const context = await browser.newContext({
        locale: language,
        reducedMotion: 'reduce',
        ...options,
      })
      contexts.push(context)
      context.setDefaultTimeout(30_000)
      if (as) {
        const { data } = await as.supabase.auth.getSession()
        const entry: [string, string] = [SESSION_KEY, JSON.stringify(data.session)]
        await context.addInitScript(([key, value]) => {
          // Frames that are shut off from the page have no storage, nor has the empty page before the first.
          if (window.top !== window || window.origin === 'null') return
          if (!sessionStorage.getItem('was-here')) localStorage.setItem(key, value)
          sessionStorage.setItem('was-here', 'yes')
        }, entry)
      }
      context.on('weberror', (error) => faults.push(error.error().message))
      context.on('console', (message) => {
        if (message.type() !== 'error' || isRefusal(message)) return
        if (!logs?.test(message.text())) faults.push(message.text())
      })
      const page = await context.newPage()
      await page.goto(new URL(path, stack.consoleUrl).href)
      return page
    }
  })
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures from the pattern
  .extend('owner', async ({}) => signUp(newAddress('owner'), 'Olive Owner'))
  .extend('organisation', async ({ owner }) => {
    // With a letter in it, so that nobody takes it for the code of six digits in a mail.
    const name = `Rockets r${randomUUID().slice(0, 6)}`
    return (await owner.usher.organisations.create({ name })).data
  })

/** What a button gives to download. */
export async function downloadOf(page: Page, button: string): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button }).click(),
  ])
  const file = join(tmpdir(), `usher-${randomUUID()}`)
  await download.saveAs(file)
  const content = await readFile(file, 'utf8')
  await rm(file)
  return content
}

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  await expect.poll(holds, { timeout: 30_000, interval: 150 }).toBe(true)
}
