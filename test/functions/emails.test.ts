import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  AUTH_ACTIONS,
  type AuthAction,
  type InviteFacts,
  type MemberFacts,
  type MemberNotice,
  type OfferDelivery,
  type PreparedDelivery,
} from '../../functions/_shared/delivery.ts'
import { LANGUAGES } from '../../functions/emails/language.ts'
import { toLine } from '../../functions/emails/one-line.ts'
import { render as renderMail } from '../../functions/emails/render.tsx'
import {
  authFactsSample,
  authSample,
  PROJECT_NAME,
  SENT_AT,
  samples,
} from '../../functions/emails/samples.ts'
import { contrast, dark, light, readableOn, textOn } from '../../functions/emails/theme.ts'

const { link: LINK, stop_link: STOP_LINK } = samples.invite
const DECLINE_LINK = LINK.replace('#', '?answer=decline#')

const render = (mail: PreparedDelivery) =>
  renderMail(mail, { now: SENT_AT, projectName: PROJECT_NAME })

function prepared(
  changes: Partial<Omit<OfferDelivery, 'invite'>> = {},
  invite: Partial<InviteFacts & { email: string }> = {},
): OfferDelivery {
  return { ...samples.invite, ...changes, invite: { ...samples.invite.invite, ...invite } }
}

const KINDS = Object.keys(samples) as (keyof typeof samples)[]

const draw = (...args: Parameters<typeof prepared>) => render(prepared(...args))

/** What a reader sees of the HTML. */
const visible = (html: string) =>
  html
    .replace(/<(style|title)[\s\S]*?<\/\1>/g, '')
    .replace(/<div style="display:none[\s\S]*?<\/div>\s*<\/div>/, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&#x27;', "'")
    .replaceAll('&amp;', '&')

/** What it says, word by word, but for addresses: text names one that a button hides. */
const words = (text: string) =>
  text.replace(/https?:\S+|-{3,}/g, '').match(/[\p{L}\p{N}@.:/#_-]+/gu) ?? []

describe('the invitation', () => {
  test('says until when the membership would last, where it has an end', async () => {
    const { text } = await draw({}, { membership_ends_at: '2027-03-31T18:00:00Z' })

    expect(text).toContain(
      'Your membership would last until Wednesday, 31 March 2027 at 18:00 UTC.',
    )
    expect((await draw()).text).not.toContain('membership would last')
  })

  test('says who invites to what, as what, until when, and carries the link', async () => {
    const { subject, text, html } = await draw()

    expect(subject).toBe('Ada Admin invites you to Acme')
    for (const said of [
      'Ada Admin invites you to become a member of Acme.',
      'Your role: Member',
      'in 7 days, on Saturday, 28 November 2026 at 10:00 UTC',
      'somebody at Acme entered new@example.com',
    ]) {
      expect(text).toContain(said)
      expect(visible(html)).toContain(said)
    }
    expect(html.split(`href="${LINK}"`)).toHaveLength(3)
    expect(text).toContain(LINK)
  })

  test('speaks the language of the reader', async () => {
    const { subject, text, html } = await draw(
      { locale: 'de-AT' },
      { roles: ['finance', 'member'] },
    )

    expect(subject).toBe('Ada Admin lädt Sie zu Acme ein')
    expect(text).toContain('Ihre Rollen: Finanzen und Mitglied')
    expect(text).toContain('in 7 Tagen, am Samstag, 28. November 2026')
    expect(html).toContain('<html dir="ltr" lang="de-AT">')
  })

  test('brings itself to mind with the time that is left', async () => {
    const { subject, text } = await draw({ kind: 'invite_reminder' })

    expect(subject).toBe('Your invitation to Acme ends in 7 days')
    expect(text).toContain(LINK)
  })

  test.for(['tlh', 'constructor', 'de_AT', 'de-', ''])(
    'falls back to English where nobody has translated, or there is no such language: "%s"',
    async (locale) => {
      const { subject, html } = await draw({ locale })

      expect(subject).toBe('Ada Admin invites you to Acme')
      expect(html).toContain('<html dir="ltr" lang="en">')
    },
  )

  test('quotes a message as it was typed, line by line', async () => {
    const { html, text } = await draw({}, { message: 'Dear Sam,\n\nsee <you> soon' })

    expect(html).toMatch(/<blockquote.*Dear Sam,<br\/><br\/>see &lt;you&gt; soon.*<\/blockquote>/)
    expect(text).toContain('> Dear Sam,\n> \n> see <you> soon')
  })

  test('shows own roles as they are called, and a short time in hours', async () => {
    const { text } = await draw(
      {},
      { roles: ['auditor', 'member'], expires_at: '2026-11-21T11:00:00Z' },
    )
    expect((await draw({}, { roles: ['constructor'] })).text).toContain('Your role: constructor')

    expect(text).toContain('Your roles: auditor and Member')
    expect(text).toContain('in 1 hour')
  })

  test.for([
    [{ inviter_name: null }, 'ada@example.com invites you to Acme'],
    [{ inviter_name: null, inviter_email: null }, 'You are invited to Acme'],
  ] as const)('%j: %s', async ([invite, subject]) => {
    const mail = await draw({}, invite)

    expect(mail.subject).toBe(subject)
    expect(mail.text + mail.html).not.toMatch(/undefined|null/)
  })
})

describe('the other mails', () => {
  test('an acceptance names who has joined', async () => {
    const { subject, text } = await render(samples.invite_accepted)

    expect(subject).toBe('new@example.com has joined Acme')
    expect(text).toContain('is now a member of Acme, as Member')
  })

  test('a refusal gives the reason, as text', async () => {
    const sample = samples.invite_declined
    const invite = { ...sample.invite, decline_reason: 'No <b>time</b>\nat all' }
    const { subject, html, text } = await render({ ...sample, invite })

    expect(subject).toBe('new@example.com will not join Acme')
    expect(text).toContain('No <b>time</b>')
    expect(html).not.toContain('<b>')
  })
})

describe('mails about a membership', () => {
  test.for([
    [
      'member_roles_updated',
      {},
      'Ada Admin has changed what you may do in Acme. Your roles are now: Finance and Member.',
    ],
    [
      'member_roles_updated',
      { roles: [], actor_name: null, actor_email: null },
      'You hold no role there now.',
    ],
    ['member_removed', {}, 'Ada Admin has removed you from Acme.'],
    ['member_banned', {}, 'Ada Admin has banned you from Acme.'],
    [
      'ownership_transferred',
      { roles: ['admin'] },
      'handed Acme over to Olive Owner. Your role is now: Admin.',
    ],
    ['join_approved', {}, 'Ada Admin has let you into Acme, as Member.'],
  ] as const)('%s, %j: %s', async ([kind, changes, said]) => {
    const sample = samples[kind]
    const facts = { ...sample.facts, ...changes } as MemberFacts
    const mail: MemberNotice = { ...sample, facts }

    expect((await render(mail)).text).toContain(said)
  })
})

describe('every mail', () => {
  test.for(KINDS)('%s says the same in HTML and in plain text', async (kind) => {
    for (const locale of Object.keys(LANGUAGES)) {
      const { html, text, subject } = await render({ ...samples[kind], locale })

      expect(words(text)).toEqual(words(visible(html)))
      for (const [, href] of html.matchAll(/href="([^"]+)"/g)) expect(text).toContain(href)
      expect(subject + text).not.toMatch(/undefined|null/)
      expect(text).toContain('Acme')
    }
  })

  test('makes nothing that was typed into HTML, a header or a second line', async () => {
    const hostile = '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>'
    const { html, subject } = await draw(
      { organisation: { ...samples.invite.organisation, name: hostile, sender_name: hostile } },
      { inviter_name: `Eve\r\nBcc: victim@example.com\u202e`, message: hostile, roles: [hostile] },
    )

    expect(html).not.toMatch(/<script|<img|\u202e/)
    expect(subject).not.toMatch(/[\r\n\u202e]/)
    expect(subject).toContain('Eve Bcc: victim@example.com')
  })

  test('comes under the name of the organisation and of the project, whatever the one is called', async () => {
    const sender = async (sender_name: string, projectName = PROJECT_NAME) => {
      const mail = prepared({ organisation: { ...samples.invite.organisation, sender_name } })
      return (await renderMail(mail, { now: SENT_AT, projectName })).senderName
    }

    expect(await sender('Acme')).toBe('Acme via Example')
    // A project that has no name of its own goes by its address.
    expect(await sender('Acme', '')).toBe('Acme via app.example.com')
    expect(await sender('Example')).toBe('Example via Example')
    expect(await sender('Acme via Example <a@example.com>')).toMatch(/ via Example$/)
    expect(await sender('ö'.repeat(300))).toMatch(/^ö{99}… via Example$/)
    expect((await render(samples.member_removed)).senderName).toBe('Acme via Example')
  })

  test.for([
    ['in one name', '=?utf-8?q?=E2=80=AEgpj=2Eexe?=', 'Acme'],
    ['in two names that a template puts together', '=?utf-8?q?=E2=80=AE', 'gpj?='],
    ['behind a sign that is taken out', '=\u061c?utf-8?q?=E2=80=AEgpj=2Eexe?=', 'Acme'],
  ] as const)(
    'says in a header what it says, with an encoded word %s',
    async ([, inviter, name]) => {
      const { subject, senderName } = await draw(
        {
          organisation: { ...samples.invite.organisation, name, sender_name: inviter },
          template: {
            subject: '{{inviter}}{{organisation}}',
            heading: null,
            body: null,
            button: null,
          },
        },
        { inviter_name: inviter },
      )

      for (const line of [subject, senderName]) {
        expect(line).not.toMatch(/=\?[^?\s]+\?[bq]\?/i)
        expect(line).toContain('= ?utf-8?q?')
      }
    },
  )

  test('keeps a subject to 200 characters', async () => {
    const { subject } = await draw({}, { inviter_name: 'x'.repeat(300) })

    expect(subject).toHaveLength(200)
  })

  test('never cuts a character in two', () => {
    expect(toLine('😀'.repeat(300))).toBe(`${'😀'.repeat(199)}…`)
  })

  test('links to nothing but https and itself', async () => {
    const { html } = await draw({}, { message: 'https://evil.example/ javascript:alert(1)' })

    expect([...html.matchAll(/(?:href|src)="([^"]*)"/g)].map((match) => match[1])).toEqual([
      LINK,
      LINK,
      DECLINE_LINK,
      STOP_LINK,
    ])
  })

  test('reads well whatever accent colour is chosen', () => {
    const colour = fc
      .integer({ min: 0, max: 0xffffff })
      .map((n) => `#${n.toString(16).padStart(6, '0')}`)
    fc.assert(
      fc.property(colour, (accent) => {
        expect(contrast(accent, textOn(accent))).toBeGreaterThanOrEqual(4.5)
        for (const { card } of [light, dark]) {
          expect(contrast(card, readableOn(card, accent))).toBeGreaterThanOrEqual(4.5)
        }
      }),
    )
    for (const { card, page, text, quiet } of [light, dark]) {
      for (const ground of [card, page]) {
        expect(contrast(text, ground)).toBeGreaterThanOrEqual(4.5)
        expect(contrast(quiet, ground)).toBeGreaterThanOrEqual(4.5)
      }
    }
  })
})

describe('the button of a notice', () => {
  const HOME = `https://app.example.com/organisations/${samples.invite.organisation.id}`
  const INVITATION = `${HOME}/invitations/${samples.invite.invite.id}`
  const LEADS: Record<
    Exclude<keyof typeof samples, 'invite' | 'invite_reminder'>,
    string | null
  > = {
    invite_accepted: `${HOME}/members`,
    invite_declined: INVITATION,
    invite_expired: INVITATION,
    invite_resend_requested: INVITATION,
    device_enrolled: `${HOME}/devices`,
    webhook_disabled: `${HOME}/webhooks`,
    invites_lost_right: `${HOME}/invitations`,
    credentials_lost_right: HOME,
    member_roles_updated: HOME,
    ownership_transferred: HOME,
    access_ending: HOME,
    access_ended: HOME,
    join_requested: `${HOME}/members`,
    join_approved: HOME,
    access_review_started: `${HOME}/access-reviews/${samples.access_review_started.facts.review_id}`,
    access_review_overdue: `${HOME}/access-reviews/${samples.access_review_started.facts.review_id}`,
    // Who is out sees nothing there.
    member_removed: null,
    member_banned: null,
    join_declined: null,
  }
  const hrefs = (html: string) => [...html.matchAll(/href="([^"]+)"/g)].map(([, href]) => href)

  test.for(Object.entries(LEADS))('%s: %s', async ([kind, href]) => {
    const mail = { ...samples[kind as keyof typeof samples] } as PreparedDelivery
    const template = { subject: null, heading: null, body: 'Ours', button: 'Look' }

    expect(hrefs((await render(mail)).html)).toEqual(href ? [href] : [])
    expect(hrefs((await render({ ...mail, template })).html)).toEqual(href ? [href] : [])
  })

  test('is not there for whose whole membership is over, nor an id that an older mail does not know', async () => {
    const ended = samples.access_ended
    const { review_id, ...facts } = samples.access_review_started.facts

    expect(
      hrefs((await render({ ...ended, facts: { ...ended.facts, is_membership: true } })).html),
    ).toEqual([])
    expect(review_id).toBeTruthy()
    expect(hrefs((await render({ ...samples.access_review_started, facts })).html)).toEqual([
      `${HOME}/access-reviews`,
    ])
  })

  test('leads to pages that the console has', () => {
    const workspace = readFileSync('client/console/app/workspace.tsx', 'utf8')
    const pages = [...workspace.matchAll(/<Route path="([^"*]+)"/g)].map(
      ([, path = '']) => new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`),
    )

    for (const href of Object.values(LEADS)) {
      const path = href?.replace(HOME, '').slice(1)
      if (path)
        expect(
          pages.some((page) => page.test(path)),
          path,
        ).toBe(true)
    }
  })
})

describe('a template', () => {
  const template = { subject: null, heading: null, body: null, button: null }
  const written = (parts: Partial<typeof template> | Record<string, string>) =>
    draw({ template: { ...template, ...parts } })

  test('words the subject, the heading, the body and the button, with what the mail knows', async () => {
    const { subject, text, html } = await written({
      subject: 'Come to {{organisation}}, {{ invitee }}',
      heading: 'Hello from {{inviter}}',
      body: 'You become **{{roles}}** until {{expires_at}}.\n\n- [Read on](https://acme.example/welcome)\n- or ask',
      button: 'Have a look',
    })

    expect(subject).toBe('Come to Acme, new@example.com')
    for (const said of ['Hello from Ada Admin', 'You become Member until Saturday, 28 November']) {
      expect(text).toContain(said)
    }
    expect(html).toContain('<strong>Member</strong>')
    expect(html).toContain('href="https://acme.example/welcome"')
    expect(html).toContain('>Have a look<')
    // Not to be worded away: why it came, what is offered, and how to say no.
    expect(text).toContain('Your role: Member')
    expect(text).toContain('somebody at Acme entered new@example.com')
    expect(html).toContain(DECLINE_LINK.replaceAll('&', '&amp;'))
  })

  test('says as built in what it leaves out', async () => {
    const { subject, text } = await written({ heading: 'Hello' })

    expect(subject).toBe('Ada Admin invites you to Acme')
    expect(text).toContain('Ada Admin invites you to become a member of Acme.')
  })

  test('whose subject says nothing once it is filled has the built-in one', async () => {
    const { subject, text, templateFailure } = await render({
      ...samples.ownership_transferred,
      facts: { ...samples.ownership_transferred.facts, owner_name: null },
      template: { ...template, subject: '{{owner}}', body: 'Ours' },
    })

    expect(subject).toBe('Acme has a new owner')
    expect(text).toContain('Ours')
    expect(templateFailure).toBeNull()
  })

  test('that cannot be drawn leaves the mail as built in, and says why', async () => {
    const builtIn = await draw()
    const drawn = await written({
      subject: 'Ours',
      body: `${'**'.repeat(1200)}a${'**'.repeat(1200)}`,
    })

    expect(drawn).toEqual({ ...builtIn, templateFailure: expect.stringMatching(/call stack/) })
  })

  test('never becomes HTML, whatever is written or filled in', async () => {
    const { html, text } = await render({
      ...prepared(
        {
          template: {
            ...template,
            body: '<img src=x onerror=alert(1)> {{inviter}}\n\n![a](https://evil.example/p.png)\n\n[x](javascript:alert(1)) <javascript:alert(1)>',
          },
        },
        { inviter_name: '**[Eve](https://evil.example)**<script>' },
      ),
    })

    expect(html).not.toMatch(/<img|<script|href="javascript|href="https:\/\/evil/)
    expect(text).toContain('**[Eve](https://evil.example)**<script>')
  })

  test('of a notice knows who did what', async () => {
    const { text } = await render({
      ...samples.member_removed,
      template: { ...template, body: '{{actor}} says goodbye for {{organisation}}.' },
    })

    expect(text).toContain('Ada Admin says goodbye for Acme.')
  })
})

describe('mails of Supabase Auth', () => {
  const drawAuth = (action: AuthAction, mail = authSample) =>
    renderMail(mail, {
      now: SENT_AT,
      projectName: PROJECT_NAME,
      openAuthMail: async () => authFactsSample(action),
    })

  test('to somebody who is invited name the organisation, the roles and the expiry', async () => {
    const { text, senderName } = await drawAuth('signup')

    expect(senderName).toBe('Acme via Example')
    expect(text).toContain('You are invited to Acme as Member. The invitation ends in 7 days')
    expect(text).toContain('https://api.example.com/auth/v1/verify?token=')
    expect(text).toContain('123456')
  })

  test('to anybody else come from the project', async () => {
    const { text, senderName } = await drawAuth('signup', {
      ...authSample,
      organisation: null,
      invite: null,
    })

    expect(senderName).toBe('Example')
    expect(text).not.toContain('invited')
  })

  test('about a password never come under the name of an organisation', async () => {
    expect((await drawAuth('recovery')).senderName).toBe('Example')
  })

  test.for(AUTH_ACTIONS)('%s says the same in HTML and in plain text', async (action) => {
    for (const locale of Object.keys(LANGUAGES)) {
      const { html, text, subject } = await drawAuth(action, { ...authSample, locale })

      expect(words(text)).toEqual(words(visible(html)))
      expect(subject + text).not.toMatch(/undefined|null/)
    }
  })

  test.for(AUTH_ACTIONS)(
    '%s says to ignore it only where something is asked for',
    async (action) => {
      for (const [locale, { auth }] of Object.entries(LANGUAGES)) {
        const { text } = await drawAuth(action, { ...authSample, locale })
        const words = { email: 'new@example.com', project: PROJECT_NAME }
        const isTold = action.endsWith('_notification')

        expect(text).toContain(isTold ? auth.whyTold(words) : auth.whyAsked(words))
        expect(text).not.toContain(isTold ? auth.whyAsked(words) : auth.whyTold(words))
        expect(text).toContain(PROJECT_NAME)
        // Neither code nor link of Auth is there that could be kept to oneself.
        if (isTold) expect(text).not.toMatch(/123456|auth\/v1/)
      }
    },
  )

  test('about a new password leads whoever did not choose it to where they choose one', async () => {
    const { html } = await drawAuth('password_changed_notification')

    expect(html).toContain('href="https://app.example.com/new-password"')
  })

  test('cannot be drawn without the secret that opens them', async () => {
    await expect(render(authSample)).rejects.toThrow('SEND_EMAIL_HOOK_SECRET')
  })
})

describe('Arabic', () => {
  test('is written from right to left', async () => {
    const { html } = await draw({ locale: 'ar' })

    expect(html).toContain('<html dir="rtl" lang="ar">')
    expect(html).not.toMatch(/dir="ltr"|lang="en"/)
  })
})
