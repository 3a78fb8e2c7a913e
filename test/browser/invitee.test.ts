/**
 * What an invitee lives through, from the mail to the membership, in a real browser. The stack confirms addresses by
 * mail, as hosted projects do; the last journey has one of its own that takes them as confirmed.
 */
import { rm } from 'node:fs/promises'
import { createClient } from '@supabase/supabase-js'
import type { Page } from 'playwright-core'
import postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { createUsher } from '../../client/index.ts'
import {
  type Account,
  authLinkIn,
  authMailTo,
  axe,
  codeIn,
  joined,
  linkIn,
  linkOf,
  mailTo,
  newAddress,
  PASSWORD,
  revealedLinkOf,
  signUp,
  stack,
  test,
  until,
} from '../support/browser.ts'
import { freeRange, runStart, temporaryFolder, untilReady } from '../support/stack.ts'

const heading = (page: Page) => page.getByRole('heading', { level: 1 })
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

async function register(page: Page, name = 'Nora New') {
  await page.getByLabel('Your name').fill(name)
  await page.getByLabel('Choose a password').fill(PASSWORD)
  await button(page, 'Create account').click()
}

async function signIn(page: Page, email?: string) {
  if (email) await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password', { exact: true }).last().fill(PASSWORD)
  await button(page, 'Sign in').click()
}

async function invited(owner: Account, organisationId: string, name: string) {
  const email = newAddress(name)
  const { data: invite } = await owner.usher.invites.create(organisationId, {
    email,
    roles: ['member'],
  })
  return { email, invite, link: await linkOf(owner, invite) }
}

const isInside = (page: Page, organisationId: string) =>
  page.waitForURL(`**/organisations/${organisationId}/members`)

/** As if the last mail of Auth to this address had gone out a while ago. */
async function letTimePass(email: string) {
  const sql = postgres(stack.databaseUrl, { max: 1, onnotice: () => {} })
  await sql`update auth.users set confirmation_sent_at = now() - interval '5 minutes' where email = ${email}`
  await sql.end()
}

describe('a new user', () => {
  test('is invited by an admin, gets the mail, registers, confirms, and is in, in both tabs', async ({
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
    expect(await page.getByLabel('Email address').inputValue()).toBe(email)
    expect(await page.getByLabel('Email address').isEditable()).toBe(false)

    await register(page)
    await page.getByText(`We sent an email to ${email}.`).waitFor()
    expect(await axe(page)).toEqual([])
    const confirmation = await authMailTo(email)
    // Neither the mail nor what Auth is told holds the token.
    expect(confirmation.text).not.toContain('inv_')
    expect(decodeURIComponent(authLinkIn(confirmation))).toContain(
      `${stack.consoleUrl}/invite?organisation=${organisation.id}`,
    )
    const secondTab = await page.context().newPage()
    await secondTab.goto(authLinkIn(confirmation))

    await isInside(secondTab, organisation.id)
    await isInside(page, organisation.id)
    await page.getByRole('row', { name: new RegExp(`Nora New.*${email}`) }).waitFor()
    await admin
      .getByRole('row', { name: new RegExp(`${email}.*Accepted`) })
      .waitFor({ timeout: 30_000 })
    // What came with the session is in no history.
    await secondTab.goBack()
    expect(secondTab.url()).not.toContain('access_token')
  })

  test('of a domain that is not ASCII is written to, and comes in by either spelling', {
    tags: 'long',
  }, async ({ owner, organisation, open }) => {
    const shown = newAddress('umlaut').replace('example.com', 'münchen.example')
    const stored = shown.replace('münchen', 'xn--mnchen-3ya')
    const admin = await open(`/organisations/${organisation.slug}/invitations/new`, { as: owner })
    await admin.getByRole('combobox', { name: 'Addresses' }).fill(shown)
    await button(admin, 'Send 1 invitation').click()
    await admin.getByRole('link', { name: shown }).waitFor()

    const mail = await mailTo(stored)
    expect(mail.text).toContain(shown)
    const page = await open(linkIn(mail))
    await page.getByText(shown).first().waitFor()
    expect(await page.getByLabel('Email address').inputValue()).toBe(shown)
    await register(page, 'Uma Umlaut')
    await page.getByText(`We sent an email to ${shown}.`).waitFor()
    await page.goto(authLinkIn(await authMailTo(stored)))
    await isInside(page, organisation.id)
    await page.getByRole('row', { name: new RegExp(`Uma Umlaut.*${shown}`) }).waitFor()

    for (const typed of [shown, stored]) {
      const elsewhere = await open('/')
      await signIn(elsewhere, typed)
      await elsewhere.getByRole('heading', { name: 'Your organisations' }).waitFor()
      await elsewhere.context().close()
    }
  })

  test('confirms on another device, and is in there; the first one still waits, and signs in', {
    tags: 'long',
  }, async ({ owner, organisation, open }) => {
    const { email, link } = await invited(owner, organisation.id, 'device')
    const page = await open(link)
    await register(page)
    const confirmation = authLinkIn(await authMailTo(email))

    const phone = await open(confirmation)
    await isInside(phone, organisation.id)
    await phone.getByRole('row', { name: new RegExp(email) }).waitFor()

    const third = await page.context().newPage()
    await button(page, 'I already have an account').click()
    await signIn(page)
    await button(page, 'Accept the invitation').click()
    await isInside(page, organisation.id)
    await third.goto(link)
    await heading(third).filter({ hasText: 'This invitation has been used' }).waitFor()
    await third.getByRole('link', { name: `Go to ${organisation.name}` }).click()
    await isInside(third, organisation.id)
  })

  test('registers with a one-time code instead of a password, and with a name', {
    tags: 'long',
  }, async ({ owner, organisation, open }) => {
    const { email, link } = await invited(owner, organisation.id, 'code')
    const page = await open(`/register?token=${link.split('#')[1]}`)

    await page.getByText('Email code').click()
    await page.getByLabel('Your name').fill('Cody Coder')
    await button(page, 'Email me a code').click()
    const code = codeIn(await authMailTo(email))
    await page.getByLabel('6-digit code').fill(code === '000000' ? '000001' : '000000')
    await button(page, 'Continue').click()
    await page.getByText('This code is incorrect or expired.').waitFor()
    await page.getByLabel('6-digit code').fill(code)
    await button(page, 'Continue').click()

    await isInside(page, organisation.id)
    await page.getByRole('row', { name: new RegExp(`Cody Coder.*${email}`) }).waitFor()
  })

  test('enters the code of the confirmation mail instead of opening its link', {
    tags: 'long',
  }, async ({ owner, organisation, open }) => {
    const { email, link } = await invited(owner, organisation.id, 'types')
    const page = await open(link)
    await register(page)
    await page.getByLabel('6-digit code').fill(codeIn(await authMailTo(email)))
    await button(page, 'Continue').click()

    await isInside(page, organisation.id)
  })

  test('can have the mail sent again after a minute, and says so until then', {
    tags: 'long',
  }, async ({ owner, organisation, open }) => {
    const { email, link } = await invited(owner, organisation.id, 'again')
    const page = await open(link)
    await register(page)
    const first = authLinkIn(await authMailTo(email))
    await page.reload()
    await page.getByText(`We sent an email to ${email}.`).waitFor()
    const resend = button(page, /^Resend/)
    expect(await resend.innerText()).toMatch(/^Resend in \d+ seconds$/)
    expect(await resend.isDisabled()).toBe(true)

    await letTimePass(email)
    await page.clock.install()
    await page.clock.fastForward('01:30')
    await resend.filter({ hasText: /^Resend email$/ }).click()
    await page.getByText('We sent the email again.').waitFor()

    const second = authLinkIn(
      await authMailTo(email, 'signup', (mail) => authLinkIn(mail) !== first),
    )
    const late = await open(first)
    await late.getByText('This link has expired or has already been used.').waitFor()
    await isInside(await open(second), organisation.id)
  })

  test('who has signed up before, without the invitation, joins all the same', {
    tags: 'long',
  }, async ({ owner, organisation, open }) => {
    const { email, link } = await invited(owner, organisation.id, 'twice')
    const page = await open('/sign-in')
    await button(page, 'Create an account instead').click()
    await page.getByLabel('Email address').fill(email)
    await register(page, 'Twyla Twice')
    await page.getByText(`We sent an email to ${email}.`).waitFor()
    const first = authLinkIn(await authMailTo(email))

    // Within the minute, Auth sends no other mail.
    await page.goto(link)
    await button(page, 'Create an account instead').click()
    await register(page)
    await page.getByText(`We sent an email to ${email}.`).waitFor()
    await letTimePass(email)
    await page.getByText('Back', { exact: true }).click()
    await register(page)
    const second = authLinkIn(
      await authMailTo(email, 'signup', (mail) => authLinkIn(mail) !== first),
    )

    const phone = await open(second)
    await isInside(phone, organisation.id)
    await phone.getByRole('row', { name: new RegExp(`Twyla Twice.*${email}`) }).waitFor()
  })

  test('whose invitation is sent again before they confirm joins all the same', {
    tags: 'long',
  }, async ({ owner, organisation, open }) => {
    const { email, invite, link } = await invited(owner, organisation.id, 'resent')
    const page = await open(link)
    await register(page)
    const confirmation = authLinkIn(await authMailTo(email))
    await owner.usher.invites.resend(invite.id)

    await isInside(await open(confirmation), organisation.id)
  })

  test('whose invitation is withdrawn before they confirm has an account, and is told', {
    tags: 'long',
  }, async ({ owner, organisation, open }) => {
    const { email, invite, link } = await invited(owner, organisation.id, 'withdrawn')
    const page = await open(link)
    await register(page)
    const confirmation = authLinkIn(await authMailTo(email))
    await owner.usher.invites.revoke(invite.id)

    const phone = await open(confirmation)
    await phone
      .getByText(`There is no pending invitation to this organisation for ${email}.`)
      .waitFor()
    expect(await axe(phone)).toEqual([])
    await phone.getByRole('link', { name: 'To my organisations' }).click()
    await heading(phone).filter({ hasText: 'Your organisations' }).waitFor()
  })

  test('whose confirmation link is used up is told the next step, and gets in by a new mail', {
    tags: 'long',
  }, async ({ owner, organisation, open }) => {
    const { email, link } = await invited(owner, organisation.id, 'used')
    const page = await open(link)
    await register(page)
    const confirmation = authLinkIn(await authMailTo(email))
    await letTimePass(email)
    const spoilt = new URL(confirmation)
    spoilt.searchParams.set('token', '0'.repeat(64))

    const phone = await open(spoilt.href)
    await heading(phone).filter({ hasText: 'Your invitation' }).waitFor()
    await phone
      .getByRole('alert')
      .filter({ hasText: 'Sign in below, or have a new one emailed to you.' })
      .waitFor()
    expect(phone.url()).toBe(`${stack.consoleUrl}/invite?organisation=${organisation.id}`)
    expect(await axe(phone)).toEqual([])
    await phone.getByLabel('Email address').fill(email)
    await button(phone, 'Email me a code').click()
    const second = await authMailTo(email, 'signup', (mail) => authLinkIn(mail) !== confirmation)
    await phone.getByLabel('6-digit code').fill(codeIn(second))
    await button(phone, 'Continue').click()

    await isInside(phone, organisation.id)
  })

  test('who opens the confirmation link a second time signs in, and is inside', {
    tags: 'long',
  }, async ({ owner, organisation, open }) => {
    const { email, link } = await invited(owner, organisation.id, 'reopens')
    const page = await open(link)
    await register(page)
    const confirmation = authLinkIn(await authMailTo(email))
    await isInside(await open(confirmation), organisation.id)

    const phone = await open(confirmation)
    await phone.getByText('This link has expired or has already been used.').waitFor()
    await phone.getByText('Password', { exact: true }).click()
    await signIn(phone, email)
    await isInside(phone, organisation.id)

    await phone.goto(confirmation)
    await isInside(phone, organisation.id)
  })

  test('who has not confirmed cannot sign in, and has the mail sent again', {
    tags: 'long',
  }, async ({ owner, organisation, open }) => {
    const { email, link } = await invited(owner, organisation.id, 'unconfirmed')
    const first = await open(link)
    await register(first)
    const before = authLinkIn(await authMailTo(email))
    await letTimePass(email)

    const page = await open(link)
    await signIn(page)
    await page.getByText('Confirm your email address first').waitFor()
    await button(page, 'Resend confirmation email').click()
    const mail = await authMailTo(email, 'signup', (each) => authLinkIn(each) !== before)
    await page.getByLabel('6-digit code').fill(codeIn(mail))
    await button(page, 'Continue').click()
    await button(page, 'Accept the invitation').click()

    await isInside(page, organisation.id)
  })
})

describe('without the link', () => {
  test('an invitee signs in by a code and accepts', { tags: 'long' }, async ({
    owner,
    organisation,
    open,
  }) => {
    const invitee = await signUp(newAddress('gateway'))
    await owner.usher.invites.create(organisation.id, {
      email: invitee.email,
      roles: ['member'],
      message: 'Welcome back!',
    })
    const page = await open(`/invite?organisation=${organisation.id}`)

    await heading(page).filter({ hasText: 'Your invitation' }).waitFor()
    await page.getByLabel('Email address').fill(invitee.email)
    await button(page, 'Email me a code').click()
    await page.getByLabel('6-digit code').fill(codeIn(await authMailTo(invitee.email, 'magiclink')))
    await button(page, 'Continue').click()

    // Whoever opens a link with an id in it is asked.
    await page.getByText('Welcome back!').waitFor()
    expect(await axe(page)).toEqual([])
    await button(page, 'Accept the invitation').click()
    await isInside(page, organisation.id)
  })

  test('all that is open to an address stands on its page', async ({
    owner,
    organisation,
    open,
  }) => {
    const invitee = await signUp(newAddress('cut'))
    await owner.usher.invites.create(organisation.id, { email: invitee.email, roles: ['member'] })
    const page = await open('/invite')
    await heading(page).filter({ hasText: 'Your invitation' }).waitFor()
    await page.getByText('Password', { exact: true }).click()
    await signIn(page, invitee.email)

    await button(page, `Accept: ${organisation.name}`).click()
    await isInside(page, organisation.id)
  })
})

describe('a link that was revealed, not mailed', () => {
  test('does not say whether there is an account, and offers both ways', async ({
    owner,
    organisation,
    open,
  }) => {
    const invitee = await signUp(newAddress('revealed'))
    const { data: invite } = await owner.usher.invites.create(organisation.id, {
      email: invitee.email,
      roles: ['member'],
    })
    const page = await open(await revealedLinkOf(owner, invite))

    await page.getByText('Sign in, or create an account, to accept.').waitFor()
    await button(page, 'Create account').waitFor()
    await button(page, 'I already have an account').click()
    await signIn(page)
    await button(page, 'Accept the invitation').click()

    await page.waitForURL(`**/organisations/${organisation.id}/**`)
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

  test('with another address is told so, switches, and accepts', { tags: 'long' }, async ({
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
  test('an expired one can be asked for again, and the new mail works', { tags: 'long' }, async ({
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
    await isInside(await open(authLinkIn(await authMailTo(email))), organisation.id)
  })

  test('says why, with the code at hand', { tags: 'long' }, async ({
    owner,
    organisation,
    open,
  }) => {
    const invite = async (name: string) => {
      const { data } = await owner.usher.invites.create(organisation.id, {
        email: newAddress(name),
        roles: ['member'],
      })
      return { ...data, link: await linkOf(owner, data) }
    }
    const revoked = await invite('revoked')
    await owner.usher.invites.revoke(revoked.id)
    const admin = await joined(owner, organisation.id, ['admin'], 'Ada Admin')
    const { data: orphan } = await admin.usher.invites.create(organisation.id, {
      email: newAddress('orphan'),
      roles: ['member'],
    })
    const orphanLink = await linkOf(admin, orphan)
    await owner.usher.members.remove(organisation.id, admin.userId)
    const used = await invite('used')
    const invitee = await signUp(used.email)
    await invitee.usher.invites.accept(used.link.split('#')[1] ?? '')

    const ends = [
      [revoked.link, 'This invitation was withdrawn', 'invite_revoked'],
      [orphanLink, 'This invitation is no longer valid', 'inviter_lost_right'],
      [used.link, 'This invitation has been used', 'invite_already_accepted'],
      [`/invite#inv_${'A'.repeat(116)}`, 'This link does not work', 'invite_invalid'],
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

describe('where Auth takes addresses as confirmed', () => {
  test('an invitee registers and is in; without the link, having the address is not enough', {
    tags: 'long',
  }, async ({ open }) => {
    const folder = await temporaryFolder()
    const run = runStart({ USHER_DATA: folder, USHER_PORT: String(await freeRange()) })
    onTestFinished(async () => {
      run.process.kill('SIGTERM')
      await run.ended
      await rm(folder, { recursive: true, force: true })
    })
    const { apiUrl, publishableKey, consoleUrl } = await untilReady(run, folder)
    const supabase = createClient(apiUrl, publishableKey, { auth: { persistSession: false } })
    await supabase.auth.signInWithPassword({ email: 'owner@example.com', password: 'password' })
    const usher = createUsher(supabase).throwOnError()
    const { data: organisations } = await usher.organisations.listMine()
    const organisation = organisations.find(({ isOwner }) => isOwner)
    const id = organisation?.id ?? ''
    const linkFor = async (email: string) => {
      const { data: invite } = await usher.invites.create(id, { email, roles: ['member'] })
      return (await usher.invites.revealLink(invite.id)).data
    }

    const page = await open(await linkFor('at-once@example.com'))
    await register(page, 'Ann At-Once')
    await isInside(page, id)
    await page.getByRole('row', { name: /Ann At-Once.*at-once@example.com/ }).waitFor()

    await linkFor('anybody@example.com')
    const other = await open(`${consoleUrl}/sign-in?to=/invite?organisation=${id}`)
    await button(other, 'Create an account instead').click()
    await other.getByLabel('Email address').fill('anybody@example.com')
    await register(other)
    await button(other, 'Accept the invitation').click()
    await other
      .getByText('Open the link in the mail: it proves that the address is yours.')
      .waitFor()
    // Whoever registers an address that is taken is told what to do.
    const third = await open(`${consoleUrl}/sign-in`)
    await button(third, 'Create an account instead').click()
    await third.getByLabel('Email address').fill('anybody@example.com')
    await register(third)
    await third.getByText('An account with this email address already exists.').waitFor()
  })
})
