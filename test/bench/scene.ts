/**
 * The scene: one organisation holds half of all invites, a thousand others share the rest. Each invite has
 * its line in the trail and its mail, each accepted one its account and its member, as real ones have.
 *
 * The newest 500 of the organisation are spread over 30 days at every size; the others lie before, five
 * minutes apart. So what is asked of the last 30 days is the same at every size, and all else is history.
 *
 * @module
 */
import type postgres from 'postgres'

export const ORGANISATION = '00000000-0000-4000-8000-000000000000'
/** One with webhooks, and one without; neither has many invites. */
export const ORGANISATION_HEARD = '00000000-0000-4000-8000-000000000001'
export const ORGANISATION_UNHEARD = '00000000-0000-4000-8000-000000000002'
/** Owns the organisation, and these two. */
export const OWNER = '00000000-0000-4000-9000-000000000000'

export async function fill(sql: postgres.Sql, invites: number): Promise<void> {
  await sql.unsafe(`
    update usher.settings set invites_per_day = 2000000000;
    insert into auth.users (id, email, email_confirmed_at, raw_user_meta_data)
      values ('${OWNER}', 'owner@example.com', now(), '{"full_name": "Olga Owner"}');
    insert into public.organisations (id, name, slug)
      select ${uuid('8000', 'n')}, 'Bench ' || n, 'bench-' || n from generate_series(0, 1000) n;
    insert into public.organisation_members (organisation_id, user_id, roles, email, display_name)
      select o.id, '${OWNER}', '{owner}', 'owner@example.com', 'Olga Owner'
      from public.organisations o where o.slug in ('bench-0', 'bench-1', 'bench-2');

    -- An application's own table, with the policy that usher.organisations_where tells to write.
    create table public.bench_notes (
      id              uuid primary key default gen_random_uuid(),
      organisation_id uuid not null references public.organisations,
      body            text not null,
      created_at      timestamptz not null
    );
    create index bench_notes_newest on public.bench_notes (organisation_id, created_at desc);
    alter table public.bench_notes enable row level security;
    create policy bench_notes_select on public.bench_notes for select to authenticated
      using (organisation_id in (select usher.organisations_where('organisation.read')));
    grant select on public.bench_notes to authenticated;

    -- Invites and members as code without rules has them: keys, and the least that keeps a token from being used twice.
    create schema bench;
    create table bench.invites (
      id              uuid primary key default gen_random_uuid(),
      organisation_id uuid not null references public.organisations,
      email           text not null,
      roles           text[] not null,
      status          text not null default 'pending',
      token_hash      bytea not null unique,
      expires_at      timestamptz not null,
      accepted_at     timestamptz,
      accepted_by     uuid
    );
    create table bench.members (
      organisation_id uuid not null references public.organisations,
      user_id         uuid not null,
      roles           text[] not null,
      joined_at       timestamptz not null default now(),
      primary key (organisation_id, user_id)
    );

    -- Rows that fit together by the way they are made need no foreign keys to check that.
    set session_replication_role = replica;
    create temporary table made as
    select n, k, ${uuid('a000', 'n')} as id, ${uuid('9000', 'n')} as user_id, 'p' || n || '@example.com' as email,
      case when n % 2 = 0 then '${ORGANISATION}'::uuid else ${uuid('8000', '1 + k % 1000')} end as organisation_id,
      now() - age as created_at,
      case when k % 3 = 0 then 'accepted' when k % 15 = 1 then 'declined' when k % 15 = 2 then 'revoked'
        when age < interval '7 days' then 'pending' else 'expired' end as status
    from (
      select n, n / 2 as k, case when n / 2 <= 500 then n / 2 * interval '30 days' / 501
        else interval '30 days' + (n / 2 - 500) * interval '5 minutes' end as age
      from generate_series(1, ${invites}) n
    ) d;
    insert into usher.invites (id, organisation_id, email, roles, status, invited_by, lifetime, created_at,
      issued_at, expires_at, accepted_at, accepted_by, declined_at, revoked_at)
    select id, organisation_id, email, '{member}', status, '${OWNER}', '7 days', created_at,
      created_at, created_at + interval '7 days',
      case status when 'accepted' then created_at + interval '5 hours' end, case status when 'accepted' then user_id end,
      case status when 'declined' then created_at + interval '6 hours' end,
      case status when 'revoked' then created_at + interval '7 hours' end
    from made;
    insert into auth.users (id, email, email_confirmed_at)
      select user_id, email, created_at from made where status = 'accepted';
    insert into public.organisation_members (organisation_id, user_id, roles, email, joined_at)
      select organisation_id, user_id, '{member}', email, created_at from made where status = 'accepted';
    insert into public.organisation_audit_events (
      organisation_id, occurred_at, event, actor_kind, actor_id, target_kind, target_id)
      select organisation_id, created_at, 'invite.created', 'user', '${OWNER}', 'invite', id from made;
    insert into public.organisation_deliveries (
      organisation_id, invite_id, issue, kind, recipient, status, sent_at, created_at)
      select organisation_id, id, 1, 'invite', email, 'sent', created_at, created_at from made;
    insert into public.bench_notes (organisation_id, body, created_at)
      select organisation_id, 'Note ' || n, created_at from made;
    insert into bench.invites (organisation_id, email, roles, status, token_hash, expires_at)
      select organisation_id, email, '{member}', status, sha256(uuid_send(id)), created_at + interval '7 days' from made;
    insert into bench.members (organisation_id, user_id, roles)
      select organisation_id, user_id, '{member}' from made where status = 'accepted';
    drop table made;
    set session_replication_role = origin;
    select usher.ensure_signing_key();`)
  await sql.unsafe('vacuum (analyze)')
}

/** A key that can be told from its number, with these four digits to tell what it is a key of. */
function uuid(family: string, number: string): string {
  return `('00000000-0000-4000-${family}-' || lpad(to_hex(${number}), 12, '0'))::uuid`
}
