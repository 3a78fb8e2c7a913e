/**
 * Wordings of mails: whatever may be saved can be drawn.
 *
 * @module-tag long
 */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { render } from '../../functions/emails/render.tsx'
import { PROJECT_NAME, SENT_AT, samples } from '../../functions/emails/samples.ts'
import { test } from '../support/acme.ts'
import { holds, TIMEOUT } from './budget.ts'
import { storable } from './storable.ts'

const SIGNS = fc.constantFrom(
  ...[
    '>',
    '> ',
    '- ',
    '* ',
    '+ ',
    '1. ',
    '1) ',
    '*',
    '**',
    '***',
    '_',
    '__',
    '~',
    '~~',
    '`',
    '```',
  ],
  ...[
    '[',
    ']',
    '(',
    ')',
    '![',
    '](https://a.example/)',
    '[]: x',
    '<',
    '</',
    '<!--',
    '-->',
    '&',
    '&#',
  ],
  ...['\\', '|', '|-|', '#', '=', '\n', '\n\n', '  ', '\t', ' ', 'a', 'é', '😀', '\u200b'],
  ...['{{organisation}}', '{{ inviter }}', '{{', '}}', 'https://a.example', 'a@b.example'],
)
/** Some of them, or few of them very often: what stands within itself does so by repetition. */
const BODIES = fc
  .oneof(
    fc.array(SIGNS, { minLength: 1, maxLength: 60 }).map((signs) => signs.join('')),
    fc
      .tuple(fc.array(SIGNS, { minLength: 1, maxLength: 4 }), fc.integer({ min: 2, max: 2500 }))
      .map(([signs, times]) => signs.join('').repeat(times)),
    fc
      .tuple(SIGNS, fc.integer({ min: 2, max: 2500 }), SIGNS)
      .map(([open, times, close]) => `${open.repeat(times)}a${close.repeat(times)}`),
  )
  .map((body) => storable(body.slice(0, 5000)))

describe('a wording that may be saved', () => {
  test(
    'can be drawn, in a moment',
    async ({ database }) => {
      let taken = 0
      await holds(
        fc.asyncProperty(BODIES, async (body) => {
          const draft = { locale: 'en', name: 'x', body }
          const [row] = await database.sql`
            select usher.template_problem('invite', ${database.sql.json(draft)}) as problem`
          if (row?.problem) return
          taken += 1
          const drawn = await render(
            { ...samples.invite, template: { subject: null, heading: null, button: null, body } },
            { now: SENT_AT, projectName: PROJECT_NAME },
          )
          expect(drawn.templateFailure).toBeNull()
        }),
        { runs: 300, share: 1 },
      )
      expect(taken).toBeGreaterThan(20)
    },
    TIMEOUT,
  )
})
