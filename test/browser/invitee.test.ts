/** What an invitee lives through, from the mail to the membership, in a real browser. */
import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import {
  linkIn,
  linkOf,
  mailTo,
  newAddress,
  PASSWORD,
  signUp,
  stack,
  test,
  until,
} from '../support/browser.ts'

const heading = (page: Page) => page.getByRole('heading', { level: 1 })
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

async function register(page: Page) {
  await page.getByLabel('Choose a password').fill(PASSWORD)
  await button(page, 'Make the account').click()
}

async function signIn(page: Page) {
  await page.getByLabel('Password', { exact: true }).last().fill(PASSWORD)
  await button(page, 'Sign in').click()
}

describe('a new user', () => {
  test('is invited by an admin, gets the mail, registers, accepts and is in', async ({
    owner,
    organisation,
    open,
  }) => {
    const email = newAddress('new')
    const admin = await open(`/organisations/${organisation.slug}/invitations/new`, { as: owner })
    await admin.getByRole('combobox', { name: 'Addresses' }).fill(email)
    await admin.getByLabel('Message (optional)').fill('Welcome aboard!')
    await button(admin, 'Send 1 invitation').click()
    await admin.getByRole('link', { name: email }).waitFor()

    const page = await open(linkIn(await mailTo(email)))
    await heading(page)
      .filter({ hasText: `Join ${organisation.name}` })
      .waitFor()
    const text = await page.locator('main').innerText()
    expect(text).toContain(`Olive Owner invites you to ${organisation.name}.`)
    expect(text).toContain('Welcome aboard!')
    expect(text).toMatch(/Your role\s+Member/)
    expect(text).toMatch(/Valid until\s+\w+day/)
    expect(await page.getByLabel('Address', { exact: true }).inputValue()).toBe(email)
    expect(await page.getByLabel('Address', { exact: true }).isEditable()).toBe(false)

    await register(page)
    await button(page, 'Accept the invitation').click()

    await page.waitForURL(`**/organisations/${organisation.id}/members`)
    await page.getByRole('row', { name: new RegExp(email) }).waitFor()
    await admin
      .getByRole('row', { name: new RegExp(`${email}.*Accepted`) })
      .waitFor({ timeout: 30_000 })
  })

  test('registers with a one-time code instead of a password', async ({
    owner,
    organisation,
    open,
  }) => {
    const email = newAddress('code')
    const { data: invite } = await owner.usher.invites.create(organisation.id, {
      email,
      roles: ['member'],
    })
    const link = await linkOf(owner, invite)
    const page = await open(`/register?token=${link.split('#')[1]}`)

    await page.getByText('Code by mail').click()
    await button(page, 'Send me a code').click()
    const mail = await mailTo(email, ({ text }) => /\b\d{6}\b/.test(text))
    await page.getByLabel('Code of six digits').fill('000000')
    await button(page, 'Go on').click()
    await page.getByText('This code is wrong or too old.').waitFor()
    await page.getByLabel('Code of six digits').fill(mail.text.match(/\b\d{6}\b/)?.[0] ?? '')
    await button(page, 'Go on').click()
    await button(page, 'Accept the invitation').click()

    await page.waitForURL(`**/organisations/${organisation.id}/members`)
  })
})

describe('an existing user', () => {
  test('signs in, accepts, and goes where the invitation says', async ({
    owner,
    organisation,
    open,
  }) => {
    const invitee = await signUp(newAddress('existing'))
    const { data: invite } = await owner.usher.invites.create(organisation.id, {
      email: invitee.email,
      roles: ['finance', 'member'],
      redirectTo: `/organisations/${organisation.slug}/roles`,
    })
    const page = await open(await linkOf(owner, invite))

    await page.getByText('Sign in to accept.').waitFor()
    await signIn(page)
    await button(page, 'Accept the invitation').click()

    await page.waitForURL(`**/organisations/${organisation.slug}/roles`)
  })

  test('with another address is told so, switches, and accepts', async ({
    owner,
    organisation,
    open,
  }) => {
    const other = await signUp(newAddress('other'))
    const invitee = await signUp(newAddress('right'))
    const { data: invite } = await owner.usher.invites.create(organisation.id, {
      email: invitee.email,
      roles: ['member'],
    })
    const page = await open(await linkOf(owner, invite), { as: other })

    const notice = page.getByRole('alert')
    await notice.waitFor()
    expect(await notice.innerText()).toContain(`You are signed in as ${other.email}`)
    expect(await button(page, 'Accept the invitation').count()).toBe(0)
    await button(page, `Switch to ${invitee.email}`).click()
    await signIn(page)
    await button(page, 'Accept the invitation').click()

    await page.waitForURL(`**/organisations/${organisation.id}/members`)
  })
})

describe('declining', () => {
  test('needs no account, takes a reason, and tells the admins', async ({
    owner,
    organisation,
    open,
  }) => {
    const { data: invite } = await owner.usher.invites.create(organisation.id, {
      email: newAddress('declines'),
      roles: ['member'],
    })
    const link = await linkOf(owner, invite)
    const page = await open(link)
    await button(page, 'Decline').click()
    await page.getByLabel('Reason (optional)').fill('I am afraid of heights.')
    await button(page, 'Decline for good').click()

    await heading(page).filter({ hasText: 'You have declined' }).waitFor()
    const mail = await mailTo(owner.email, ({ subject }) => subject.includes('will not join'))
    expect(mail.text).toContain('I am afraid of heights.')
    const again = await open(link)
    await heading(again).filter({ hasText: 'This invitation was declined' }).waitFor()
  })
})

describe('a link that leads no further', () => {
  test('an expired one can be asked for again, and the new mail works', async ({
    owner,
    organisation,
    open,
  }) => {
    await owner.usher.organisations.update(organisation.id, { selfServiceResend: true })
    const email = newAddress('late')
    const { data: invite } = await owner.usher.invites.create(organisation.id, {
      email,
      roles: ['member'],
    })
    const first = linkIn(await mailTo(email))
    await owner.usher.invites.expire(invite.id)

    const page = await open(first)
    await heading(page).filter({ hasText: 'This invitation has expired' }).waitFor()
    await button(page, 'Ask for a new invitation').click()
    await page.getByText('Your request is on its way').waitFor()

    const second = linkIn(await mailTo(email, (mail) => linkIn(mail) !== first))
    const replaced = await open(first)
    await heading(replaced).filter({ hasText: 'There is a newer mail' }).waitFor()
    const renewed = await open(second)
    await register(renewed)
    await button(renewed, 'Accept the invitation').click()
    await renewed.waitForURL(`**/organisations/${organisation.id}/members`)
  })

  test('says why, with the code at hand', async ({ owner, organisation, open }) => {
    const invite = async (name: string) => {
      const { data } = await owner.usher.invites.create(organisation.id, {
        email: newAddress(name),
        roles: ['member'],
      })
      return { ...data, link: await linkOf(owner, data) }
    }
    const revoked = await invite('revoked')
    await owner.usher.invites.revoke(revoked.id)
    const used = await invite('used')
    const invitee = await signUp(used.email)
    await invitee.usher.invites.accept(used.link.split('#')[1] ?? '')

    const ends = [
      [revoked.link, 'This invitation was withdrawn', 'invite_revoked'],
      [used.link, 'This invitation has been used', 'invite_already_accepted'],
      [`/invite#inv_${'A'.repeat(116)}`, 'This link does not work', 'invite_invalid'],
      ['/invite', 'This link does not work', 'invite_invalid'],
    ] as const
    for (const [link, title, code] of ends) {
      const page = await open(link)
      await heading(page).filter({ hasText: title }).waitFor()
      expect(await page.locator('code').innerText()).toBe(code)
    }
  })
})

describe('the token', () => {
  test.for(['#', '?token='])(
    'leaves the address bar at once, survives a reload, and nothing is answered by looking (%s)',
    async (mark, { owner, organisation, open }) => {
      const { data: invite } = await owner.usher.invites.create(organisation.id, {
        email: newAddress('looks'),
        roles: ['member'],
      })
      const token = (await linkOf(owner, invite)).split('#')[1] ?? ''
      const page = await open('/sign-in')
      const asked: string[] = []
      page.on('request', (request) => asked.push(`${request.method()} ${request.url()}`))

      await page.goto(`${stack.consoleUrl}/invite${mark}${token}`)
      await heading(page).filter({ hasText: 'Join' }).waitFor()
      expect(page.url()).toBe(`${stack.consoleUrl}/invite`)
      await page.reload()
      await heading(page).filter({ hasText: 'Join' }).waitFor()

      expect(asked.filter((each) => /accept|decline|resend/.test(each))).toEqual([])
      const onlyFirst = asked.filter((each) => each.includes(token))
      expect(onlyFirst.every((each) => each.startsWith('GET') && each.includes(mark))).toBe(true)
      expect(await page.locator('meta[name=referrer]').getAttribute('content')).toBe('no-referrer')
      await until(async () => (await owner.usher.invites.get(invite.id)).data?.status === 'pending')
    },
  )
})
