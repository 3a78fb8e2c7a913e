import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type {
  InviteDelivery,
  InviteFacts,
  MemberDelivery,
  MemberFacts,
} from '../../functions/_shared/database.ts'
import { render } from '../../functions/emails/render.tsx'
import { contrast, dark, light, readableOn, textOn } from '../../functions/emails/theme.ts'

const NOW = new Date('2026-11-21T10:00:00Z')
const COMMON = {
  id: '00000000-0000-4000-8000-000000000001',
  to: 'new@example.com',
  locale: 'en',
  reply_to: null,
  site_url: 'https://app.example.com',
  organisation: { id: '1', name: 'Acme', logo_url: null, accent_colour: null },
}
const LINK = `https://app.example.com/invite#inv_${'A'.repeat(116)}`

function prepared(
  changes: Partial<Omit<InviteDelivery, 'invite' | 'member'>> = {},
  invite: Partial<InviteFacts> = {},
): InviteDelivery {
  return {
    ...COMMON,
    kind: 'invite',
    link: LINK,
    member: null,
    ...changes,
    invite: {
      id: '2',
      email: 'new@example.com',
      roles: ['member'],
      inviter_name: 'Ada Admin',
      inviter_email: 'ada@example.com',
      message: null,
      expires_at: '2026-11-28T10:00:00+00:00',
      decline_reason: null,
      ...invite,
    },
  }
}

function preparedForMember(
  kind: MemberDelivery['kind'],
  member: Partial<MemberFacts> = {},
): MemberDelivery {
  return {
    ...COMMON,
    kind,
    link: null,
    invite: null,
    member: {
      roles: ['finance', 'member'],
      actor_name: 'Ada Admin',
      actor_email: 'ada@example.com',
      owner_name: 'Olive Owner',
      ...member,
    },
  }
}

const INVITE_KINDS = [
  'invite',
  'invite_reminder',
  'invite_accepted',
  'invite_declined',
  'invite_expired',
  'invite_resend_requested',
] as const
const MEMBER_KINDS = [
  'member_roles_updated',
  'member_removed',
  'member_banned',
  'ownership_transferred',
] as const

const draw = (...args: Parameters<typeof prepared>) => render(prepared(...args), NOW)

/** What a reader sees of the HTML. */
const visible = (html: string) =>
  html
    .replace(/<(style|title)[\s\S]*?<\/\1>/g, '')
    .replace(/<div style="display:none[\s\S]*?<\/div>\s*<\/div>/, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&#x27;', "'")
    .replaceAll('&amp;', '&')

const words = (text: string) => text.match(/[\p{L}\p{N}@.:/#_-]+/gu) ?? []

describe('the invitation', () => {
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
    expect(text).toContain('Ihre Rolle: Finanzen und Mitglied')
    expect(text).toContain('in 7 Tagen, am Samstag, 28. November 2026')
    expect(html).toContain('<html dir="ltr" lang="de-AT">')
  })

  test('brings itself to mind with the time that is left', async () => {
    const { subject, text } = await draw({ kind: 'invite_reminder' })

    expect(subject).toBe('Your invitation to Acme ends in 7 days')
    expect(text).toContain(LINK)
  })

  test('falls back to English for a language that nobody has translated', async () => {
    expect((await draw({ locale: 'tlh' })).subject).toBe('Ada Admin invites you to Acme')
  })

  test('shows own roles as they are called, and a short time in hours', async () => {
    const { text } = await draw(
      {},
      { roles: ['auditor', 'member'], expires_at: '2026-11-21T11:00:00Z' },
    )

    expect(text).toContain('Your role: auditor and Member')
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
    const { subject, text } = await draw({ kind: 'invite_accepted', link: null })

    expect(subject).toBe('new@example.com has joined Acme')
    expect(text).toContain('is now a member of Acme, as Member')
  })

  test('a refusal gives the reason, as text', async () => {
    const { subject, html, text } = await draw(
      { kind: 'invite_declined', link: null },
      { decline_reason: 'No <b>time</b>\nat all' },
    )

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
  ] as const)('%s, %j: %s', async ([kind, facts, said]) => {
    expect(
      (await render(preparedForMember(kind, facts as Partial<MemberFacts>), NOW)).text,
    ).toContain(said)
  })
})

describe('every mail', () => {
  test.for([...INVITE_KINDS, ...MEMBER_KINDS])(
    '%s says the same in HTML and in plain text',
    async (kind) => {
      for (const locale of ['en', 'de']) {
        const mail = MEMBER_KINDS.includes(kind as MemberDelivery['kind'])
          ? preparedForMember(kind as MemberDelivery['kind'])
          : prepared(
              { kind: kind as InviteDelivery['kind'] },
              { message: 'Hello there', decline_reason: 'No time' },
            )
        const { html, text, subject } = await render({ ...mail, locale }, NOW)
        const said = new Set(words(text))

        expect(words(visible(html)).filter((word) => !said.has(word))).toEqual([])
        expect(subject + text).not.toMatch(/undefined|null/)
        expect(text).toContain('Acme')
      }
    },
  )

  test('makes nothing that was typed into HTML, a header or a second line', async () => {
    const hostile = '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>'
    const { html, subject } = await draw(
      { organisation: { id: '1', name: hostile, logo_url: null, accent_colour: null } },
      { inviter_name: `Eve\r\nBcc: victim@example.com\u202e`, message: hostile, roles: [hostile] },
    )

    expect(html).not.toMatch(/<script|<img/)
    expect(subject).not.toMatch(/[\r\n\u202e]/)
    expect(subject).toContain('Eve Bcc: victim@example.com')
  })

  test('keeps a subject to 200 characters', async () => {
    const { subject } = await draw({}, { inviter_name: 'x'.repeat(300) })

    expect(subject).toHaveLength(200)
  })

  test('links to nothing but https and itself', async () => {
    const { html } = await draw({}, { message: 'https://evil.example/ javascript:alert(1)' })

    expect([...html.matchAll(/(?:href|src)="([^"]*)"/g)].map((match) => match[1])).toEqual([
      LINK,
      LINK,
    ])
  })

  test('reads well whatever accent colour is chosen', () => {
    const colour = fc
      .integer({ min: 0, max: 0xffffff })
      .map((n) => `#${n.toString(16).padStart(6, '0')}`)
    fc.assert(
      fc.property(colour, (accent) => {
        expect(contrast(accent, textOn(accent))).toBeGreaterThanOrEqual(4.5)
        expect(contrast('#ffffff', readableOn('#ffffff', accent))).toBeGreaterThanOrEqual(4.5)
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
