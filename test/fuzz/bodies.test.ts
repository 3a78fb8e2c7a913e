/**
 * Bodies that are no JSON, nearly JSON, or JSON of the worst kind, at every address of the REST door.
 *
 * @module-tag long
 */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { OPERATIONS } from '../../functions/api/operations.ts'
import { PROBLEMS } from '../../functions/api/problem.ts'
import { test } from '../support/rest.ts'
import { holds, TIMEOUT } from './budget.ts'

const BUDGET = { runs: 200, share: 1 }

const FITTING = [
  '{"organisation_id": "ID", "email": "x@example.com", "roles": ["member"]}',
  '{"organisation_id": "ID", "invites": [{"email": "x@example.com", "roles": ["member"]}]}',
  '{"name": "Name", "slug": null}',
  '{"changes": {"name": "Renamed"}}',
  '{"token": "inv_x"}',
]
const PIECES = fc.constantFrom(
  ...[
    '{',
    '}',
    '[',
    ']',
    '"',
    ',',
    ':',
    'null',
    '1e999',
    '-',
    '\\',
    '\\u0000',
    '\\ud800',
    '\0',
    '\ufeff',
  ],
  ...[
    '"__proto__":{"x":1},',
    '"constructor":1,',
    '"email":"a","email":"b",',
    '//',
    "'",
    'NaN',
    ' ',
  ],
)
const nearly = fc
  .tuple(
    fc.constantFrom(...FITTING),
    fc.array(fc.tuple(fc.nat(90), PIECES, fc.nat(3)), { maxLength: 4 }),
  )
  .map(([text, changes]) =>
    changes.reduce(
      (now, [at, piece, gone]) => now.slice(0, at) + piece + now.slice(at + gone),
      text,
    ),
  )
const body = fc.oneof(
  { weight: 4, arbitrary: nearly },
  { weight: 2, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '['.repeat(50_000),
      `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
      `"${'\\'.repeat(99_999)}`,
      `{"name":"${'x'.repeat(200_000)}"}`,
      `[${'1,'.repeat(60_000)}1]`,
    ),
  },
)
const TYPES = fc.constantFrom(
  ...[
    'application/json',
    'application/json',
    'application/json; charset=utf-16',
    'text/plain',
    'text/csv',
    '',
  ],
  ...[
    'multipart/form-data',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    ';;',
  ],
)
/** Of a path's parameters. */
const SEGMENTS = fc.constantFrom(
  'ID',
  'member',
  '%00',
  '%',
  '%ff',
  '..%2f',
  '%F0%9F%98%80',
  'a'.repeat(3_000),
)

/** All that take a body, or could; the organisation is left there for the attempts that follow. */
const WRITING = OPERATIONS.filter(
  ({ id, method }) => method !== 'get' && id !== 'deleteOrganisation',
)

describe('the REST door', () => {
  test('answers any body at any address, and every refusal is a problem document', {
    timeout: TIMEOUT,
  }, async ({ acme, rest }) => {
    const callers = fc.constantFrom('owner', 'member', 'outsider', 'anyone')
    await holds(
      fc.asyncProperty(
        fc.constantFrom(...WRITING),
        fc.tuple(body, TYPES, SEGMENTS, callers),
        async ({ method, path }, [sent, type, segment, caller]) => {
          const given = typeof sent === 'string' ? sent.replaceAll('ID', acme.id) : new Blob([sent])
          const url = path.replaceAll(/\{\w+\}/g, segment.replace('ID', acme.id))
          const {
            status,
            headers,
            body: answer,
          } = await rest(`/api${url}`, {
            method: method.toUpperCase(),
            by: acme[caller as 'owner'],
            headers: { 'content-type': type },
            body: given,
          })

          expect(status).toBeLessThan(500)
          if (status < 400) return
          expect(headers.get('content-type')).toBe('application/problem+json')
          expect(Object.keys(PROBLEMS)).toContain(answer.code)
          expect(JSON.stringify(answer)).not.toMatch(
            /node_modules|\.ts:\d|postgres|pg_catalog|select /i,
          )
        },
      ),
      BUDGET,
    )
  })
})
