import { randomUUID } from 'node:crypto'
import { domainToASCII } from 'node:url'
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { erase } from '../support/erasure.ts'
import { person } from '../support/people.ts'

describe('however they are written', () => {
  /** Puts texts into an organisation; they are found again by their marks, which erasing leaves. */
  async function written({ sql, invite }: Organisation, texts: string[]) {
    const mark = randomUUID()
    for (const text of texts) {
      const { invite: made } = await invite()
      await sql`update usher.invites set message = ${`${mark} ${text} end`},
        metadata = ${sql.json({ said: `${mark} ${text} end` })} where id = ${made.id}`
    }
    return async () =>
      (
        await sql`select message, metadata ->> 'said' as said from usher.invites
          where message like ${`${mark}%`}`
      ).flatMap(({ message, said }) => [message.slice(mark.length), said.slice(mark.length)])
  }

  test('an address goes', async ({ acme }) => {
    const { sql } = acme
    const tag = randomUUID().slice(0, 8)
    const email = `zeph'${tag}/x+news@münchen-${tag}.test`
    const ascii = `zeph'${tag}/x+news@${domainToASCII(`münchen-${tag}.test`)}`
    const encoded = encodeURIComponent(email)
    const forms = [
      email,
      `<${email}>`,
      email.toUpperCase(),
      ascii,
      `https://h.test/?u=${encoded}&x=1`,
      `https://h.test/?u=${encoded.replaceAll("'", '%27').toLowerCase()}`,
      `https://h.test/?u=${encodeURIComponent(email.toUpperCase())}`,
      `https://h.test/?u=${encodeURIComponent(encoded)}`,
      `https://h.test/?q=${encodeURIComponent(`ask ${email} now`)}`,
      `https://h.test/?q=ask+${encoded}+now`,
      `https://h.test/?u=${encodeURIComponent(ascii)}`,
    ]
    for (const given of [email, ascii]) {
      const texts = await written(acme, forms)
      expect((await sql`select from usher.report_address(${given})`).length).toBeGreaterThanOrEqual(
        forms.length,
      )

      await sql`select usher.erase_address(${given})`

      const left = await texts()
      expect(left).toHaveLength(2 * forms.length)
      expect(left.filter((text) => /zeph|news/i.test(text))).toEqual([])
      expect(left.every((text) => text.endsWith(' end'))).toBe(true)
    }
  })

  test('a name goes', async ({ acme }) => {
    const { sql } = acme
    const tag = randomUUID().slice(0, 8)
    const name = `Özlem "Öz"  O'Quill${tag}`
    const them = await person(sql, 'them', { metadata: { full_name: name } })
    await sql`select usher.add_member(${acme.id}, ${them.userId}, '{member}')`
    const single = name.replace('  ', ' ')
    const forms = [
      name,
      single,
      single.toUpperCase(),
      single.replaceAll(' ', '\n'),
      single.replaceAll(' ', ' \n\t '),
      single.replaceAll(' ', '\u00a0'),
      `https://h.test/?q=${encodeURIComponent(`ask ${single} now`)}`,
    ]
    const texts = await written(acme, forms)
    expect(
      (await sql`select from usher.report_person(${them.userId})`).length,
    ).toBeGreaterThanOrEqual(forms.length)

    await erase(acme, them)

    const left = await texts()
    expect(left).toHaveLength(2 * forms.length)
    expect(left.filter((text) => /quill/i.test(text))).toEqual([])
    expect(left.every((text) => text.endsWith(' end'))).toBe(true)
  })

  test.for([
    'münchen',
    'bücher',
    'faß',
    'президент',
    '他们为什么不说中文',
    '3年b組金八先生',
    'δοκιμή',
    'مثال',
    'a-ö-z',
    'plain',
  ])('the label %s is one in both spellings', async (label, { acme }) => {
    const ascii = label === 'faß' ? 'xn--fa-hia' : domainToASCII(label)
    const [row] = await acme.sql`select usher.label_to_ascii(${label}) as ascii,
      usher.label_to_unicode(${ascii}) as unicode`
    expect(row).toMatchObject({ ascii, unicode: label })
  })

  test.for([
    'xn--',
    'xn--ü',
    'xn--99999999999',
    `xn--${'9'.repeat(59)}`,
    'xn--a-',
    'xn--zzzzzzz',
    '',
  ])('what is no punycode stays as it is: %s', async (label, { acme }) => {
    const [row] = await acme.sql`select usher.label_to_unicode(${label}) as unicode`
    expect(typeof row?.unicode).toBe('string')
  })
})

/** RFC 3492, section 7.1, in small letters, as normalised domains are; those that are longer than a label are left out. */
const SAMPLES = [
  ['Arabic (Egyptian)', 'ليهمابتكلموشعربي؟', 'egbpdaj6bu4bxfgehfvwxn'],
  ['Chinese (simplified)', '他们为什么不说中文', 'ihqwcrb4cv8a8dqg056pqjye'],
  ['Chinese (traditional)', '他們爲什麽不說中文', 'ihqwctvzc91f659drss3x8bo0yb'],
  ['Czech', 'pročprostěnemluvíčesky', 'proprostnemluvesky-uyb24dma41a'],
  ['Hebrew', 'למההםפשוטלאמדבריםעברית', '4dbcagdahymbxekheh6e0a7fei0b'],
  ['Hindi', 'यहलोगहिन्दीक्योंनहींबोलसकतेहैं', 'i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd'],
  ['Japanese', 'なぜみんな日本語を話してくれないのか', 'n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa'],
  ['Russian', 'почемужеонинеговорятпорусски', 'b1abfaaepdrnnbgefbadotcwatmq2g4l'],
  [
    'Spanish',
    'porquénopuedensimplementehablarenespañol',
    'porqunopuedensimplementehablarenespaol-fmd56a',
  ],
  ['Vietnamese', 'tạisaohọkhôngthểchỉnóitiếngviệt', 'tisaohkhngthchnitingvit-kjcr8268qyxafd2f1b9g'],
  ['a title with digits', '3年b組金八先生', '3b-ww4c5e180e575a65lsy2b'],
  [
    'a title with hyphens',
    '安室奈美恵-with-super-monkeys',
    '-with-super-monkeys-pc58ag80a8qai00g7n9n',
  ],
  [
    'a title that ends in Japanese',
    'hello-another-way-それぞれの場所',
    'hello-another-way--fc4qua05auwb3674vfr0b',
  ],
  ['a title that ends in a digit', 'ひとつ屋根の下2', '2-u9tlzr9756bt3uc0v'],
  ['Latin letters within', 'majiでkoiする5秒前', 'majikoi5-783gue6qz075azm5e'],
  ['Latin letters in Katakana', 'パフィーdeルンバ', 'de-jg4avhby1noc0d'],
  ['Hiragana and Katakana', 'そのスピードで', 'd9juau41awczczp'],
] as const

describe('the examples of RFC 3492', () => {
  test.for(SAMPLES)('%s', async ([, label, punycode], { database: { sql } }) => {
    const ascii = `xn--${punycode}`
    const [row] = await sql`select usher.label_to_ascii(${label}) as ascii,
      usher.label_to_unicode(${ascii}) as unicode`

    expect(row).toEqual({ ascii, unicode: label })
  })
})

describe('an address', () => {
  test.for([
    ['ann@bücher.example', ['ann@bücher.example', 'ann@xn--bcher-kva.example']],
    ['ann@xn--bcher-kva.example', ['ann@bücher.example', 'ann@xn--bcher-kva.example']],
    [
      'ann@mail.bücher.münchen.example',
      ['ann@mail.bücher.münchen.example', 'ann@mail.xn--bcher-kva.xn--mnchen-3ya.example'],
    ],
    ['ann@example.com', ['ann@example.com']],
    // What stands before the sign is no domain, whatever it looks like.
    ['xn--bcher-kva@example.com', ['xn--bcher-kva@example.com']],
  ] as const)('%s may be written as %j', async ([email, forms], { database: { sql } }) => {
    const [row] = await sql`select usher.spellings(${email}) as forms`

    expect(row?.forms.toSorted()).toEqual(forms.toSorted())
  })
})
