import { domainToASCII } from 'node:url'
import punycode from 'punycode/punycode.js'
import { describe, expect, test } from 'vitest'
import { asciiAddress } from '../../client/address.ts'
import { readableAddress } from '../../client/readable-address.ts'

describe('an address', () => {
  test.for([
    'ann@münchen.example',
    'ann@straße.example',
    'ann@президент.рф',
    'ann@例え.テスト',
    'ann@مثال.إختبار',
    'ann@उदाहरण.परीक्षा',
    'ann@col·lecció.cat',
  ])('%s goes to Auth in ASCII, and comes back in its own letters', (address) => {
    const domain = address.slice('ann@'.length)
    const ascii = asciiAddress(` ${address} `)
    expect(ascii).toBe(`ann@${domainToASCII(domain)}`)
    expect(readableAddress(ascii)).toBe(address)
    expect(readableAddress(ascii.slice('ann@'.length))).toBe(domain)
  })

  test.for([
    'ann@example.com',
    'Ann@Example.COM',
    'ann',
    'ann@mün chen.example',
    'ann@münchen.example/x',
    'ann@münchen.example:25',
    'ann@ü@münchen.example?x',
    'ann@ü／x.example',
    'ann@[192.0.2.1]',
    'ann@1',
    '',
  ])('%j stays as it was typed', (address) => {
    expect(asciiAddress(address)).toBe(address)
  })

  // Source: https://chromium.googlesource.com/chromium/src/+/main/docs/idn.md
  test.for([
    ['Cyrillic among Latin letters', 'pаypal.example'],
    ['Greek among Latin letters', 'gοogle.example'],
    ['nothing but Cyrillic letters that look like Latin ones', 'аррӏе.example'],
    ['a picture', 'i❤.example'],
    ['something unseen', 'a\u200db.example'],
  ])('with %s stays in ASCII, so that nobody takes it for another', ([, domain = '']) => {
    const ascii = punycode.toASCII(domain)
    expect(readableAddress(`ann@${ascii}`)).toBe(`ann@${ascii}`)
  })

  test.for(['xn--', 'xn--a', 'xn--99999999999', 'xn--ü', 'xn--abc-'])(
    'with the label %s, which is no Punycode, is shown as it is',
    (label) => expect(readableAddress(`ann@${label}.example`)).toBe(`ann@${label}.example`),
  )
})
