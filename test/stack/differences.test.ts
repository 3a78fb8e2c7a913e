/**
 * Where the local stack differs from Supabase, as docs/local-stack.md says it: what the stand-in answers, and, when
 * these tests go over PostgREST, what that answers.
 */

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createClient } from '@supabase/supabase-js'
import { describe, expect, onTestFinished } from 'vitest'
import { freePort } from '../../supabase/local/ports.ts'
import { test as base } from '../support/acme.ts'
import { startTestApi } from '../support/api.ts'
import { accessToken, KEYS } from '../support/keys.ts'
import { isOverPostgrest } from '../support/postgrest.ts'

const SCENE = `
  create table public.odd_names (id int primary key, name text);
  insert into public.odd_names values (1, 'a"b'), (2, 'a\\b'), (3, 'a,b');
  grant select on public.odd_names to anon;
  create function public.time_limit() returns text language sql as
    $$ select current_setting('statement_timeout') $$;
  create function public.kind_of(value jsonb) returns text language sql as $$ select jsonb_typeof(value) $$;
  create function public.kinds() returns table (is_so boolean, many text[]) language sql as $$ select false, '{}'::text[] $$;
  create function public.no_number() returns numeric language sql as $$ select 'NaN'::numeric $$;
  create function public.exact_number() returns numeric language sql as 'select 1.50';
  create function public.local_time() returns timestamp language sql as $$ select timestamp '2026-01-02 03:04:05' $$;
  create function public.large_number() returns bigint language sql as 'select 9007199254740993';`

/** `test` with the gateway over a database in which somebody has made things before it started. */
const test = base
  .extend('api', { scope: 'file' }, async ({ database }, { onCleanup }) => {
    await database.sql.unsafe(SCENE)
    const api = await startTestApi(database)
    onCleanup(() => api.stop())
    // PostgREST, when it was running before, hears of what was made a moment later.
    const headers = { apikey: KEYS.publishableKey }
    await expect
      .poll(async () => (await fetch(`${api.url}/rest/v1/rpc/time_limit`, { headers })).status, {
        timeout: 10_000,
      })
      .toBe(200)
    return api
  })
  .extend('ask', async ({ api, acme }) => {
    const session = await accessToken(acme.owner.userId)
    return async (path: string, { as = session, body, ...init }: Ask = {}) => {
      const answer = await fetch(`${api.url}/rest/v1/${path}`, {
        ...init,
        headers: {
          apikey: KEYS.publishableKey,
          ...(as && { authorization: `Bearer ${as}` }),
          ...(body && { 'content-type': 'application/json' }),
          ...init.headers,
        },
        ...(body && { method: 'POST', body }),
      })
      return { status: answer.status, headers: answer.headers, text: await answer.text() }
    }
  })

interface Ask {
  /** A session; the owner's unless told otherwise. */
  as?: string | null
  body?: string
  headers?: Record<string, string>
}

/** What is so here. */
const here = <T>(standIn: T, postgrest: T): T => (isOverPostgrest ? postgrest : standIn)

describe('the gateway', () => {
  test('says who called as the one of hosted projects does, whatever callers write', async ({
    acme,
    api,
    ask,
  }) => {
    const { status } = await ask('rpc/update_organisation', {
      body: JSON.stringify({ organisation_id: acme.id, changes: { locale: 'de' } }),
      headers: {
        'cf-connecting-ip': '203.0.113.1',
        'x-forwarded-for': '203.0.113.2',
        'x-real-ip': '203.0.113.3',
      },
    })

    expect(status, api.url).toBe(200)
    const rows = await acme.sql`select ip, claimed_ip from public.organisation_audit_events
      where organisation_id = ${acme.id} and event = 'organisation.updated'`
    expect(rows).toEqual([{ ip: '127.0.0.1', claimed_ip: '203.0.113.2' }])
  })
})

describe('REST', () => {
  test('has one time limit for all, and none of three seconds for those without a session', async ({
    ask,
  }) => {
    expect((await ask('rpc/time_limit')).text).toBe('"8s"')
    expect((await ask('rpc/time_limit', { as: null })).text).toBe(here('"8s"', '"3s"'))
  })

  test('takes a session that is none for no session', async ({ ask }) => {
    const asked = ask('rpc/time_limit', { as: 'nonsense' })

    expect((await asked).status).toBe(here(200, 401))
  })

  test('says with 401 nothing of how to authenticate, and of a session that has ended what newer versions say', async ({
    ask,
    acme,
  }) => {
    const ended = await ask('organisations', {
      as: await accessToken(acme.owner.userId, '-1 minute'),
    })

    expect(ended.status).toBe(401)
    expect(ended.headers.has('www-authenticate')).toBe(here(false, true))
    expect(JSON.parse(ended.text).code).toBe(here('PGRST303', 'PGRST301'))
  })

  test('finds no name with a backslash by a filter with "or"', async ({ ask }) => {
    const find = async (filter: string) =>
      JSON.parse((await ask(`odd_names?select=id&${filter}`)).text).map(
        ({ id }: { id: number }) => id,
      )

    expect(await find(`or=${encodeURIComponent('(name.eq."a,b")')}`)).toEqual([3])
    expect(await find(`or=${encodeURIComponent('(name.eq."a\\"b",name.eq."a\\\\b")')}`)).toEqual(
      here([1], [1, 2]),
    )
    expect(await find(`name=eq.${encodeURIComponent('a"b')}`)).toEqual([1])
  })

  test('reads a text that is an argument of JSON as JSON', async ({ ask }) => {
    const kindOf = async (value: unknown) =>
      JSON.parse((await ask('rpc/kind_of', { body: JSON.stringify({ value }) })).text)

    expect(await kindOf({ a: 1 })).toBe('object')
    expect(await kindOf('{"a": 1}')).toBe(here('object', 'string'))
  })

  test('cannot tell which way leads from members to their organisation', async ({ ask }) => {
    const { status } = await ask('organisation_members?select=user_id,organisations(name)')

    expect(status).toBe(here(300, 200))
  })

  test('stores half of a pair of surrogates as a sign that replaces it, and writes objects as JavaScript does', async ({
    ask,
  }) => {
    const half = await ask('rpc/create_organisation', { body: '{"name": "Half \\ud83d"}' })
    const object = await ask('rpc/create_organisation', { body: '{"name": {"a": 1}}' })

    expect(half.status).toBe(here(200, 400))
    expect(JSON.parse(object.text).name).toBe(here('[object Object]', '{"a": 1}'))
  })

  test('writes numbers as JavaScript has them', async ({ ask }) => {
    expect((await ask('rpc/large_number')).text).toBe(here('9007199254740992', '9007199254740993'))
    expect(JSON.parse((await ask('rpc/no_number')).text)).toBe(here(null, 'NaN'))
    expect((await ask('rpc/exact_number')).text).toBe(here('1.5', '1.50'))
  })

  test('tells nobody without a session what there is', async ({ ask }) => {
    expect((await ask('', { as: null })).status).toBe(here(403, 200))
  })

  test('takes the key in the address as well', async ({ api }) => {
    const answer = await fetch(`${api.url}/rest/v1/rpc/time_limit?apikey=${KEYS.publishableKey}`)

    expect(answer.status).toBe(200)
  })

  test('writes times with a T, whether they have a zone or not', async ({ ask }) => {
    expect((await ask('rpc/local_time')).text).toBe('"2026-01-02T03:04:05"')
  })

  test('answers 503 while PostgREST is away', async ({ database }) => {
    const api = await startTestApi(database, {
      postgrestUrl: `http://127.0.0.1:${await freePort()}`,
    })
    onTestFinished(api.stop)
    const headers = { apikey: KEYS.publishableKey }

    const answer = await fetch(`${api.url}/rest/v1/organisations`, { headers })

    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  })

  test('refuses a NUL by another code of Postgres', async ({ ask }) => {
    const { status, text } = await ask('rpc/create_organisation', { body: '{"name": "a\\u0000b"}' })

    expect([status, JSON.parse(text).code]).toEqual([400, here('22021', '22P05')])
  })

  test('guesses no function that was meant, and calls a table that is not there as newer versions do', async ({
    ask,
  }) => {
    const noFunction = await ask('rpc/create_organisation', { body: '{"nmae": "Acme"}' })
    const noTable = await ask('organisation')

    expect(JSON.parse(noFunction.text)).toMatchObject({
      code: 'PGRST202',
      hint: here(null, expect.stringContaining('Perhaps you meant')),
    })
    expect(JSON.parse(noTable.text).code).toBe(here('PGRST205', '42P01'))
  })

  test('writes CSV in its own way, and has no plans of queries', async ({ ask }) => {
    const csv = await ask('odd_names?id=eq.2', { headers: { accept: 'text/csv' } })
    const plan = await ask('odd_names', { headers: { accept: 'application/vnd.pgrst.plan' } })

    const kinds = await ask('rpc/kinds', { headers: { accept: 'text/csv' } })

    expect(kinds.text.trim().split('\n')[1]).toBe(here('false,[]', 'f,{}'))
    expect(csv.text.trim().split('\n')[1]).toBe(here('2,a\\b', '2,"a\\\\b"'))
    expect(plan.status).toBe(here(406, 415))
  })

  test('says that there is a schema for GraphQL', async ({ ask }) => {
    const { text } = await ask('settings', { headers: { 'accept-profile': 'usher' } })

    expect(text.includes('graphql_public')).toBe(here(true, false))
  })

  test('knows what was there when it started', async ({ ask, acme }) => {
    await acme.sql.unsafe(
      `create function public.made_later() returns int language sql as 'select 1'`,
    )

    if (isOverPostgrest)
      await expect.poll(() => ask('rpc/made_later')).toMatchObject({ status: 200 })
    else expect((await ask('rpc/made_later')).status).toBe(404)
  })
})

describe('Auth', () => {
  const signedUp = async (url: string) => {
    const supabase = createClient(url, KEYS.publishableKey, { auth: { persistSession: false } })
    const email = `new-${randomUUID().slice(0, 8)}@example.com`
    const { error } = await supabase.auth.signUp({ email, password: 'a-long-password' })
    expect(error).toBe(null)
    return supabase
  }

  test('asks only the new mailbox when an address is changed', async ({ api, acme }) => {
    const supabase = await signedUp(api.url)
    const { data } = await supabase.auth.updateUser({ email: `other-${randomUUID()}@example.com` })

    const [tokens] = await acme.sql`
      select coalesce(email_change_token_new, '') <> '' as new,
        coalesce(email_change_token_current, '') <> '' as current
      from auth.users where id = ${data.user?.id ?? null}`
    expect(tokens).toEqual({ new: true, current: false })
  })

  test('answers 400 to a NUL, and to half of a pair of surrogates', async ({ api }) => {
    for (const name of ['a\\u0000b', 'a\\ud800b']) {
      const { status } = await fetch(`${api.url}/auth/v1/signup`, {
        method: 'POST',
        headers: { apikey: KEYS.publishableKey, 'content-type': 'application/json' },
        body: `{"email": "nul@example.com", "password": "a-long-password", "data": {"full_name": "${name}"}}`,
      })
      expect(status).toBe(400)
    }
  })

  test('has no administration and no single sign-on', async ({ api }) => {
    const { data } = await (await signedUp(api.url)).auth.getSession()
    const statusOf = async (method: string, path: string) => {
      const headers = {
        apikey: KEYS.publishableKey,
        authorization: `Bearer ${data.session?.access_token}`,
      }
      return (await fetch(`${api.url}/auth/v1/${path}`, { method, headers })).status
    }

    expect(await statusOf('GET', 'user')).toBe(200)
    expect(await statusOf('GET', 'admin/users')).toBe(404)
    expect(await statusOf('POST', 'sso')).toBe(404)
  })
})

test('each row of the page names a test that is there', () => {
  const page = readFileSync('docs/local-stack.md', 'utf8')
  const rows = page.split('\n').filter((line) => /^\| (?!-|here )/.test(line))

  expect(rows.length).toBeGreaterThan(15)
  for (const row of rows) {
    const [, title = '', file = ''] = row.match(/\[([^\]]+)\]\(\.\.\/(test\/[\w/.-]+)\) *\|$/) ?? []
    expect(readFileSync(file, 'utf8'), row).toMatch(new RegExp(`\\btest\\(["']${title}`))
  }
})
