import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { differences, loadPresentState, withDatabase } from '../../scripts/schema.ts'
import { startPostgres } from '../../supabase/local/database.ts'
import { applyMigrations } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { createAcme, test } from '../support/acme.ts'
import { createDatabase } from '../support/database.ts'

describe('migrations', () => {
  test('lead to what sql/ says; if not: npm run migrate -- what_changes', async ({ database }) => {
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
        delete from usher.role_assigners where assigner = 'admin' and role = 'member';`)

      expect(await differences(database.url, other.url)).toEqual([
        expect.stringContaining('REVOKE'),
        expect.stringContaining('GRANT INSERT'),
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

  test('bring over what is there: tokens in accounts, addresses in the trail, bans, rules of who is no admin now', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'usher-before-'))
    const files = (await readdir('supabase/migrations')).sort()
    const step = files.findIndex((file) => file.includes('secrets_and_addresses'))
    const older = await createDatabase(null)
    const { sql } = older
    try {
      for (const file of files.slice(0, step)) {
        await copyFile(join('supabase/migrations', file), join(folder, file))
      }
      await preparePlatform(older.url)
      await applyMigrations(older.url, folder)
      const acme = await createAcme(sql)
      const secret = sql.json({ invite_token: 'inv_x', full_name: 'Fresh' })
      await sql`update auth.users set raw_user_meta_data = ${secret} where id = ${acme.stranger.userId}`
      const written = sql.json({ title: `Ask ${acme.stranger.email}` })
      await sql`insert into public.organisation_audit_events
        (organisation_id, event, actor_kind, target_kind, target_id, after)
        values (${acme.id}, 'access_review.started', 'user', 'access_review', gen_random_uuid(), ${written})`
      await sql`select usher.erase_person(${acme.member.userId})`
      const by = { organisation_id: acme.id, user_id: acme.finance.userId }
      await acme.owner.rpc('ban_organisation_member', by)
      // An admin opens a domain and a directory, invites, and is no admin any more.
      await acme.admin.rpc('create_organisation_domain', {
        organisation_id: acme.id,
        domain: 'b.example',
      })
      await acme.admin.rpc('update_organisation_domain', {
        ...{ organisation_id: acme.id, domain: 'b.example' },
        join_policy: 'join',
      })
      await acme.admin.rpc('create_organisation_directory_token', {
        ...{ organisation_id: acme.id, name: 'Okta' },
      })
      await acme.admin.rpc('create_organisation_invite', {
        ...{ organisation_id: acme.id, email: 'old@example.com', roles: ['member'] },
      })
      await acme.owner.rpc('update_organisation_member_roles', {
        ...{ organisation_id: acme.id, user_id: acme.admin.userId, roles: ['member'] },
      })

      expect(await applyMigrations(older.url)).toEqual(files.slice(step))

      const [user] =
        await sql`select raw_user_meta_data as data from auth.users where id = ${acme.stranger.userId}`
      expect(user?.data).toEqual({ full_name: 'Fresh' })
      const [line] = await sql`select after from public.organisation_audit_events
        where event = 'access_review.started'`
      expect(line?.after).toEqual({ title: 'Ask …@example.com' })
      await sql`update auth.users set raw_user_meta_data = '{"full_name": "Back"}' where id = ${acme.member.userId}`
      const [member] = await sql`select email, display_name from public.organisation_members
        where user_id = ${acme.member.userId}`
      expect(member).toMatchObject({ email: null, display_name: null })
      await sql`delete from auth.users where id = ${acme.finance.userId}`
      await expect(acme.invite(acme.finance.email)).rejects.toMatchObject({ code: 'member_banned' })
      await sql`select usher.follow_lost_rights()`
      const stopping = await sql`select responsible_id, stops_at > now() as goes_on
        from public.organisation_domains
        union all select responsible_id, stops_at > now() from public.organisation_directory_tokens`
      const until = { responsible_id: acme.admin.userId, goes_on: true }
      expect(stopping).toMatchObject([until, until])
      expect(
        await sql`select status from usher.invites where email = 'old@example.com'`,
      ).toMatchObject([{ status: 'revoked' }])
    } finally {
      await older.drop()
      await rm(folder, { recursive: true })
    }
  })

  test('apply once', async ({ database }) => {
    expect(await applyMigrations(database.url)).toEqual([])
  })

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
