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
