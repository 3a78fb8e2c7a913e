import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished } from 'vitest'
import { SQL_FOLDER, sqlFiles } from '../../scripts/sql-files.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { test } from '../support/acme.ts'
import { createDatabase } from '../support/database.ts'
import { asWorker } from '../support/worker.ts'

describe("the worker's role", () => {
  test('can call its functions and do nothing else', async ({ acme }) => {
    for (const statement of [
      'select * from public.organisation_deliveries',
      'select * from usher.invites',
      'select * from auth.users',
      `select public.list_my_organisations()`,
      `select usher.mint_invite_token('${acme.id}')`,
      'delete from usher.suppressed_addresses',
    ]) {
      await expect(asWorker(acme, (tx) => tx.unsafe(statement))).rejects.toMatchObject({
        code: '42501',
      })
    }
  })

  test('nobody else can call them', async ({ acme }) => {
    for (const who of [acme.anyone, acme.owner, acme.service]) {
      await expect(who.run((tx) => tx`select usher.lease_deliveries('x')`)).rejects.toMatchObject({
        code: '42501',
      })
    }
  })

  test('is above no rule, and no member of another role', async ({ database: { sql } }) => {
    const [role] = await sql`select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,
        array(select m.roleid::regrole::text from pg_auth_members m where m.member = r.oid) as member_of
      from pg_roles r where rolname = 'usher_worker'`

    expect(role).toEqual({
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      member_of: [],
    })
  })
})

describe('the schema usher', () => {
  test.for(['anon', 'authenticated', 'service_role', 'usher_worker'])(
    'lets %s name what is in it, and make nothing there',
    async (role, { database: { sql } }) => {
      const [row] = await sql`select has_schema_privilege(${role}, 'usher', 'usage') as uses,
        has_schema_privilege(${role}, 'usher', 'create') as makes`
      expect(row).toEqual({ uses: true, makes: false })
    },
  )

  test('can be used by nobody to whom that is not given', async ({ database: { sql } }) => {
    const [row] = await sql`select has_schema_privilege('public', 'usher', 'usage') as uses`
    expect(row).toEqual({ uses: false })
  })
})

describe('while sql/ is loaded', () => {
  test('nothing is granted by itself, in public or in usher', async () => {
    // One in which the first file was loaded, and no other yet.
    const project = await createDatabase(null)
    onTestFinished(() => project.drop())
    await preparePlatform(project.url)
    const [first] = sqlFiles()
    expect(first).toMatch(/schemas/)
    await project.sql.unsafe(await readFile(join(SQL_FOLDER, first as string), 'utf8'))

    await project.sql.unsafe(`
      create table public.planted ();
      create table usher.planted ();
      create function public.planted() returns integer language sql as 'select 1';
      create function usher.planted() returns integer language sql as 'select 1'`)
    const granted = await project.sql`
      select r.role, n.schema, o.kind from (values ('anon'), ('authenticated'), ('service_role'), ('usher_worker')) r (role),
        (values ('public'), ('usher')) n (schema),
        lateral (values
          ('table', has_table_privilege(r.role, n.schema || '.planted', 'select, insert, update, delete')),
          ('function', has_function_privilege(r.role, n.schema || '.planted()', 'execute'))) o (kind, is_granted)
      where o.is_granted`

    expect([...granted]).toEqual([])
  })
})
