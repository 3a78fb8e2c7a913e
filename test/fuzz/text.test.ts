/**
 * Addresses, names, texts and links: what is let in is what it says it is.
 *
 * @module-tag long
 */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { createAcme, test } from '../support/acme.ts'
import { holds, TIMEOUT } from './budget.ts'
import { storable } from './storable.ts'

const BUDGET = { runs: 60, share: 5 }

const ODD = fc.constantFrom(
  ...[' ', '\t', '\r', '\n', '\r\n', '\u00a0', '\u200b', '\u202e', '\u2066', '\u2028', '\ufeff'],
  ...[
    '\u0085',
    '\u007f',
    'e\u0301',
    '\u0130',
    'ß',
    '😀',
    '\u0378',
    '@',
    '.',
    '..',
    '-',
    ',',
    ';',
    '<',
    '>',
  ],
  ...[
    '"',
    '(',
    ')',
    ':',
    '\\',
    '/',
    '//',
    '#',
    '?',
    '%0a',
    'Bcc: x@example.com',
    "'",
    '`',
    'xn--',
    '例',
  ],
)
const around = (text: fc.Arbitrary<string>) =>
  fc.tuple(text, ODD, fc.double({ min: 0, max: 1, noNaN: true })).map(([base, odd, at]) => {
    const i = Math.floor(base.length * at)
    return base.slice(0, i) + odd + base.slice(i)
  })
const texts = (like: fc.Arbitrary<string>) =>
  fc.array(
    fc
      .oneof(
        like,
        around(like),
        around(around(like)),
        fc.string({ unit: 'binary', maxLength: 400 }),
      )
      .map(storable),
    { minLength: 20, maxLength: 100 },
  )

const ADDRESS = fc.oneof(
  fc.emailAddress(),
  fc
    .tuple(fc.string({ unit: 'grapheme', maxLength: 70 }), fc.string({ maxLength: 80 }))
    .map((parts) => parts.join('@')),
  fc.domain().map((domain) => `${'a'.repeat(64)}@${domain}`),
)
/** What ends a header, an address or a tag, or cannot be seen. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not come through
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/

describe('text of strangers', () => {
  test('what passes for an address is one, in one form, and can stand in a header', {
    timeout: TIMEOUT,
  }, async ({ database }) => {
    await holds(
      fc.asyncProperty(texts(ADDRESS), async (given) => {
        const rows =
          await database.sql`select t.email as given, n.email, usher.normalise_email(n.email) as again
          from unnest(${given}::text[]) t (email)
          cross join lateral (select usher.normalise_email(t.email)) n (email)`
        for (const { given: text, email, again } of rows.filter((row) => row.email !== null)) {
          expect(again, text).toBe(email)
          expect(email.length, text).toBeLessThanOrEqual(254)
          expect(email.split('@'), text).toHaveLength(2)
          expect(email, text).not.toMatch(/[\s,;:<>()"\\[\]]/)
          expect(email, text).not.toMatch(UNSAFE)
          const [local, domain] = email.split('@')
          expect(local.length, text).toBeLessThanOrEqual(64)
          for (const label of domain.split('.')) expect(label, text).toMatch(/^[^.]{1,63}$/)
          // No two addresses that a person cannot tell apart by case alone.
          expect(email.normalize('NFC'), text).toBe(email)
        }
      }),
      BUDGET,
    )
  })

  test('usual addresses all pass', { timeout: TIMEOUT }, async ({ database }) => {
    const usual = fc
      .tuple(fc.stringMatching(/^[a-z][a-z0-9]{0,20}([.+_-][a-z0-9]{1,10})?$/), fc.domain())
      .map((parts) => parts.join('@'))
    await holds(
      fc.asyncProperty(fc.array(usual, { minLength: 50, maxLength: 100 }), async (given) => {
        const [row] = await database.sql`select array_agg(t.email) as refused
          from unnest(${given}::text[]) t (email) where usher.normalise_email(t.email) is null`
        expect(row?.refused).toBeNull()
      }),
      BUDGET,
    )
  })

  test('a line has no line break and nothing that turns or hides text, nor has a message', {
    timeout: TIMEOUT,
  }, async ({ database }) => {
    await holds(
      fc.asyncProperty(texts(fc.string({ unit: 'grapheme', maxLength: 130 })), async (given) => {
        const rows =
          await database.sql`select t.text as given, usher.clean_line(t.text, 100) as line,
            usher.clean_text(t.text, 200) as text
          from unnest(${given}::text[]) t (text)`
        for (const { given: from, line, text } of rows) {
          if (line !== null) {
            expect(line, from).not.toMatch(UNSAFE)
            expect([...line].length, from).toSatisfy(
              (length: number) => length >= 1 && length <= 100,
            )
          }
          if (text !== null) {
            expect(text.replaceAll(/[\n\t\u0085\u2028\u2029\u200e\u200f]/g, ''), from).not.toMatch(
              UNSAFE,
            )
            expect([...text].length, from).toBeLessThanOrEqual(200)
          }
        }
      }),
      BUDGET,
    )
  })

  test('a redirect leads where browsers go, and that is an allowed place', {
    timeout: TIMEOUT,
  }, async ({ database }) => {
    await database.sql`select usher.update_settings(
      '{"site_url": "https://app.example.com", "redirect_origins": ["https://other.example.com:8443"]}')`
    const origins = ['https://app.example.com', 'https://other.example.com:8443']
    const link = fc.oneof(
      fc.constantFrom(
        ...[
          '/',
          '/welcome',
          '//evil.example',
          '/\\evil.example',
          '/.//evil.example',
          '/%2f/evil.example',
        ],
        ...[
          'javascript:alert(1)',
          'https:evil.example',
          'https:/evil.example',
          'HTTPS://APP.example.com/x',
        ],
        ...['https://app.example.com@evil.example', 'https://app.example.com.evil.example'],
        ...['https://app.example.com:443/', 'https://app.example.com/..//evil', 'data:text/html,x'],
      ),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.webPath(),
      fc.constantFrom(...origins).chain((origin) => fc.string().map((rest) => origin + rest)),
      fc.string().map((rest) => `/${rest}`),
    )
    await holds(
      fc.asyncProperty(texts(link), async (given) => {
        const rows = await database.sql`select t.url, usher.url_origin(t.url) as origin,
            usher.is_redirect(t.url) as allowed
          from unnest(${given}::text[]) t (url)`
        for (const { url, origin, allowed } of rows) {
          // A port beyond 65535 opens nowhere, and may lead nowhere.
          if (origin !== null && !URL.canParse(url)) expect(allowed, url).toBe(false)
          else if (origin !== null) {
            // The default port is left out by browsers, and may be written.
            const { protocol, host } = new URL(origin)
            expect(new URL(url).origin, url).toBe(`${protocol}//${host}`)
          }
          if (allowed) expect(origins, url).toContain(new URL(url, origins[0]).origin)
        }
      }),
      BUDGET,
    )
  })

  test('any name and any address is taken as it should be, or refused in a word', {
    timeout: TIMEOUT,
  }, async ({ database }) => {
    const acme = await createAcme(database.sql)
    await database.sql`select usher.update_settings('{"invites_per_day": 2000000000}')`
    await holds(
      fc.asyncProperty(texts(ADDRESS), async (given) => {
        const name = given[0] ?? ''
        const made = await acme.owner
          .rpc('create_organisation', { name })
          .catch(({ code }: { code: string }) => code)
        if (typeof made === 'string') expect(['invalid_settings']).toContain(made)
        else expect(made.name).not.toMatch(UNSAFE)

        const outcomes = await acme.owner.rpc('create_organisation_invites', {
          organisation_id: acme.id,
          invites: database.sql.json(
            given.map((email, i) => ({ email, roles: ['member'], message: given.at(i - 1) ?? '' })),
          ),
        })
        expect(outcomes).toHaveLength(given.length)
        for (const { status, email, error_code } of outcomes) {
          if (status === 'created') expect(email).not.toMatch(/[\s<>"]/)
          else expect(['invalid_email', 'invalid_message', 'already_invited']).toContain(error_code)
        }
      }),
      BUDGET,
    )
  })
})
