import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import type { Person } from '../support/people.ts'
import { Refusal } from '../support/refusal.ts'
import { leaseOne, prepare } from '../support/worker.ts'

const inAMonth = () => new Date(Date.now() + 30 * 86_400_000).toISOString()
const update = (acme: Organisation, changes: object, caller: Person = acme.owner) =>
  caller.rpc('update_organisation', { organisation_id: acme.id, changes })

/** Everything that somebody gives a name to, and what it is called by then. */
const NAMED: Record<string, (acme: Organisation, name: string) => Promise<string>> = {
  'a new organisation': async ({ stranger }, name) =>
    (await stranger.rpc('create_organisation', { name })).name,
  'an organisation': async (acme, name) => (await update(acme, { name })).name,
  'the sender of its mails': async (acme, name) =>
    (await update(acme, { sender_name: name })).sender_name,
  'a device': async ({ owner, id }, name) =>
    (
      await owner.rpc('create_organisation_device_invite', {
        organisation_id: id,
        device_name: name,
        roles: ['member'],
      })
    ).device_name,
  'an access review': async ({ owner, id }, name) =>
    (
      await owner.rpc('start_organisation_access_review', {
        organisation_id: id,
        title: name,
        due_at: inAMonth(),
      })
    ).title,
  'a separation of duties': async ({ owner, id }, name) =>
    (
      await owner.rpc('create_organisation_role_exclusion', {
        organisation_id: id,
        name,
        roles: ['finance', 'member'],
      })
    ).name,
  'a token of a directory': async ({ owner, id }, name) =>
    (await owner.rpc('create_organisation_directory_token', { organisation_id: id, name })).name,
  'an endpoint of a directory': async ({ owner, id }, name) =>
    (
      await owner.rpc('create_organisation_directory_endpoint', {
        organisation_id: id,
        name,
        url: 'https://tickets.example/scim',
        token: 'secret',
      })
    ).name,
  'a template': async ({ owner, id }, name) =>
    (
      await owner.rpc('create_organisation_email_template', {
        organisation_id: id,
        kind: 'invite',
        locale: 'en',
        name,
        subject: 'Hello',
      })
    ).name,
}

/** What is said beside a name, and what a directory calls its groups: it may hold links. */
const DESCRIBED: Record<string, (acme: Organisation, text: string) => Promise<unknown>> = {
  'what a role is for': ({ owner, id }, description) =>
    owner.rpc('create_organisation_role', { organisation_id: id, name: 'extra', description }),
  'what a webhook is for': ({ owner, id }, description) =>
    owner.rpc('create_organisation_webhook', {
      organisation_id: id,
      url: 'https://hooks.example.com/',
      description,
    }),
  'a group of a directory': async ({ owner, id, sql }, name) => {
    const args = { organisation_id: id, name: 'Okta' }
    const { token } = await owner.rpc('create_organisation_directory_token', args)
    await sql`select usher.save_directory_group(${token}, null, ${sql.json({ display_name: name })})`.catch(
      (error) => {
        throw Refusal.of(error)
      },
    )
  },
  'the subject of a template': ({ owner, id }, subject) =>
    owner.rpc('create_organisation_email_template', {
      organisation_id: id,
      kind: 'invite',
      locale: 'en',
      subject,
    }),
}

/** What cannot be seen, and what is read as something else than it looks. */
const NEVER: [string, string][] = [
  ['zero-width blanks', '\u200b\u200d\u2060'],
  ['a filler of Hangul', '\u3164\u115f\uffa0'],
  ['the blank of Braille', '\u2800\u2800'],
  ['variation selectors', '\ufe0f\u{e0101}'],
  ['tags', '\u{e0041}\u{e007f}'],
  ['marks on nothing', '\u0301\u0316'],
  ['a sign that turns the text', 'Acme\u202egpj.exe'],
  ['an isolate', 'Acme\u2067'],
  ['the mark of Arabic letters', 'Acme\u061c'],
  ['an encoded word', '=?utf-8?q?=E2=80=AEgpj=2Eexe?='],
  ['an encoded word in base64', 'Acme =?UTF-8?B?4oCu?= Ltd'],
  ['an encoded word with a language', '=?utf-8*en?Q?Acme?='],
  ['two lines', 'Acme\nBcc: somebody'],
]

const LINKS: [string, string][] = [
  ['a URL', 'Read https://evil.example/x'],
  ['a URL in capitals', 'HTTPS://EVIL.EXAMPLE'],
  ['a URL with one slash', 'https:/evil.example'],
  ['a URL with backslashes', 'https:\\\\evil.example'],
  ['a scheme to be mended by the reader', 'hxxps://evil.example'],
  ['another scheme', 'ftp://evil'],
  ['a mail link', 'mailto:ann'],
  ['a script', 'javascript:alert(1)'],
  ['www', 'www.evil'],
  ['a domain', 'example.com'],
  ['a domain at the end of a sentence', 'Go to acme.io.'],
  ['a domain with a path', 'bit.ly/abc'],
  ['a short domain', 't.co'],
  ['a domain with a port', 'example.com:8080'],
  ['a domain of another script', 'пример.рф'],
  ['a domain of another script, with marks', 'उदाहरण.भारत'],
  ['a domain with an umlaut', 'bücher.de'],
  ['punycode', 'evil.xn--p1ai'],
  ['full-width letters', 'ｅｘａｍｐｌｅ．ｃｏｍ'],
  ['a full-width dot', 'example．com'],
  ['a full stop of Chinese', 'example。com'],
  ['a halfwidth full stop', 'example｡com'],
  ['a leader dot', 'example\u2024com'],
  ['letters of mathematics', '𝐞𝐱𝐚𝐦𝐩𝐥𝐞.𝐜𝐨𝐦'],
  ['a zero-width blank within', 'exam\u200bple.com'],
  ['a soft hyphen within', 'example.\u00adcom'],
  ['dots in brackets', 'example[.]com'],
  ['dots in words', 'example (dot) com'],
  ['an IPv4 address', 'Open 192.0.2.1'],
  ['an address', 'ann@evil.example'],
  ['a full-width at', 'ann＠evil.example'],
  ['an address in words', 'ann (at) evil.example'],
  ['a domain in angle brackets', 'Bank <evil.com>'],
  ['a full stop of Chinese between two scripts', 'evil。中国'],
  ['a domain that a zero-width sign ends', 'evil.com\u200dx'],
  ['a domain with a picture', '💰.ws'],
  ['a host after two slashes', '//host/x'],
  ['a host after two backslashes', '\\\\host\\x'],
  ['a number to call', 'tel:+18005550100'],
  ['a number to write to', 'sms:+18005550100'],
  ['a form of company with a path', 'co.kg/login'],
  ['another with a port', 'pty.ltd:8080'],
  ['a title with a path', 'dr.no/login'],
  ['a title under a domain', 'login.dr.no'],
  ['a title that everybody takes for a domain', 'st.com'],
  ['an initial with a path', 'e.leclerc/login'],
  ['an initial that everybody takes for a domain', 'x.app'],
]

/** No letter, digit or hyphen, and so the end of a domain, or what stands in front of one. */
const SYMBOLS = [...'<>|=+^`$~®™★→😀⁄×°²½﹩＋＜€¢•']

const ORDINARY = [
  ...['Acme', 'Dr. Müller', 'St. John', 'St.John', 'A.B.C. Ltd', 'A.B.C.', 'U.S. Navy', 'U.S.A.'],
  ...['Node.js Team', 'Vue.js', 'Müller GmbH & Co. KG', 'Müller GmbH & Co.KG', 'ABC Co.,Ltd.'],
  ...['Pat’s Bakery, Inc.', 'S.p.A.', 'Ph.D. Club', 'No.5', 'Version 1.2', 'AT&T', 'Women@Work'],
  ...['Team #1: R&D', '10:30 / 12:00', 'a/b testing', 'What =? that', 'Wait... what', 'C++'],
  ...['你好。欢迎', 'الشركة العربية', 'מכון ויצמן', 'शर्मा एंड संस', 'ไทย', '👨‍👩‍👧 Family', '42'],
  ...[
    '+1 800 555 0100',
    'Ann Smith M.Sc.',
    'B.Sc. Programme',
    'Dr.med. Huber',
    'Dipl.Ing. Maier',
    'Mr.Bean',
  ],
  ...[
    'Dr.No',
    'E.Leclerc',
    'E.Leclerc Drive',
    'M.Video',
    'St.Gallen',
    'Dr.med.dent. Roth',
    'a <3 b',
    'C# | F#',
  ],
  ...['中国。北京', 'Müller Co.KG: Köln', '1 + 1 = 2', 'R&D // Ops'],
]

describe.for(Object.entries(NAMED))('the name of %s', ([, call]) => {
  test.for(NEVER)('is not %s', async ([, name], { acme }) => {
    await expect(call(acme, name)).rejects.toMatchObject({
      code: expect.stringMatching(/^invalid_(settings|role)$/),
    })
  })

  test('is no address and no link', async ({ acme }) => {
    const taken: string[] = []
    for (const [what, name] of LINKS) {
      const answer = await call(acme, name).catch((error) => error.code)
      if (!/^invalid_(settings|role)$/.test(answer)) taken.push(`${what}: ${answer}`)
    }
    expect(taken).toEqual([])
  })

  test('has at most 100 characters', async ({ acme }) => {
    expect(await call(acme, ` ${'ö'.repeat(100)} `)).toBe('ö'.repeat(100))
    await expect(call(acme, 'ö'.repeat(101))).rejects.toMatchObject({
      code: expect.stringMatching(/^invalid_(settings|role)$/),
    })
  })
})

test.for(SYMBOLS)('no name holds a domain beside %s', async (symbol, { acme }) => {
  for (const name of [
    `evil.com${symbol}`,
    `${symbol}evil.com`,
    `Bank${symbol}evil.com${symbol}x`,
  ]) {
    await expect(update(acme, { name }), name).rejects.toMatchObject({ code: 'invalid_settings' })
  }
})

test('every top level domain is found, with whatever sign behind it', async ({ acme }) => {
  const missed = await acme.sql`
    select d.name, s.sign from jsonb_object_keys(usher.top_level_domains()) d (name),
      unnest(${['', '|', '>', '/x', ' x', '.', '€']}::text[]) s (sign)
    where not exists (select from usher.find_links('go to evil.' || d.name || s.sign))`
  expect(missed).toEqual([])
})

test('text of many dots is read in a moment', async ({ acme }) => {
  const text = Array.from({ length: 75_000 }, (_, i) => `${i}.q${i}`).join(' ')
  const links = await acme.sql.begin(async (tx) => {
    await tx`set local statement_timeout = '5s'`
    return tx`select usher.find_links(${text})`
  })
  expect(links).toHaveLength(0)
})

test('marks of direction at its ends are no part of a name, and within it turn nothing', async ({
  acme,
}) => {
  expect((await update(acme, { name: '\u200fشركة (Acme)\u200e ' })).name).toBe('شركة (Acme)')
  for (const name of ['Ac\u200eme', 'Acme \u200f Ltd', '\u200e\u200f']) {
    await expect(update(acme, { name }), name).rejects.toMatchObject({ code: 'invalid_settings' })
  }
})

test('ordinary names are taken as they are', async ({ acme }) => {
  const taken: string[] = []
  for (const name of ORDINARY) taken.push((await update(acme, { name })).name)
  expect(taken).toEqual(ORDINARY)
})

describe.for(Object.entries(DESCRIBED))('%s', ([, call]) => {
  test.for(NEVER.filter(([what]) => what !== 'two lines'))(
    'is not %s',
    async ([, text], { acme }) => {
      await expect(call(acme, text)).rejects.toMatchObject({
        code: expect.stringMatching(/^invalid_(settings|role)$/),
      })
    },
  )

  test('may say where to look', async ({ acme }) => {
    const text =
      call === DESCRIBED['the subject of a template']
        ? 'See you, {{invitee}}'
        : 'For ops.example.com'
    await call(acme, text)
  })
})

test('whoever calls themselves what nobody may be called is shown by their address', async ({
  acme,
}) => {
  for (const [, name] of [...NEVER, ...LINKS]) {
    const metadata = { full_name: name }
    const [row] = await acme.sql`select usher.display_name(${acme.sql.json(metadata)}) as shown`
    expect(row?.shown, name).toBeNull()
  }
  const metadata = { display_name: 'https://evil.example', full_name: 7, name: 'Ann' } as never
  const [row] = await acme.sql`select usher.display_name(${acme.sql.json(metadata)}) as shown`
  expect(row?.shown).toBe('Ann')
})

test('a name that is older than the rule stands in the way of nothing else', async ({ acme }) => {
  await acme.sql`update public.organisations set name = 'Booking.com', sender_name = 'acme.io', slug = 'admin'
    where id = ${acme.id}`

  expect(
    await update(acme, {
      name: 'Booking.com',
      sender_name: 'acme.io',
      slug: 'admin',
      locale: 'de',
    }),
  ).toMatchObject({ name: 'Booking.com', slug: 'admin', locale: 'de' })
})

describe('the message of an invite', () => {
  const invite = (acme: Organisation, message: string) =>
    acme.owner.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: `m-${crypto.randomUUID()}@example.com`,
      roles: ['member'],
      message,
    })

  test('holds no address and no link', async ({ acme }) => {
    const taken: string[] = []
    for (const [what, text] of LINKS) {
      const answer = await invite(acme, `Hello,\n${text}\nAnn`).catch((error) => error)
      if (answer.code !== 'invalid_message' || !/addresses and links/.test(answer.hint)) {
        taken.push(`${what}: ${answer.code}`)
      }
    }
    expect(taken).toEqual([])
  })

  test('in a batch costs its own row only', async ({ acme }) => {
    const roles = ['member']
    const results = await acme.owner.rpc('create_organisation_invites', {
      organisation_id: acme.id,
      invites: [
        { email: 'one@example.com', roles, message: 'See acme.io' },
        { email: 'two@example.com', roles, message: 'See you. It is good here.' },
      ],
    })
    expect(results.map(({ error_code }: { error_code: string }) => error_code)).toEqual([
      'invalid_message',
      null,
    ])
  })

  test('may say all else, a telephone number among it', async ({ acme }) => {
    const message =
      'Dear Dr. Müller,\n\nwe meet at 10:30 @ the office (cf. No.5). Ask Ann: +1 800 555 0100!'
    expect((await invite(acme, message)).message).toBe(message)
  })
})

describe('a reason that is mailed', () => {
  test.for(LINKS)('is not %s', async ([, reason], { acme }) => {
    const { token } = await acme.inviteIn('pending')
    await expect(
      acme.anyone.rpc('decline_organisation_invite', { token, reason }),
    ).rejects.toMatchObject({ code: 'invalid_message', hint: expect.stringMatching(/links/) })
  })

  test('nor is that of whoever declines a wish to join', async ({ acme }) => {
    const [request] =
      await acme.sql`insert into public.organisation_join_requests (organisation_id, user_id, email)
      values (${acme.id}, ${acme.stranger.userId}, ${acme.stranger.email}) returning id`
    const decline = (reason: string) =>
      acme.owner.rpc('decline_organisation_join_request', { request_id: request?.id, reason })
    await expect(decline('Ask ann@evil.example')).rejects.toMatchObject({ code: 'invalid_message' })
    await decline('Ask Ann first.')
  })
})

describe('a slug', () => {
  const RESERVED = [
    'admin',
    'api',
    'www',
    'app',
    'mail',
    'support',
    'login',
    'invite',
    'postmaster',
    'me',
    'undefined',
    'owner',
    'callback',
    'verify',
    'secure',
    'payments',
    'www1',
    'api-v1',
    'api2',
    'admins',
    'admin-2',
    'ns3',
  ]

  test.for(RESERVED)('is never %s', async (slug, { acme }) => {
    await expect(
      acme.stranger.rpc('create_organisation', { name: 'New', slug }),
    ).rejects.toMatchObject({ code: 'invalid_slug' })
    await expect(update(acme, { slug })).rejects.toMatchObject({ code: 'invalid_slug' })
  })

  test.for(['Admin', 'API', 'www', 'Sign in', 'Ádmin', 'Admins', 'API v', 'Me'])(
    'is not made of the name %s alone',
    async (name, { acme }) => {
      const { slug } = await acme.stranger.rpc('create_organisation', { name })
      expect(slug).toMatch(/^[a-z-]+-[0-9a-f]{6}$/)
    },
  )

  test.for(['admin', 'www-is', 'meadow', 'apiary', 'mailers', 'staticity'])(
    'may hold such a word: %s',
    async (word, { acme }) => {
      const slug = `${word}-${acme.id.slice(0, 8)}`
      expect(await update(acme, { slug })).toMatchObject({ slug })
    },
  )
})

describe('reply_to', () => {
  const verify = ({ sql, id }: Organisation, domain: string) =>
    sql`insert into public.organisation_domains (organisation_id, domain, verification, verified_at)
      values (${id}, ${domain}, 'x', now())`
  /** One that nobody else has. */
  const domainOf = ({ id }: Organisation) => `${id}.example`
  const REFUSAL = { code: 'invalid_email', hint: expect.stringMatching(/member|verified/) }
  const mailed = async (acme: Organisation) => {
    await acme.invite()
    return (await prepare(acme, await leaseOne(acme))).reply_to
  }

  test('is the confirmed address of a member', async ({ acme }) => {
    await update(acme, { reply_to: ` ${acme.finance.email.toUpperCase()} ` })
    expect(await mailed(acme)).toBe(acme.finance.email)
  })

  test('or one of a domain that the organisation has verified', async ({ acme }) => {
    await verify(acme, domainOf(acme))
    await update(acme, { reply_to: `hr@${domainOf(acme)}` })
    expect(await mailed(acme)).toBe(`hr@${domainOf(acme)}`)
  })

  test('is nobody else', async ({ acme }) => {
    const left = await acme.join(['member'], 'left')
    const banned = await acme.join(['member'], 'banned')
    const unconfirmed = await acme.join(['member'])
    await acme.sql`update auth.users set email_confirmed_at = null where id = ${unconfirmed.userId}`
    await acme.sql`insert into public.organisation_domains (organisation_id, domain, verification)
      values (${acme.id}, 'claimed.example', 'x')`
    await verify({ ...acme, id: acme.otherId }, `other.${domainOf(acme)}`)
    await verify(acme, domainOf(acme))

    for (const reply_to of [
      'somebody@example.com',
      acme.stranger.email,
      acme.outsider.email,
      left.email,
      banned.email,
      unconfirmed.email,
      'hr@claimed.example',
      `hr@other.${domainOf(acme)}`,
      `hr@sub.${domainOf(acme)}`,
      `hr@${domainOf(acme)}.evil.example`,
    ]) {
      await expect(update(acme, { reply_to }), reply_to).rejects.toMatchObject(REFUSAL)
    }
  })

  test('takes no answers any more once that is over', async ({ acme }) => {
    await update(acme, { reply_to: acme.finance.email })
    await acme.owner.rpc('remove_organisation_member', {
      organisation_id: acme.id,
      user_id: acme.finance.userId,
    })
    await acme.sql`delete from public.organisation_deliveries where organisation_id = ${acme.id}`

    expect(await mailed(acme)).toBeNull()
    // It stands in the way of no other setting, and of none that sends it along.
    await update(acme, { reply_to: acme.finance.email, locale: 'de' })
  })

  test('nor once the domain is gone', async ({ acme }) => {
    await verify(acme, domainOf(acme))
    await update(acme, { reply_to: `hr@${domainOf(acme)}` })
    await acme.sql`delete from public.organisation_domains where organisation_id = ${acme.id}`

    expect(await mailed(acme)).toBeNull()
  })
})

describe('a template', () => {
  const create = ({ owner, id }: Organisation, parts: object) =>
    owner.rpc('create_organisation_email_template', {
      organisation_id: id,
      kind: 'invite',
      locale: 'en',
      ...parts,
    })
  const allow = (acme: Organisation, origins: string[]) =>
    acme.sql`update usher.settings set redirect_origins = ${origins}`
  const BODY = 'Read [our handbook](https://docs.acme.example/start).'

  test('leads to allowed origins only', async ({ acme }) => {
    await expect(create(acme, { body: BODY })).rejects.toMatchObject({
      code: 'invalid_settings',
      hint: expect.stringMatching(/redirect_origins/),
    })
    await allow(acme, ['https://docs.acme.example'])
    await create(acme, { body: BODY })
    await acme.invite()
    expect((await prepare(acme, await leaseOne(acme))).template.body).toBe(BODY)
  })

  test('is not used once its link leads elsewhere than that', async ({ acme }) => {
    await allow(acme, ['https://docs.acme.example'])
    await create(acme, { body: BODY })
    await allow(acme, [])
    await acme.invite()
    expect((await prepare(acme, await leaseOne(acme))).template).toBeNull()
  })

  test.for([
    ['a bare URL', { body: 'See https://evil.example' }],
    ['a bare domain', { subject: 'See evil.io' }],
    ['a domain in a button', { button: 'evil.io' }],
    ['words that are another address', { body: '[bank.com](https://docs.acme.example/)' }],
    ['a reference', { body: '[x][1]\n\n[1]: https://evil.example' }],
    ['an autolink', { body: '<https://evil.example>' }],
    ['angle brackets', { body: '[x](<https://evil.example>)' }],
    ['a title', { body: '[x](https://docs.acme.example "x")' }],
    ['an at sign before the host', { body: '[x](https://docs.acme.example@evil.example/)' }],
    ['a backslash', { body: '[x](https://docs.acme.example\\@evil.example/)' }],
    [
      'another host with the same beginning',
      { body: '[x](https://docs.acme.example.evil.example/)' },
    ],
    ['another port', { body: '[x](https://docs.acme.example:8443/)' }],
    ['a role for a top level domain', { body: 'Join evil.{{roles}}' }],
    ['an organisation for a label', { subject: '{{organisation}}.io' }],
    ['two that meet', { subject: '{{organisation}}{{roles}}' }],
    ['a scheme before a placeholder', { body: 'https://{{organisation}}' }],
    ['somebody else’s address', { body: 'Write to help@evil.example' }],
    ['a backslash of Markdown', { body: 'Visit evil\\.com' }],
    ['bold', { body: 'Visit evil.**com**' }],
    ['half in bold', { body: 'evil**.com**' }],
    ['italic', { body: 'evil._com_' }],
    ['code', { body: 'evil.`com`' }],
    ['struck out', { body: 'evil.~~com~~' }],
    ['words of a link', { body: 'evil.[com](https://docs.acme.example/)' }],
    ['a domain in angle brackets', { body: '<evil.com>' }],
    ['a domain in a subject, with a sign', { subject: 'evil.com|' }],
    ['the end of a domain', { subject: '{{organisation}}om: sign in' }],
    ['the end of a domain in bold', { body: '**{{organisation}}**om' }],
    ['the end of a domain, escaped', { body: '{{organisation}}\\.com' }],
    ['a path', { heading: '{{organisation}}/login' }],
    ['a host after a name', { body: '{{organisation}}//evil/x' }],
    ['a port', { body: '{{organisation}}:8080' }],
    ['a mailbox', { body: '{{organisation}}@evil' }],
    ['a host for a mailbox', { body: 'help@{{organisation}}' }],
    ['a label for a name', { body: 'evil.{{organisation}}' }],
    ['letters before a name', { subject: 'evil{{organisation}}' }],
    ['two with a dot between', { subject: '{{inviter}}.{{organisation}}' }],
    ['punycode', { body: '{{organisation}}--p1ai' }],
    ['the end of a domain of Chinese', { body: '{{organisation}}国' }],
    ['the beginning of one', { body: 'evil.中{{organisation}}' }],
  ] as const)('has no other link: %s', async ([, parts], { acme }) => {
    await allow(acme, ['https://docs.acme.example'])
    await expect(create(acme, parts)).rejects.toMatchObject({ code: 'invalid_settings' })
  })

  test.for([
    'Welcome to {{organisation}}.',
    '{{organisation}}: come in, {{invitee}}!',
    '**{{inviter}}** (of *{{organisation}}*).',
    'Das {{organisation}}-Team',
    '{{inviter}}’s team',
    '- {{roles}}\n- {{expires_at}}',
    '{{organisation}}への招待です。{{invitee}}'.replace('。{', '。 {'),
    'ยินดีต้อนรับสู่{{organisation}}ครับ',
    '[{{organisation}}](https://docs.acme.example/)',
    'Write 5\\*3 and snake\\_case',
  ])('may say %s', async (body, { acme }) => {
    await allow(acme, ['https://docs.acme.example'])
    await create(acme, { body })
  })

  test('may name an address to which answers may go', async ({ acme }) => {
    await create(acme, { subject: 'Hello {{invitee}}.', body: `Ask ${acme.admin.email}. Welcome.` })
  })
})
