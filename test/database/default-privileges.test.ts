import type postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { loadPresentState } from '../../scripts/schema.ts'
import { applyMigrations } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { test } from '../support/acme.ts'
import { createDatabase } from '../support/database.ts'

/** A project of Supabase's that has just been made. */
async function newProject() {
  const database = await createDatabase(null)
  onTestFinished(() => database.drop())
  await preparePlatform(database.url)
  return database
}

/** To whom Postgres grants what, by itself, of what is made in public and in a schema of the project's own. */
const defaults = async (sql: postgres.Sql) => {
  await sql.unsafe(`
    create table public.theirs ();
    create sequence public.theirs_numbers;
    create function public.theirs() returns integer language sql as 'select 1';
    create schema if not exists theirs;
    create table theirs.own ();
    create function theirs.own() returns integer language sql as 'select 1'`)
  const granted = await sql`
    select c.oid::regclass::text as name, a.grantee::regrole::text as role,
      string_agg(a.privilege_type, ' ' order by a.privilege_type) as privileges
    from pg_class c, aclexplode(coalesce(c.relacl, acldefault(
      case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) a
    where c.relname in ('theirs', 'theirs_numbers', 'own')
    group by 1, 2
    union all
    select p.oid::regprocedure::text, a.grantee::regrole::text, string_agg(a.privilege_type, ' ')
    from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where p.proname in ('theirs', 'own')
    group by 1, 2
    order by 1, 2`
  return granted.map(({ name, role, privileges }) => `${name}: ${role} ${privileges}`)
}

describe('what a project makes itself', () => {
  test.for([
    ['sql/', loadPresentState],
    ['the migrations', applyMigrations],
  ] as const)('is granted after %s to whom it was before', async ([, load]) => {
    const [before, after] = [await newProject(), await newProject()]

    await load(after.url)

    expect(await defaults(after.sql)).toEqual(await defaults(before.sql))
  })

  test('can be called by everybody and by the roles of the API, as on Supabase', async () => {
    const project = await newProject()
    await loadPresentState(project.url)

    const granted = await defaults(project.sql)
    expect(granted).toEqual(
      expect.arrayContaining([
        'theirs(): - EXECUTE',
        'theirs(): anon EXECUTE',
        'theirs(): authenticated EXECUTE',
        'theirs(): service_role EXECUTE',
        'theirs.own(): - EXECUTE',
        expect.stringMatching(/^theirs: anon .*INSERT.* SELECT/),
      ]),
    )
    // Elsewhere than in public, a table is its owner's alone.
    expect(granted.filter((line) => line.startsWith('theirs.own: '))).toHaveLength(1)
  })
})
