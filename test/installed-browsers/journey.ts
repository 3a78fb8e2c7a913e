/**
 * The way from an invitation to the membership, in browsers as a distribution ships them, started plainly: once where
 * Auth takes addresses as confirmed, once where it confirms them by mail. Needs Node 24, and
 * `npm ci --prefix test/installed-browsers` before:
 *
 *     node test/installed-browsers/journey.ts chrome=/usr/bin/chromium firefox=/usr/bin/firefox
 *
 * Ends non-zero where a step fails, or where a page wrote an error into the browser's console. Puppeteer, because it
 * drives an unpatched Firefox (by WebDriver BiDi), which Playwright does not.
 *
 * @module
 */
import { rm } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import puppeteer, { type Browser, type Page, type SupportedBrowser } from 'puppeteer-core'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { freeRange, runStart, temporaryFolder, untilReady } from '../support/stack.ts'

interface Mail {
  to: { address: string }[]
  text: string
}

const isInside = () => /^\/organisations\/[^/]+\/members$/.test(location.pathname)

async function open(browser: Browser, url: string, errors: string[]): Promise<Page> {
  const page = await (await browser.createBrowserContext()).newPage()
  page.on('console', (line) => {
    if (line.type() === 'error') errors.push(`${line.text()} (${page.url()})`)
  })
  page.on('pageerror', (error) => errors.push(`${error} (${page.url()})`))
  await page.goto(url)
  return page
}

const press = (page: Page, name: string) =>
  page.locator(`::-p-aria([name="${name}"][role="button"])`).click()

/** Waits until the page shows this text. */
const untilShown = (page: Page, text: string) =>
  page.waitForFunction((wanted) => document.body.innerText.includes(wanted), {}, text)

async function linkFor(email: string, link: RegExp, { mailboxUrl }: Stack): Promise<string> {
  for (const end = Date.now() + 60_000; Date.now() < end; await wait(250)) {
    const mails = (await (await fetch(`${mailboxUrl}/email`)).json()) as Mail[]
    const found = mails
      .filter(({ to }) => to.some(({ address }) => address === email))
      .map(({ text }) => text.match(link)?.[0])
      .find((text) => text !== undefined)
    if (found) return found
  }
  throw new Error(`No mail with such a link came to ${email} within a minute: ${link}`)
}

/** From the admin's sign-in to the invitee's membership; returns what the pages wrote as errors. */
async function journey(browser: Browser, stack: Stack, confirmsByMail: boolean) {
  const errors: string[] = []
  const email = `new-${Date.now()}@example.com`

  const admin = await open(browser, `${stack.consoleUrl}/sign-in`, errors)
  await admin.locator('input[type=email]').fill('admin@example.com')
  await admin.locator('input[type=password]').fill('password')
  await press(admin, 'Sign in')
  await admin.locator('::-p-text(Example Rockets)').click()
  await admin.waitForFunction(isInside)
  await admin.goto(admin.url().replace(/members$/, 'invitations/new'))
  await admin.locator('::-p-aria([name="Addresses"][role="combobox"])').fill(email)
  await press(admin, 'Send 1 invitation')
  await admin.waitForFunction(
    (address) =>
      [...document.querySelectorAll('tr')].some(
        ({ innerText }) => innerText.includes(address) && innerText.includes('Sent'),
      ),
    { timeout: 60_000 },
    email,
  )

  const invitee = await open(browser, await linkFor(email, /https?:\S+#inv_\S+/, stack), errors)
  await invitee.locator('input[autocomplete=name]').fill('Nora New')
  await invitee.locator('input[autocomplete=new-password]').fill('a-long-password')
  await press(invitee, 'Create account')
  if (confirmsByMail) {
    await untilShown(invitee, `We sent an email to ${email}.`)
    const phone = await open(browser, await linkFor(email, /https?:\S+verify\S+/, stack), errors)
    await phone.waitForFunction(isInside)
    await untilShown(phone, email)
  } else {
    await invitee.waitForFunction(isInside)
    await untilShown(invitee, email)
  }
  return errors
}

const browsers = process.argv.slice(2).map((argument) => argument.split('=', 2))
if (
  browsers.length === 0 ||
  browsers.some(([name, path]) => !path || !/^(chrome|firefox)$/.test(`${name}`))
) {
  console.error('Say which browsers: chrome=/usr/bin/chromium firefox=/usr/bin/firefox')
  process.exit(2)
}

for (const confirms of ['at-once', 'by-mail']) {
  const folder = await temporaryFolder()
  const run = runStart({
    USHER_PORT: String(await freeRange()),
    USHER_DATA: folder,
    USHER_CONFIRM_ADDRESSES: confirms,
  })
  try {
    const stack = await untilReady(run, folder)
    for (const [name, executablePath = ''] of browsers) {
      const browser = await puppeteer.launch({
        browser: name as SupportedBrowser,
        executablePath,
        // Chromium's sandbox needs a user who is not root.
        args: name === 'chrome' && process.getuid?.() === 0 ? ['--no-sandbox'] : [],
      })
      try {
        const errors = await journey(browser, stack, confirms === 'by-mail')
        if (errors.length > 0) throw new Error(`Errors in the console:\n${errors.join('\n')}`)
        console.log(`✓ ${await browser.version()}, addresses confirmed ${confirms}`)
      } finally {
        await browser.close()
      }
    }
  } finally {
    run.process.kill()
    await run.ended
    await rm(folder, { recursive: true, force: true })
  }
}
