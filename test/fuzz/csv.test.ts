/**
 * CSV files of any kind: read whole by the client and by the REST door, never with a fault.
 *
 * @module-tag long
 */
import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { readInvites } from '../../client/csv/index.ts'
import type { BulkRow } from '../../client/index.ts'
import { test } from '../support/rest.ts'
import { holds, TIMEOUT } from './budget.ts'

const BUDGET = { runs: 60, share: 4 }

const cell = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '',
    '"',
    '""',
    ' "x" y',
    'a,b',
    'a;b',
    'a\tb',
    'a\nb',
    '\r',
    '\ufeff',
    '=1+1',
    '\0',
    '{"a":1}',
    '{',
  ),
  fc.emailAddress(),
  fc.constantFrom('member', 'admin finance', 'owner', 'member|finance'),
)
const HEADERS = [
  'email',
  'roles',
  'message',
  'locale',
  'expires_in',
  'redirect_to',
  'metadata',
  'x',
]
/** From a fitting file to no file at all. */
const file = fc.oneof(
  fc
    .tuple(
      fc.subarray(HEADERS, { minLength: 1 }),
      fc.array(fc.array(cell, { maxLength: 9 }), { maxLength: 12 }),
      fc.constantFrom(',', ';', '\t', '|'),
      fc.constantFrom('\n', '\r\n', '\r'),
    )
    .map(([names, rows, delimiter, end]) =>
      [names, ...rows].map((row) => row.join(delimiter)).join(end),
    ),
  fc.string({ unit: 'binary', maxLength: 500 }),
  fc.array(cell, { maxLength: 30 }).map((cells) => cells.join('')),
)

async function read(source: Parameters<typeof readInvites>[0]): Promise<BulkRow[]> {
  const rows: BulkRow[] = []
  for await (const row of readInvites(source, { roles: ['member'] })) rows.push(row)
  return rows
}

async function* inPieces(bytes: Uint8Array, sizes: number[]) {
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

describe("the client's reader", () => {
  test('gives for any file rows that can be sent, or says which cannot be read', {
    timeout: TIMEOUT,
  }, async () => {
    await holds(
      fc.asyncProperty(file, async (text) => {
        for (const row of await read(text)) {
          if ('unreadable' in row) expect(row.unreadable).toMatch(/./)
          else {
            expect(row.email).toBeTypeOf('string')
            expect(row.roles).toSatisfy(Array.isArray)
            expect(() => JSON.stringify(row)).not.toThrow()
          }
        }
      }),
      BUDGET,
    )
  })

  test('gives back what another program has written, however it comes in', {
    timeout: TIMEOUT,
  }, async () => {
    const word = fc.stringMatching(
      /^[^\s"\0\ufeff\ud800-\udfff]([^\0\ufeff\ud800-\udfff]{0,20}[^\s\0\ufeff\ud800-\udfff])?$/,
    )
    const draft = fc.record({
      email: fc.emailAddress(),
      roles: fc.uniqueArray(fc.constantFrom('member', 'finance', 'admin'), { minLength: 1 }),
      message: word,
      metadata: fc.dictionary(fc.string({ maxLength: 5 }), fc.integer(), {
        maxKeys: 3,
        noNullPrototype: true,
      }),
    })
    await holds(
      fc.asyncProperty(
        fc.array(draft, { minLength: 1, maxLength: 20 }),
        fc.constantFrom(',', ';', '\t'),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
        async (drafts, delimiter, sizes) => {
          const text = stringify(
            drafts.map(({ roles, metadata, ...rest }) => ({
              ...rest,
              roles: roles.join(' '),
              metadata: JSON.stringify(metadata),
            })),
            { header: true, delimiter, quoted: true },
          )
          const expected = drafts.map((each, i) => ({
            ...each,
            message: each.message.trim(),
            rowNumber: i + 2,
          }))
          expect(await read(text)).toEqual(expected)
          expect(await read(inPieces(new TextEncoder().encode(text), sizes))).toEqual(expected)
        },
      ),
      BUDGET,
    )
  })

  test('reads the same in one piece and in many', { timeout: TIMEOUT }, async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })
    await holds(
      fc.asyncProperty(file, sizes, async (text, pieces) => {
        const bytes = new TextEncoder().encode(text)
        const streamed = await read(inPieces(bytes, pieces))
        const emails = (rows: BulkRow[]) => rows.map((row) => row.email ?? 'unreadable')
        expect(emails(streamed)).toEqual(emails(await read(new Blob([bytes]))))
      }),
      BUDGET,
    )
  })
})

describe('the REST door', () => {
  test('answers any file with an outcome for each row, or says that it is none', {
    timeout: TIMEOUT,
  }, async ({ acme, rest }) => {
    await acme.sql`select usher.update_settings('{"invites_per_day": 2000000000}')`
    await holds(
      fc.asyncProperty(file, fc.boolean(), async (text, isUpload) => {
        const form = new FormData()
        form.set('organisation_id', acme.id)
        form.set('file', new File([text], 'people.csv'))
        const { status, body } = isUpload
          ? await rest('/api/invitations/bulk', { by: acme.admin, body: form })
          : await rest(`/api/invitations/bulk?organisation_id=${acme.id}`, {
              by: acme.admin,
              headers: { 'content-type': 'text/csv' },
              body: new Blob([text]),
            })

        if (status !== 200) {
          expect([400, 413, 422]).toContain(status)
          expect(body.code).toMatch(/^[a-z_]+$/)
          return
        }
        const outcomes = body.data ?? body
        let last = 0
        for (const { row_number, status: outcome, email, error_code } of outcomes) {
          // A row of several addresses has an outcome for each.
          expect(row_number).toBeGreaterThanOrEqual(last)
          last = row_number
          if (outcome === 'created') expect(email).toMatch(/^[^\s@<>",;]+@[^\s@<>",;]+$/)
          else expect(error_code).toMatch(/^[a-z_]+$/)
        }
      }),
      BUDGET,
    )
  })
})
