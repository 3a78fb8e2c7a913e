import { describe, expect, onTestFinished } from 'vitest'
import { createAcme, type Organisation, test } from '../support/acme.ts'
import { asRefusal } from '../support/refusal.ts'
import { asWorker } from '../support/worker.ts'

interface Limit {
  /** As much as an organisation may have, less one, planted by SQL. */
  fill(acme: Organisation, count: number): Promise<unknown>
  /** One more, by the function that people call. */
  more(acme: Organisation, name: string): Promise<unknown>
  code?: string
}

const rows = (acme: Organisation, count: number, insert: string) =>
  acme.sql.unsafe(insert.replaceAll('$id', `'${acme.id}'`).replaceAll('$count', String(count)))

/** Each thing of which an organisation may have so many. */
const LIMITS: Record<string, Limit> = {
  'own roles': {
    fill: (acme, count) =>
      rows(
        acme,
        count,
        `insert into public.organisation_roles (organisation_id, name)
        select $id, 'role-' || n from generate_series(1, $count) n`,
      ),
    more: (acme, name) =>
      acme.owner.rpc('create_organisation_role', { organisation_id: acme.id, name }),
  },
  'role exclusions': {
    fill: (acme, count) =>
      rows(
        acme,
        count,
        `insert into public.organisation_role_exclusions (organisation_id, name, roles)
        select $id, 'Apart ' || n, '{finance,member}' from generate_series(1, $count) n`,
      ),
    more: (acme, name) =>
      acme.owner.rpc('create_organisation_role_exclusion', {
        ...{ organisation_id: acme.id, name },
        roles: ['finance', 'member'],
      }),
  },
  'email templates': {
    fill: (acme, count) =>
      rows(
        acme,
        count,
        `insert into public.organisation_email_templates (organisation_id, kind, locale, name, subject)
        select $id, 'invite', 'en', 'Template ' || n, 'Hello' from generate_series(1, $count) n`,
      ),
    more: (acme, name) =>
      acme.owner.rpc('create_organisation_email_template', {
        organisation_id: acme.id,
        ...{ kind: 'invite', locale: 'en', name, subject: 'Hello' },
      }),
  },
  'open access reviews': {
    fill: (acme, count) =>
      rows(
        acme,
        count,
        `insert into public.organisation_access_reviews (organisation_id, title, due_at)
        select $id, 'Review ' || n, now() + interval '1 day' from generate_series(1, $count) n`,
      ),
    more: (acme, title) =>
      acme.owner.rpc('start_organisation_access_review', {
        ...{ organisation_id: acme.id, title },
        due_at: new Date(Date.now() + 86_400_000).toISOString(),
      }),
  },
  'open invites': {
    fill: (acme, count) =>
      rows(
        acme,
        count,
        `insert into usher.invites (organisation_id, email, roles, lifetime, expires_at)
        select $id, n || '@example.com', '{member}', '7 days', now() + interval '7 days'
        from generate_series(1, $count) n`,
      ),
    more: (acme, name) =>
      acme.owner.rpc('create_organisation_invite', {
        ...{ organisation_id: acme.id, email: `${name}@example.org` },
        roles: ['member'],
      }),
  },
  webhooks: {
    fill: (acme, count) =>
      rows(
        acme,
        count,
        `insert into public.organisation_webhooks (organisation_id, url)
        select $id, 'https://hooks.example.com/' || n from generate_series(1, $count) n`,
      ),
    more: (acme, name) =>
      acme.owner.rpc('create_organisation_webhook', {
        ...{ organisation_id: acme.id, url: `https://hooks.example.com/${name}` },
      }),
  },
  domains: {
    fill: (acme, count) =>
      rows(
        acme,
        count,
        `insert into public.organisation_domains (organisation_id, domain, verification, verified_at)
        select $id, n || '.' || $id || '.example', 'x', now() from generate_series(1, $count) n`,
      ),
    more: (acme, name) =>
      acme.owner.rpc('create_organisation_domain', {
        ...{ organisation_id: acme.id, domain: `${name}.example` },
      }),
  },
  'unverified domains': {
    fill: (acme, count) =>
      rows(
        acme,
        count,
        `insert into public.organisation_domains (organisation_id, domain, verification)
        select $id, n || '.example', 'x' from generate_series(1, $count) n`,
      ),
    more: (acme, name) =>
      acme.owner.rpc('create_organisation_domain', {
        ...{ organisation_id: acme.id, domain: `${name}.example` },
      }),
  },
  'requests to join': {
    code: 'rate_limited',
    async fill(acme, count) {
      await acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
      onTestFinished(async () => {
        await acme.sql`select usher.update_settings('{"auth_confirms_addresses": false}')`
      })
      await rows(
        acme,
        count,
        `insert into public.organisation_domains (organisation_id, domain, verification, verified_at, join_policy)
          values ($id, substr($id, 1, 8) || '.example', 'x', now(), 'ask');
        with people as (
          insert into auth.users (id, email, email_confirmed_at)
          select gen_random_uuid(), n || '@' || substr($id, 1, 8) || '.example', now() from generate_series(1, $count) n
          returning id, email)
        insert into public.organisation_join_requests (organisation_id, user_id, email)
        select $id, p.id, p.email from people p`,
      )
    },
    async more(acme, name) {
      const asker = await acme.person(`${name}@${acme.id.slice(0, 8)}.example`)
      return asker.rpc('join_organisation', { organisation_id: acme.id })
    },
  },
  'directory tokens': {
    fill: (acme, count) =>
      rows(
        acme,
        count,
        `insert into public.organisation_directory_tokens (organisation_id, name, created_by, responsible_id)
        select $id, 'Token ' || n, gen_random_uuid(), gen_random_uuid() from generate_series(1, $count) n`,
      ),
    more: (acme, name) =>
      acme.owner.rpc('create_organisation_directory_token', { organisation_id: acme.id, name }),
  },
  'directory endpoints': {
    fill: (acme, count) =>
      rows(
        acme,
        count,
        `insert into public.organisation_directory_endpoints (organisation_id, name, url, created_by)
        select $id, 'App ' || n, 'https://app.example/' || n, gen_random_uuid() from generate_series(1, $count) n`,
      ),
    more: (acme, name) =>
      acme.owner.rpc('create_organisation_directory_endpoint', {
        ...{ organisation_id: acme.id, name, url: 'https://app.example/scim', token: 'secret' },
      }),
  },
  'directory users': {
    fill: (acme, count) =>
      rows(
        acme,
        count,
        `insert into usher.directory_users (organisation_id, user_name, email)
        select $id, n || '@example.com', n || '@example.com' from generate_series(1, $count) n`,
      ),
    async more(acme, name) {
      const { token } = await acme.owner.rpc('create_organisation_directory_token', {
        ...{ organisation_id: acme.id, name: 'Okta' },
      })
      const facts = { user_name: name, email: `${name}@example.org`, is_active: false }
      return asRefusal(() =>
        asWorker(
          acme,
          (tx) => tx`select usher.save_directory_user(${token}, null, ${tx.json(facts)})`,
        ),
      )
    },
  },
}

/** Tables with rows of organisations that have another bound than usher.tenant_limits. */
const OTHERWISE: Record<string, string> = {
  'public.organisation_members':
    'each is an account of Auth; seat_limit, and the invites that lead to them',
  'public.organisation_audit_events':
    'a line for each change, in its transaction; purged by retention',
  'public.organisation_deliveries':
    'caused by what is limited itself; invites_per_day, resends_per_day, cooldowns',
  'public.organisation_access_review_items':
    'the rights of members at the start of one of 10 open reviews',
  'public.organisation_webhook_deliveries':
    'an event for each of 20 webhooks; 60 replays an hour of 10,000 each',
  'public.organisation_directory_copies': 'a member for each of 10 endpoints',
  'public.organisation_sign_in_rules': 'one row an organisation',
  'usher.directory_groups': 'one row an own role',
  'usher.mail_opt_outs': 'one row a recipient, by the link in a mail that was sent to them',
  'usher.erased_stops':
    'what was stopped of somebody who was forgotten: by operators, and one of a kind a mail of theirs',
  'usher.lost_rights': 'one row a member, until the worker has come by',
  'usher.mail_turns': 'one row an organisation',
  'usher.sign_up_invites': 'one row an account that is not confirmed yet',
  'usher.sanctions': 'of a member who was banned or removed, one row for each of their addresses',
  'usher.audit_seals': 'by workers, for events that are there',
  'usher.sealed_events': 'by workers, for events that are there',
  'usher.upkeep_failures': 'by workers, one row a step',
}

describe('usher.tenant_limits', () => {
  test('has, or names another bound for, every table with rows of organisations', async ({
    acme,
  }) => {
    const tables = await acme.sql<{ name: string }[]>`
      select n.nspname || '.' || c.relname as name
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname in ('public', 'usher') and a.attname = 'organisation_id'
        and not a.attisdropped`
    const limits = await acme.sql<{ thing: string; name: string; inserters: string[] }[]>`
      select l.thing, n.nspname || '.' || c.relname as name, array(
        select p.proname from pg_proc p
        where p.prosrc like '%require\\_room(''' || l.thing || ''',%') as inserters
      from usher.tenant_limits() l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace`

    expect(limits.map(({ thing }) => thing).sort()).toEqual(Object.keys(LIMITS).sort())
    expect(limits.filter(({ inserters }) => inserters.length === 0)).toEqual([])
    expect(
      [...new Set([...limits.map(({ name }) => name), ...Object.keys(OTHERWISE)])].sort(),
    ).toEqual(tables.map(({ name }) => name).sort())
  })

  test('is asked wherever a rule adds a row to such a table', async ({ acme }) => {
    const rows = await acme.sql<{ name: string; relation: string }[]>`
      select distinct p.proname as name, n.nspname || '.' || c.relname as relation
      from usher.tenant_limits() l
      join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
      join pg_proc p on p.prosrc ~ ('insert into ' || n.nspname || '\\.' || c.relname || '\\M')
      where p.pronamespace in ('public'::regnamespace, 'usher'::regnamespace) and p.prosrc !~ 'require_room(_for_invites)?\\('
      order by 1`

    // save_ is called by create_, which asks; a member is taken over as a User when a directory names them.
    expect(rows.map(({ name }) => name)).toEqual([
      'directory_user_for_change',
      'save_email_template',
      'save_own_role',
    ])
  })

  test.for(Object.keys(LIMITS))(
    '%s: as many as it says, not one more, and another organisation is not concerned',
    { timeout: 30_000 },
    async (thing, { acme }) => {
      const { fill, more, code = 'invalid_settings' } = LIMITS[thing] as Limit
      const [limit] =
        await acme.sql`select at_most, code from usher.tenant_limits() where thing = ${thing}`
      const atMost = limit?.at_most as number
      expect(limit?.code).toBe(code)
      await fill(acme, atMost - 1)

      await more(acme, 'last')
      await expect(more(acme, 'over')).rejects.toMatchObject({
        code,
        // Who only asks to join is told what they can do themselves.
        hint: expect.stringContaining(
          code === 'rate_limited' ? 'Wait' : `at most ${atMost.toLocaleString('en')} ${thing}`,
        ),
      })

      const other = await createAcme(acme.sql)
      await fill(other, 1)
      await more(other, 'first')
    },
  )

  test('a batch of invites that goes beyond is refused as a whole', async ({ acme }) => {
    await LIMITS['open invites']?.fill(acme, 49_990)
    const invites = Array.from({ length: 11 }, (_, i) => ({
      email: `batch-${i}@example.org`,
      roles: ['member'],
    }))

    await expect(
      acme.owner.rpc('create_organisation_invites', { organisation_id: acme.id, invites }),
    ).rejects.toMatchObject({ code: 'invalid_settings' })
    await acme.owner.rpc('create_organisation_invites', {
      ...{ organisation_id: acme.id, invites: invites.slice(1) },
    })
  }, 30_000)

  test('what is claimed again, replaced or ended takes no new place', async ({ acme }) => {
    await LIMITS['unverified domains']?.fill(acme, 20)
    await acme.owner.rpc('create_organisation_domain', {
      organisation_id: acme.id,
      domain: '7.example',
    })
    await LIMITS['role exclusions']?.fill(acme, 100)
    await LIMITS['role exclusions']?.more(acme, 'Apart 7')

    await acme.owner.rpc('delete_organisation_domain', {
      organisation_id: acme.id,
      domain: '8.example',
    })
    await LIMITS['unverified domains']?.more(acme, 'next')
  })

  test('who was turned down asks again five times a day', async ({ acme }) => {
    await LIMITS['requests to join']?.fill(acme, 1)
    const asker = await acme.person(`asker@${acme.id.slice(0, 8)}.example`)
    const ask = () => asker.rpc('join_organisation', { organisation_id: acme.id })
    for (let times = 0; times < 5; times += 1) {
      await ask()
      const [request] = await acme.sql`select id from public.organisation_join_requests
        where user_id = ${asker.userId} and status = 'pending'`
      await acme.owner.rpc('decline_organisation_join_request', { request_id: request?.id })
    }

    await expect(ask()).rejects.toMatchObject({ code: 'rate_limited' })
  })
})
