import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect } from 'vitest'
import { statementsIn } from '../../client/cli/bridge/statements.ts'
import { BASELINE } from '../../scripts/baseline-text.ts'
import { differences, loadPresentState, withDatabase } from '../../scripts/schema.ts'
import { startPostgres } from '../../supabase/local/database.ts'
import { applyMigrations } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { createAcme, test } from '../support/acme.ts'
import { createDatabase } from '../support/database.ts'
import { createProjectOwner } from '../support/project-owner.ts'

describe('migrations', () => {
  test('lead to what sql/ says; if not: npm run baseline, or once it is released npm run migrate', async ({
    database,
  }) => {
    const present = await createDatabase(null)
    try {
      await preparePlatform(present.url)
      await loadPresentState(present.url)

      expect(await differences(database.url, present.url)).toEqual([])
      // Cleaning up what is there changes nothing of a project that has just begun.
      const settings = (sql: typeof database.sql) =>
        sql`select to_jsonb(s) as all from usher.settings s`
      expect(await settings(database.sql)).toEqual(await settings(present.sql))
    } finally {
      await present.drop()
    }
  })

  test('a difference would be seen, in structure and in rows', async ({ database }) => {
    const other = await createDatabase()
    try {
      await other.sql.unsafe(`
        grant insert on public.organisations to authenticated;
        comment on column public.organisation_invites.status is 'Another';
        delete from usher.role_assigners where assigner = 'admin' and role = 'member';`)

      expect(await differences(database.url, other.url)).toEqual([
        expect.stringContaining('REVOKE'),
        expect.stringContaining('GRANT INSERT'),
        "comment on column public.organisation_invites.status is 'Another'",
        expect.stringContaining('delete from usher.role_assigners'),
      ])
    } finally {
      await other.drop()
    }
  })

  test('what an application has given to a built-in role stays when a later version adds to it', async ({
    database,
  }) => {
    const [older, other] = await Promise.all([createDatabase(), createDatabase()])
    try {
      const ofAdmins = async ({ sql }: Pick<typeof older, 'sql'>) =>
        (await sql`select permissions from public.organisation_roles where name = 'admin'`)[0]
          ?.permissions as string[]
      const given = await ofAdmins(database)
      await older.sql`update public.organisation_roles
        set permissions = array_remove(permissions, 'audit.read') where name = 'admin'`
      const steps = await differences(older.url, database.url)
      await other.sql`update public.organisation_roles
        set permissions = array_remove(permissions, 'audit.read') || '{invoice.approve}' where name = 'admin'`

      await other.sql.unsafe(steps.join(';\n'))

      expect((await ofAdmins(other)).sort()).toEqual([...given, 'invoice.approve'].sort())
    } finally {
      await Promise.all([older.drop(), other.drop()])
    }
  })

  test('apply once', async () => {
    const other = await createDatabase(null)
    try {
      await preparePlatform(other.url)

      expect(await applyMigrations(other.url)).toContain(basename(BASELINE))
      expect(await applyMigrations(other.url)).toEqual([])
    } finally {
      await other.drop()
    }
  })

  test('leave to the project what it grants on new objects', async () => {
    const other = await createDatabase(null)
    try {
      await preparePlatform(other.url)
      await other.sql.unsafe(`
        alter default privileges revoke execute on functions from public;
        alter default privileges in schema public revoke all on tables from anon;
        alter default privileges in schema public revoke all on tables from authenticated;
        alter default privileges in schema public grant select on tables to authenticated;`)
      const defaults = () =>
        other.sql`select d.defaclnamespace::regnamespace::text as schema, d.defaclobjtype as kind,
          a.grantee::regrole::text, a.privilege_type, a.is_grantable
          from pg_default_acl d, aclexplode(d.defaclacl) a order by 1, 2, 3, 4`
      const settled = await defaults()

      await applyMigrations(other.url)

      expect(await defaults()).toEqual(settled)
      await expect(other.sql`select from pg_temp.usher_own_defaults`).rejects.toThrow()
    } finally {
      await other.drop()
    }
  })

  test.for([15, 17] as const)(
    'apply to Postgres %i, statement by statement, as the owner of a project who is no superuser',
    async (version) => {
      const folder = await mkdtemp(join(tmpdir(), 'usher-owner-'))
      const server = await startPostgres({
        ...{ folder, port: await freePort(), version, durable: false },
      })
      try {
        await preparePlatform(server.url)
        const url = await createProjectOwner(server.url)

        await withDatabase(url, async (sql) => {
          for (const statement of statementsIn(await readFile(BASELINE, 'utf8'))) {
            await sql.unsafe(statement)
          }
        })

        await withDatabase(server.url, async (sql) => {
          const acme = await createAcme(sql)
          expect(await acme.inviteIn('accepted')).toMatchObject({ email: expect.any(String) })
        })
      } finally {
        await server.stop()
        await rm(folder, { recursive: true, force: true })
      }
    },
  )

  test('apply to Postgres 15 as well, and work there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'usher-pg15-'))
    const server = await startPostgres({
      folder,
      port: await freePort(),
      version: 15,
      durable: false,
    })
    try {
      await preparePlatform(server.url)
      await applyMigrations(server.url)

      await withDatabase(server.url, async (sql) => {
        const acme = await createAcme(sql)
        const invitee = await acme.person()
        const { token } = await acme.invite(invitee.email)
        expect(await invitee.rpc('accept_organisation_invite', { token })).toMatchObject({
          status: 'active',
        })
      })
    } finally {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
