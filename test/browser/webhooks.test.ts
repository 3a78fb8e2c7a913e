/**
 * Webhooks in the console, with a receiver that hears of it, sent by the stack's own worker.
 *
 * @module-tag long
 */
import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { axe, joined, test } from '../support/browser.ts'
import { startReceiver } from '../support/receiver.ts'

/** The worker looks every second. */
const SOON = { timeout: 30_000 }

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

async function choose(page: Page, url: string, what: string) {
  await button(page, `Actions for ${url}`).click()
  await page.getByRole('menuitem', { name: what, exact: true }).click()
}

const secretShown = async (page: Page) => {
  await page.getByRole('heading', { name: 'The secret of the webhook' }).waitFor()
  return page.getByText(/^whsec_/).innerText()
}

describe('webhooks', () => {
  test('an admin makes one, tests it, rotates its secret, and switches it off', async ({
    owner,
    organisation,
    open,
  }) => {
    const receiver = await startReceiver()
    const page = await open(`/organisations/${organisation.slug}/webhooks`, { as: owner })
    await page.getByText('No webhooks yet').waitFor()

    await button(page, 'Add a webhook').click()
    await page.getByLabel('Address').fill(receiver.url)
    await page.getByLabel('All events').uncheck()
    expect(await axe(page)).toEqual([])
    await page.getByRole('combobox', { name: 'Events' }).fill('Role created')
    await page.getByRole('option', { name: 'Role created' }).click()
    await button(page, 'Save').click()
    receiver.trust(await secretShown(page))
    await button(page, 'Close').last().click()
    await page.getByText('1 event', { exact: true }).waitFor()

    await choose(page, receiver.url, 'Send a test')
    await page
      .getByRole('table', { name: 'What was sent' })
      .getByText('Delivered', { exact: true })
      .waitFor()
    await owner.usher.roles.create(organisation.id, { name: 'auditor' })
    await expect.poll(() => receiver.heard.map(({ type }) => type), SOON).toContain('role.created')
    expect(await axe(page)).toEqual([])

    await choose(page, receiver.url, 'New secret')
    await button(page, 'New secret').click()
    receiver.trust(await secretShown(page))
    await button(page, 'Close').last().click()
    await page.getByRole('button', { name: /^Send again: Role created/ }).click()
    await expect
      .poll(() => receiver.heard.filter(({ type }) => type === 'role.created').length, SOON)
      .toBe(2)
    expect(receiver.refused()).toBe(0)

    await choose(page, receiver.url, 'Switch off')
    await page.getByText('Off', { exact: true }).waitFor()
  })

  test('an address that may not be called is refused in words', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/webhooks`, { as: owner })
    await button(page, 'Add a webhook').click()
    await page.getByLabel('Address').fill('https://user:word@hooks.example.com/')
    await button(page, 'Save').click()

    await page.getByText(/without user name/).waitFor()
  })

  test('a member neither sees the page nor the way there', async ({
    owner,
    organisation,
    open,
  }) => {
    const member = await joined(owner, organisation.id, ['member'], 'Mia Member')
    const page = await open(`/organisations/${organisation.slug}/webhooks`, { as: member })

    await page.getByText('You may not see this').waitFor()
    expect(await page.getByRole('link', { name: 'Webhooks' }).count()).toBe(0)
  })
})
