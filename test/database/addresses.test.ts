/**
 * One spelling of an address: münchen.example and xn--mnchen-3ya.example are one domain through every door.
 *
 * Sources: RFC 5891; https://github.com/mailcow/mailcow-dockerized/issues/7395,
 * https://github.com/bitwarden/server/pull/1512, https://github.com/directus/v8-archive/issues/534
 */
import { domainToASCII, domainToUnicode } from 'node:url'
import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { person } from '../support/people.ts'

const UNICODE = 'münchen.example'
const ASCII = 'xn--mnchen-3ya.example'

describe('a domain', () => {
  test.for([
    'example.com',
    'EXAMPLE.com',
    'münchen.example',
    'MÜNCHEN.EXAMPLE',
    'mu\u0308nchen.example',
    'straße.example',
    'STRAẞE.example',
    'президент.рф',
    '例え。テスト',
    '例え．テスト',
    '例え｡テスト',
    'ｅｘａｍｐｌｅ.com',
    'ﬁsh.example',
    'مثال.إختبار',
    'उदाहरण.परीक्षा',
    'ตัวอย่าง.ไทย',
    'δοκιμή.ελ',
    'ΣΟΦΟΣ.example',
    'σοφος.example',
    'σοφός.example',
    'col·lecció.cat',
    'ローカル・エリア.jp',
    'صح\u064a\u200cم.example',
    '한국.example',
    'xn--mnchen-3ya.example',
    'XN--MNCHEN-3YA.example',
    'a.b-c.d--e.example',
  ])('%j is written as the DNS does, and shown in its own letters', async (domain, { acme }) => {
    const [row] = await acme.sql`select usher.clean_domain(${domain}) as ascii,
      usher.readable_domain(usher.clean_domain(${domain})) as unicode,
      usher.clean_domain(usher.readable_domain(usher.clean_domain(${domain}))) as again`
    const ascii = domainToASCII(domain)
    expect(ascii).not.toBe('')
    expect(row).toEqual({ ascii, unicode: domainToUnicode(ascii), again: ascii })
  })

  test.for([
    ['no domain', ''],
    ['one label', 'localhost'],
    ['an empty label', 'a..example'],
    ['a dot at its end', 'example.com.'],
    ['a hyphen at an edge', '-ü.example'],
    ['a hyphen at the other', 'ü-.example'],
    ['a number as its top level', 'example.1'],
    ['an address', '10.0.0.12'],
    ['a blank', 'mün chen.example'],
    ['something unseen', 'mün\u200bchen.example'],
    ['a soft hyphen', 'mün\u00adchen.example'],
    ['a joiner between Latin letters', 'mün\u200dchen.example'],
    ['a mark that turns the text', 'mün\u202echen.example'],
    ['a mark at its beginning', '\u0308nchen.example'],
    ['a filler', 'a\u3164.example'],
    ['a variation', 'ü\ufe0f.example'],
    ['a tag', 'ü\u{e0041}.example'],
    ['a picture', '😀.example'],
    ['a letter of nobody', 'ü\ue000.example'],
    ['a slash of another width', 'ü／x.example'],
    ['an at sign of another width', 'ü＠x.example'],
    ['Punycode of nothing', 'xn--ü.example'],
    ['Punycode of ASCII', 'xn--abc-.example'],
    ['Punycode of capitals', 'xn--MNCHEN-n1a.example'],
    ['a label of 64', `${'ü'.repeat(63)}.example`],
    ['more than 253', `${'ü.'.repeat(130)}example`],
    ['a heap of marks', `a${'\u0316\u0301'.repeat(100)}.example`],
  ])('of %s is none', async ([, domain], { acme }) => {
    const [row] = await acme.sql`select usher.clean_domain(${domain as string}) as clean,
      usher.normalise_email(${`ann@${domain}`}) as email`
    expect(row).toEqual({ clean: null, email: null })
  })
})

describe('two spellings of one address', () => {
  test('are one invite, which either accepts', async ({ acme }) => {
    const org = { organisation_id: acme.id }
    const invite = await acme.owner.rpc('create_organisation_invite', {
      ...org,
      email: `Ann@${UNICODE}`,
      roles: ['member'],
    })
    expect(invite).toMatchObject({ email: `ann@${ASCII}` })
    await expect(
      acme.owner.rpc('create_organisation_invite', {
        ...org,
        email: `ann@${ASCII}`,
        roles: ['member'],
      }),
    ).rejects.toMatchObject({ code: 'already_invited' })
    const rows = ['bob', 'bob'].map((name, n) => ({
      email: `${name}@${n ? UNICODE : ASCII}`,
      roles: ['member'],
    }))
    expect(
      await acme.owner.rpc('create_organisation_invites', { ...org, invites: rows }),
    ).toMatchObject([{ status: 'created' }, { status: 'failed' }])

    const token = await acme.mint((invite as { id: string }).id)
    // As Supabase Auth keeps it.
    const ann = await person(acme.sql, 'ann', { email: `ann@${ASCII}` })
    expect(await ann.rpc('validate_organisation_invite', { token })).toMatchObject({
      status: 'pending',
    })
    expect(await ann.rpc('accept_organisation_invite', { token })).toMatchObject({
      organisation_id: acme.id,
    })
  })

  test('are found by either', async ({ acme }) => {
    await acme.invite(`ann@${UNICODE}`)
    for (const search of ['münchen', 'MÜNCHEN', 'xn--mnchen']) {
      expect(
        await acme.owner.rpc('list_organisation_invites', { organisation_id: acme.id, search }),
        search,
      ).toMatchObject([{ email: `ann@${ASCII}` }])
    }
  })

  test('have one account, whichever Auth has stored', async ({ acme }) => {
    await person(acme.sql, 'ann', { email: `ann@${UNICODE}` })
    await person(acme.sql, 'bob', { email: `bob@${ASCII}` })
    const [row] = await acme.sql`select usher.has_account(${`ann@${ASCII}`}) as ann,
      usher.has_account(${`bob@${ASCII}`}) as bob`
    expect(row).toEqual({ ann: true, bob: true })
  })

  test('are one ban', async ({ acme }) => {
    const dan = await person(acme.sql, 'dan', { email: `dan@${ASCII}` })
    const { token } = await acme.invite(`dan@${UNICODE}`)
    await dan.rpc('accept_organisation_invite', { token })
    await acme.owner.rpc('ban_organisation_member', {
      organisation_id: acme.id,
      user_id: dan.userId,
    })
    for (const domain of [ASCII, UNICODE]) {
      await expect(acme.invite(`dan@${domain}`)).rejects.toMatchObject({ code: 'member_banned' })
    }
  })
})

describe('two spellings of one domain', () => {
  test('are one among those that an organisation takes', async ({ acme }) => {
    const changes = { allowed_email_domains: [`@${UNICODE}`, ASCII, 'Example.com'] }
    expect(
      await acme.owner.rpc('update_organisation', { organisation_id: acme.id, changes }),
    ).toMatchObject({ allowed_email_domains: ['example.com', ASCII] })
    await acme.invite(`ann@${ASCII}`)
    await acme.invite(`bob@${UNICODE}`)
    await expect(acme.invite('cy@bücher.example')).rejects.toMatchObject({
      code: 'domain_not_allowed',
    })
  })

  test('are claimed, changed and given back as one', async ({ acme }) => {
    const org = { organisation_id: acme.id }
    const of = (domain: string) => acme.owner.rpc('create_organisation_domain', { ...org, domain })
    expect(await of(UNICODE)).toMatchObject({ domain: ASCII })
    expect(await of(ASCII)).toMatchObject({ domain: ASCII })
    await acme.owner.rpc('delete_organisation_domain', { ...org, domain: UNICODE })
    expect(
      await acme.sql`select from public.organisation_domains d where d.domain = ${ASCII}`,
    ).toEqual([])
  })
})
