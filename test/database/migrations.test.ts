import { mkdtemp, rm } from 'node:fs/promises'
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
