/** The first thing to do in a new organisation is to invite somebody, and the pages lead there. */
import { describe, expect } from 'vitest'
import { newAddress, signUp, test } from '../support/browser.ts'

describe('whoever creates an organisation', () => {
  test('lands on inviting people, and may type the first address at once', async ({ open }) => {
    const page = await open('/', { as: await signUp(undefined, 'Freda First') })
    await page.getByRole('button', { name: 'New organisation' }).click()
    await page.keyboard.type('First Steps')
    await page.keyboard.press('Enter')

    await page.waitForURL('**/organisations/*/invitations/new')
    const addresses = page.getByRole('combobox', { name: 'Addresses' })
    await expect
      .poll(() => addresses.evaluate((field) => field === document.activeElement))
      .toBe(true)
    const email = newAddress('colleague')
    await page.keyboard.type(email)
    await page.getByRole('button', { name: 'Send 1 invitation' }).click()
    await page.getByRole('link', { name: email }).waitFor()
  })

  test('is led there from an empty list of members as well', async ({
    open,
    owner,
    organisation,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/members`, { as: owner })
    await page.getByText('You’re the only member').waitFor()
    await page.getByRole('main').getByRole('link', { name: 'Invite people' }).last().click()
    await page.waitForURL('**/invitations/new')
  })
})
