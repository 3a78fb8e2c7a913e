/**
 * What a caller makes for their own session only is never taken for what a function of ours means: not a type called
 * `text`, whose check would run with the rights of the function's owner.
 */
import postgres from 'postgres'
import { describe, expect } from 'vitest'
import { test as base, type Organisation } from '../support/acme.ts'
import type { Role } from '../support/calls.ts'
import { runAs } from '../support/calls-in-sql.ts'
import { CALLS, scenesOf } from '../support/matrix-calls.ts'

/** Names of types that our functions use. */
const TYPES = [
  ...[
    'text',
    'uuid',
    'jsonb',
    'json',
    'boolean',
    'int4',
    'int8',
    'numeric',
    'bytea',
    'inet',
    'name',
  ],
  ...['timestamptz', 'date', 'interval', 'regclass', 'regrole', 'oid', 'hstore', 'citext'],
]

/** What an attacker can make with no more than the right to make temporary objects, which everybody has. */
const TRAP = `
  create temp sequence ran_as_another;
  create function pg_temp.look() returns pg_catalog.bool language plpgsql as $$
    begin
      if current_user <> current_setting('trap.role') then
        perform nextval('pg_temp.ran_as_another');
      end if;
      return true;
    end $$;
  ${TYPES.map((name) => {
    const own = ['hstore', 'citext'].includes(name) ? 'text' : name
    return `create domain pg_temp."${name}" as pg_catalog."${own === 'boolean' ? 'bool' : own}" check (pg_temp.look());`
  }).join('\n')}
  create function pg_temp.now() returns pg_catalog.timestamptz language sql as $$ select pg_catalog.now() where pg_temp.look() $$;
  create temp table settings (x pg_catalog.int4);
  create temp table organisations (x pg_catalog.int4);
  create temp table organisation_members (x pg_catalog.int4);
  create operator pg_temp.= (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = pg_catalog.texteq);`

interface Call {
  name: string
  statement: string
  values?: unknown[]
  /** Whose session the token is of. */
  sub?: string | null
}

/** Calls in one session of the database, with the trap set; answers those calls in which it ran as another. */
async function trapped(databaseUrl: string, role: Role, calls: Call[]): Promise<string[]> {
  // A connection of its own: what was compiled before the trap was set does not look again.
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  const caught: string[] = []
  try {
    await runAs(sql, { role }, async (tx) => {
      await tx`select set_config('trap.role', ${role}, true)`
      await tx.unsafe(TRAP)
      for (const { name, statement, values = [], sub = null } of calls) {
        await tx`select set_config('request.jwt.claims', ${JSON.stringify({ role, sub })}, true)`
        await tx
          .savepoint((inner) => inner.unsafe(statement, values as never[]))
          .catch(() => 'what matters is what ran on the way')
        const [hits] = await tx`select last_value as n, is_called from pg_temp.ran_as_another`
        if (hits?.is_called) caught.push(name)
        await tx`select setval('pg_temp.ran_as_another', 1, false)`
      }
    })
  } finally {
    await sql.end()
  }
  return caught
}

/** Every function that this role may call, with an argument of nothing for each parameter. */
async function callsOfNothing({ sql }: Organisation, role: string) {
  const rows = await sql`
    select p.oid::regprocedure::text as name,
      format('select %s.%I(%s)', n.nspname, p.proname, (
        select string_agg('null::' || format_type(t, null), ', ' order by i)
        from unnest(p.proargtypes) with ordinality a(t, i))) as statement
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('public', 'usher') and p.prorettype <> 'trigger'::regtype
      and has_function_privilege(${role}, p.oid, 'execute')`
  return rows as unknown as Call[]
}

const test = base.extend('scenes', { scope: 'file' }, ({ database }) => scenesOf(database.sql))

describe('temporary types, tables, functions and operators', () => {
  test('run with no rights but those of whoever made them, in whatever function of public', async ({
    database,
    acme,
    scenes,
  }) => {
    const calls = await callsOfNothing(acme, 'authenticated')
    for (const name of Object.keys(CALLS)) {
      const { scene, args } = await scenes(name, 'owner')
      const list = Object.keys(args)
        .map((key, i) => `${key} => $${i + 1}`)
        .join(', ')
      const values = Object.values(args)
      calls.push({
        name,
        statement: `select * from public.${name}(${list})`,
        values,
        sub: scene.owner.userId,
      })
    }

    expect(calls.length).toBeGreaterThan(150)
    expect(await trapped(database.url, 'authenticated', calls)).toEqual([])
  })

  test.for(['anon', 'usher_worker'] as const)(
    'nor in what %s may call',
    async (role, { database, acme }) => {
      const calls = await callsOfNothing(acme, role)

      expect(calls.length).toBeGreaterThan(3)
      expect(await trapped(database.url, role, calls)).toEqual([])
    },
  )

  test('would be seen: a function with an empty search_path runs them as its owner', async ({
    database,
    acme,
  }) => {
    await acme.sql.unsafe(`
      create function public.naive(value text) returns text language plpgsql security definer
        set search_path = '' as $$ begin return value::text; end $$;
      create function public.inlined(value text) returns text language sql security definer
        set search_path = '' as $$ select value::text $$;`)
    const calls = ['naive', 'inlined'].map((name) => ({
      name,
      statement: `select public.${name}('x'::pg_catalog.text)`,
    }))

    expect(await trapped(database.url, 'authenticated', calls)).toEqual(['naive', 'inlined'])
  })
})
