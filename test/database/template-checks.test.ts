import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { leaseOne, prepare } from '../support/worker.ts'

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

describe('create_organisation_email_template', () => {
  test('knows the same kinds as the outbox', async ({ acme }) => {
    const [row] = await acme.sql`
      select pg_get_constraintdef(oid) as definition,
        (select array_agg(kind) from usher.mail_kinds()) as kinds
      from pg_constraint where conname = 'organisation_deliveries_kind'`
    const inOutbox = [...String(row?.definition).matchAll(/'(\w+)'/g)].map((match) => match[1])

    expect(inOutbox.sort()).toEqual([...(row?.kinds ?? []), 'auth'].sort())
  })
})
