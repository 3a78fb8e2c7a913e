/**
 * The page Directories: a token for an identity provider, and an application that is told.
 *
 * @module-tag long
 */
import { describe, expect } from 'vitest'
import { axe, joined, stack, test, until } from '../support/browser.ts'

describe('directories', () => {
  test('an admin makes a token, which is shown once and works, and revokes it', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/directories`, { as: owner })
    await page.getByRole('button', { name: 'New token' }).click()
    await page.getByLabel('What it is for').fill('Okta')
    await page.getByRole('button', { name: 'Make the token' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/^scim_/).waitFor()
    const token = await dialog.getByText(/^scim_/).innerText()
    const address = await dialog.getByText(/\/scim\/v2$/).innerText()
    const status = async () =>
      (await fetch(`${address}/Users`, { headers: { authorization: `Bearer ${token}` } })).status

    expect(address).toBe(`${stack.functionsUrl}/scim/v2`)
    expect(await status()).toBe(200)
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.getByText('Okta', { exact: true }).waitFor()
    expect(await page.content()).not.toContain(token)

    await page.getByRole('button', { name: 'Revoke: Okta' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('No identity provider yet').waitFor()
    expect(await status()).toBe(401)
  })

  test('an application is added, brought in step, and says when it does not answer', async ({
    owner,
    organisation,
    open,
  }) => {
    const other = (await owner.usher.organisations.create({ name: 'Application' })).data
    const { data: token } = await owner.usher.directories.createToken(other.id, { name: 'Usher' })
    await joined(owner, organisation.id, ['member'], 'Mel Member')
    const page = await open(`/organisations/${organisation.slug}/directories`, { as: owner })
    const add = async (name: string, secret: string) => {
      await page.getByRole('button', { name: 'New application' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Name of the application').fill(name)
      await dialog.getByLabel('SCIM address').fill(token.scimUrl ?? '')
      await dialog.getByRole('textbox', { name: 'Token' }).fill(secret)
      await dialog.getByRole('button', { name: 'Save' }).click()
    }

    await add('Good', token.token)
    const good = page.getByRole('listitem').filter({ hasText: 'Good' })
    // The owner, of whom there is another one over there.
    await good.getByText('1 member was refused').waitFor({ timeout: 30_000 })
    await good.getByRole('button', { name: 'Switch off: Good' }).click()
    await good.getByText('Turned off').waitFor()

    await add('Bad', 'not-a-token')
    const bad = page.getByRole('listitem').filter({ hasText: 'Bad' })
    await bad.getByText('Does not answer as it should').waitFor({ timeout: 30_000 })
    await bad.getByText(/401/).waitFor()
    await bad.getByRole('button', { name: 'Delete: Bad' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await until(async () => (await bad.count()) === 0)
  })

  test('a token and a domain whose admin is gone say that they stop, and are taken over', async ({
    owner,
    organisation,
    open,
  }) => {
    const admin = await joined(owner, organisation.id, ['admin'], 'Ada Admin')
    const { usher } = admin
    await usher.directories.createToken(organisation.id, { name: 'Okta' })
    const domain = `${organisation.slug}.test`
    await usher.domains.create(organisation.id, domain)
    await usher.domains.update(organisation.id, domain, { joinPolicy: 'join' })
    await owner.usher.members.remove(organisation.id, admin.userId)

    const page = await open(`/organisations/${organisation.slug}/directories`, { as: owner })
    const token = page.getByRole('listitem').filter({ hasText: 'Okta' })
    await token
      .getByText(/^Stops in \d days: whoever answers for it has lost the right to/)
      .waitFor()
    expect(await axe(page)).toEqual([])
    await token.getByRole('button', { name: 'Take over: Okta' }).click()
    await page.getByText('You now answer for Okta.').waitFor()
    await until(async () => (await token.getByText(/^Stops/).count()) === 0)

    await page.goto(`${stack.consoleUrl}/organisations/${organisation.slug}/settings`)
    const domains = page.getByRole('region', { name: 'Domains' })
    await domains.getByText(/^Stops in/).waitFor()
    await domains.getByRole('button', { name: `Take over: ${domain}` }).click()
    await until(async () => (await domains.getByText(/^Stops in/).count()) === 0)
    const [taken] = (await owner.usher.domains.list(organisation.id)).data
    expect(taken).toMatchObject({ responsibleId: owner.userId, stopsAt: null })
  })

  test('is no page of a member', async ({ owner, organisation, open }) => {
    const member = await joined(owner, organisation.id, ['member'], 'Mel Member')
    const page = await open(`/organisations/${organisation.slug}/directories`, { as: member })

    await page.getByText('You may not see this').waitFor()
    expect(await page.getByRole('link', { name: 'Directories' }).count()).toBe(0)
  })
})
