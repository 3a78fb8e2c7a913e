/** What operators find in psql; docs/sql.md tells them of it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type postgres from 'postgres'
import { test as base, describe, expect } from 'vitest'
import { loadPresentState } from '../../scripts/schema.ts'
import { SQL_FOLDER } from '../../scripts/sql-files.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { createAcme } from '../support/acme.ts'
import { createDatabase } from '../support/database.ts'
import { fanOut } from '../support/outbox.ts'
import { createWebhook } from '../support/webhooks.ts'

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

describe('the access register', () => {
  test('says who holds which role, since when and by whom', async ({ acme, sql }) => {
    const { token, invite } = await acme.invite('invited@example.com', ['finance'])
    const invitee = await acme.person(invite.email)
    await invitee.rpc('accept_organisation_invite', { token })
    await acme.admin.rpc('update_organisation_member_roles', {
      organisation_id: acme.id,
      user_id: invitee.userId,
      roles: ['finance', 'member'],
    })

    const rows = await sql`
      select role, granted_through, granted_by_email, 'billing.manage' = any (permissions) as may_bill
      from usher.access_register where organisation_id = ${acme.id} and email = ${invite.email}
      order by role`

    expect([...rows]).toEqual([
      {
        role: 'finance',
        granted_through: 'invite.accepted',
        granted_by_email: acme.owner.email,
        may_bill: true,
      },
      {
        role: 'member',
        granted_through: 'member.roles_updated',
        granted_by_email: acme.admin.email,
        may_bill: false,
      },
    ])
  })

  test('knows both sides of a transfer', async ({ acme, sql }) => {
    await acme.owner.rpc('transfer_organisation_ownership', {
      organisation_id: acme.id,
      new_owner_id: acme.admin.userId,
    })

    const rows = await sql`
      select user_id, role, granted_through, granted_by from usher.access_register
      where organisation_id = ${acme.id} and user_id in (${acme.owner.userId}, ${acme.admin.userId})
      order by role`

    expect([...rows]).toEqual([
      {
        user_id: acme.owner.userId,
        role: 'admin',
        granted_through: 'organisation.transferred',
        granted_by: acme.owner.userId,
      },
      {
        user_id: acme.admin.userId,
        role: 'owner',
        granted_through: 'organisation.transferred',
        granted_by: acme.owner.userId,
      },
    ])
  })

  test('agrees with what the API says of everyone', async ({ acme, sql }) => {
    for (const person of [acme.owner, acme.admin, acme.finance, acme.member, acme.roleless]) {
      const [row] = await sql`
        select coalesce(array_agg(distinct p order by p) filter (where p is not null), '{}') as permissions
        from usher.access_register r left join unnest(r.permissions) p on true
        where r.organisation_id = ${acme.id} and r.user_id = ${person.userId}`

      expect(row?.permissions).toEqual(
        await person.rpc('list_my_organisation_permissions', { organisation_id: acme.id }),
      )
    }
  })

  test('forgets who has left or was banned', async ({ acme, sql }) => {
    await acme.member.rpc('leave_organisation', { organisation_id: acme.id })

    const rows = await sql`select from usher.access_register where user_id = ${acme.member.userId}`
    expect(rows).toHaveLength(0)
  })
})

describe('what is stuck', () => {
  test('is empty when all is well', async ({ acme, sql }) => {
    await fanOut(sql)
    await sql`update public.organisation_deliveries set status = 'cancelled' where status <> 'sent'`
    await acme.invite()
    await sql`select usher.seal_audit_trail()`

    await fanOut(sql)
    expect([...(await sql`select * from usher.stuck`)]).toEqual([])
  })

  test.for([
    [`status = 'failed', last_response = '550 No'`, 'failed'],
    [`status = 'failed', in_doubt_at = now()`, 'in_doubt'],
    [`status = 'suppressed'`, 'suppressed'],
    [`due_at = now() - interval '11 minutes'`, 'waiting'],
    [`status = 'sending', attempts = 1, due_at = now() - interval '11 minutes'`, 'abandoned'],
    [`attempts = 3, due_at = now() + interval '1 hour'`, 'retrying'],
  ])('a mail with %s is %s', async ([change, problem], { acme, sql }) => {
    const { invite } = await acme.invite()
    await fanOut(acme.sql)
    await sql.unsafe(
      `update public.organisation_deliveries set ${change} where invite_id = '${invite.id}'`,
    )

    await fanOut(sql)
    const rows = await sql`
      select problem, recipient from usher.stuck_deliveries where organisation_id = ${acme.id}`
    expect([...rows]).toEqual([{ problem, recipient: invite.email }])
    await fanOut(sql)
    expect((await sql`select what from usher.stuck`).map((row) => row.what)).toContain(
      `deliveries ${problem}`,
    )
  })

  test('an event that no worker sends to a webhook is stuck', async ({ acme, sql }) => {
    const { webhook_id } = await createWebhook(acme)
    await acme.admin.rpc('test_organisation_webhook', { webhook_id })
    await fanOut(sql)
    const stuck = async () => (await sql`select what from usher.stuck`).map(({ what }) => what)
    expect(await stuck()).not.toContain('events that no worker sends to webhooks')

    await fanOut(sql)
    await sql`update public.organisation_webhook_deliveries set due_at = now() - interval '11 minutes'`

    expect(await stuck()).toContain('events that no worker sends to webhooks')
    await sql`delete from public.organisation_webhooks where id = ${webhook_id}`
  })

  test('an application that hears nothing, is not compared, or does not answer is stuck', async ({
    acme,
    sql,
  }) => {
    const { id } = await acme.owner.rpc('create_organisation_directory_endpoint', {
      organisation_id: acme.id,
      name: 'Tickets',
      url: 'https://tickets.example/scim',
      token: 'secret',
    })
    const stuck = async () =>
      (
        await sql`select what, how_many from usher.stuck where what ~ 'application' order by what`
      ).map(({ what, how_many }) => `${what}: ${how_many}`)
    const set = (change: string) =>
      sql.unsafe(`update public.organisation_directory_endpoints set ${change} where id = '${id}'`)
    const ago = `now() - interval '11 minutes'`
    expect(await stuck()).toEqual([])

    await set(`created_at = ${ago}, reconcile_at = ${ago}`)
    await sql`update public.organisation_directory_copies set due_at = now() - interval '11 minutes'
      where endpoint_id = ${id}`
    expect(await stuck()).toEqual([
      'applications that no worker compares: 1',
      'members that no worker tells applications of: 5',
    ])
    await set(`last_error = '503'`)
    expect(await stuck()).toEqual(['applications that do not answer: 1'])
    await set(`last_success_at = now(), reconcile_at = now()`)
    expect(await stuck()).toEqual([])
    await set(`last_success_at = null, is_enabled = false`)
    expect(await stuck()).toEqual([])
    await sql`delete from public.organisation_directory_endpoints where id = ${id}`
  })

  test('a mail that failed goes out again when an operator says so, and the trail says that', async ({
    acme,
    sql,
  }) => {
    const { invite } = await acme.invite()
    await fanOut(sql)
    await sql`update public.organisation_deliveries set status = 'failed', attempts = 8
      where invite_id = ${invite.id}`

    await fanOut(sql)
    const [row] = await sql`select usher.requeue_deliveries(array(
      select id from usher.stuck_deliveries where organisation_id = ${acme.id})) as count`

    expect(row?.count).toBe(1)
    await fanOut(sql)
    const leases = await sql`select d.invite_id from usher.lease_deliveries('test', 1000) l
      join public.organisation_deliveries d on d.id = l.delivery_id where d.invite_id = ${invite.id}`
    expect(leases).toHaveLength(1)
    const [event] = await sql`select actor_kind from public.organisation_audit_events
      where organisation_id = ${acme.id} and event = 'delivery.requeued'`
    expect(event?.actor_kind).toBe('operator')
  })

  test('a mail that was sent, or is not tried yet, is left alone', async ({ acme, sql }) => {
    const { invite } = await acme.invite()
    await fanOut(acme.sql)
    const requeue = () => sql`select usher.requeue_deliveries(array(
      select id from public.organisation_deliveries where invite_id = ${invite.id})) as count`

    expect((await requeue())[0]?.count).toBe(0)
    await fanOut(sql)
    await sql`update public.organisation_deliveries set status = 'sent', sent_at = now()
      where invite_id = ${invite.id}`
    expect((await requeue())[0]?.count).toBe(0)
  })

  test('an invite that expires soon is listed with its mail', async ({ acme, sql }) => {
    const { invite } = await acme.invite()
    await acme.invite()
    await sql`update usher.invites set expires_at = now() + interval '1 day' where id = ${invite.id}`
    await fanOut(sql)

    const rows = await sql`select email, mail, is_reminded, invited_by_email
      from usher.expiring_invites where organisation_id = ${acme.id}`
    expect([...rows]).toEqual([
      {
        email: invite.email,
        mail: 'queued',
        is_reminded: false,
        invited_by_email: acme.owner.email,
      },
    ])
  })

  test('events that are not sealed for long are late', async ({ acme, sql }) => {
    await sql`insert into public.organisation_audit_events
      (organisation_id, event, actor_kind, target_kind, target_id, occurred_at)
      values (${acme.id}, 'test.happened', 'operator', 'organisation', ${acme.id}, now() - interval '1 hour')`

    const [row] =
      await sql`select is_late from usher.unsealed_trails where organisation_id = ${acme.id}`
    expect(row?.is_late).toBe(true)
    await fanOut(sql)
    expect((await sql`select what from usher.stuck`).map((each) => each.what)).toContain(
      'events not sealed',
    )
  })

  test('a key that has signed for a year is due, until there is a new one', async ({
    acme,
    sql,
  }) => {
    await acme.mint((await acme.invite()).invite.id)
    await sql`update usher.signing_keys set created_at = now() - interval '13 months' where retired_at is null`
    const due = () => sql`select what from usher.stuck where what = 'signing key is old'`

    expect(await due()).toHaveLength(1)
    await sql`select usher.rotate_signing_key()`
    expect(await due()).toHaveLength(0)
    const states = await sql`select state from usher.signing_key_states order by id desc limit 2`
    expect(states.map((row) => row.state)).toEqual(['signs', 'verifies'])
  })
})

/** What is for operators: files of theirs, and views of others. */
const textOfOperators = async () => {
  const read = (file: string) => readFile(join(SQL_FOLDER, file), 'utf8')
  const keys = await read('00_base/09_signing_keys.sql')
  return [
    await read('90_operators/02_operators.sql'),
    await read('90_operators/07_operator_functions.sql'),
    keys.match(/^create view .*/gm),
  ].join('\n')
}

describe('nobody but the owner of the database', () => {
  test('may look, or call', async ({ sql }) => {
    const text = await textOfOperators()
    const names = [...text.matchAll(/^create (view|function) (usher\.\w+)/gm)]
    expect(names.length).toBeGreaterThan(8)

    for (const role of ['anon', 'authenticated', 'service_role', 'usher_worker']) {
      for (const [, kind, name = ''] of names) {
        const [row] =
          kind === 'view'
            ? await sql`select has_table_privilege(${role}, ${name}, 'select') as may`
            : await sql`select has_function_privilege(${role}, to_regproc(${name})::oid, 'execute') as may`
        expect(row?.may, `${role}: ${name}`).toBe(false)
      }
    }
  })
})

describe('docs/sql.md', () => {
  test('every statement runs, and it names all views and functions for operators', async ({
    acme: _,
    sql,
  }) => {
    const page = await readFile(new URL('../../docs/sql.md', import.meta.url), 'utf8')
    const statements = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, text]) => text ?? '')
    expect(statements.length).toBeGreaterThan(15)

    await sql
      .begin(async (tx) => {
        for (const statement of statements) {
          if (statement.startsWith('copy')) {
            let file = ''
            for await (const chunk of await tx.unsafe(statement).readable()) file += chunk
            expect(file).toMatch(/^organisation_id,organisation,occurred_at/)
          } else {
            await tx.unsafe(statement)
          }
        }
        throw new Error('Take it all back.')
      })
      .catch((error: Error) => expect(error.message).toBe('Take it all back.'))

    const text = await textOfOperators()
    for (const [, name] of text.matchAll(/^create (?:view|function) (usher\.\w+)/gm)) {
      expect(page).toContain(name)
    }
  })
})
