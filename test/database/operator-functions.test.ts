/** What operators find in psql; docs/sql.md tells them of it. */
import { readFile } from 'node:fs/promises'
import type postgres from 'postgres'
import { test as base, describe, expect } from 'vitest'
import { loadPresentState } from '../../scripts/schema.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { createAcme } from '../support/acme.ts'
import { createDatabase } from '../support/database.ts'

const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures from the pattern
  .extend('sql', { scope: 'file' }, async ({}, { onCleanup }) => {
    const database = await createDatabase(null)
    onCleanup(() => database.drop())
    await preparePlatform(database.url)
    await loadPresentState(database.url)
    return database.sql as postgres.Sql
  })
  .extend('acme', async ({ sql }) => createAcme(sql))

describe('a key that has leaked', () => {
  test('verifies nothing any more once docs/sql.md was followed', async ({ acme, sql }) => {
    const page = await readFile(new URL('../../docs/sql.md', import.meta.url), 'utf8')
    const [, end = ''] = page.match(/```sql\n(update usher\.signing_keys.*?)```/s) ?? []
    const { invite, token } = await acme.invite()
    const status = async (text: string) =>
      (await acme.anyone.rpc('validate_organisation_invite', { token: text })).status

    await sql`select usher.rotate_signing_key()`
    expect(await status(token)).toBe('pending')
    await sql.unsafe(end)

    expect(await status(token)).toBe('invalid')
    expect(await status(await acme.mint(invite.id))).toBe('pending')
  })
})

describe('for an auditor', () => {
  test('all trails are checked, also of an organisation that is gone', async ({ acme, sql }) => {
    await sql`select usher.seal_audit_trail()`
    await acme.owner.rpc('delete_organisation', { organisation_id: acme.id })
    await sql`select usher.seal_audit_trail()`

    const [row] = await sql`
      select * from usher.check_audit_trails() where organisation_id = ${acme.id}`
    expect(row).toMatchObject({ organisation: null, is_whole: true, problem: null })
    expect(row?.sealed_events).toBe(row?.events)
  })

  test('a line that was changed is found, and stands first', async ({ acme, sql }) => {
    await sql`select usher.seal_audit_trail()`
    const [event] = await sql`select id from public.organisation_audit_events
      where organisation_id = ${acme.id} limit 1`
    await sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`
      await tx`update public.organisation_audit_events set event = 'nothing.happened' where id = ${event?.id}`
    })

    const [first] = await sql`select * from usher.check_audit_trails()`
    await sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`
      await tx`update public.organisation_audit_events set event = 'organisation.created' where id = ${event?.id}`
    })
    expect(first).toMatchObject({
      organisation_id: acme.id,
      is_whole: false,
      problem: 'event_changed',
      event_id: event?.id,
    })
  })

  test('the export names people by the addresses that they have today', async ({ acme, sql }) => {
    await acme.owner.rpc('remove_organisation_member', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
      reason: 'Moved on',
    })
    await sql`select usher.seal_audit_trail()`

    const [row] = await sql`select * from usher.audit_export
      where organisation_id = ${acme.id} and event = 'member.removed'`
    expect(row).toMatchObject({
      actor_email: acme.owner.email,
      target_email: acme.member.email,
      reason: 'Moved on',
      seal_number: 1,
    })
    expect(row?.event_hash).toMatch(/^[0-9a-f]{64}$/)
  })
})
