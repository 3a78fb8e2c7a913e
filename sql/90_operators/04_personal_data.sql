-- Personal data: where something about a person may stand. The catalogue says it, so that a column that is added
-- tomorrow is reported and erased tomorrow. What stays is listed in usher.kept_at_erasure(), each with its reason.

create function usher.own_tables() returns setof regclass
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select c.oid::regclass
  from pg_catalog.pg_class c
  where c.relkind in ('r', 'p') and not c.relispartition
    and (c.relnamespace = to_regnamespace('usher')
      -- An application may have called tables of its own alike: those are named, and no others are touched.
      or c.relnamespace = to_regnamespace('public') and c.relname in (
        'organisation_access_review_items', 'organisation_access_reviews', 'organisation_audit_events',
        'organisation_deliveries', 'organisation_directory_copies', 'organisation_directory_endpoints',
        'organisation_directory_tokens', 'organisation_domains', 'organisation_email_templates',
        'organisation_join_requests', 'organisation_members', 'organisation_role_exclusions',
        'organisation_roles', 'organisation_sign_in_rules', 'organisation_webhook_deliveries',
        'organisation_webhooks', 'organisations'))
  order by c.oid::regclass::text
$$;
comment on function usher.own_tables
  is 'The tables of ours: all of usher, and of public those that are listed here. Never one of the application''s own.';

create function usher.kept_at_erasure() returns table (
  place text,
  what text,
  reason text
)
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  values
    ('public.organisation_audit_events.before', 'all',
      'Sealed. Of an address only its domain comes in; a name may stand there.'),
    ('public.organisation_audit_events.after', 'all',
      'Sealed. Of an address only its domain comes in; a name may stand there.'),
    ('public.organisation_audit_events.event', 'all', 'A word of ours.'),
    ('public.organisation_audit_events.target_kind', 'all', 'A word of ours.'),
    ('usher.directory_endpoint_tokens.token', 'all', 'The key of another system, which a change would break.'),
    ('usher.idempotency_keys.result', 'all', 'Encrypted under a key that is kept nowhere; gone within a day.'),
    ('public.organisations.name', 'names', 'What an organisation is called is the organisation''s.'),
    ('public.organisations.sender_name', 'names', 'What an organisation is called is the organisation''s.'),
    ('public.organisation_members.display_name', 'names', 'Of another member who is called the same.'),
    ('usher.directory_users.user_name', 'names', 'Of another member who is called the same.'),
    ('usher.directory_users.attributes', 'names', 'Of another member who is called the same.')
$$;
comment on function usher.kept_at_erasure
  is $$Which columns erasing a person leaves as they are, and why.

  place   schema.table.column
  what    all; names: addresses go all the same$$;

create type usher.person_traces as (
  user_ids uuid[],
  member_ids uuid[],
  invite_ids uuid[],
  delivery_ids uuid[],
  organisation_ids uuid[],
  emails text[],
  names text[]
);
comment on type usher.person_traces
  is 'By what a person is known here: ids, addresses, names, and to whom.';

create function usher.accounts_of(email text) returns uuid[]
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select coalesce(array_agg(u.id), '{}') from auth.users u where usher.normalise_email(u.email) = accounts_of.email
$$;
comment on function usher.accounts_of
  is 'The accounts with this normalised address, by whichever way in: single sign-on keeps one of its own.';

create function usher.person_traces(
  user_ids uuid[],
  email text
) returns usher.person_traces
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_traces usher.person_traces;
begin
  v_traces.user_ids := person_traces.user_ids;
  v_traces.member_ids := array(
    select m.id from public.organisation_members m where m.user_id = any (v_traces.user_ids));
  v_traces.emails := array(
    select person_traces.email
    union
    select u.email from auth.users u where u.id = any (v_traces.user_ids)
    union
    select usher.normalise_email(u.email) from auth.users u where u.id = any (v_traces.user_ids)
    union
    select m.email from public.organisation_members m where m.id = any (v_traces.member_ids)
    union
    select r.email from public.organisation_join_requests r where r.user_id = any (v_traces.user_ids)
    union
    select i.email from usher.invites i where i.accepted_by = any (v_traces.user_ids)
    union
    select d.email from usher.directory_users d where d.member_id = any (v_traces.member_ids));
  v_traces.emails := array(
    select distinct s from unnest(v_traces.emails) e cross join lateral unnest(usher.spellings(e)) s);
  -- An address of theirs from before may be somebody else's today.
  v_traces.emails := array(
    select e from unnest(v_traces.emails) e
    where position('@' in e) > 1 and not usher.is_erased_address(e)
      and (e = person_traces.email or not exists (
        select from auth.users u
        where usher.normalise_email(u.email) = usher.normalise_email(e) and u.id <> all (v_traces.user_ids))));
  v_traces.invite_ids := array(
    select i.id from usher.invites i
    where i.email = any (v_traces.emails) or i.accepted_by = any (v_traces.user_ids));
  v_traces.delivery_ids := array(
    select d.id from public.organisation_deliveries d
    where d.recipient = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
      or d.invite_id = any (v_traces.invite_ids)
    union
    -- What they did by a link in a mail, after they were erased the last time.
    select e.delivery_id from usher.erased_deliveries e
    where e.recipient_hash = any (array(select usher.address_hash(a) from unnest(v_traces.emails) a)));
  v_traces.organisation_ids := array(
    select m.organisation_id from public.organisation_members m where m.id = any (v_traces.member_ids)
    union
    select i.organisation_id from usher.invites i where i.id = any (v_traces.invite_ids)
    union
    select r.organisation_id from public.organisation_join_requests r
    where r.user_id = any (v_traces.user_ids) or r.email = any (v_traces.emails)
    union
    select d.organisation_id from usher.directory_users d
    where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
    union
    select d.organisation_id from public.organisation_deliveries d
    where d.recipient = any (v_traces.emails) and d.organisation_id is not null);
  v_traces.names := array(
    select n.name
    from (
      select m.display_name from public.organisation_members m where m.id = any (v_traces.member_ids)
      union
      select k.value #>> '{}'
      from auth.users u
      cross join lateral jsonb_each(
        case jsonb_typeof(u.raw_user_meta_data::jsonb) when 'object' then u.raw_user_meta_data::jsonb end) k
      where u.id = any (v_traces.user_ids) and k.key in ('display_name', 'full_name', 'name')
        and jsonb_typeof(k.value) = 'string'
      union
      select coalesce(d.attributes ->> 'displayName', d.attributes #>> '{name,formatted}')
      from usher.directory_users d
      where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
      union
      select d.facts ->> 'actor_name'
      from public.organisation_deliveries d where d.facts ->> 'actor_email' = any (v_traces.emails)
    ) n (name)
    where btrim(n.name) <> '');
  return v_traces;
end
$$;
comment on function usher.person_traces
  is 'By what a person is known: of these accounts, or of a normalised address with or without one.';

create function usher.searched_words(
  traces usher.person_traces
) returns table (emails text[], names text[])
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select (searched_words.traces).emails,
    -- A name of one word is a word as well: Max, Will, Ann. Where it stands by itself it is found otherwise.
    array(
      select n.name
      from unnest((searched_words.traces).names) t
      cross join lateral (
        select regexp_replace(t collate "und-x-icu", '^[[:space:]\u00a0]+|[[:space:]\u00a0]+$', '', 'g') as name) n
      where n.name ~ '[[:space:]\u00a0]' collate "und-x-icu")
$$;
comment on function usher.searched_words
  is 'What of a person is looked for in texts: addresses, and names of two words or more.';
