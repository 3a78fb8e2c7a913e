/**
 * How mails are worded, stopped and tried again in the console, and what others see of it.
 *
 * @module-tag long
 */
import type { Page } from 'playwright-core'
import postgres from 'postgres'
import { describe, expect } from 'vitest'
import {
  type Account,
  axe,
  linkIn,
  linkOf,
  type Mail,
  mailTo,
  newAddress,
  stack,
  test,
  until,
} from '../support/browser.ts'

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
const heading = (page: Page, name: string | RegExp) =>
  page.getByRole('heading', { level: 1, name }).waitFor()
const invitation = (mail: Page) => mail.frameLocator('iframe[title="The mail, with sample data"]')

/** The link to stop in a mail. */
function stopLinkIn(mail: Mail): string {
  const link = mail.text.match(/https?:\/\/\S+#stp_[A-Za-z0-9_-]+/)?.[0]
  if (!link) throw new Error(`No link to stop in: ${mail.text}`)
  return link
}

async function invite(owner: Account, organisationId: string, email: string) {
  return (await owner.usher.invites.create(organisationId, { email, roles: ['member'] })).data
}

describe('mail templates', () => {
  test('an admin words the invitation, sees it while typing, and the next mail says it so', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/settings`, { as: owner })
    await page.getByRole('link', { name: 'Word the mails' }).click()
    await page.getByRole('link', { name: 'New template: Invitation', exact: true }).click()
    await invitation(page).getByRole('link', { name: 'See the invitation' }).waitFor()

    await page.getByLabel('Subject').fill('Come aboard, ')
    await button(page, 'Who is invited').click()
    await page.getByLabel('Text').fill('We are **glad** to have you.\n\n<script>alert(1)</script>')
    await page.getByLabel('Button', { exact: true }).fill('Step in')

    await page.getByText('Come aboard, new@example.com').waitFor()
    const mail = invitation(page)
    await mail.getByRole('link', { name: 'Step in' }).waitFor()
    expect(await mail.locator('strong').innerText()).toBe('glad')
    await mail.getByText('<script>alert(1)</script>').waitFor()

    await button(page, 'Save').click()
    await page.waitForURL(/\/settings\/templates\/[0-9a-f-]{36}$/)
    const email = newAddress('worded')
    await invite(owner, organisation.id, email)
    const { subject, text } = await mailTo(email)
    expect(subject).toBe(`Come aboard, ${email}`)
    expect(text).toContain('We are glad to have you.')
  })

  test('a mail is shown in every language, light and dark, narrow and wide', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(
      `/organisations/${organisation.slug}/settings/templates/new?kind=member_removed`,
      { as: owner },
    )
    const mail = invitation(page)
    for (const [locale, dir] of [
      ['de', 'ltr'],
      ['fr', 'ltr'],
      ['es', 'ltr'],
      ['pl', 'ltr'],
      ['ar', 'rtl'],
      ['en', 'ltr'],
    ]) {
      await page.getByLabel('Language of the preview').selectOption(locale ?? '')
      await mail.locator(`html[lang=${locale}][dir=${dir}]`).waitFor()
    }

    const ground = () =>
      mail.locator('.card').evaluate((card) => getComputedStyle(card).backgroundColor)
    expect(await ground()).toBe('rgb(255, 255, 255)')
    await page.getByText('Dark', { exact: true }).click()
    await expect.poll(ground).toBe('rgb(29, 33, 43)')

    const frame = page.locator('iframe')
    const wide = (await frame.boundingBox())?.width ?? 0
    await page.getByText('Narrow', { exact: true }).click()
    await expect
      .poll(async () => (await frame.boundingBox())?.width ?? 0)
      .toBeLessThan(Math.min(361, wide))
  })

  test('what the server refuses is said at the field, and can be mended', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/settings/templates/new`, {
      as: owner,
    })
    await page.getByLabel('Subject').fill('Hello {{nobody}}')
    await button(page, 'Save').click()

    await page.getByText('subject: there is no placeholder {{nobody}} here').waitFor()
    expect(await page.getByLabel('Subject').getAttribute('aria-invalid')).toBe('true')
    expect(await axe(page)).toEqual([])
    await page.getByLabel('Subject').fill('Hello')
    await button(page, 'Save').click()
    await page.waitForURL(/\/settings\/templates\/[0-9a-f-]{36}$/)
  })

  test('a template is listed by kind and language, changed, and deleted', async ({
    owner,
    organisation,
    open,
  }) => {
    await owner.usher.templates.create(organisation.id, {
      kind: 'join_approved',
      locale: 'de',
      name: 'Herzlich',
      heading: 'Willkommen',
    })
    const path = `/organisations/${organisation.slug}/settings/templates`
    const page = await open(path, { as: owner })
    const approved = page.getByRole('region', { name: 'Request to join approved' })
    await approved.getByText('In use').waitFor()
    await approved.getByRole('link', { name: 'Deutsch: Herzlich' }).click()
    await invitation(page).getByRole('heading', { name: 'Willkommen' }).waitFor()

    await page.getByLabel('Heading').fill('Schön, dass Sie da sind')
    await button(page, 'Save').click()
    await until(
      async () =>
        (await owner.usher.templates.list(organisation.id)).data[0]?.heading ===
        'Schön, dass Sie da sind',
    )
    await button(page, 'Delete').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.waitForURL(`**${path}`)
    await approved.getByText('As built in').waitFor()
    expect((await owner.usher.templates.list(organisation.id)).data).toEqual([])
  })

  test('mails come under the name that an admin gives, and openings are recorded if they want', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await open(`/organisations/${organisation.slug}/settings`, { as: owner })
    await page.getByLabel('Sender of mails').fill('The Rocket Team')
    await page
      .getByRole('region', { name: 'Branding' })
      .getByRole('button', { name: 'Save' })
      .click()
    await until(
      async () =>
        (await owner.usher.organisations.get(organisation.id)).data?.senderName ===
        'The Rocket Team',
    )
    await page.getByLabel('Record when mails are opened').check()
    await page
      .getByRole('region', { name: 'Invitations' })
      .getByRole('button', { name: 'Save' })
      .click()
    await until(
      async () => (await owner.usher.organisations.get(organisation.id)).data?.trackOpens === true,
    )
  })
})

describe('the link to stop invitations', () => {
  test('stops nothing by being opened, stops by a button, and can be taken back', async ({
    owner,
    organisation,
    open,
  }) => {
    const email = newAddress('quiet')
    const { id } = await invite(owner, organisation.id, email)
    const page = await open(stopLinkIn(await mailTo(email)))
    await heading(page, 'Stop invitations?')
    expect(page.url()).toBe(`${stack.consoleUrl}/stop-mail`)
    const turns = async () =>
      (await owner.usher.audit.list(organisation.id)).data
        .map(({ event }) => event)
        .filter((event) => event.startsWith('mail.'))
    expect(await turns()).toEqual([])

    await button(page, 'Stop invitations').click()
    await page.getByText(`${organisation.name} will not invite you by mail any more.`).waitFor()
    expect(await turns()).toEqual(['mail.stopped'])
    expect(await axe(page)).toEqual([])
    await owner.usher.invites.resend(id)
    await until(async () =>
      (await owner.usher.deliveries.list(organisation.id, { inviteId: id })).data.some(
        ({ status }) => status === 'suppressed',
      ),
    )

    await button(page, 'Let them come again').click()
    await page.getByText(`${organisation.name} may invite you by mail again.`).waitFor()
    expect(await turns()).toEqual(['mail.resumed', 'mail.stopped'])
    await button(page, 'Stop invitations').waitFor()
  })

  test('stops those of all organisations by another button, and lets all come again', async ({
    owner,
    organisation,
    open,
  }) => {
    const email = newAddress('quieter')
    await invite(owner, organisation.id, email)
    const page = await open(stopLinkIn(await mailTo(email)))
    const { data: other } = await owner.usher.organisations.create({ name: 'Another one' })
    const statusOf = async (id: string | undefined) =>
      (await owner.usher.deliveries.list(other?.id ?? '', { inviteId: id })).data[0]?.status

    await button(page, 'Stop those of all organisations').click()
    await page.getByText('No organisation will invite you by mail any more.').waitFor()
    expect(await axe(page)).toEqual([])
    const first = await invite(owner, other?.id ?? '', email.replace('@', '+again@'))
    await until(async () => (await statusOf(first.id)) === 'suppressed')

    await button(page, 'Let them come again').click()
    await page.getByText('Organisations may invite you by mail again').waitFor()
    const second = await invite(owner, other?.id ?? '', email)
    await until(async () => (await statusOf(second.id)) === 'sent')
  })

  test('says so when it is not whole, or forged', async ({ open }) => {
    const without = await open('/stop-mail')
    await heading(without, 'This link to stop mails does not work')

    const forged = await open(`/stop-mail#stp_${'A'.repeat(68)}`)
    expect(forged.url()).toBe(`${stack.consoleUrl}/stop-mail`)
    await button(forged, 'Stop invitations').click()
    await heading(forged, 'This link to stop mails does not work')
  })
})

describe('the link to decline', () => {
  test('has the form ready, and answers nothing before it is sent', async ({
    owner,
    organisation,
    open,
  }) => {
    const email = newAddress('no')
    const { id } = await invite(owner, organisation.id, email)
    const mail = await mailTo(email)
    const link = mail.text.match(/https?:\/\/\S+\?answer=decline#inv_[A-Za-z0-9_-]+/)?.[0]
    const page = await open(link ?? 'The mail has no link to decline.')

    await heading(page, `Join ${organisation.name}`)
    await page.getByLabel('Reason (optional)').fill('No time')
    expect(page.url()).toBe(`${stack.consoleUrl}/invite?answer=decline`)
    expect((await owner.usher.invites.get(id)).data?.status).toBe('pending')
    await button(page, 'Decline for good').click()
    await heading(page, 'You have declined')
    expect((await owner.usher.invites.get(id)).data).toMatchObject({
      status: 'declined',
      declinedReason: 'No time',
    })
  })

  test('leads back to accepting for whoever thinks better of it', async ({
    owner,
    organisation,
    open,
  }) => {
    const invited = await invite(owner, organisation.id, newAddress('maybe'))
    const link = new URL(await linkOf(owner, invited))
    link.searchParams.set('answer', 'decline')
    const page = await open(link.href)

    await button(page, 'Back').click()

    await button(page, 'Create account').waitFor()
  })
})

describe('what became of a mail', () => {
  /** As the mail provider's webhook tells it. */
  async function tell(deliveryId: string, kind: string, more: { response?: string } = {}) {
    const sql = postgres(stack.databaseUrl, { max: 1 })
    try {
      await sql`select usher.record_delivery_event('test', ${crypto.randomUUID()}, ${kind},
        delivery_id => ${deliveryId}, is_permanent => ${kind === 'bounced'},
        response => ${more.response ?? null}, status_code => '5.1.1')`
    } finally {
      await sql.end()
    }
  }

  async function sentMail(owner: Account, organisationId: string, email: string) {
    const { id } = await invite(owner, organisationId, email)
    await mailTo(email)
    const mails = async () =>
      (await owner.usher.deliveries.list(organisationId, { inviteId: id })).data
    await until(async () => (await mails())[0]?.status === 'sent')
    return { inviteId: id, deliveryId: (await mails())[0]?.id ?? '' }
  }

  test('delivered and opened are seen in the list, in the timeline and by filtering', async ({
    owner,
    organisation,
    open,
  }) => {
    await owner.usher.organisations.update(organisation.id, { trackOpens: true })
    const email = newAddress('reads')
    const { inviteId, deliveryId } = await sentMail(owner, organisation.id, email)
    await tell(deliveryId, 'delivered')
    await tell(deliveryId, 'opened')
    const base = `/organisations/${organisation.slug}`

    const page = await open(`${base}/invitations`, { as: owner })
    await page.getByRole('row', { name: new RegExp(`${email}.*Opened`) }).waitFor()
    await page.goto(new URL(`${base}/invitations/${inviteId}`, page.url()).href)
    await page.getByText('Invitation: Delivered').waitFor()
    await page.getByText('Invitation: Opened').waitFor()
    await page.getByRole('link', { name: 'Mails', exact: true }).click()
    await page.getByRole('link', { name: email }).waitFor()
    await page.getByLabel('State').selectOption('bounced')
    await page.getByText('No mail fits').waitFor()
    await page.getByLabel('State').selectOption('opened')
    await page.getByRole('row', { name: new RegExp(`${email}.*Opened`) }).waitFor()
  })

  test('one that came back is said plainly, with why, and goes out again once the mailbox is there', async ({
    owner,
    organisation,
    open,
  }) => {
    const email = newAddress('late')
    const { inviteId, deliveryId } = await sentMail(owner, organisation.id, email)
    await tell(deliveryId, 'bounced', { response: '550 5.1.1 no such user' })
    const first = linkIn(await mailTo(email))

    const page = await open(`/organisations/${organisation.slug}/invitations/${inviteId}`, {
      as: owner,
    })
    const notice = page.getByRole('alert').filter({ hasText: 'The mail did not arrive' })
    // The mail is asked for after the invitation.
    await notice.filter({ hasText: '550 5.1.1 no such user' }).waitFor({ timeout: 30_000 })
    expect(await axe(page)).toEqual([])
    await button(page, 'Let mails go there, and try again').click()

    await notice.waitFor({ state: 'detached' })
    await mailTo(email, ({ text }) => !text.includes(first))
  })

  test('one that was held back is tried again from the list of mails', async ({
    owner,
    organisation,
    open,
  }) => {
    const email = newAddress('held')
    const sql = postgres(stack.databaseUrl, { max: 1 })
    await sql`select usher.suppress_address(${email}, 'bounce', '5.1.1')`
    await sql.end()
    await invite(owner, organisation.id, email)
    const page = await open(`/organisations/${organisation.slug}/mails`, { as: owner })
    await page
      .getByRole('row', { name: new RegExp(`${email}.*Held back`) })
      .waitFor({ timeout: 30_000 })
    await owner.usher.deliveries.liftSuppression(organisation.id, email)

    await button(page, `Try again: ${email}`).click()

    await mailTo(email)
  })
})
