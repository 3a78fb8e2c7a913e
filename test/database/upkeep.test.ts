import type postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { STEPS } from '../../functions/_shared/database.ts'
import { createAcme, type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { createWebhook, happen } from '../support/webhooks.ts'
import { asWorker } from '../support/worker.ts'

interface Step {
  /** Gives an organisation something that is due in it. */
  due(acme: Organisation): Promise<unknown>
  /** Whether that has been done, as one column. */
  isDone(acme: Organisation): postgres.PendingQuery<postgres.Row[]>
}

const endOf = async (acme: Organisation, end: string) =>
  acme.sql.unsafe(
    `update public.organisation_members set ends_at = now() + interval '${end}'
    where user_id = '${acme.member.userId}'`,
  )

const startReview = (acme: Organisation) =>
  acme.owner.rpc('start_organisation_access_review', {
    organisation_id: acme.id,
    title: 'Yearly',
    due_at: new Date(Date.now() + 86_400_000).toISOString(),
  })

/** Every step that is about organisations, with something for it to do. */
const SCENES: Record<string, Step> = {
  expire_due_invites: {
    due: (acme) => acme.inviteIn('expired'),
    isDone: ({ sql, id }) =>
      sql`select status = 'expired' as done from usher.invites where organisation_id = ${id}`,
  },
  remind_due_invites: {
    async due(acme) {
      await acme.invite()
      await acme.sql`update public.organisations set reminder_before = '1 day' where id = ${acme.id}`
      await acme.sql`update usher.invites set issued_at = now() - interval '3 days',
        expires_at = now() + interval '1 hour' where organisation_id = ${acme.id}`
    },
    isDone: ({ sql, id }) =>
      sql`select reminded_issue = 1 as done from usher.invites where organisation_id = ${id}`,
  },
  remind_overdue_reviews: {
    async due(acme) {
      await startReview(acme)
      await acme.sql`update public.organisation_access_reviews set due_at = now() - interval '1 day'
        where organisation_id = ${acme.id}`
    },
    isDone: ({ sql, id }) => sql`select reminded_at is not null as done
      from public.organisation_access_reviews where organisation_id = ${id}`,
  },
  end_due_access: {
    due: (acme) => endOf(acme, '-1 minute'),
    isDone: ({ sql, member }) => sql`select status = 'removed' as done
      from public.organisation_members where user_id = ${member.userId}`,
  },
  follow_lost_rights: {
    async due(acme) {
      await acme.admin.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: 'new@example.com',
        roles: ['member'],
      })
      await acme.owner.rpc('remove_organisation_member', {
        organisation_id: acme.id,
        user_id: acme.admin.userId,
      })
    },
    isDone: ({ sql, id }) =>
      sql`select status = 'revoked' as done from usher.invites where organisation_id = ${id}`,
  },
  announce_ending_access: {
    due: (acme) => endOf(acme, '1 day'),
    isDone: ({ sql, member }) => sql`select announced_end_at is not null as done
      from public.organisation_members where user_id = ${member.userId}`,
  },
  seal_audit_trail: {
    due: (acme) => acme.invite(),
    isDone: ({ sql, id }) => sql`select count(*) > 0 as done
      from usher.sealed_events where organisation_id = ${id}`,
  },
  purge_audit_trail: {
    async due({ sql, id }) {
      await sql`select usher.seal_trail(${id})`
      await sql`update public.organisations set audit_retention = '30 days' where id = ${id}`
      await sql`update usher.audit_seals set last_event_at = now() - interval '60 days'
        where organisation_id = ${id}`
    },
    isDone: ({ sql, id }) => sql`select bool_and(purged_at is not null) as done
      from usher.audit_seals where organisation_id = ${id} and number = 1`,
  },
  purge_webhook_answers: {
    async due(acme) {
      await createWebhook(acme)
      await happen(acme)
      await fanOut(acme.sql)
      await acme.sql`update public.organisation_webhook_deliveries set status = 'failed',
        last_response = 'x', created_at = now() - interval '90 days' where organisation_id = ${acme.id}`
    },
    isDone: ({ sql, id }) => sql`select bool_and(last_response is null) as done
      from public.organisation_webhook_deliveries where organisation_id = ${id}`,
  },
}

const run = (acme: Organisation, step: string) =>
  asWorker(acme, (tx) => tx.unsafe(`select usher.${step}()`))

const isDone = async (acme: Organisation, step: string): Promise<boolean> => {
  const rows = await (SCENES[step] as Step).isDone(acme)
  return rows.length > 0 && rows.every(({ done }) => done)
}

const failures = (sql: postgres.Sql, step: string) =>
  sql`select organisation_id, times, error from usher.upkeep_failures where step = ${step}`

/** Two organisations, each with the same thing due. */
async function two(sql: postgres.Sql, step: string) {
  const [bad, good] = [await createAcme(sql), await createAcme(sql)]
  await SCENES[step]?.due(bad)
  await SCENES[step]?.due(good)
  return { bad, good }
}

/** From here on, no row of this organisation can be written, whatever the table. */
async function poison({ sql, id }: Organisation): Promise<() => Promise<unknown>> {
  const tables = await sql<{ name: string }[]>`
    select a.attrelid::regclass::text as name
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relkind = 'r' and a.attname = 'organisation_id' and not a.attisdropped
      and c.relnamespace in ('public'::regnamespace, 'usher'::regnamespace)
      and c.oid <> 'usher.upkeep_failures'::regclass`
  await sql.unsafe(`
    create function public.poisoned() returns trigger language plpgsql as $$
      begin
        if coalesce(new.organisation_id, old.organisation_id) = '${id}' then
          raise exception 'poisoned';
        end if;
        return coalesce(new, old);
      end $$;
    ${tables
      .map(
        ({ name }) => `create trigger a_poison before insert or update or delete on ${name}
          for each row execute function public.poisoned();`,
      )
      .join('\n')}`)
  const heal = () => sql.unsafe('drop function if exists public.poisoned() cascade')
  onTestFinished(async () => void (await heal()))
  return heal
}

describe('upkeep', () => {
  test('is the steps that the worker knows, each with a test here', async ({ acme }) => {
    // What the worker may call without saying for whom, and which answers how much it did.
    const rows = await acme.sql<{ name: string }[]>`
      select p.proname as name from pg_proc p
      where p.pronamespace = 'usher'::regnamespace and p.pronargs = p.pronargdefaults
        and p.prorettype = 'integer'::regtype and has_function_privilege('usher_worker', p.oid, 'execute')
        and not has_function_privilege('authenticated', p.oid, 'execute')`
    const names = rows.map(({ name }) => name).sort()

    expect(names.length).toBeGreaterThan(8)
    expect(
      STEPS.map((step) => step.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)).sort(),
    ).toEqual(names)
    expect([...Object.keys(SCENES), 'purge_auth_mails'].sort()).toEqual(names)
  })

  test.for(Object.keys(SCENES))(
    '%s: what fails for one organisation is undone and noted, and the others are served',
    async (step, { database: { sql } }) => {
      const { bad, good } = await two(sql, step)
      const heal = await poison(bad)

      await run(good, step)

      expect(await isDone(good, step)).toBe(true)
      expect(await isDone(bad, step)).toBe(false)
      expect(await failures(sql, step)).toEqual([
        { organisation_id: bad.id, times: 1, error: 'P0001 poisoned' },
      ])
      expect(
        await sql`select what, how_many from usher.stuck where what = 'upkeep that fails'`,
      ).toEqual([{ what: 'upkeep that fails', how_many: '1' }])

      // It rests for a minute, is tried again then, and rests for longer.
      await run(good, step)
      expect(await failures(sql, step)).toMatchObject([{ times: 1 }])
      await sql`update usher.upkeep_failures set retry_at = now()`
      await run(good, step)
      expect(await failures(sql, step)).toMatchObject([{ times: 2 }])

      await heal()
      await sql`update usher.upkeep_failures set retry_at = now()`
      await run(good, step)
      expect(await isDone(bad, step)).toBe(true)
      expect(await failures(sql, step)).toEqual([])
    },
  )

  test.for(Object.keys(SCENES))(
    '%s: an organisation that is locked holds up no other',
    async (step, { database: { sql } }) => {
      const { bad, good } = await two(sql, step)
      const lock = await sql.reserve()
      onTestFinished(async () => {
        await lock`rollback`
        lock.release()
      })
      await lock`begin`
      await lock`select from public.organisations where id = ${bad.id} for update`
      await lock`select from public.organisation_members where organisation_id = ${bad.id} for update`
      await lock`select from usher.invites where organisation_id = ${bad.id} for update`
      await lock`select pg_advisory_xact_lock(hashtextextended('usher seal ' || ${bad.id}::text, 0))`

      await run(good, step)

      expect(await isDone(good, step)).toBe(true)
    },
  )

  test.for(['expire_due_invites', 'remind_due_invites'] as const)(
    '%s: one organisation with more than a batch keeps none waiting',
    async (step, { database: { sql } }) => {
      const { bad, good } = await two(sql, step)
      await bad.owner.rpc('create_organisation_invites', {
        organisation_id: bad.id,
        invites: Array.from({ length: 20 }, (_, i) => ({
          email: `many-${i}@example.com`,
          roles: ['member'],
        })),
      })
      await sql`update usher.invites set issued_at = now() - interval '3 days', expires_at = now()
        + case when ${step} = 'expire_due_invites' then interval '-1 hour' else interval '30 minutes' end
        where organisation_id = ${bad.id}`

      await asWorker(bad, (tx) => tx.unsafe(`select usher.${step}(4)`))

      expect(await isDone(good, step)).toBe(true)
    },
  )

  test('no length of time makes a step fail for all, however it came there', async ({
    database: { sql },
  }) => {
    const { bad, good } = await two(sql, 'purge_audit_trail')
    await SCENES.purge_webhook_answers?.due(good)
    await SCENES.remind_due_invites?.due(good)
    await fanOut(sql)
    await sql`alter table public.organisations drop constraint organisations_audit_retention,
      drop constraint organisations_reminder_before`
    onTestFinished(async () => {
      await sql`update public.organisations set audit_retention = null, reminder_before = null`
      await sql`alter table public.organisations
        add constraint organisations_audit_retention
          check (audit_retention between interval '30 days' and interval '100 years'),
        add constraint organisations_reminder_before
          check (reminder_before between interval '1 hour' and interval '14 days')`
    })
    await sql`update public.organisations
      set audit_retention = '200000 years', reminder_before = '200000 years' where id = ${bad.id}`

    for (const step of ['purge_audit_trail', 'purge_webhook_answers', 'remind_due_invites']) {
      await run(good, step)
      expect(await isDone(good, step)).toBe(true)
    }
  })

  test('what is no organisation’s is noted as well, when it fails', async ({ acme }) => {
    const { sql } = acme
    await sql`insert into public.organisation_deliveries (kind, recipient, created_at)
      values ('auth', 'old@example.com', now() - interval '40 days')`
    await sql.unsafe(`
      create function public.poisoned() returns trigger language plpgsql as $$
        begin raise exception 'poisoned'; end $$;
      create trigger a_poison before delete on public.organisation_deliveries
        for each row execute function public.poisoned()`)
    onTestFinished(async () => {
      await sql.unsafe('drop function if exists public.poisoned() cascade')
    })

    await run(acme, 'purge_auth_mails')
    expect(await failures(sql, 'purge_auth_mails')).toMatchObject([{ organisation_id: null }])

    await sql.unsafe('drop function public.poisoned() cascade')
    await run(acme, 'purge_auth_mails')
    expect(await failures(sql, 'purge_auth_mails')).toEqual([])
  })

  test('a failure that is over for another reason is forgotten after a day', async ({ acme }) => {
    await acme.sql`insert into usher.upkeep_failures (step, organisation_id, failed_at, error)
      values ('expire_due_invites', ${acme.id}, now() - interval '25 hours', 'P0001 once')`

    await run(acme, 'expire_due_invites')

    expect(await failures(acme.sql, 'expire_due_invites')).toEqual([])
  })

  test('two workers at once do everything once', async ({ acme }) => {
    await Promise.all([acme.inviteIn('expired'), acme.inviteIn('expired')])

    await Promise.all([run(acme, 'expire_due_invites'), run(acme, 'expire_due_invites')])

    expect((await acme.events()).filter((event) => event === 'invite.expired')).toHaveLength(2)
    expect(await failures(acme.sql, 'expire_due_invites')).toEqual([])
  })
})
