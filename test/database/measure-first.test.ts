/**
 * What a caller sends is measured before anything else is done with it. Postgres puts marks in order in the square of
 * their number, and nothing stops it meanwhile; patterns, lists and JSON have their own ways to keep a backend busy.
 *
 * Each text, list and JSON that a function takes is sent here at a length of 1 MB, in the worst shapes that we know, by
 * a caller who otherwise has every right. Functions and parameters are read from the catalogue: a new one joins by
 * itself. That each refusal is quick is held by Postgres: a statement that takes longer than a few seconds ends with
 * 57014, which is none of our words.
 */
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { describe, expect } from 'vitest'
import { test as base, type Organisation } from '../support/acme.ts'
import { CALLS, scenesOf } from '../support/matrix-calls.ts'
import { person } from '../support/people.ts'
import { type CallerName, MATRIX } from '../support/permission-matrix.ts'
import { Refusal } from '../support/refusal.ts'
import { TEXTS } from '../support/worst-texts.ts'

const TOO_LONG = '5s'
const worst = TEXTS['marks out of order'] as string
const many = Array.from({ length: 100_000 }, (_, i) => `r${i}`)

const LISTS: Record<string, string[]> = {
  ...Object.fromEntries(Object.entries(TEXTS).map(([name, text]) => [`one of ${name}`, [text]])),
  'many roles': many,
  'one role many times': many.map(() => 'member'),
  'one event many times': many.map(() => 'member.joined'),
  'one permission many times': many.map(() => 'member.read'),
}

const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
const PARTS: Record<string, unknown> = {
  'marks out of order': worst,
  'letters that become marks': TEXTS['letters that become marks'],
  'an interval': TEXTS['an interval'],
  list: many,
  'list of lists': nested(4_000),
  'one of marks': [worst],
  object: Object.fromEntries(many.map((key) => [key, key])),
}

/** These answer whatever they are sent, as the contract has it, and so they answer this. */
const ANSWERS = [
  'has_organisation_permission',
  'request_organisation_invite_resend',
  'validate_organisation_invite',
]

interface Parameter {
  name: string
  type: 'text' | 'text[]' | 'jsonb'
}

/** The parameters of a function that may be of any length. */
const parametersOf = (sql: postgres.Sql, schema: string, name: string) => sql<Parameter[]>`
  select a.name, a.type::regtype::text as type
  from pg_proc p, unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[]) with ordinality a (name, type, n)
  where p.pronamespace = ${schema}::regnamespace and p.proname = ${name}
    and a.type = any ('{text,text[],jsonb}'::regtype[])
  order by a.n`

/** What may be a key of a document: every word in quotes in the rule, and what is read by `->` in what it calls. */
async function keysOf(sql: postgres.Sql, name: string) {
  const sources = await sql<{ name: string; source: string }[]>`
    select p.proname as name, p.prosrc as source from pg_proc p
    where p.pronamespace in ('public'::regnamespace, 'usher'::regnamespace)`
  const sourceOf = (names: string[]) =>
    sources.filter((one) => names.includes(one.name)).map(({ source }) => source)
  const found = (texts: string[], pattern: RegExp) => [
    ...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, word = '']) => word))),
  ]
  const CALLED = /\busher\.(\w+)\(/g
  const rules = found(sourceOf([name]), CALLED)
  const reached = [...rules, ...found(sourceOf(rules), CALLED)].filter((rule) => rule !== 'fail')
  const read = found(sourceOf(reached), /->>? '([a-z_]+)'/g)
  const said = found(sourceOf(rules), /'([a-z][a-z_]+)'/g)
  return { read, all: [...new Set([...said, ...read])] }
}

/** The documents that a parameter is sent: the one of the matrix, with each of its parts at full length. */
function documentsOf(
  given: unknown,
  { read, all }: { read: string[]; all: string[] },
): [string, unknown][] {
  // Whatever else a row of a list holds is not looked at.
  const keys = Array.isArray(given) ? read : all
  const parts = Object.entries(PARTS)
  const whole = parts.map(([name, part]): [string, unknown] => [name, part])
  const row = Array.isArray(given)
    ? (given[0] ?? { email: 'a@example.com', roles: ['member'] })
    : given
  const from = typeof row === 'object' ? row : {}
  const within = keys.flatMap((key) =>
    parts.map(([name, part]): [string, unknown] => {
      const document = { ...from, [key]: part }
      return [`${name} as ${key}`, Array.isArray(given) ? [document] : document]
    }),
  )
  return [...whole, ['marks as a key', { [worst]: 1 }], ...within]
}

class Undone extends Error {}

/** What a call answers: the code of the refusal, or `ok`. Whatever it changes is undone. */
async function outcomeOf(
  run: (work: (tx: postgres.TransactionSql) => Promise<void>) => Promise<unknown>,
  statement: string,
  values: unknown[],
): Promise<string> {
  let outcome = 'ok'
  try {
    await run(async (tx) => {
      await tx`select set_config('statement_timeout', ${TOO_LONG}, true)`
      const [row] = await tx.unsafe(statement, values as never[])
      // A refusal may be an answer, so that what was counted stays; a batch has one for each row.
      const body = row?.body
      if (Array.isArray(body) && body[0]?.error_code) outcome = body[0].error_code
      else if (body?.code && body.message) outcome = body.code
      throw new Undone()
    })
  } catch (error) {
    if (error instanceof Refusal) return error.code
    if (!(error instanceof Undone)) throw error
  }
  return outcome
}

const test = base
  .extend('scenes', { scope: 'file' }, ({ database }) => scenesOf(database.sql))
  .extend('codes', { scope: 'file' }, async ({ database }) => {
    const rows = await database.sql<{ code: string }[]>`select code from usher.errors()`
    return rows.map(({ code }) => code)
  })

describe.for(Object.keys(CALLS))('%s', (name) => {
  test('refuses a megabyte at once, whatever it is made of', async ({
    scenes,
    codes,
    database,
  }) => {
    const outcomes = Object.entries(MATRIX[name] ?? {}) as [CallerName, string][]
    const caller = outcomes.findLast(([, outcome]) => outcome === 'ok')?.[0] ?? 'owner'
    const { scene, args } = await scenes(name, caller)
    const wrong: string[] = []

    for (const { name: parameter, type } of await parametersOf(database.sql, 'public', name)) {
      const sent: [string, unknown][] =
        type === 'text'
          ? Object.entries(TEXTS)
          : type === 'text[]'
            ? Object.entries(LISTS)
            : documentsOf(args[parameter] ?? {}, await keysOf(database.sql, name))
      for (const [shape, value] of sent) {
        const call = { ...args, [parameter]: value }
        const list = Object.keys(call).map((key, i) => `${key} => $${i + 1}`)
        const outcome = await outcomeOf(
          (work) => scene[caller].run(work),
          `select to_json(f) as body from public.${name}(${list.join(', ')}) f`,
          Object.values(call),
        )
        const isRight = ANSWERS.includes(name) ? outcome === 'ok' : codes.includes(outcome)
        if (!isRight) wrong.push(`${parameter}, ${shape}: ${outcome}`)
      }
    }

    expect(wrong).toEqual([])
  })
})

test('each function of public is sent it, with a call that its rule permits', async ({
  database,
}) => {
  const rows = await database.sql<{ name: string }[]>`select distinct proname as name from pg_proc
    where pronamespace = 'public'::regnamespace`
  expect(Object.keys(CALLS).sort()).toEqual(rows.map(({ name }) => name).sort())
})

test('only text whose length and marks were looked at is normalised', async ({ database }) => {
  const rows = await database.sql<{ name: string }[]>`
    select p.proname as name from pg_proc p
    where p.pronamespace in ('public'::regnamespace, 'usher'::regnamespace) and p.prosrc ~* '\\mnormalize\\s*\\('
    order by 1`
  // The first looks itself, the second has it looked at, and the third is given a clean name.
  expect(rows.map(({ name }) => name)).toEqual(['find_links', 'free_slug', 'nfc'])
})

interface Rule {
  name: string
  parameters: { name: string | null; type: string; given: string | null }[]
}

/** What the worker, Supabase Auth, or whoever is not signed in may call straight in `usher`. */
const rulesOf = (sql: postgres.Sql, role: string) => sql<Rule[]>`
  select p.oid::regproc::text as name, (
    select json_agg(json_build_object('name', p.proargnames[a.i], 'type', a.type::regtype::text, 'given', s.given)
      order by a.i)
    from unnest(p.proargtypes::oid[]) with ordinality a (type, i)
    left join (values ('int4', '10'), ('int8', '1'), ('bool', 'true'), ('uuid', gen_random_uuid()::text),
      ('interval', '1 day'), ('timestamptz', now()::text), ('bytea', '\\x00')) s (type, given)
      on ('pg_catalog.' || s.type)::regtype = a.type) as parameters
  from pg_proc p
  where p.pronamespace = 'usher'::regnamespace and p.prorettype <> 'trigger'::regtype
    and '{text,text[],jsonb}'::regtype[]::oid[] && p.proargtypes::oid[]
    and has_function_privilege((select r.oid from pg_roles r where r.rolname = ${role}), p.oid, 'execute')
  order by 1`

describe.for(['usher_worker', 'supabase_auth_admin', 'anon'])('%s', (role) => {
  test('is answered at once by whatever it may call in usher', async ({ database, acme }) => {
    const { sql } = database
    const { token } = await acme.owner.rpc('create_organisation_directory_token', {
      organisation_id: acme.id,
      name: 'Okta',
    })
    const slow: string[] = []
    const rules = await rulesOf(sql, role)
    // Whoever has no such role has nothing to call.
    const [known] = await sql`select from pg_roles where rolname = ${role}`
    expect(rules.length).toBeGreaterThan(known ? 0 : -1)

    for (const { name, parameters } of rules) {
      for (const [at, { name: parameter, type }] of parameters.entries()) {
        const sent =
          type === 'text' ? TEXTS : type === 'text[]' ? LISTS : type === 'jsonb' ? PARTS : {}
        for (const [shape, value] of Object.entries(sent)) {
          const values = parameters.map((other, i) => {
            if (i === at) return value
            if (other.name === 'token') return token
            return other.given ?? { text: 'x', 'text[]': ['x'], jsonb: {} }[other.type] ?? null
          })
          const list = parameters.map((other, i) => `$${i + 1}::${other.type}`)
          const outcome = await outcomeOf(
            (work) =>
              sql
                .begin(async (tx) => {
                  await tx`select set_config('role', ${role}, true)`
                  await work(tx)
                })
                .catch((error) => {
                  throw error instanceof Undone ? error : Refusal.of(error)
                }),
            `select from ${name}(${list.join(', ')})`,
            values,
          )
          if (outcome === '57014') slow.push(`${name}, ${parameter}, ${shape}`)
        }
      }
    }

    expect(slow).toEqual([])
  })
})

describe('what comes in by another door', () => {
  const directoryOf = async ({ owner, id }: Organisation) =>
    (await owner.rpc('create_organisation_directory_token', { organisation_id: id, name: 'Okta' }))
      .token as string

  /** As the worker; the transaction is that of one request. */
  const byWorker =
    ({ sql }: Organisation) =>
    (work: (tx: postgres.TransactionSql) => Promise<void>) =>
      sql
        .begin(async (tx) => {
          await tx`set local role usher_worker`
          await work(tx)
        })
        .catch((error) => {
          throw error instanceof Undone ? error : Refusal.of(error)
        })

  test.for([
    ['save_directory_user', { user_name: 'ann@example.com', email: 'ann@example.com' }],
    ['save_directory_group', { display_name: 'Staff' }],
  ] as const)('%s: each fact of a directory', async ([name, facts], { acme, codes }) => {
    const token = await directoryOf(acme)
    const statement = `select usher.${name}($1, null, $2) as body`
    const wrong: string[] = []
    for (const key of [...Object.keys(facts), 'external_id']) {
      for (const [shape, text] of Object.entries(TEXTS)) {
        const outcome = await outcomeOf(byWorker(acme), statement, [
          token,
          { ...facts, [key]: text },
        ])
        // An id of the other side that cannot be kept is left out.
        if (!codes.includes(outcome) && !(key === 'external_id' && outcome === 'ok')) {
          wrong.push(`${key}, ${shape}: ${outcome}`)
        }
      }
    }
    expect(wrong).toEqual([])
    expect(await outcomeOf(byWorker(acme), statement, [token, facts])).toBe('ok')
  })

  test('mails of Supabase Auth', async ({ acme, codes }) => {
    const statement = `select usher.enqueue_auth_mail($1, $2, 'sealed', '\\x00') as body`
    for (const text of Object.values(TEXTS)) {
      expect(codes).toContain(await outcomeOf(byWorker(acme), statement, [text, 'en']))
      // Another shape of a language is none.
      expect(await outcomeOf(byWorker(acme), statement, ['ann@example.com', text])).toBe('ok')
    }
  })

  test('names and addresses of accounts, when they are made and when they change', async ({
    acme,
  }) => {
    const { sql } = acme
    const member = await acme.join(['member'])
    const [{ before } = {}] =
      await sql`select display_name as before from public.organisation_members where user_id = ${member.userId}`
    expect(before).toBe('member')

    for (const text of Object.values(TEXTS)) {
      await sql
        .begin(async (tx) => {
          await tx`select set_config('statement_timeout', ${TOO_LONG}, true)`
          // The hook, and the trigger underneath it.
          await tx`select usher.before_user_created(${tx.json({
            user: { email: text, user_metadata: { full_name: text, device_code: text } },
          })})`
          await tx`insert into auth.users (id, email, raw_user_meta_data)
          values (${randomUUID()}, 'ann@example.test', ${tx.json({
            display_name: text,
            full_name: text,
            name: text,
            invite_token: text,
            device_code: text,
          })})`
          const metadata = tx.json({ display_name: text, full_name: text, name: 'Ann' })
          await tx`update auth.users set raw_user_meta_data = ${metadata} where id = ${member.userId}`
          const [row] =
            await tx`select display_name from public.organisation_members where user_id = ${member.userId}`
          expect(row?.display_name).toBe('Ann')
          throw new Undone()
        })
        .catch((error) => {
          if (!(error instanceof Undone)) throw error
        })
    }
    // Whoever is invited with such a name by then is one without.
    const nameless = await person(sql, 'nameless', { metadata: { full_name: worst } })
    await sql`select usher.add_member(${acme.id}, ${nameless.userId}, '{member}')`
    const [row] =
      await sql`select display_name from public.organisation_members where user_id = ${nameless.userId}`
    expect(row?.display_name).toBeNull()
  })
})

describe('what people really write', () => {
  test.for([
    ['Hebrew with points', 'שָׁלוֹם'],
    ['Arabic with vowels', 'مُحَمَّد'],
    ['Vietnamese, taken apart', 'Nguyễn Thị Ánh'.normalize('NFD')],
    ['Korean, taken apart', '한국어'.normalize('NFD')],
    ['Hindi', 'नमस्ते'],
    ['Tibetan', 'བཀྲ་ཤིས་བདེ་ལེགས'],
    ['a family', '👨‍👩‍👧‍👦'],
    ['as many marks as any language has', `a${'\u0300\u0316'.repeat(15)}`],
  ] as const)('%s is taken, in NFC', async ([, text], { database }) => {
    const [row] = await database.sql`select usher.clean_line(${text}, 100) as line,
      usher.clean_text(${text}, 100) as text`
    expect(row).toEqual({ line: text.normalize('NFC'), text: text.normalize('NFC') })
  })

  test('but not more marks on one letter than any language has', async ({ database }) => {
    const text = `a${'\u0300\u0316'.repeat(16)}`
    const [row] = await database.sql`select usher.clean_line(${text}, 100) as line`
    expect(row?.line).toBeNull()
  })

  test('blanks around it, and letters written as several, are not counted', async ({
    database,
  }) => {
    const name = 'ế'.repeat(100)
    const [row] = await database.sql`
      select usher.clean_line(${` ${name.normalize('NFD')} `}, 100) as line,
        usher.clean_line(${`${name}x`}, 100) as longer`
    expect(row).toEqual({ line: name, longer: null })
  })
})
