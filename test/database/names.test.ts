import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { LINKS, NEVER } from '../support/names.ts'
import { updateOrganisation } from '../support/organisations.ts'
import { Refusal } from '../support/refusal.ts'

const inAMonth = () => new Date(Date.now() + 30 * 86_400_000).toISOString()

/** Everything that somebody gives a name to, and what it is called by then. */
const NAMED: Record<string, (acme: Organisation, name: string) => Promise<string>> = {
  'a new organisation': async ({ stranger }, name) =>
    (await stranger.rpc('create_organisation', { name })).name,
  'an organisation': async (acme, name) => (await updateOrganisation(acme, { name })).name,
  'the sender of its mails': async (acme, name) =>
    (await updateOrganisation(acme, { sender_name: name })).sender_name,
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
    await expect(updateOrganisation(acme, { name }), name).rejects.toMatchObject({
      code: 'invalid_settings',
    })
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
  expect((await updateOrganisation(acme, { name: '\u200fشركة (Acme)\u200e ' })).name).toBe(
    'شركة (Acme)',
  )
  for (const name of ['Ac\u200eme', 'Acme \u200f Ltd', '\u200e\u200f']) {
    await expect(updateOrganisation(acme, { name }), name).rejects.toMatchObject({
      code: 'invalid_settings',
    })
  }
})

test('ordinary names are taken as they are', async ({ acme }) => {
  const taken: string[] = []
  for (const name of ORDINARY) taken.push((await updateOrganisation(acme, { name })).name)
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

test('a name that is older than the rule stands in the way of nothing else', async ({ acme }) => {
  await acme.sql`update public.organisations set name = 'Booking.com', sender_name = 'acme.io', slug = 'admin'
    where id = ${acme.id}`

  expect(
    await updateOrganisation(acme, {
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
    await expect(updateOrganisation(acme, { slug })).rejects.toMatchObject({ code: 'invalid_slug' })
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
      expect(await updateOrganisation(acme, { slug })).toMatchObject({ slug })
    },
  )
})
