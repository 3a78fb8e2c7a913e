import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { onMember } from '../support/members.ts'
import { fanOut } from '../support/outbox.ts'
import { createWebhook } from '../support/webhooks.ts'

/** What has happened in this organisation and is not followed yet, oldest first. */
const fresh = (acme: Organisation) =>
  acme.sql`select e.event, o.is_bulk, o.attempts from usher.outbox o
    join public.organisation_audit_events e on e.id = o.event_id
    where e.organisation_id = ${acme.id} order by o.id`

const following = async (acme: Organisation) =>
  (
    await acme.sql`select
      (select count(*)::int from public.organisation_deliveries d where d.organisation_id = ${acme.id}) as mails,
      (select count(*)::int from public.organisation_webhook_deliveries d where d.organisation_id = ${acme.id}) as calls`
  )[0]

const inviteMany = (acme: Organisation, count: number) =>
  acme.admin.rpc('create_organisation_invites', {
    organisation_id: acme.id,
    invites: Array.from({ length: count }, (_, i) => ({
      email: `many-${i}@example.com`,
      roles: ['member'],
    })),
  })

describe('a change', () => {
  test('leaves one row for each line of the trail, and no mail and no webhook call by itself', async ({
    acme,
  }) => {
    await createWebhook(acme)
    await fanOut(acme.sql)
    const before = await following(acme)

    await acme.admin.rpc(
      'update_organisation_member_roles',
      onMember(acme, 'member', { roles: ['finance'] }),
    )
    await acme.invite()

    expect(await fresh(acme)).toEqual([
      { event: 'member.roles_updated', is_bulk: false, attempts: 0 },
      { event: 'invite.created', is_bulk: false, attempts: 0 },
    ])
    expect(await following(acme)).toEqual(before)
    await fanOut(acme.sql)
    expect(await fresh(acme)).toEqual([])
    expect(await following(acme)).toEqual({
      mails: Number(before?.mails) + 2,
      calls: Number(before?.calls) + 2,
    })
  })

  test('of many in one call leaves one row for each, which stand behind single ones', async ({
    acme,
  }) => {
    await fanOut(acme.sql)

    // Up to twenty, somebody sits before the screen and waits.
    await inviteMany(acme, 21)

    const invited = { event: 'invite.created', is_bulk: true, attempts: 0 }
    expect(await fresh(acme)).toEqual(Array.from({ length: 21 }, () => invited))
  })

  test('that is refused, or rolled back, is followed by nothing', async ({ acme }) => {
    await createWebhook(acme)
    await fanOut(acme.sql)
    const before = await following(acme)

    await expect(
      acme.admin.run(async (tx) => {
        await tx`select public.update_organisation_member_roles(${acme.id}, ${acme.member.userId}, '{finance}')`
        await tx`select public.update_organisation(${acme.id}, '{"name": ""}')`
      }),
    ).rejects.toMatchObject({ code: 'invalid_settings' })

    expect(await fresh(acme)).toEqual([])
    await fanOut(acme.sql)
    expect(await following(acme)).toEqual(before)
  })

  test('notifies nobody: commits would wait for each other', async ({ acme }) => {
    const rows = await acme.sql`select p.oid::regprocedure::text as name from pg_proc p
      where p.pronamespace in ('usher'::regnamespace, 'public'::regnamespace)
        and p.prosrc ~* '(\\mpg_notify\\M|^\\s*notify\\s)'`

    expect([...rows]).toEqual([])
  })
})

describe('the outbox', () => {
  test('can be read and written by nobody who calls the API, and by no worker but through its function', async ({
    acme,
  }) => {
    for (const role of ['anon', 'authenticated', 'service_role', 'usher_worker']) {
      const [row] = await acme.sql`select has_table_privilege(${role},
        'usher.outbox', 'select, insert, update, delete, truncate') as may`
      expect([role, row?.may]).toEqual([role, false])
    }
  })

  test('holds ids and nothing that a line of the trail says', async ({ acme }) => {
    const columns = await acme.sql`select attname as name from pg_attribute
      where attrelid = 'usher.outbox'::regclass and attnum > 0 order by attnum`

    expect(columns.map(({ name }) => name)).toEqual([
      'is_bulk',
      'id',
      'event_id',
      'attempts',
      'due_at',
      'last_error',
    ])
  })

  test('is vacuumed by what it has lost, not by what it holds', async ({ acme }) => {
    const [row] = await acme.sql`select reloptions as options from pg_class
      where oid = 'usher.outbox'::regclass`

    expect(row?.options).toEqual(
      expect.arrayContaining([
        'autovacuum_vacuum_scale_factor=0',
        'autovacuum_vacuum_threshold=2000',
      ]),
    )
  })
})
