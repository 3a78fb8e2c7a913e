/**
 * What an admin does in the console, and what others see of it.
 *
 * @module-tag long
 */
import type { Route } from 'playwright-core'
import { describe, expect } from 'vitest'
import {
  downloadOf,
  joined,
  mailTo,
  newAddress,
  PASSWORD,
  stack,
  test,
  until,
} from '../support/browser.ts'

describe('members', () => {
  test('a role changed in one browser is seen in another, without a reload', async ({
    owner,
    organisation,
    open,
  }) => {
    const member = await joined(owner, organisation.id, ['member'], 'Mel Member')
    const path = `/organisations/${organisation.slug}/members`
    const admin = await open(path, { as: owner })
    const theirs = await open(path, { as: member })
    await theirs.getByRole('heading', { name: 'Members' }).waitFor()
    expect(await theirs.getByRole('link', { name: 'Settings' }).count()).toBe(0)

    await admin.getByRole('button', { name: /^Roles of Mel Member/ }).click()
    await admin.getByRole('checkbox', { name: 'Admin' }).check()
    await admin.getByRole('button', { name: 'Save' }).click()
    await admin.getByText('The roles of Mel Member have changed.').waitFor()

    await theirs.getByRole('link', { name: 'Settings' }).waitFor({ timeout: 30_000 })
    await theirs.getByRole('row', { name: /Mel Member.*Admin/ }).waitFor({ timeout: 30_000 })
  })

  test('an admin who loses the right meanwhile is refused in words, sees it undone, and the way is gone', async ({
    owner,
    organisation,
    open,
  }) => {
    const admin = await joined(owner, organisation.id, ['admin'], 'Ada Admin')
    await joined(owner, organisation.id, ['member'], 'Mel Member')
    const page = await open(`/organisations/${organisation.slug}/members`, { as: admin })
    const roles = page.getByRole('button', { name: /^Roles of Mel Member/ })
    await roles.click()
    await page.getByRole('checkbox', { name: 'Finance' }).check()
    // Whoever polls has heard of it after some seconds; this click comes before that.
    const asked: Route[] = []
    const myRoles = '**/rpc/list_my_*'
    await page.route(myRoles, (route) => void asked.push(route))
    await owner.usher.members.updateRoles(organisation.id, admin.userId, ['member'])
    await page.getByRole('button', { name: 'Save' }).click()
    await page.unroute(myRoles)
    await Promise.all(asked.map((route) => route.continue()))

    const refusal = page.getByRole('alert').filter({ hasText: 'Undone, because it was refused' })
    await refusal.waitFor()
    expect(await refusal.innerText()).toContain('permission_denied')
    await page.getByRole('row', { name: /Mel Member/ }).waitFor()
    await until(async () => (await page.getByRole('link', { name: 'Invitations' }).count()) === 0)
    expect(await page.getByRole('row', { name: /Mel Member.*Finance/ }).count()).toBe(0)
    await page.goto(`${stack.consoleUrl}/organisations/${organisation.slug}/trail`)
    await page.getByText('You may not see this').waitFor()
  })

  test('a membership and a role of it get an end, and the list says so', async ({
    owner,
    organisation,
    open,
  }) => {
    const member = await joined(owner, organisation.id, ['finance', 'member'], 'Mel Member')
    const page = await open(`/organisations/${organisation.slug}/members`, { as: owner })
    const dialog = page.getByRole('dialog')
    const setEnd = async (label: string, moment: string) => {
      await page.getByRole('button', { name: 'Actions for Mel Member' }).click()
      await page.getByRole('menuitem', { name: 'Access until' }).click()
      await dialog.getByLabel(label).fill(moment)
      await dialog.getByRole('button', { name: 'Save' }).click()
    }

    await setEnd('Role Finance ends', '2099-03-31T18:00')
    await page.getByRole('row', { name: /Mel Member.*Finance: until 31 Mar 2099/ }).waitFor()
    await setEnd('Membership ends', '2099-12-31T18:00')
    await page.getByRole('row', { name: /Mel Member.*until 31 Dec 2099/ }).waitFor()

    const { data } = await owner.usher.members.get(organisation.id, member.userId)
    expect(new Date(data?.endsAt ?? 0).getUTCFullYear()).toBe(2099)
    expect(Object.keys(data?.roleEnds ?? {})).toEqual(['finance'])
  })

  test('someone is removed with a reason, and the ownership goes over after its name is typed', async ({
    owner,
    organisation,
    open,
  }) => {
    const member = await joined(owner, organisation.id, ['member'], 'Mel Member')
    await joined(owner, organisation.id, ['admin'], 'Ada Admin')
    const page = await open(`/organisations/${organisation.slug}/members`, { as: owner })
    const dialog = page.getByRole('dialog')

    await page.getByRole('button', { name: 'Actions for Mel Member' }).click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    await dialog.getByLabel('Reason (optional)').fill('Moved on')
    await dialog.getByRole('button', { name: 'Remove' }).click()
    await page.getByText('Mel Member has been removed.').waitFor()
    expect(
      (await mailTo(member.email, ({ text }) => /removed you/.test(text))).subject,
    ).toBeTruthy()

    await page.getByRole('button', { name: 'Actions for Ada Admin' }).click()
    await page.getByRole('menuitem', { name: 'Make owner' }).click()
    const confirm = dialog.getByRole('button', { name: 'Make owner' })
    expect(await confirm.isDisabled()).toBe(true)
    await dialog.getByLabel(`Type ${organisation.name} to confirm`).fill(organisation.name)
    await confirm.click()
    await page.getByRole('row', { name: /Ada Admin.*Owner/ }).waitFor()
  })
})

describe('invitations', () => {
  test('one is followed, gets other roles, its link is taken, and it is withdrawn', async ({
    owner,
    organisation,
    open,
  }) => {
    const email = newAddress('followed')
    await owner.usher.invites.create(organisation.id, { email, roles: ['member'] })
    const page = await open(`/organisations/${organisation.slug}/invitations`, { as: owner })
    const row = page.getByRole('row', { name: new RegExp(email) })
    await row.filter({ hasText: 'Sent' }).waitFor({ timeout: 30_000 })
    const choose = async (action: string) => {
      await page.getByRole('button', { name: `Actions for ${email}` }).click()
      await page.getByRole('menuitem', { name: action }).click()
    }
    const dialog = page.getByRole('dialog')

    await choose('Copy link')
    expect(await dialog.locator('pre').innerText()).toMatch(/\/invite#inv_/)
    await page.keyboard.press('Escape')
    await choose('Change roles')
    await dialog.getByRole('combobox').click()
    await page.getByRole('option', { name: 'Finance' }).click()
    await page.keyboard.press('Tab')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await row.filter({ hasText: 'Finance' }).waitFor()
    await choose('Withdraw')
    await dialog.getByRole('button', { name: 'Withdraw' }).click()
    await row.filter({ hasText: 'Withdrawn' }).waitFor()

    await page.getByRole('link', { name: email }).click()
    await page.getByRole('heading', { name: 'What happened' }).waitFor()
    for (const step of [
      'Invitation created',
      'Link of an invitation shown',
      'Roles of an invitation changed',
      'Invitation withdrawn',
    ]) {
      await page.getByText(step).waitFor()
    }
  })

  test('one whose inviter is gone says so in words, and is sent anew by another', async ({
    owner,
    organisation,
    open,
  }) => {
    const admin = await joined(owner, organisation.id, ['admin'], 'Ada Admin')
    const email = newAddress('orphan')
    const { data: invite } = await admin.usher.invites.create(organisation.id, {
      email,
      roles: ['member'],
    })
    await owner.usher.members.remove(organisation.id, admin.userId)
    // A worker tidies up; a page that was opened before it did shows the invitation as it was.
    await expect
      .poll(async () => (await owner.usher.invites.list(organisation.id, { search: email })).data)
      .toMatchObject([{ status: 'revoked' }])

    const page = await open(`/organisations/${organisation.slug}/invitations`, { as: owner })
    const row = page.getByRole('row', { name: new RegExp(email) })
    await row.getByText('Whoever sent it may no longer invite people').waitFor()
    expect(await page.content()).not.toContain('inviter_lost_right')

    await page.goto(
      `${stack.consoleUrl}/organisations/${organisation.slug}/invitations/${invite.id}`,
    )
    await page.getByText('Whoever sent it may no longer invite people').first().waitFor()
    await page.getByText('Invitation withdrawn').waitFor()
    expect(await page.locator('main').innerText()).not.toContain('inviter_lost_right')
    await page.getByRole('button', { name: 'Send anew in my name' }).click()
    await page.getByText(`A new invitation is on its way to ${email}.`).waitFor()
    const { data: invites } = await owner.usher.invites.list(organisation.id, { search: email })
    expect(invites.map(({ status, invitedBy }) => [status, invitedBy])).toEqual([
      ['pending', owner.userId],
      ['revoked', admin.userId],
    ])
  })

  test('an address that cannot be invited is said so, beside those that can', async ({
    owner,
    organisation,
    open,
  }) => {
    const good = newAddress('good')
    const page = await open(`/organisations/${organisation.slug}/invitations/new`, { as: owner })
    await page
      .getByRole('combobox', { name: 'Addresses' })
      .fill(`${good}, ${owner.email} broken@nowhere`)
    await page.getByRole('button', { name: 'Send 3 invitations' }).click()

    await page.getByText('1 invitation is on its way.').waitFor()
    const alert = page.getByRole('alert').filter({ hasText: '2 rows were refused.' })
    expect(await alert.innerText()).toContain('already_member')
    expect(await alert.innerText()).toContain('invalid_email')
    expect((await mailTo(good)).subject).toContain(organisation.name)
  })
})

describe('the other pages', () => {
  test('an own role is made, stands in the matrix, and is deleted', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/roles`, { as: owner })
    await page.getByRole('button', { name: 'New role' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox', { name: 'Name' }).fill('recruiter')
    await dialog.getByLabel('Invite people and devices').check()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('columnheader', { name: 'recruiter' }).waitFor()
    await page.getByRole('button', { name: 'Delete: recruiter' }).click()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('No own roles yet').waitFor()
  })

  test('the trail is read, filtered, exported and verified', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/trail`, { as: owner })
    await page.getByRole('row', { name: /Organisation created/ }).waitFor()
    const events = JSON.parse(await downloadOf(page, 'Export JSON'))
    expect(events.map(({ event }: { event: string }) => event)).toContain('organisation.created')

    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('The trail is whole').waitFor()
    await page.getByRole('combobox', { name: 'Event' }).click()
    await page.getByRole('option', { name: 'Role deleted' }).click()
    await page.getByText('No event fits').waitFor()
  })

  test('a device gets a code that works, shown with a QR code', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/devices`, { as: owner })
    await page.getByRole('button', { name: 'Invite a device' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name of the device').fill('Screen in the lobby')
    await dialog.getByRole('button', { name: 'Make a code' }).click()
    await dialog.getByRole('img', { name: 'The code as a QR code' }).waitFor()
    expect(await dialog.innerText()).toMatch(/[A-Z0-9]{5}-[A-Z0-9]{5}/)
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.getByRole('row', { name: /Screen in the lobby/ }).waitFor()
  })

  test('settings are saved; what is not allowed is said with its code', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/settings`, { as: owner })
    const general = page.getByRole('region', { name: 'General' })
    await general.getByLabel('Short name').fill('Not a slug!')
    await general.getByRole('button', { name: 'Save' }).click()
    await general.getByText('invalid_slug').waitFor()
    const slug = `renamed-${organisation.id.slice(0, 8)}`
    await general.getByLabel('Short name').fill(slug)
    await general.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL(`**/organisations/${slug}/settings`)

    const limits = page.getByRole('region', { name: 'Limits' })
    await limits.getByLabel('Tokens and domains go on for').selectOption('3 days')
    await limits.getByRole('button', { name: 'Save' }).click()
    await until(
      async () =>
        (await owner.usher.organisations.get(organisation.id)).data?.credentialGrace === '3 days',
    )

    const domains = page.getByRole('region', { name: 'Domains' })
    await domains.getByLabel('Domain', { exact: true }).fill('rockets.test')
    await domains.getByRole('button', { name: 'Add a domain' }).click()
    await domains.getByText('_usher.rockets.test').waitFor()
  })
})

describe('how long the trail is kept', () => {
  test('the owner changes it; an admin sees who may, and saves the rest', async ({
    owner,
    organisation,
    open,
  }) => {
    const path = `/organisations/${organisation.slug}/settings`
    const mine = await open(path, { as: owner })
    const own = mine.getByRole('region', { name: 'Limits' })
    expect(await own.getByLabel('Keep the trail for').isDisabled()).toBe(false)
    await own.getByLabel('Keep the trail for').selectOption({ index: 1 })
    await own.getByRole('button', { name: 'Save' }).click()
    const settingsNow = async () => (await owner.usher.organisations.get(organisation.id)).data
    await expect
      .poll(async () => (await settingsNow())?.auditRetention, { timeout: 30_000 })
      .toBeTruthy()
    const kept = await settingsNow()

    const admin = await joined(owner, organisation.id, ['admin'], 'Ann Admin')
    const page = await open(path, { as: admin })
    const limits = page.getByRole('region', { name: 'Limits' })
    await limits.getByText('Only the owner changes it.').waitFor()
    expect(await limits.getByLabel('Keep the trail for').isDisabled()).toBe(true)
    await limits.getByLabel('Seats').fill('50')
    await limits.getByRole('button', { name: 'Save' }).click()
    await expect.poll(async () => (await settingsNow())?.seatLimit, { timeout: 30_000 }).toBe(50)
    expect((await settingsNow())?.auditRetention).toBe(kept?.auditRetention)
  })
})

describe('everyone', () => {
  test('signs in, sees organisations and invitations, switches, and leaves', async ({
    owner,
    organisation,
    open,
  }) => {
    const member = await joined(owner, organisation.id, ['member'], 'Mel Member')
    const { data: other } = await member.usher.organisations.create({ name: 'Own Bakery' })
    const { data: second } = await owner.usher.organisations.create({ name: 'Second Rockets' })
    const { data: invite } = await owner.usher.invites.create(second.id, {
      email: member.email,
      roles: ['member'],
    })
    const page = await open('/organisations/nowhere/members')

    await page.waitForURL('**/sign-in?to=*')
    await page.getByLabel('Email address').fill(member.email)
    await page.getByLabel('Password', { exact: true }).last().fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('There is nothing here').waitFor()
    await page.getByRole('link', { name: 'To the start page' }).click()
    await page.getByRole('link', { name: organisation.name }).waitFor()
    // Auth has confirmed the address by a mail: that proves the mailbox as well as the link does.
    await page.getByRole('button', { name: 'Accept: Second Rockets' }).click()
    await page.waitForURL(`**/organisations/${second.id}/members`)
    expect((await owner.usher.invites.get(invite.id)).data?.status).toBe('accepted')

    await page.goto(stack.consoleUrl)
    await page.getByRole('button', { name: `Leave: ${organisation.name}` }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click()
    await page.getByRole('link', { name: organisation.name }).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: other.name }).click()
    await page.getByRole('button', { name: /Own Bakery.*Switch organisation/ }).click()
    await page.getByRole('menuitem', { name: 'Your organisations' }).click()
    await page.getByRole('heading', { name: 'Your organisations' }).waitFor()
  })
})
