/**
 * What is measured: each call with its rules, and its floor: the least SQL that leaves the same rows behind
 * with no rules at all, or, for a read, the same query as the owner of the tables. Some have a second floor, which
 * tells what the tables cost beside the rules: what the same call would be in plain tables (scene.ts), or by one key.
 *
 * @module
 */
import type postgres from 'postgres'
import type { Call } from './measure.ts'
import { ORGANISATION, ORGANISATION_HEARD, ORGANISATION_UNHEARD, OWNER } from './scene.ts'

export interface Case {
  name: string
  /** Share of the floor's throughput that it is to reach. */
  aim?: number
  role?: 'anon' | 'authenticated'
  rules: string
  floor: string
  /** What the floor is, for the table, where it is another call with its rules, by the same role. */
  beside?: string
  /** The `statement_timeout` of both. */
  timeout?: string
  /** How often; five times, where nothing is said, and twice where there is something to clean up. */
  rounds?: number
  /** The second floor. */
  plain?: Plain
  /** How many calls a side makes in one round. */
  calls: number
  /** The calls of one round, for either side. Rows that they need are made here, untimed. */
  prepare(
    sql: postgres.Sql,
    count: number,
  ): Promise<Record<'rules' | 'floor', Call[]> & { plain?: Call[] }>
  /** Takes away what a round left behind, where it is much. */
  cleanUp?: string
}

export interface Plain {
  /** What it is, for the table. */
  name: string
  sql: string
  /** Share of its throughput that the rules are to reach. */
  aim: number
  /** The same for the first floor. */
  floorAim?: number
}

const NEWEST = 'order by created_at desc, id desc'

export const BATCH = 10_000
export const WEBHOOKS = 20

let serial = 0

export const CASES: Case[] = [
  {
    name: 'validate an invite',
    role: 'anon',
    calls: 400,
    rules: 'select * from public.validate_organisation_invite($1)',
    floor: `select i.status, o.name, o.logo_url, o.accent_colour, i.email, i.roles, m.display_name,
        m.email as inviter_email, i.message, coalesce(i.locale, o.locale) as locale, i.redirect_to, i.expires_at,
        exists (select from auth.users u where u.email = i.email and u.is_sso_user = false) as has_account
      from usher.invites i
      join public.organisations o on o.id = i.organisation_id
      left join public.organisation_members m on m.organisation_id = i.organisation_id and m.user_id = i.invited_by
      where i.id = $1`,
    plain: {
      name: 'one row by its key',
      sql: 'select * from usher.invites where id = $1',
      aim: 0.7,
    },
    async prepare(sql, count) {
      const invites = await pendingInvites(sql, Math.min(count, 50))
      const byId = repeat(count, (n) => ({ userId: null, values: [at(invites, n).id] }))
      return {
        rules: repeat(count, (n) => ({ userId: null, values: [at(invites, n).token] })),
        floor: byId,
        plain: byId,
      }
    },
  },
  {
    name: 'accept an invite',
    aim: 0.85,
    calls: 200,
    rules: 'select * from public.accept_organisation_invite($1)',
    floor: `with answered as (
        update usher.invites set status = 'accepted', accepted_at = now(), accepted_by = $2 where id = $1
        returning id, organisation_id, roles, email
      ), told as (
        insert into public.organisation_audit_events (organisation_id, event, actor_kind, actor_id, target_kind,
          target_id, before, after, ip, user_agent)
        select organisation_id, 'invite.accepted', 'user', $2, 'invite', id, '{"status": "pending"}',
          jsonb_build_object('status', 'accepted', 'user_id', $2, 'roles', roles), '192.0.2.7', 'bench' from answered
        returning id
      ), fresh as (
        insert into usher.outbox (event_id) select id from told
      )
      insert into public.organisation_members (organisation_id, user_id, roles, email, display_name)
      select organisation_id, $2, roles, email, 'Iris Invitee' from answered
      returning *`,
    plain: {
      name: 'two rows of plain tables',
      sql: `with answered as (
          update bench.invites set status = 'accepted', accepted_at = now(), accepted_by = $2
          where token_hash = $1 and status = 'pending' and expires_at > now()
          returning organisation_id, roles
        )
        insert into bench.members (organisation_id, user_id, roles)
        select organisation_id, $2, roles from answered
        returning *`,
      aim: 0.5,
      floorAim: 0.6,
    },
    async prepare(sql, count) {
      const invites = await pendingInvites(sql, 2 * count)
      const plain = await plainInvites(sql, count)
      return {
        rules: invites.slice(0, count).map((i) => ({ userId: i.userId, values: [i.token] })),
        floor: invites.slice(count).map((i) => ({ userId: i.userId, values: [i.id, i.userId] })),
        plain: plain.map((i) => ({ userId: i.userId, values: [i.tokenHash, i.userId] })),
      }
    },
  },
  {
    name: 'create an invite',
    aim: 0.5,
    calls: 200,
    rules: 'select * from public.create_organisation_invite($1, $2, $3)',
    floor: `with counted as (
        insert into usher.rate_limits as r (key, window_start, used) values ('invites:' || $1::uuid, now(), 1)
        on conflict (key, slot) do update set used = r.used + 1
      ), made as (
        insert into usher.invites (organisation_id, email, roles, lifetime, expires_at, invited_by)
        values ($1, $2, $3, '7 days', now() + interval '7 days', '${OWNER}') returning *
      ), told as (
        insert into public.organisation_audit_events (organisation_id, event, actor_kind, actor_id, target_kind,
          target_id, after, ip, user_agent)
        select organisation_id, 'invite.created', 'user', '${OWNER}', 'invite', id,
          jsonb_build_object('roles', roles, 'expires_at', expires_at), '192.0.2.7', 'bench' from made
        returning id
      ), fresh as (
        insert into usher.outbox (event_id) select id from told
      )
      select * from made`,
    async prepare(_sql, count) {
      const call = () => ({ userId: OWNER, values: [ORGANISATION, newAddress(), ['member']] })
      return { rules: repeat(count, call), floor: repeat(count, call) }
    },
  },
  {
    name: `create ${BATCH.toLocaleString('en')} invites in one call`,
    aim: 0.7,
    calls: 1,
    rules: `select count(*) from public.create_organisation_invites($1, $2)`,
    floor: `with counted as (
        insert into usher.rate_limits as r (key, window_start, used) values ('invites:' || $1::uuid, now(), ${BATCH})
        on conflict (key, slot) do update set used = r.used + ${BATCH}
      ), made as (
        insert into usher.invites (organisation_id, email, roles, lifetime, expires_at, invited_by)
        select $1, d.email, d.roles, '7 days', now() + interval '7 days', '${OWNER}'
        from jsonb_to_recordset($2) d (email text, roles text[]) returning *
      ), told as (
        insert into public.organisation_audit_events (organisation_id, event, actor_kind, actor_id, target_kind,
          target_id, after, ip, user_agent)
        select organisation_id, 'invite.created', 'user', '${OWNER}', 'invite', id,
          jsonb_build_object('roles', roles, 'expires_at', expires_at), '192.0.2.7', 'bench' from made
        returning id
      ), fresh as (
        insert into usher.outbox (event_id, is_bulk) select id, true from told
      )
      select count(*) from made`,
    async prepare(_sql, count) {
      const call = () => bulkOf(ORGANISATION)
      return { rules: repeat(count, call), floor: repeat(count, call) }
    },
    cleanUp: `
      delete from usher.outbox where is_bulk;
      delete from usher.invites where email like 'new-%';
      set usher.audit_exception = 'DELETE';
      delete from public.organisation_audit_events
        where user_agent = 'bench' and event = 'invite.created' and organisation_id = '${ORGANISATION}';
      vacuum (analyze) usher.invites, usher.outbox, public.organisation_audit_events, usher.rate_limits`,
  },
  {
    name: `create ${BATCH.toLocaleString('en')} invites where ${WEBHOOKS} webhooks hear of them`,
    // At most 1.3 times as long.
    aim: 1 / 1.3,
    beside: 'the same without webhooks',
    timeout: '8s',
    calls: 1,
    rounds: 10,
    rules: 'select count(*) from public.create_organisation_invites($1, $2)',
    // Another count, or pg_stat_statements could not tell the two.
    floor: 'select count(1) from public.create_organisation_invites($1, $2)',
    async prepare(sql, count) {
      await addWebhooks(sql)
      return {
        rules: repeat(count, () => bulkOf(ORGANISATION_HEARD)),
        floor: repeat(count, () => bulkOf(ORGANISATION_UNHEARD)),
      }
    },
    cleanUp: `
      truncate usher.outbox;
      delete from usher.invites where email like 'new-%';
      set usher.audit_exception = 'DELETE';
      delete from public.organisation_audit_events where user_agent = 'bench' and event = 'invite.created'
        and organisation_id in ('${ORGANISATION_HEARD}', '${ORGANISATION_UNHEARD}');
      vacuum (analyze) usher.invites, public.organisation_audit_events, usher.rate_limits`,
  },
  read('list the first page', {
    aim: 0.9,
    rules: 'select * from public.list_organisation_invites($1)',
    floor: `select * from public.organisation_invites where organisation_id = $1 ${NEWEST} limit 50`,
  }),
  {
    name: 'list page 100',
    aim: 0.9,
    calls: 400,
    rules: 'select * from public.list_organisation_invites($1, cursor => $2)',
    floor: `select * from public.organisation_invites where organisation_id = $1
      and (created_at, id) < (select created_at, id from usher.invites where id = $2) ${NEWEST} limit 50`,
    async prepare(sql, count) {
      // The last page of 50, where there are not so many.
      const rows = await sql<{ id: string }[]>`select id from usher.invites
        where organisation_id = ${ORGANISATION} and created_at <= (
          select created_at from usher.invites where organisation_id = ${ORGANISATION}
          order by created_at desc offset least(99 * 50 - 1, (
            select count(*) - 51 from usher.invites where organisation_id = ${ORGANISATION})) limit 1)
        order by created_at desc limit 1`
      return same(count, [ORGANISATION, rows[0]?.id])
    },
  },
  read('list invites by a select through RLS', {
    aim: 0.9,
    rules: `select * from public.organisation_invites where organisation_id = $1 ${NEWEST} limit 50`,
    floor: `select * from public.organisation_invites where organisation_id = $1 ${NEWEST} limit 50`,
  }),
  read("select an application's own rows through RLS", {
    aim: 0.9,
    rules: `select * from public.bench_notes where organisation_id = $1 order by created_at desc limit 50`,
    floor: `select * from public.bench_notes where organisation_id = $1 order by created_at desc limit 50`,
  }),
  read('metrics of 30 days', {
    rules: 'select * from public.organisation_invite_metrics($1)',
    floor: `select i.*, d.*, (
        select jsonb_agg(to_jsonb(e) order by e.day) from (
          select (h.at at time zone 'UTC')::date as day,
            count(*) filter (where h.what = 'created') as created,
            count(*) filter (where h.what = 'accepted') as accepted,
            count(*) filter (where h.what = 'declined') as declined,
            count(*) filter (where h.what = 'revoked') as revoked,
            count(*) filter (where h.what = 'expired') as expired
          from (
            select 'created' as what, created_at as at from usher.invites
            where organisation_id = $1 and created_at >= now() - interval '30 days' and created_at < now()
            union all
            select i.status, coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at)
            from public.organisation_invites i
            where i.organisation_id = $1 and i.status <> 'pending'
              and coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at)
                between now() - interval '30 days' and now()) h
          group by 1) e)
      from (
        select count(*) as created, count(*) filter (where status = 'pending') as pending,
          count(*) filter (where status = 'accepted') as accepted,
          count(*) filter (where status = 'declined') as declined,
          count(*) filter (where status = 'revoked') as revoked,
          count(*) filter (where status = 'expired') as expired,
          percentile_cont(0.5) within group (order by extract(epoch from accepted_at - created_at)) as seconds
        from public.organisation_invites
        where organisation_id = $1 and created_at >= now() - interval '30 days' and created_at < now()) i,
      (select count(*) filter (where status = 'sent') as sent, count(*) filter (where status = 'failed') as failed
        from public.organisation_deliveries
        where organisation_id = $1 and kind = 'invite' and status in ('sent', 'failed', 'suppressed')
          and created_at >= now() - interval '30 days' and created_at < now()) d`,
    calls: 50,
  }),
  read('has_organisation_permission', {
    rules: `select public.has_organisation_permission($1, 'invite.create')`,
    floor: `select exists (select from public.organisation_members m
      join public.organisation_roles r on r.name = any (m.roles)
      where m.organisation_id = $1 and m.user_id = '${OWNER}' and m.status = 'active'
        and (r.organisation_id is null or r.organisation_id = m.organisation_id)
        and 'invite.create' = any (r.permissions))`,
  }),
]

function read(name: string, rest: Pick<Case, 'rules' | 'floor'> & Partial<Case>): Case {
  return {
    name,
    calls: 400,
    prepare: async (_sql, count) => same(count, [ORGANISATION]),
    ...rest,
  }
}

/** Both sides ask the same, as the owner of the organisation. */
function same(count: number, values: unknown[]) {
  const calls = repeat(count, () => ({ userId: OWNER, values }))
  return { rules: calls, floor: calls }
}

interface PendingInvite {
  id: string
  userId: string
  token: string
}

async function pendingInvites(sql: postgres.Sql, count: number): Promise<PendingInvite[]> {
  const from = serial + 1
  serial += count
  return sql<PendingInvite[]>`
    with person as (
      insert into auth.users (id, email, email_confirmed_at, raw_user_meta_data)
      select gen_random_uuid(), 'invitee-' || n || '@example.com', now(), '{"full_name": "Iris Invitee"}'
      from generate_series(${from}::integer, ${serial}::integer) n
      returning id, email
    )
    insert into usher.invites (organisation_id, email, roles, lifetime, expires_at, invited_by, metadata)
    select ${ORGANISATION}, email, '{member}', '7 days', date_trunc('second', now() + interval '7 days'), ${OWNER},
      jsonb_build_object('user_id', id)
    from person
    returning id, metadata ->> 'user_id' as "userId"`.then(async (rows) => {
    const ids = rows.map((row) => row.id)
    const tokens = await sql`select i.id, usher.mint_invite_token(i.id) as token
      from unnest(${ids}::uuid[]) with ordinality i (id, n) order by n`
    return rows.map((row, n) => ({ ...row, token: at(tokens, n).token as string }))
  })
}

async function plainInvites(sql: postgres.Sql, count: number) {
  return sql<{ tokenHash: Buffer; userId: string }[]>`
    insert into bench.invites (organisation_id, email, roles, token_hash, expires_at)
    select ${ORGANISATION}, 'invitee@example.com', '{member}', sha256(uuid_send(gen_random_uuid())),
      now() + interval '7 days'
    from generate_series(1, ${count}::integer)
    returning token_hash as "tokenHash", gen_random_uuid() as "userId"`
}

/** So many webhooks, which hear everything, in the organisation that has them. */
export async function addWebhooks(sql: postgres.Sql): Promise<void> {
  await sql`insert into public.organisation_webhooks (organisation_id, url)
    select ${ORGANISATION_HEARD}, 'https://hooks.example.com/' || n
    from generate_series(1, ${WEBHOOKS}::integer) n
    where not exists (
      select from public.organisation_webhooks w where w.organisation_id = ${ORGANISATION_HEARD})`
}

export function bulkOf(organisationId: string): Call {
  const invites = repeat(BATCH, () => ({ email: newAddress(), roles: ['member'] }))
  return { userId: OWNER, values: [organisationId, invites] }
}

function newAddress(): string {
  serial += 1
  return `new-${serial}@example.com`
}

function repeat<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n))
}

function at<T>(values: readonly T[], n: number): T {
  return values[n % values.length] as T
}
