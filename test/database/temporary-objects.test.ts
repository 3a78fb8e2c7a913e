/**
 * What a caller makes for their own session only is never taken for what a function of ours means: not a type called
 * `text`, whose check would run with the rights of the function's owner, and not a table. Functions and operators of
 * the session need no test: Postgres looks for none there unless they are named with it.
 *
 * Whatever a call does not reach, `house-rules.test.ts` holds by the catalogue: every function has the same path.
 */
import postgres from 'postgres'
import { describe, expect } from 'vitest'
import { test as base, type Organisation } from '../support/acme.ts'
import type { Role } from '../support/calls.ts'
import { runAs } from '../support/calls-in-sql.ts'
import { CALLS, scenesOf } from '../support/matrix-calls.ts'
import { type CallerName, MATRIX } from '../support/permission-matrix.ts'

/** What an attacker can make with no more than the right to make temporary objects, which everybody has. */
async function trapOf({ sql }: Organisation): Promise<string> {
  const domains = ['text', 'uuid', 'jsonb', 'json', 'bool', 'int4', 'int8', 'bytea', 'inet', 'name']
    .concat(['timestamptz', 'date', 'regclass', 'oid'])
    .map((name) => `create domain pg_temp.${name} as pg_catalog.${name} check (pg_temp.look());`)
  const views = await sql<{ statement: string }[]>`
    select distinct on (c.relname) format('create temp view %I as select %s where pg_temp.look();', c.relname, (
      select string_agg(format('null::%s as %I', format_type(a.atttypid, null), a.attname), ', ' order by a.attnum)
      from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)) as statement
    from pg_class c
    where c.relkind in ('r', 'v', 'p')
      and (c.relnamespace in ('public'::regnamespace, 'usher'::regnamespace) or c.oid = 'auth.users'::regclass)`
  return `
    create temp sequence ran_as_another;
    create function pg_temp.look() returns pg_catalog.bool language plpgsql as $$
      begin
        if current_user <> current_setting('trap.role') then
          perform nextval('pg_temp.ran_as_another');
        end if;
        return true;
      end $$;
    ${views.map(({ statement }) => statement).join('\n')}
    ${domains.join('\n')}`
}

interface Call {
  name: string
  statement: string
  values?: unknown[]
  /** Whose session the token is of. */
  sub?: string | null
}

/** Makes calls in one session of the database, with the trap set. */
async function makeCalls(databaseUrl: string, trap: string, role: Role, calls: Call[]) {
  // A connection of its own: what was compiled before the trap was set does not look again.
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  /** In which the trap ran as another. */
  const trapped: string[] = []
  /** Those that were carried out. */
  const done: string[] = []
  try {
    await runAs(sql, { role }, async (tx) => {
      await tx`select set_config('trap.role', ${role}, true)`
      await tx.unsafe(trap)
      for (const { name, statement, values = [], sub = null } of calls) {
        await tx`select set_config('request.jwt.claims', ${JSON.stringify({ role, sub })}, true)`
        await tx
          .savepoint((inner) => inner.unsafe(statement, values as never[]))
          .then(
            () => done.push(name),
            () => 'what matters is what ran on the way',
          )
        const [hits] = await tx`select is_called from pg_temp.ran_as_another`
        if (hits?.is_called) trapped.push(name)
        await tx`select setval('pg_temp.ran_as_another', 1, false)`
      }
    })
  } finally {
    await sql.end()
  }
  return { trapped, done }
}

/** Every function that this role may call, with nothing and with something for each of its parameters. */
async function blindCalls({ sql }: Organisation, role: string): Promise<Call[]> {
  return await sql<Call[]>`
    select p.oid::regprocedure::text as name,
      format('select %s.%I(%s)', n.nspname, p.proname, (
        select string_agg(case when somethings.given then something.of else 'null::' || format_type(t, null) end, ', ' order by i)
        from unnest(p.proargtypes) with ordinality a(t, i)
        left join (values ('text', '''x''::pg_catalog.text'), ('int4', '10'), ('int8', '1::bigint'), ('bool', 'true'),
            ('uuid', 'gen_random_uuid()'), ('jsonb', '''{}''::pg_catalog.jsonb'), ('interval', 'interval ''1 day'''),
            ('_text', '''{x}''::pg_catalog._text'), ('timestamptz', 'now()'), ('bytea', '''x''::pg_catalog.bytea'))
          something(type, of) on ('pg_catalog.' || something.type)::regtype = t
        )) as statement
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    cross join (values (false), (true)) somethings(given)
    where n.nspname in ('public', 'usher') and p.prorettype <> 'trigger'::regtype
      and has_function_privilege(${role}, p.oid, 'execute')`
}

const test = base
  .extend('scenes', { scope: 'file' }, ({ database }) => scenesOf(database.sql))
  .extend('trap', ({ acme }) => trapOf(acme))

/** Nobody may call them with the arguments of the matrix, but an invitee, and who has an address of a domain. */
const OTHERS = ['accept_my_organisation_invite', 'accept_organisation_invite', 'join_organisation']

describe('temporary types and tables', () => {
  test('run with no rights but those of whoever made them, in whatever function of public', async ({
    database,
    acme,
    scenes,
    trap,
  }) => {
    const names = Object.keys(CALLS).filter((name) => !OTHERS.includes(name))
    const calls: Call[] = []
    const call = (name: string, args: Record<string, unknown>, sub: string | null) => {
      const list = Object.keys(args).map((key, i) => `${key} => $${i + 1}`)
      const statement = `select * from public.${name}(${list.join(', ')})`
      calls.push({ name, statement, values: Object.values(args), sub })
    }
    for (const name of names) {
      const outcomes = Object.entries(MATRIX[name] ?? {}) as [CallerName, string][]
      const caller = outcomes.findLast(([, outcome]) => outcome === 'ok')?.[0] ?? 'owner'
      const { scene, args } = await scenes(name, caller)
      call(name, args, scene[caller].userId)
    }
    const { email, token } = await acme.inviteIn('pending')
    call('accept_organisation_invite', { token }, (await acme.person(email)).userId)

    const blind = await blindCalls(acme, 'authenticated')
    const { trapped, done } = await makeCalls(database.url, trap, 'authenticated', [
      ...calls,
      ...blind,
    ])

    expect(trapped).toEqual([])
    // The trap is in nobody's way: what may be done is done.
    expect(done).toEqual(expect.arrayContaining([...names, 'accept_organisation_invite']))
  })

  test.for(['anon', 'usher_worker'] as const)(
    'nor in what %s may call',
    async (role, { database, acme, trap }) => {
      // Something to do for each: mails that wait, an invite and a membership that have ended.
      await acme.inviteIn('expired')
      const { userId } = await acme.join(['member'])
      await acme.sql`update public.organisation_members set ends_at = now() - interval '1 hour',
      joined_at = now() - interval '2 hours' where user_id = ${userId}`

      const calls = await blindCalls(acme, role)
      const { trapped, done } = await makeCalls(database.url, trap, role, calls)

      expect(trapped).toEqual([])
      expect(done.length).toBeGreaterThan(role === 'anon' ? 2 : 25)
    },
  )

  test('would be seen: types by an empty search_path, tables by one that does not name them', async ({
    database,
    acme,
    trap,
  }) => {
    const seen = {
      by_type: `set search_path = '' as $$ begin return value::text; end $$`,
      by_table: `set search_path = pg_catalog, pg_temp as
        $$ begin return (select count(*) from organisation_members); end $$`,
      by_neither: `set search_path = pg_catalog, pg_temp as
        $$ begin return value::text || (select count(*) from public.organisation_members); end $$`,
    }
    for (const [name, rest] of Object.entries(seen)) {
      await acme.sql.unsafe(`create function public.${name}(value text) returns text
        language plpgsql security definer ${rest}`)
    }
    const calls = Object.keys(seen).map((name) => ({
      name,
      statement: `select public.${name}('x'::pg_catalog.text)`,
    }))

    expect(await makeCalls(database.url, trap, 'authenticated', calls)).toEqual({
      trapped: ['by_type', 'by_table'],
      done: Object.keys(seen),
    })
  })
})
