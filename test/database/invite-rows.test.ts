/** A row of a batch may be anything that JSON has, and costs itself only. */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { ROUNDS, SEED } from '../support/rounds.ts'

interface Outcome {
  row_number: number
  email: string | null
  status: 'created' | 'failed'
  invite_id: string | null
  error_code: string | null
  error_details: string | null
}

const good = { email: 'good@example.com', roles: ['member'] }
const DEEP = JSON.parse(`${'['.repeat(500)}1${']'.repeat(500)}`)

/** Each row with the code that it fails with. */
const ROWS: [unknown, string][] = [
  [null, 'invalid_email'],
  [7, 'invalid_email'],
  [1e300, 'invalid_email'],
  [true, 'invalid_email'],
  ['x@example.com', 'invalid_email'],
  [[], 'invalid_email'],
  [['x@example.com'], 'invalid_email'],
  [DEEP, 'invalid_email'],
  [{}, 'invalid_email'],
  ...[null, 7, false, '', ' ', {}, { a: 'x@example.com' }, [], ['x@example.com'], DEEP].map(
    (email): [unknown, string] => [{ ...good, email }, 'invalid_email'],
  ),
  ...[
    undefined,
    null,
    'member',
    7,
    true,
    {},
    { member: true },
    [],
    [null],
    ['member', null],
    [7],
    [true],
    [['member']],
    [{ name: 'member' }],
    ['member', {}],
    [''],
    DEEP,
  ].map((roles): [unknown, string] => [{ ...good, roles }, 'invalid_role']),
  ...[
    7200,
    true,
    {},
    { days: 3 },
    [],
    ['3 days'],
    '',
    'soon',
    '1e400 days',
    '999999999999 years',
    'infinity',
    '-infinity',
    '3 days 3 days 3 moons',
    DEEP,
  ].map((expires_in): [unknown, string] => [{ ...good, expires_in }, 'invalid_expiry']),
  ...[
    7,
    true,
    {},
    [],
    '',
    'tomorrow',
    '2099-01-01',
    '2099-13-45T00:00:00Z',
    '2099-01-01T00:00:00+99:99',
    '0000-01-01T00:00:00Z',
    DEEP,
  ].map((membership_ends_at): [unknown, string] => [
    { ...good, membership_ends_at },
    'invalid_expiry',
  ]),
  ...[42, true, {}, { text: 'Hi' }, [], ['Hi'], 'x'.repeat(1001), 'bell \u0007', DEEP].map(
    (message): [unknown, string] => [{ ...good, message }, 'invalid_message'],
  ),
  ...[7, true, {}, [], ['/x'], 'x', 'javascript:alert(1)', DEEP].map(
    (redirect_to): [unknown, string] => [{ ...good, redirect_to }, 'invalid_redirect'],
  ),
  ...[7, true, {}, [], ['de'], '', 'Klingon', DEEP].map((locale): [unknown, string] => [
    { ...good, locale },
    'invalid_settings',
  ]),
  ...[7, true, 'text', '{}', [], [{}], DEEP].map((metadata): [unknown, string] => [
    { ...good, metadata },
    'invalid_settings',
  ]),
  ...[7, true, {}, [], 'x', '00000000-0000-4000-8000-000000000000', DEEP].map(
    (template_id): [unknown, string] => [{ ...good, template_id }, 'invalid_settings'],
  ),
]

/** The call as the API makes it: from the text of a request. */
const create = (acme: Organisation, invites: unknown[]): Promise<Outcome[]> =>
  acme.owner.run(async (tx) => {
    const [row] = await tx`select public.create_organisation_invites(
      ${acme.id}, ${JSON.stringify(invites)}::text::jsonb) as outcomes`
    return row?.outcomes
  })

/** Text as Postgres can hold it. */
const text = fc.string({ unit: 'binary', maxLength: 20 }).map((any) => any.replaceAll('\0', ''))
const anything = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false, 0, -1, 1.5, 1e300, 7200),
    fc.integer(),
    text,
    fc.constantFrom('member', 'owner', 'admin', '3 days', '1 hour', 'de-AT', '/x', '{}', '[]'),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(text, tie('json'), { maxKeys: 3 }),
  ),
})).json
const fields = fc.record(
  {
    email: fc.oneof(fc.constantFrom('a@example.com', 'B@example.com', 'x@'), anything),
    roles: fc.oneof(fc.constantFrom(['member'], ['member', 'finance']), anything),
    expires_in: anything,
    message: anything,
    locale: anything,
    redirect_to: anything,
    metadata: anything,
    template_id: anything,
    membership_ends_at: fc.oneof(
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      anything,
    ),
  },
  { requiredKeys: [] },
)
const rows = fc.array(
  fc.oneof(
    anything,
    { weight: 3, arbitrary: fields },
    { weight: 2, arbitrary: fc.constant('good' as const) },
  ),
  { maxLength: 12 },
)

describe('create_organisation_invites', () => {
  test('a row that is no invite fails by itself, with the code of what is wrong in it', async ({
    acme,
  }) => {
    const invites = ROWS.flatMap(([row], i) => [row, { ...good, email: `good-${i}@example.com` }])

    const outcomes = await create(acme, invites)

    expect(outcomes.map(({ row_number }) => row_number)).toEqual(invites.map((_, i) => i + 1))
    expect(
      outcomes.filter((_, i) => i % 2 === 0).map(({ error_code }, i) => [ROWS[i]?.[0], error_code]),
    ).toEqual(ROWS)
    expect(
      outcomes.filter(({ status, row_number }) => status !== 'created' && row_number % 2 === 0),
    ).toEqual([])
    // Nothing but the id of an invite in the way is said there.
    expect(outcomes.filter(({ error_details }) => error_details !== null)).toEqual([])
  })

  test('whatever the rows are, each has its outcome in its place, and the good ones are made', async ({
    acme,
  }) => {
    let made = 0
    await fc.assert(
      fc.asyncProperty(rows, async (drafts) => {
        const invites = drafts.map((draft) =>
          draft === 'good' ? { ...good, email: `good-${++made}@example.com` } : draft,
        )

        const outcomes = await create(acme, invites)

        expect(outcomes.map(({ row_number }) => row_number)).toEqual(invites.map((_, i) => i + 1))
        for (const [i, { status, error_code, invite_id }] of outcomes.entries()) {
          if (drafts[i] === 'good' || status === 'created') {
            expect([status, error_code, invite_id]).toEqual(['created', null, expect.any(String)])
          } else {
            expect([status, error_code, invite_id]).toEqual([
              'failed',
              expect.stringMatching(/^(invalid_[a-z]+|already_invited|role_not_assignable)$/),
              null,
            ])
          }
        }
      }),
      { numRuns: 100 * ROUNDS, ...(SEED !== null && { seed: SEED }) },
    )
  })
})
