/** Lists of any kind, as the client reads them. */
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { readInvites } from '../../client/csv/index.ts'
import type { BulkRow } from '../../client/index.ts'
import { LISTS, utf16, windows1252 } from '../support/lists.ts'
import { workbook } from '../support/workbook.ts'

async function read(...args: Parameters<typeof readInvites>): Promise<BulkRow[]> {
  const rows: BulkRow[] = []
  for await (const row of readInvites(...args)) rows.push(row)
  return rows
}

/** What becomes of a row, in short. */
const brief = (row: BulkRow) => [
  row.rowNumber,
  row.email,
  'unreadable' in row ? (row.errorCode ?? 'invalid_row') : row.roles.join(' '),
]
const reasons = (rows: BulkRow[]) =>
  rows.map((row) => ('unreadable' in row ? row.unreadable : null))

describe('a list', () => {
  test.for(LISTS)('$title ($source)', async ({ content, rows, messages }) => {
    const found = await read(content)

    expect(found.map(brief)).toEqual(rows)
    if (messages) {
      expect(found.map((row) => ('message' in row ? row.message : undefined))).toEqual(messages)
    }
  })

  test.for(LISTS)('$title: the same as bytes, byte by byte', async ({ content, rows }) => {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content

    expect((await read(bytes)).map(brief)).toEqual(rows)
    expect((await read(Readable.from(byteByByte(bytes)))).map(brief)).toEqual(rows)
  })

  test('says which character nobody sees, and where it stands', async () => {
    const rows = await read(
      'email,roles\nann\u200B@example.com,member\nbob@example.com,ad\u00ADmin\n',
    )

    expect(reasons(rows)).toEqual([
      'The address holds U+200B (zero-width space) as character 4, in ann‹U+200B›@example.com: take it out.',
      'A role holds U+00AD (soft hyphen) as character 3, in ad‹U+00AD›min: take it out.',
    ])
    expect(rows.map((row) => 'unreadable' in row && row.errorCode)).toEqual([
      'invalid_email',
      'invalid_role',
    ])
  })

  test('of two columns of one name that differ is not guessed at', async () => {
    const rows = await read('email,roles,email\nann@example.com,member,bob@example.com\n')

    expect(reasons(rows)).toEqual([
      'Two columns are called email, A and C, and differ: rename one.',
    ])
  })

  test('a hundred thousand lines with a quote that never closes are read soon, each for itself', async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `p${i}@example.com,"x`)

    const rows = await read(`email,message\n${lines.join('\n')}`)

    expect(rows.at(-1)?.rowNumber).toBe(100_001)
    expect(rows).toHaveLength(100_000)
    expect(rows.every((row) => 'unreadable' in row)).toBe(true)
  })
})

test.for([
  [
    'each fills in what the other leaves empty',
    'email,role,Role\na@x.test,member,\nb@x.test,,admin',
  ],
  ['they are spelt in two ways', 'Email,E-Mail\na@x.test,b@x.test\n'],
  ['no name is known', 'Eins,Zwei\na@x.test,b@x.test\n'],
  ['nobody knows their names', 'Name,Eins,Zwei\nAnn,a@x.test,b@x.test\n'],
] as const)('of two columns that may be meant, none is left out: %s', async ([, content]) => {
  expect(reasons(await read(content))).toEqual([expect.stringMatching(/ (A and B|B and C)[, ]/)])
})

describe('text that is made to keep a reader busy', () => {
  const MANY = 120_000
  test.for([
    ['at signs in a bracket', `<${'@'.repeat(MANY)}`],
    ['opening brackets', '<('.repeat(MANY / 2)],
    ['closing brackets', `@${')'.repeat(MANY)}x`],
    ['brackets of names', `email,${'([('.repeat(MANY / 3)}\na@example.com,x`],
    ['quotes', `a@example.com,${'"'.repeat(MANY - 1)}\nb@example.com`],
    ['blanks', `a@example.com,${' '.repeat(MANY)}x\n`],
    ['commas', `a@example.com${','.repeat(MANY)}x\n`],
    ['at signs in a round bracket', `a (${'@'.repeat(MANY)}`],
    ['square brackets', `a@example.com ${'['.repeat(MANY)}](`],
    ['NULs', `a@example.com,${'\0'.repeat(MANY)}x\n`],
    ['typographic quotes', `“email”\n${'“'.repeat(MANY)}x\n`],
    ['letters, in no encoding', windows1252(`${'a'.repeat(MANY)}ü\n`)],
  ] as const)('%s: is read in a second or two', { timeout: 10_000 }, async ([, content]) => {
    const start = performance.now()

    expect((await read(content)).length).toBeGreaterThan(0)

    expect(performance.now() - start).toBeLessThan(5_000)
  })
})

/** With the little end first, as this machine and all that run tests have it. */
const utf32 = (text: string) =>
  new Uint8Array(Uint32Array.from([...text], (sign) => sign.codePointAt(0) ?? 0).buffer)

/** One byte at a time. */
function* byteByByte(bytes: Uint8Array) {
  for (const byte of bytes) yield new Uint8Array([byte])
}

describe('bytes', () => {
  test('are read in the encoding that is said', async () => {
    const polish = Uint8Array.of(0xa3, 0x75, 0x6b, 0x61, 0x73, 0x7a) // Łukasz in Windows-1250
    const content = new Uint8Array([...windows1252('email,message\nann@example.com,'), ...polish])

    const [row] = await read(content, { encoding: 'windows-1250' })

    expect(row).toMatchObject({ message: 'Łukasz' })
  })

  test('that fit two encodings are not guessed at: both are named', async () => {
    const rows = await read(windows1252('email,message\nann@example.com,Señor\n'))

    expect(reasons(rows)).toEqual([
      'The file is not UTF-8, and may be windows-1252 or windows-1250. Say which, or save it as CSV UTF-8.',
    ])
  })

  test('with the euro of ISO-8859-15 are not read as the currency sign of Windows', async () => {
    const euro = Uint8Array.of(...windows1252('email,message\nann@example.com,5 '), 0xa4, 0x0a)

    expect(reasons(await read(euro))).toEqual([expect.stringMatching(/may be .*iso-8859-15/)])
    expect(await read(euro, { encoding: 'iso-8859-15' })).toMatchObject([{ message: '5 €' }])
  })

  test.for([
    [
      'an encoding that there is not',
      utf16('email'),
      { encoding: 'klingon' },
      /no encoding called/,
    ],
    [
      'an encoding that it is not in',
      windows1252('email,message\nann@example.com,Grüße\n'),
      { encoding: 'utf-8' },
      /is not utf-8/,
    ],
    ['UTF-32', Uint8Array.of(0xff, 0xfe, 0, 0, 0x61, 0, 0, 0), {}, /UTF-32/],
    ['an old workbook', Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1), {}, /\.xls\)/],
    ['its stream alone', Uint8Array.of(9, 8, 0x10, 0, 0, 6, 5, 0), {}, /\.xls\)/],
    ['a PDF', new TextEncoder().encode('%PDF-1.7\n'), {}, /not a list of text/],
    ['a page', new TextEncoder().encode('<html><table><tr><td>a@b.example'), {}, /not a list/],
    [
      'a picture',
      Uint8Array.from({ length: 600 }, (_, i) => (i * 7) % 256),
      {},
      /not a list|cannot/,
    ],
    ['UTF-32 without a mark', utf32('张伟,ann@example.com\n'), {}, /UTF-32/],
    ['JSON', new TextEncoder().encode('[{"email":"ann@example.com"}]'), {}, /JSON/],
    ['JSON, a line each', new TextEncoder().encode('{"email":"a@x.test"}\n{}'), {}, /JSON/],
    [
      'a part of a page',
      new TextEncoder().encode('<meta charset="utf-8"><table>'),
      {},
      /not a list/,
    ],
    ['what is zipped', Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0), {}, /zipped/],
  ] as const)('%s: refused, with what to do', async ([, content, options, says]) => {
    const rows = await read(content, options)

    expect(rows).toEqual([{ unreadable: expect.stringMatching(says) }])
  })

  test('more than are taken are refused before they are read', async () => {
    expect(reasons(await read(new Blob(['x'.repeat(2 ** 20 + 1)]), { maxBytes: 2 ** 20 }))).toEqual(
      ['The file is larger than 1 MB: split it.'],
    )
  })

  test('of a mark alone, and of nothing, have no rows', async () => {
    expect(await read(Uint8Array.of(0xef, 0xbb, 0xbf))).toEqual([])
    expect(await read(new Uint8Array())).toEqual([])
  })

  test('with NULs cost the row that holds them', async () => {
    const rows = await read(new TextEncoder().encode('email\na\0b@example.com\nc@example.com\n'))

    expect(rows.map(brief)).toEqual([
      [2, 'a\0b@example.com', 'invalid_email'],
      [3, 'c@example.com', ''],
    ])
  })
})

describe('a workbook', () => {
  test('is read from the sheet with the addresses: titles, empty rows, dates and links', async () => {
    const content = workbook({
      Notes: [['Whom we invite']],
      People: [
        null,
        ['Members'],
        null,
        ['Email', 'Role', 'Membership ends at'],
        ['ann@example.com', 'member', new Date('2027-03-01')],
        [],
        [{ text: 'bob@example.com', link: 'mailto:bob@example.com' }, { error: '#N/A' }],
      ],
    })

    const rows = await read(new Blob([content]))

    expect(rows.map(brief)).toEqual([
      [5, 'ann@example.com', 'member'],
      [7, 'bob@example.com', ''],
    ])
    expect(rows[0]).toMatchObject({ membershipEndsAt: '2027-03-01T00:00:00.000Z' })
  })

  test('with addresses in two sheets is not guessed at, and read from the one that is said', async () => {
    const content = workbook({
      Ours: [['Email'], ['ann@example.com']],
      Theirs: [['Email'], ['bob@example.com']],
    })

    expect(reasons(await read(content))).toEqual([
      'Several sheets hold addresses: Ours, Theirs. Say which.',
    ])
    expect((await read(content, { sheet: 'Theirs' })).map(brief)).toEqual([
      [2, 'bob@example.com', ''],
    ])
    expect(reasons(await read(content, { sheet: 'Nobody’s' }))).toEqual([
      'The workbook has no sheet called Nobody’s. It has: Ours, Theirs.',
    ])
  })

  test('is read from the sheet that is seen, not from a hidden one beside it', async () => {
    const content = workbook(
      { Now: [['Email'], ['ann@example.com']], Before: [['Email'], ['bob@example.com']] },
      { hidden: ['Before'] },
    )

    expect((await read(content)).map(brief)).toEqual([[2, 'ann@example.com', '']])
    expect((await read(content, { sheet: 'Before' })).map(brief)).toEqual([
      [2, 'bob@example.com', ''],
    ])
  })

  test('with a cell in its last row and its last column is refused, before it fills the memory', async () => {
    const content = workbook({ A: [['Email'], ['ann@example.com']] }, { far: 'XFD1048576' })

    expect(reasons(await read(content))).toEqual([
      expect.stringContaining('1048576 rows and 16384 columns'),
    ])
    for (const far of ['ZZZZZZ1', 'A1e9', 'Infinity']) {
      const strange = workbook({ A: [['Email'], ['ann@example.com']] }, { far })
      expect(reasons(await read(strange))).toEqual([expect.stringContaining('damaged')])
    }
  })

  test('says times to the second', async () => {
    const content = workbook({
      A: [
        ['Email', 'Membership ends at'],
        ['ann@example.com', new Date('2027-01-01T12:30:00Z')],
      ],
    })

    expect((await read(content))[0]).toMatchObject({ membershipEndsAt: '2027-01-01T12:30:00.000Z' })
  })

  test('that is cut, or unzips to too much, is refused', async () => {
    const content = workbook({ A: [['Email'], ['ann@example.com', 'x'.repeat(50_000)]] })

    expect(reasons(await read(content.slice(0, -40)))).toEqual([expect.stringContaining('damaged')])
    expect(reasons(await read(content, { maxBytes: 8_000 }))).toEqual([
      expect.stringContaining('unzips to more'),
    ])
  })
})
