/**
 * Filters, patches and resources of any content, sent to the SCIM function: answered, and never by a fault.
 *
 * @module-tag long
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import { patchOf, type Scim, test, userOf } from '../support/scim.ts'
import { holds, TIMEOUT } from './budget.ts'

const BUDGET = { runs: 150, share: 1 }

const NAMES = fc.constantFrom(
  ...[
    'active',
    'emails',
    'name',
    'name.familyName',
    'members',
    'userName',
    'meta',
    'id',
    'schemas',
  ],
  ...['emails[type eq "work"].value', 'emails[value co "a"]', 'members[value eq "x"]', 'toString'],
  ...['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department', '__proto__', ''],
)
const VALUE = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom('True', 'x@example.com', null, [], {}, [{ value: 'x' }], [null]),
)
const operation = fc.record(
  { op: fc.constantFrom('add', 'Replace', 'remove', 'move'), path: NAMES, value: VALUE },
  { requiredKeys: [] },
)
const resource = fc.dictionary(NAMES, VALUE)
const filter = fc
  .array(
    fc.constantFrom(
      ...[
        'userName',
        'emails',
        'active',
        'emails[',
        'type',
        ']',
        '(',
        ')',
        'and',
        'or',
        'not',
        'eq',
      ],
      ...[
        'co',
        'gt',
        'pr',
        '"x"',
        '"',
        'true',
        'null',
        '1',
        'name.familyName',
        '.',
        '\\',
        'members',
      ],
    ),
    { maxLength: 9 },
  )
  .map((words) => words.join(' '))

async function answers(scim: Scim, method: string, path: string, body?: unknown): Promise<void> {
  const { status, headers, body: said } = await scim(method, path, body)
  expect(status, JSON.stringify([method, path, body, said])).toBeLessThan(500)
  expect(headers.get('content-type')).toBe('application/scim+json')
}

test('any filter is answered', { timeout: TIMEOUT }, async ({ scim }) => {
  await holds(
    fc.asyncProperty(fc.constantFrom('Users', 'Groups'), filter, (kind, text) =>
      answers(scim, 'GET', `/${kind}?filter=${encodeURIComponent(text)}`),
    ),
    BUDGET,
  )
})

test('any patch of a User or a Group is answered', { timeout: TIMEOUT }, async ({ scim }) => {
  const { body: user } = await scim('POST', '/Users', userOf('fuzz@example.com'))
  const finance = '00000000-0000-4000-8000-000000000003'
  await holds(
    fc.asyncProperty(
      fc.constantFrom(`/Users/${user.id}`, `/Groups/${finance}`),
      fc.array(fc.oneof(operation, fc.jsonValue({ maxDepth: 1 })), { maxLength: 3 }),
      (path, operations) => answers(scim, 'PATCH', path, patchOf(...(operations as object[]))),
    ),
    BUDGET,
  )
})

test('any resource is answered', { timeout: TIMEOUT }, async ({ scim }) => {
  await holds(
    fc.asyncProperty(
      fc.constantFrom('/Users', '/Groups', '/Users/.search'),
      fc.oneof(resource, fc.jsonValue({ maxDepth: 2 })),
      (path, body) =>
        answers(scim, 'POST', path, typeof body === 'string' ? JSON.stringify(body) : body),
    ),
    BUDGET,
  )
})
