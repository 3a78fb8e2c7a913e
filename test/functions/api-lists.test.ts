/** Lists of any kind, as the REST door takes them. */
import { describe, expect } from 'vitest'
import { LISTS, utf16, windows1252 } from '../support/lists.ts'
import { test } from '../support/rest.ts'
import { workbook } from '../support/workbook.ts'

const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

type Outcome = { row_number: number; email: string; error_code: string | null }
const brief = ({ row_number, email, error_code }: Outcome) => [row_number, email, error_code]

describe('a list', () => {
  test.for(LISTS)(
    '$title ($source)',
    async ({ content, rows, messages, refused = {} }, { acme, rest }) => {
      const { status, body } = await rest(`/api/invitations/bulk?organisation_id=${acme.id}`, {
        by: acme.admin,
        headers: { 'content-type': 'text/csv' },
        body: new Blob([content]),
      })

      expect(status).toBe(200)
      const isProblem = (said: string) => said.startsWith('invalid_')
      expect(body.data.map(brief)).toEqual(
        // A row without roles is none that REST could invite: nobody says which they are to have.
        rows.map(([number, email, said]) => [
          number,
          email,
          refused[number] ?? (isProblem(said) ? said : said === '' ? 'invalid_role' : null),
        ]),
      )
      const sent = await acme.admin.select('organisation_invites')
      expect(sent.map((invite) => invite.email).sort()).toEqual(
        rows
          .flatMap(([number, email, said]) =>
            said && !isProblem(said) && !refused[number] ? email : [],
          )
          .sort(),
      )
      expect(messages ?? []).not.toContain('\uFFFD')
    },
  )

  test('says of a row what is wrong with it, and where', async ({ acme, rest }) => {
    const { body } = await rest(`/api/invitations/bulk?organisation_id=${acme.id}`, {
      by: acme.admin,
      headers: { 'content-type': 'text/csv' },
      body: 'email,roles\nann\u200B@example.com,member\nbob@example.com,member,sales\n',
    })

    expect(body.data.map((row: { error_details: string }) => row.error_details)).toEqual([
      expect.stringContaining('U+200B (zero-width space) as character 4'),
      expect.stringContaining('column C'),
    ])
  })
})

describe('what a list is encoded in', () => {
  const SPANISH = windows1252('email,roles,message\nann@example.com,member,Señor\n')

  test('may be said in Content-Type, and counts', async ({ acme, rest }) => {
    const { body } = await rest(`/api/invitations/bulk?organisation_id=${acme.id}`, {
      by: acme.admin,
      headers: { 'content-type': 'text/csv; charset="ISO-8859-1"' },
      body: new Blob([SPANISH]),
    })

    expect(body.data.map(brief)).toEqual([[2, 'ann@example.com', null]])
    const [invite] = await acme.admin.select('organisation_invites')
    expect(invite).toMatchObject({ message: 'Señor' })
  })

  test('may be said of UTF-16 without a mark, and in the query', async ({ acme, rest }) => {
    const post = (type: string, query: string, email: string) =>
      rest(`/api/invitations/bulk?organisation_id=${acme.id}${query}`, {
        by: acme.admin,
        headers: { 'content-type': type },
        body: new Blob([utf16(`email;roles\r\n${email};member\r\n`)]),
      })

    const inType = await post('text/csv; charset=utf-16le', '', 'ann@example.com')
    const inQuery = await post('text/csv', '&encoding=utf-16le', 'bob@example.com')

    expect(inType.body.data.map(brief)).toEqual([[2, 'ann@example.com', null]])
    expect(inQuery.body.data.map(brief)).toEqual([[2, 'bob@example.com', null]])
  })

  test.for(['part', 'field'])(
    'may be said of an upload, in its %s',
    async (where, { acme, rest }) => {
      const form = new FormData()
      form.set('organisation_id', acme.id)
      const type = where === 'part' ? 'text/csv; charset=windows-1252' : 'text/csv'
      form.set('file', new File([SPANISH], 'people.csv', { type }))
      if (where === 'field') form.set('encoding', 'windows-1252')

      const { body } = await rest('/api/invitations/bulk', { by: acme.admin, body: form })

      expect(body.data.map(brief)).toEqual([[2, 'ann@example.com', null]])
    },
  )

  test.for([
    ['two fit', SPANISH, 'text/csv', /windows-1252 or windows-1250.*charset=.*encoding=/],
    ['another is said', SPANISH, 'text/csv; charset=utf-8', /is not utf-8/],
    [
      'it is one that there is not',
      SPANISH,
      'text/csv; charset=klingon',
      /no encoding called klingon/,
    ],
    ['it is UTF-32', Uint8Array.of(0xff, 0xfe, 0, 0, 97, 0, 0, 0), 'text/csv', /UTF-32/],
    ['it is an old workbook', Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0), 'text/csv', /\.xls/],
    ['there is nothing', new Uint8Array(), 'text/csv', /nothing in it/],
  ] as const)(
    'where %s, the list is refused, with what to do',
    async ([, content, type, says], { acme, rest }) => {
      const { status, body } = await rest(`/api/invitations/bulk?organisation_id=${acme.id}`, {
        by: acme.admin,
        headers: { 'content-type': type },
        body: new Blob([content]),
      })

      expect([status, body.code]).toEqual([400, 'invalid_request'])
      expect(body.errors).toEqual([{ pointer: 'body', detail: expect.stringMatching(says) }])
      expect(await acme.admin.select('organisation_invites')).toEqual([])
    },
  )
})

describe('a workbook', () => {
  const TWO = workbook({
    Ours: [
      ['Email', 'Role'],
      ['ann@example.com', 'member'],
    ],
    Theirs: [null, ['Email', 'Role'], ['bob@example.com', 'member']],
  })

  test('as the body: of two sheets with addresses, the one that is said', async ({
    acme,
    rest,
  }) => {
    const post = (query: string) =>
      rest(`/api/invitations/bulk?organisation_id=${acme.id}${query}`, {
        by: acme.admin,
        headers: { 'content-type': XLSX },
        body: new Blob([TWO]),
      })

    const [unsaid, said] = [await post(''), await post('&sheet=Theirs')]

    expect(unsaid.body.errors[0].detail).toMatch(/Ours, Theirs. Say which. Here: as sheet=/)
    expect(said.body.data.map(brief)).toEqual([[3, 'bob@example.com', null]])
  })

  test('as an upload', async ({ acme, rest }) => {
    const form = new FormData()
    form.set('organisation_id', acme.id)
    form.set('sheet', 'Ours')
    form.set('file', new File([TWO], 'people.xlsx', { type: XLSX }))

    const { body } = await rest('/api/invitations/bulk', { by: acme.admin, body: form })

    expect(body.data.map(brief)).toEqual([[2, 'ann@example.com', null]])
  })
})
