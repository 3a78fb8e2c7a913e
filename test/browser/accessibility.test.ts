/**
 * Every page, in both themes, wide and narrow, also from right to left: for everybody to use.
 *
 * @module-tag long
 */
import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { type Account, axe, linkOf, newAddress, test } from '../support/browser.ts'

const IN_ORGANISATION = [
  'overview',
  'members',
  'invitations',
  'invitations/new',
  'mails',
  'devices',
  'directories',
  'roles',
  'trail',
  'webhooks',
  'settings',
  'settings/templates',
  'settings/templates/new?kind=invite',
] as const

/** Nothing happens before a button is pressed, so that it need not be a real one. */
const STOP_LINK = `/stop-mail#stp_${'A'.repeat(68)}`

/** Once nothing is on its way any more. */
async function settled(page: Page) {
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page
    .locator('[aria-busy=true], .mantine-Skeleton-root')
    .first()
    .waitFor({ state: 'hidden' })
}

async function widerThanWindow(page: Page) {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
}

async function invitationOf(owner: Account, organisationId: string) {
  const { data } = await owner.usher.invites.create(organisationId, {
    email: newAddress('accessible'),
    roles: ['member', 'finance'],
    message: 'Welcome!',
  })
  return data
}

describe.for(['light', 'dark'] as const)('in the %s theme', (colorScheme) => {
  test('axe finds nothing on the pages of those who are not in yet', async ({
    owner,
    organisation,
    open,
  }) => {
    const link = await linkOf(owner, await invitationOf(owner, organisation.id))
    for (const path of [link, '/invite', '/sign-in', '/stop-mail', STOP_LINK]) {
      const page = await open(path, { colorScheme })
      await settled(page)
      expect(await axe(page), path).toEqual([])
    }
    const declining = await open(link, { colorScheme })
    await declining.getByRole('button', { name: 'Decline' }).click()
    expect(await axe(declining), 'declining').toEqual([])
  })

  test('axe finds nothing on any page of an organisation, nor is one wider than 320 pixels', async ({
    owner,
    organisation,
    open,
  }) => {
    const invite = await invitationOf(owner, organisation.id)
    const base = `/organisations/${organisation.slug}`
    const page = await open('/', { colorScheme, as: owner })
    await settled(page)
    expect(await axe(page), 'home').toEqual([])
    for (const name of [...IN_ORGANISATION, `invitations/${invite.id}`]) {
      await page.goto(new URL(`${base}/${name}`, page.url()).href)
      await settled(page)
      expect(await axe(page), name).toEqual([])
      await page.setViewportSize({ width: 320, height: 640 })
      // A chart measures anew a moment after the window has changed.
      await expect
        .poll(() => widerThanWindow(page), { message: `${name} at 320 pixels`, timeout: 30_000 })
        .toBeLessThanOrEqual(0)
      await page.setViewportSize({ width: 1280, height: 800 })
    }
  })
})

describe('the keyboard alone', () => {
  test('skips to the content, opens a menu, asks, and comes back to where it was', async ({
    owner,
    organisation,
    open,
  }) => {
    const invite = await invitationOf(owner, organisation.id)
    const page = await open(`/organisations/${organisation.slug}/invitations`, { as: owner })
    const actions = page.getByRole('button', { name: `Actions for ${invite.email}` })
    await actions.waitFor()
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').innerText()).toBe('Skip to content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('content')

    await actions.focus()
    await page.keyboard.press('Enter')
    // The menu takes the focus once it is open; before that, it would take it away again.
    await page.locator('[role=menu] :focus').waitFor({ state: 'attached' })
    await page.getByRole('menuitem', { name: 'Withdraw' }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    expect(await axe(page)).toEqual([])
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })
})

describe('languages', () => {
  test('Arabic is written from right to left, and axe finds nothing', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/members`, {
      as: owner,
      language: 'ar',
    })
    await settled(page)

    expect(await page.locator('html').getAttribute('dir')).toBe('rtl')
    expect(await page.locator('html').getAttribute('lang')).toBe('ar')
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toMatch(/[\u0600-\u06ff]/)
    expect(await axe(page)).toEqual([])
  })

  test('an invitation is shown in its own language, and in the one that is chosen', async ({
    owner,
    organisation,
    open,
  }) => {
    const { data: invite } = await owner.usher.invites.create(organisation.id, {
      email: newAddress('polish'),
      roles: ['member'],
      locale: 'pl',
    })
    const page = await open(await linkOf(owner, invite))
    await page.getByRole('button', { name: 'Odrzuć' }).waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('pl')

    await page.getByLabel('Język').selectOption('fr')
    await page.getByRole('button', { name: 'Refuser' }).waitFor()
  })
})
