-- A person's data: what is held of somebody (GDPR article 15), and forgetting them (article 17).
--
-- A person is an account, or an address without one: whoever was invited, asked to join, was named by a directory
-- or got a mail. Both functions find them by what the catalogue says: every text of every table of ours is looked
-- through, so that a column that is added tomorrow is reported and erased tomorrow. What stays is listed in
-- usher.kept_at_erasure(), each with its reason.
--
-- For operators. Reads every table: minutes, where there are millions of rows.

create function usher.own_tables()
returns setof regclass
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
comment on function usher.own_tables is
  'The tables of ours: all of usher, and of public those that are listed here. Never one of the application''s own.';

create function usher.kept_at_erasure()
returns table (place text, what text, reason text)
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  values
    ('public.organisation_audit_events.before', 'all', 'Sealed. Of an address only its domain comes in; a name may stand there.'),
    ('public.organisation_audit_events.after', 'all', 'Sealed. Of an address only its domain comes in; a name may stand there.'),
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
comment on function usher.kept_at_erasure is
$$Which columns erasing a person leaves as they are, and why.

  place   schema.table.column
  what    all; names: addresses go all the same$$;

create table usher.address_salt (
  is_only_row boolean primary key default true,
  salt        bytea not null default extensions.gen_random_bytes(32),

  constraint address_salt_one_row check (is_only_row)
);
comment on table usher.address_salt is
  'What addresses are hashed with: of who is erased and still wants no mail, and in the names of lines at the outbox.';
alter table usher.address_salt enable row level security;
create policy address_salt_nobody on usher.address_salt for select to public using (false);
insert into usher.address_salt default values;

create table usher.erased_stops (
  id              uuid primary key default gen_random_uuid(),
  hash            bytea not null,
  place           text not null,
  organisation_id uuid references public.organisations on delete cascade,
  kept            jsonb not null,

  constraint erased_stops_place check (place in ('mail_opt_outs', 'suppressed_addresses'))
);
comment on table usher.erased_stops is
$$Of people who were erased, what stopped mail to them: a salted hash in place of the address. Somebody who wants no
mail, and to be forgotten, is not to be mailed anew because we have forgotten that they want none.$$;
comment on column usher.erased_stops.kept is 'The row as it was, without its address.';
create index erased_stops_hash on usher.erased_stops (hash);
create index erased_stops_organisation_id on usher.erased_stops (organisation_id);
alter table usher.erased_stops enable row level security;
create policy erased_stops_nobody on usher.erased_stops for select to public using (false);

create function usher.address_hash(email text)
returns bytea
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select sha256(s.salt || convert_to(address_hash.email, 'UTF8')) from usher.address_salt s);
end
$$;
comment on function usher.address_hash is
$$The salted SHA-256 of an address. Whoever has the whole database can try addresses against it: it hides them from
reading, not from asking.$$;

create table usher.erased_deliveries (
  delivery_id    uuid primary key references public.organisation_deliveries on delete cascade,
  recipient_hash bytea not null,
  mailbox_hash   bytea not null
);
comment on table usher.erased_deliveries is
$$Mails to people who were erased since: a salted hash of whom they went to, so that a stop, a complaint or a bounce that
comes of them later still holds for the mailbox.$$;
comment on column usher.erased_deliveries.mailbox_hash is 'Of the address without its +tag.';
create index erased_deliveries_recipient_hash on usher.erased_deliveries (recipient_hash);
alter table usher.erased_deliveries enable row level security;
create policy erased_deliveries_nobody on usher.erased_deliveries for select to public using (false);

create function usher.keep_stops(emails text[])
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  with gone as (
    delete from usher.mail_opt_outs o where o.email = any (keep_stops.emails) returning o.*
  )
  insert into usher.erased_stops (hash, place, organisation_id, kept)
  select usher.address_hash(g.email), 'mail_opt_outs', g.organisation_id, to_jsonb(g) - 'email' from gone g;
  with gone as (
    delete from usher.suppressed_addresses s where s.email = any (keep_stops.emails) returning s.*
  )
  insert into usher.erased_stops (hash, place, kept)
  -- A complaint holds for the mailbox, whatever tag comes next.
  select usher.address_hash(case g.reason when 'complaint' then usher.mailbox(g.email) else g.email end),
    'suppressed_addresses', to_jsonb(g) - 'email'
  from gone g;
end
$$;
comment on function usher.keep_stops is 'Puts hashes in the place of these addresses, where they stop mail.';

create function usher.keep_late_suppression(delivery_id uuid, reason text, status_code text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into usher.erased_stops (hash, place, kept)
  select k.hash, 'suppressed_addresses', jsonb_build_object(
    'reason', keep_late_suppression.reason, 'status_code', keep_late_suppression.status_code, 'created_at', now())
  from usher.erased_deliveries e
  cross join lateral (
    select case keep_late_suppression.reason when 'complaint' then e.mailbox_hash else e.recipient_hash end as hash) k
  where e.delivery_id = keep_late_suppression.delivery_id and not exists (
    select from usher.erased_stops s
    where s.hash = k.hash and s.place = 'suppressed_addresses' and s.kept ->> 'reason' = keep_late_suppression.reason);
end
$$;
comment on function usher.keep_late_suppression is
  'usher.suppress_address, for a mail whose recipient was erased before it came back or was complained about.';

create function usher.keep_late_stop(delivery_id uuid, organisation_id uuid)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into usher.erased_stops (hash, place, organisation_id, kept)
  select e.mailbox_hash, 'mail_opt_outs', keep_late_stop.organisation_id, jsonb_build_object(
    'id', gen_random_uuid(), 'organisation_id', keep_late_stop.organisation_id, 'created_at', now())
  from usher.erased_deliveries e
  where e.delivery_id = keep_late_stop.delivery_id
    and not exists (
      select from usher.erased_stops s
      where s.hash = e.mailbox_hash and s.place = 'mail_opt_outs'
        and s.organisation_id is not distinct from keep_late_stop.organisation_id)
    -- Somebody may have entered the address again meanwhile.
    and not exists (
      select from usher.mail_opt_outs o
      where o.organisation_id is not distinct from keep_late_stop.organisation_id
        and usher.address_hash(o.email) = e.mailbox_hash);
  return found;
end
$$;
comment on function usher.keep_late_stop is
$$Stops mail, of an organisation or (null) of all, to whom a mail went who was erased since. Returns whether it was not
stopped before.$$;

create function usher.lift_erased_stop(hash bytea, organisation_id uuid)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from usher.erased_stops s
  where s.hash = lift_erased_stop.hash and s.place = 'mail_opt_outs'
    and s.organisation_id is not distinct from lift_erased_stop.organisation_id;
  return found;
end
$$;
comment on function usher.lift_erased_stop is
  'Takes back a stop that is kept by the hash of its mailbox. Returns whether there was one.';

create function usher.bring_back_stops(recipients text[])
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- In most projects nobody was erased who had stopped anything.
  if not exists (select from usher.erased_stops) then
    return;
  end if;
  -- The address is here again, because somebody has entered it again: then what it wants is, too. Also the one
  -- without its tag, which a stop may be kept for.
  with known as materialized (
    select distinct k.email
    from unnest(bring_back_stops.recipients) r
    cross join lateral (values (r), (usher.mailbox(r))) k (email)
  ), back as (
    delete from usher.erased_stops s
    using known k
    where s.hash = usher.address_hash(k.email)
    returning s.place, s.kept || jsonb_build_object('email', k.email) as stop
  ), opt_outs as (
    insert into usher.mail_opt_outs
    select (jsonb_populate_record(null::usher.mail_opt_outs, b.stop)).* from back b where b.place = 'mail_opt_outs'
    on conflict do nothing
  )
  insert into usher.suppressed_addresses as a
  select (jsonb_populate_record(null::usher.suppressed_addresses, b.stop)).*
  from (
    -- Of several, what weighs most, as in usher.suppress_address.
    select distinct on (k.stop ->> 'email') k.stop
    from back k
    where k.place = 'suppressed_addresses'
    order by k.stop ->> 'email', k.stop ->> 'reason' = 'bounce'
  ) b
  on conflict on constraint suppressed_addresses_pkey do update
  set reason = excluded.reason, status_code = excluded.status_code
  where a.reason = 'bounce' and excluded.reason <> 'bounce';
end
$$;
comment on function usher.bring_back_stops is
  'What stopped mail to these normalised addresses before they were erased, or by a mail of before, stops it again.';

create function usher.tg_organisation_deliveries__bring_back_stops()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform usher.bring_back_stops(array(select d.recipient from new_deliveries d));
  return null;
end
$$;
comment on function usher.tg_organisation_deliveries__bring_back_stops is
  'Before a new mail to an address that was erased goes out: what stopped mail to it stops it again.';

create trigger usher_bring_back_stops
after insert on public.organisation_deliveries
referencing new table as new_deliveries
for each statement execute function usher.tg_organisation_deliveries__bring_back_stops();

create type usher.person_traces as (
  user_ids         uuid[],
  member_ids       uuid[],
  invite_ids       uuid[],
  delivery_ids     uuid[],
  organisation_ids uuid[],
  emails           text[],
  names            text[]
);
comment on type usher.person_traces is 'By what a person is known here: ids, addresses, names, and to whom.';

create function usher.accounts_of(email text)
returns uuid[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(u.id), '{}') from auth.users u where usher.normalise_email(u.email) = accounts_of.email
$$;
comment on function usher.accounts_of is
  'The accounts with this normalised address, by whichever way in: single sign-on keeps one of its own.';

-- Punycode (RFC 3492): münchen.example and xn--mnchen-3ya.example are one domain, and an address may stand here by either.

create function usher.punycode_bias(delta bigint, points integer, is_first boolean)
returns integer
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delta bigint := punycode_bias.delta / case when punycode_bias.is_first then 700 else 2 end;
  v_k     integer := 0;
begin
  v_delta := v_delta + v_delta / punycode_bias.points;
  while v_delta > 455 loop
    v_delta := v_delta / 35;
    v_k := v_k + 36;
  end loop;
  return (v_k + 36 * v_delta / (v_delta + 38))::integer;
end
$$;
comment on function usher.punycode_bias is 'RFC 3492 section 6.1.';

create function usher.label_to_ascii(label text)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_points integer[] := array(
    select ascii(c.letter) from regexp_split_to_table(label_to_ascii.label, '') with ordinality c (letter, n) order by c.n);
  v_count  integer := cardinality(v_points);
  v_ascii  text := regexp_replace(label_to_ascii.label, '[^\u0001-\u007f]', '', 'g');
  v_basic  integer := length(v_ascii);
  v_done   integer := v_basic;
  v_next   bigint := 128::bigint;
  v_delta  bigint := 0::bigint;
  v_bias   integer := 72;
  v_least  bigint;
  v_point  integer;
  v_q      bigint;
  v_k      integer;
  v_t      integer;
begin
  if v_done = v_count then
    return label_to_ascii.label;
  end if;
  v_ascii := 'xn--' || v_ascii || case when v_basic > 0 then '-' else '' end;
  while v_done < v_count loop
    v_least := (select min(p)::bigint from unnest(v_points) p where p >= v_next);
    v_delta := v_delta + (v_least - v_next) * (v_done + 1);
    v_next := v_least;
    foreach v_point in array v_points loop
      if v_point < v_next then
        v_delta := v_delta + 1;
      elsif v_point = v_next then
        v_q := v_delta;
        v_k := 36;
        loop
          v_t := least(greatest(v_k - v_bias, 1), 26);
          exit when v_q < v_t;
          v_ascii := v_ascii || substr('abcdefghijklmnopqrstuvwxyz0123456789', (v_t + (v_q - v_t) % (36 - v_t))::integer + 1, 1);
          v_q := (v_q - v_t) / (36 - v_t);
          v_k := v_k + 36;
        end loop;
        v_ascii := v_ascii || substr('abcdefghijklmnopqrstuvwxyz0123456789', v_q::integer + 1, 1);
        v_bias := usher.punycode_bias(v_delta, v_done + 1, v_done = v_basic);
        v_delta := 0;
        v_done := v_done + 1;
      end if;
    end loop;
    v_delta := v_delta + 1;
    v_next := v_next + 1;
  end loop;
  return v_ascii;
end
$$;
comment on function usher.label_to_ascii is
  'A label of a normalised domain as the DNS writes it: xn--…, or as it is where it is ASCII. RFC 3492 section 6.3.';

create function usher.label_to_unicode(label text)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_basic text := coalesce(substring(label_to_unicode.label from '^xn--(.*)-[^-]*$'), '');
  v_rest  text := substring(label_to_unicode.label from '^xn--(?:.*-)?([^-]*)$');
  v_text  text := v_basic;
  v_next  bigint := 128::bigint;
  v_i     bigint := 0::bigint;
  v_bias  integer := 72;
  v_from  bigint;
  v_w     bigint;
  v_k     integer;
  v_t     integer;
  v_digit bigint;
  v_count integer;
begin
  if v_rest is null or length(label_to_unicode.label) > 63 then
    return label_to_unicode.label;
  end if;
  while v_rest <> '' loop
    v_from := v_i;
    v_w := 1;
    v_k := 36;
    loop
      v_digit := (position(left(v_rest, 1) in 'abcdefghijklmnopqrstuvwxyz0123456789') - 1)::bigint;
      -- Not punycode, or of no letter that there is.
      if v_rest = '' or v_digit < 0 or v_w > 100000000 then
        return label_to_unicode.label;
      end if;
      v_rest := substr(v_rest, 2);
      v_i := v_i + v_digit * v_w;
      v_t := least(greatest(v_k - v_bias, 1), 26);
      exit when v_digit < v_t;
      v_w := v_w * (36 - v_t);
      v_k := v_k + 36;
    end loop;
    v_count := length(v_text) + 1;
    v_bias := usher.punycode_bias(v_i - v_from, v_count, v_from = 0);
    v_next := v_next + v_i / v_count;
    v_i := v_i % v_count;
    if v_next > 1114111 or v_next between 55296 and 57343 then
      return label_to_unicode.label;
    end if;
    v_text := left(v_text, v_i::integer) || chr(v_next::integer) || substr(v_text, v_i::integer + 1);
    v_i := v_i + 1;
  end loop;
  return v_text;
end
$$;
comment on function usher.label_to_unicode is
  'A label of a normalised domain as people write it; as it is where it is no punycode. RFC 3492 section 6.2.';

create function usher.spellings(email text)
returns text[]
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select array(
    select $1
    union
    select split_part($1, '@', 1) || '@' || f.domain
    from (
      select string_agg(usher.label_to_ascii(l.label), '.' order by l.n), string_agg(usher.label_to_unicode(l.label), '.' order by l.n)
      from regexp_split_to_table(split_part($1, '@', 2), '\.') with ordinality l (label, n)
    ) s (in_ascii, in_unicode)
    cross join lateral (values (s.in_ascii), (s.in_unicode)) f (domain)
    where position('@' in $1) > 0)
$$;
comment on function usher.spellings is
  'An address as it may be written: its domain in its own letters, and in the ASCII of the DNS.';

create function usher.person_traces(user_ids uuid[], email text)
returns usher.person_traces
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
  v_traces.emails := array(select distinct s from unnest(v_traces.emails) e cross join lateral unnest(usher.spellings(e)) s);
  -- An address of theirs from before may be somebody else's today.
  v_traces.emails := array(
    select e from unnest(v_traces.emails) e
    where position('@' in e) > 1 and e not like 'erased@%.invalid'
      and (e = person_traces.email or not exists (
        select from auth.users u
        where usher.normalise_email(u.email) = e and u.id <> all (v_traces.user_ids))));
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
comment on function usher.person_traces is
  'By what a person is known: of these accounts, or of a normalised address with or without one.';

create function usher.percent_pattern(letter text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$ select regexp_replace(encode(convert_to($1, 'UTF8'), 'hex'), '(..)', '%(?:25)*\1', 'g') $$;
comment on function usher.percent_pattern is 'A pattern that finds a character in its percent-encoded form (RFC 3986 section 2.1).';

create function usher.word_pattern(word text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(case
    when p.part ~ '[[:space:]\u00a0]' collate "und-x-icu"
      then '(?:[[:space:]\u00a0]|\\[nrt]|\+|%(?:25)*(?:20|09|0a|0d|c2%(?:25)*a0))+'
    when p.part ~ '[a-zA-Z0-9_~-]' then p.part
    when p.part = '.' then '\.'
    when p.part = '"' then '(?:\\?"|%(?:25)*22)'
    when p.part = '\' then '(?:\\{1,2}|%(?:25)*5c)'
    when ascii(p.part) < 128 then '(?:\' || p.part || '|' || usher.percent_pattern(p.part) || ')'
    else '(?:' || p.part || '|' || usher.percent_pattern(lower(p.part collate "und-x-icu")) || '|'
      || usher.percent_pattern(upper(p.part collate "und-x-icu")) || ')'
  end, '' order by w.n)
  from regexp_matches($1 collate "und-x-icu", '[[:space:]\u00a0]+|.', 'g') with ordinality w (match, n)
  cross join lateral (select w.match[1] as part) p
$$;
comment on function usher.word_pattern is
$$A pattern that finds an address or a name as it is written, in JSON, and percent-encoded in a URL, also more than once;
whatever blanks, or line breaks, are between its words.$$;

create function usher.words_pattern(words text[], is_whole boolean)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_any text;
begin
  select string_agg(usher.word_pattern(w), '|' order by length(w) desc)
  into v_any
  from unnest(words_pattern.words) w;
  -- Of joanne@example.com, anne@example.com is no part; nor of anne@example.com.au.
  return case when words_pattern.is_whole
    -- In a URL, what is before may be encoded as well, and a plus sign be a blank.
    then '(?:(?<![[:alnum:]._%+-])|(?<=%(?:[013-46-9a-f][[:xdigit:]]|2[0-46-9acf]|5[0-9a-e]))'
      || '|(?<=\+)(?=[^@[:space:]]+%(?:25)*40))(?:' || v_any || ')(?![[:alnum:]_-]|\.[[:alnum:]])' else v_any end;
end
$$;
comment on function usher.words_pattern is
  'A pattern that finds any of these words; is_whole: only where it is not part of a longer one. Null: there are none.';

create function usher.searched_words(traces usher.person_traces)
returns table (emails text[], names text[])
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
comment on function usher.searched_words is
  'What of a person is looked for in texts: addresses, and names of two words or more.';

create function usher.report_traces(traces usher.person_traces)
returns table (place text, data jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_traces usher.person_traces := report_traces.traces;
  v_words  record;
  v_known  text;
  v_names  text;
  v_table  regclass;
  v_mailboxes text[] := array(select usher.mailbox(e) from unnest((report_traces.traces).emails) e);
begin
  select * into v_words from usher.searched_words(v_traces);
  v_known := usher.words_pattern(v_words.emails
    || (v_traces.user_ids || v_traces.member_ids || v_traces.invite_ids)::text[], false);
  v_names := usher.words_pattern(v_words.names, false);

  for v_table in select usher.own_tables() loop
    -- What opens something is no data of a person, and a report is handed out.
    return query execute format(
      $query$
        select %1$L, r.data - $4
        from %1$s t
        cross join lateral (select to_jsonb(t) as data) r
        where r.data::text collate "und-x-icu" ~* $1
          or r.data ->> %2$L = any ($3::text[]) and r.data::text collate "und-x-icu" ~* $2
      $query$,
      case when position('.' in v_table::text) = 0 then 'public.' || v_table::text else v_table::text end,
      case when v_table = 'public.organisations'::regclass then 'id' else 'organisation_id' end)
    using v_known, v_names, v_traces.organisation_ids, array(
      select a.attname from pg_catalog.pg_attribute a
      where a.attrelid = v_table and (a.atttypid = 'bytea'::regtype or a.attname in ('token', 'secret')));
  end loop;

  -- What they want is kept for their mailbox, whatever tag they said it with.
  return query
    select 'usher.mail_opt_outs', to_jsonb(o)
    from usher.mail_opt_outs o
    where o.email = any (v_mailboxes) and o.email <> all (v_traces.emails)
    union all
    select 'usher.suppressed_addresses', to_jsonb(s)
    from usher.suppressed_addresses s
    where s.reason = 'complaint' and usher.mailbox(s.email) = any (v_mailboxes) and s.email <> all (v_traces.emails);

  return query
    select 'auth.users', to_jsonb(u) - array['encrypted_password', 'confirmation_token', 'recovery_token',
      'email_change_token_new', 'email_change_token_current', 'phone_change_token', 'reauthentication_token']
    from auth.users u where u.id = any (v_traces.user_ids);
  -- Auth's own table, which a stand-in for Auth may lack.
  if to_regclass('auth.identities') is not null then
    return query
      select 'auth.identities', to_jsonb(d) from auth.identities d where d.user_id = any (v_traces.user_ids);
  end if;
end
$$;
comment on function usher.report_traces is 'Every row in which a person is known by one of these traces.';

create function usher.report_person(user_id uuid)
returns table (place text, data jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := (select usher.normalise_email(u.email) from auth.users u where u.id = report_person.user_id);
begin
  return query
    select r.place, r.data
    from usher.report_traces(usher.person_traces(
      array(select report_person.user_id union select unnest(usher.accounts_of(v_email))), v_email)) r;
end
$$;
comment on function usher.report_person is
$$Everything that is held of a person (GDPR article 15): each row of ours in which their account, their address or
their full name stands, and what Supabase Auth keeps of the account. For operators.

  user_id  the account; one that is gone is still found in the trail

Returns the table, and the row without hashes and keys. Look through it before it is handed out: a row may hold what
belongs to others, such as whom they have invited (article 15(4)).$$;

create function usher.report_address(email text)
returns table (place text, data jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := usher.normalise_email(report_address.email);
begin
  if v_email is null then
    perform usher.fail('invalid_email');
  end if;
  return query
    select r.place, r.data from usher.report_traces(usher.person_traces(usher.accounts_of(v_email), v_email)) r;
end
$$;
comment on function usher.report_address is
$$As usher.report_person, by an address, with an account or without. An account of single sign-on has the address that
its provider names: look who it is. Fails with invalid_email. For operators.$$;

create function usher.redact_everywhere(traces usher.person_traces)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_traces  usher.person_traces := redact_everywhere.traces;
  v_words   record;
  v_known   text[];
  v_instead text;
  v_column  record;
begin
  select * into v_words from usher.searched_words(v_traces);
  -- Of the kind that columns of addresses, names and titles take, and never longer than what it stands for. Not the
  -- same each time, so that two who are erased do not become one where names are unique.
  v_instead := left('erased-' || encode(extensions.gen_random_bytes(2), 'hex'),
    (select min(length(regexp_replace(w collate "und-x-icu", '[[:space:]]+', ' ', 'g')))
      from unnest(v_words.emails || v_words.names) w));

  for v_column in
    select t.id as table_id, n.nspname || '.' || c.relname as table_name, a.attname as name,
      coalesce(nullif(y.typbasetype, 0), y.oid)::regtype::text as type, k.what as kept,
      exists (
        select from pg_catalog.pg_attribute o
        where o.attrelid = t.id and o.attname = 'organisation_id' and not o.attisdropped) as is_of_organisation
    from usher.own_tables() t (id)
    join pg_catalog.pg_class c on c.oid = t.id
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a
      on a.attrelid = t.id and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    join pg_catalog.pg_type y on y.oid = a.atttypid
    left join usher.kept_at_erasure() k on k.place = n.nspname || '.' || c.relname || '.' || a.attname
    where t.id <> 'public.organisation_audit_events'::regclass
      and k.what is distinct from 'all'
      and coalesce(nullif(y.typbasetype, 0), y.oid)::regtype::text in (
        'text', 'character varying', 'citext', 'extensions.citext', 'character', 'text[]', 'character varying[]', 'json',
        'jsonb')
    order by t.id::text, a.attnum
  loop
    for v_known in
      select w.words
      from (values (v_words.emails, false), (v_words.names, true)) w (words, are_names)
      where cardinality(w.words) > 0
        and (not w.are_names or v_column.kept is null and v_column.is_of_organisation)
    loop
      execute format(
        case
          when v_column.type like 'json%' then
            'update %1$s t set %2$I = usher.redact(t.%2$I::jsonb, $2, $3)::%3$s
            where t.%2$I::text collate "und-x-icu" ~* $1'
          when v_column.type like '%[]' then
            'update %1$s t set %2$I = array(
              select usher.redact(e.value, $2, $3) from unnest(t.%2$I) with ordinality e (value, n) order by e.n)
            where array_to_string(t.%2$I, '' '') collate "und-x-icu" ~* $1'
          else 'update %1$s t set %2$I = usher.redact(t.%2$I::text, $2, $3)
            where t.%2$I::text collate "und-x-icu" ~* $1'
        end || case when v_known = v_words.names then ' and t.organisation_id = any ($4)' else '' end,
        v_column.table_name, v_column.name, v_column.type)
      using usher.words_pattern(v_known, false), usher.words_pattern(v_known, true), v_instead, v_traces.organisation_ids;
    end loop;
  end loop;
end
$$;
comment on function usher.redact_everywhere is
$$Takes the addresses of a person out of every text of ours, and their full names out of the texts of the organisations
that know them, but for usher.kept_at_erasure().$$;

create function usher.erase_traces(traces usher.person_traces)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_traces usher.person_traces := erase_traces.traces;
begin
  -- Every organisation that knows them, alone: nothing of theirs changes while they are forgotten.
  perform usher.lock_organisation(o.id, 'settings')
    from (
      select unnest(v_traces.organisation_ids) as id
      union
      select i.organisation_id from usher.invites i where i.id = any (v_traces.invite_ids)
      union
      select d.organisation_id from public.organisation_deliveries d
      where d.id = any (v_traces.delivery_ids) and d.organisation_id is not null
      order by 1
    ) o;
  -- Their open invites end, so that no mail goes out any more.
  perform usher.end_invite(i.id, null)
    from usher.invites i
    where i.status = 'pending' and i.email = any (v_traces.emails)
    order by i.id;
  -- Stops are kept by the mailbox, whatever the tag.
  perform usher.keep_stops(array(
    select e from unnest(v_traces.emails) e union select usher.mailbox(e) from unnest(v_traces.emails) e));

  -- Their mails are out there, with a link to stop more, and servers that may yet answer.
  insert into usher.erased_deliveries (delivery_id, recipient_hash, mailbox_hash)
  select d.id, usher.address_hash(d.recipient), usher.address_hash(d.mailbox)
  from public.organisation_deliveries d
  where (d.recipient = any (v_traces.emails) or d.member_id = any (v_traces.member_ids))
    and d.recipient <> usher.erased_recipient(d.id)
  on conflict on constraint erased_deliveries_pkey do nothing;

  -- In the words of RFC 2606, an address that can never be anyone's.
  update public.organisation_deliveries d
  set recipient = usher.erased_recipient(d.id), facts = '{}', last_response = null,
    status = case when d.status in ('queued', 'sending') then 'cancelled' else d.status end
  where d.recipient = any (v_traces.emails) or d.member_id = any (v_traces.member_ids);
  -- To others, about them: whoever acted is nobody in particular, and news of an invite has lost what it tells.
  update public.organisation_deliveries d
  set facts = d.facts
    || case when d.facts ->> 'actor_email' = any (v_traces.emails)
      then '{"actor_email": null, "actor_name": null}'::jsonb else '{}' end
    || case when d.facts ->> 'owner_name' = any (v_traces.names) then '{"owner_name": null}'::jsonb else '{}' end,
    status = case when d.status in ('queued', 'sending')
      and (d.invite_id = any (v_traces.invite_ids) or d.facts ->> 'requester_email' = any (v_traces.emails))
      then 'cancelled' else d.status end
  where d.organisation_id = any (v_traces.organisation_ids)
    and (d.invite_id = any (v_traces.invite_ids) or d.facts ->> 'requester_email' = any (v_traces.emails)
      or d.facts ->> 'actor_email' = any (v_traces.emails) or d.facts ->> 'owner_name' = any (v_traces.names));
  update usher.invites i
  set email = 'erased@' || i.id || '.invalid', message = null, declined_reason = null, revoked_reason = null,
    metadata = '{}'
  where i.id = any (v_traces.invite_ids) and i.kind = 'user';
  update public.organisation_join_requests r
  set email = 'erased@' || r.id || '.invalid', reason = null
  where r.user_id = any (v_traces.user_ids) or r.email = any (v_traces.emails);
  update public.organisation_access_review_items i
  set reason = case when i.decision = 'withdrawn' then '-' end
  where i.user_id = any (v_traces.user_ids) and i.reason is not null;
  update public.organisations o set reply_to = null where o.reply_to = any (v_traces.emails);
  delete from usher.sign_up_invites s
  where s.user_id = any (v_traces.user_ids) or s.invite_id = any (v_traces.invite_ids);
  delete from usher.idempotency_keys k where k.user_id = any (v_traces.user_ids);
  delete from usher.directory_users d
  where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids);

  perform usher.erase_from_trail(v_traces);

  perform usher.record_event(m.organisation_id, 'person.erased', 'user', m.user_id)
    from public.organisation_members m where m.id = any (v_traces.member_ids);
  -- Who never had an account here is known to others by the invite alone.
  perform usher.record_event(i.organisation_id, 'person.erased', 'invite', i.id)
    from usher.invites i
    where i.id = any (v_traces.invite_ids) and not exists (
      select from public.organisation_members m
      where m.organisation_id = i.organisation_id and m.id = any (v_traces.member_ids));
  update public.organisation_members m
  set email = null, display_name = null, status_reason = null
  where m.id = any (v_traces.member_ids);
  insert into usher.erased_members (member_id) select unnest(v_traces.member_ids)
  on conflict on constraint erased_members_pkey do nothing;
  perform usher.redact_everywhere(v_traces);
end
$$;
comment on function usher.erase_traces is 'Forgets a person by all that they are known by.';

create function usher.erase_from_trail(traces usher.person_traces)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_traces usher.person_traces := erase_from_trail.traces;
  v_words  record;
  v_emails text;
  v_names  text;
  v_events uuid[];
begin
  select * into v_words from usher.searched_words(v_traces);
  v_emails := usher.words_pattern(v_words.emails, false);
  v_names := usher.words_pattern(v_words.names, false);
  v_events := array(
    select e.id
    from public.organisation_audit_events e
    where num_nonnulls(e.reason, e.ip, e.claimed_ip, e.user_agent) > 0
      and (e.actor_id = any (v_traces.user_ids) or e.target_id = any (v_traces.user_ids)
        -- What they did with a link and without a session, and what somebody said of them.
        or (e.target_id = any (v_traces.invite_ids) or e.target_id = any (v_traces.delivery_ids))
          and (e.actor_kind = 'invitee' or e.reason is not null)
        or concat_ws(' ', e.reason, e.user_agent) collate "und-x-icu" ~* v_emails
        or e.organisation_id = any (v_traces.organisation_ids) and e.reason collate "und-x-icu" ~* v_names));

  perform set_config('usher.audit_exception', 'UPDATE', true);
  update usher.sealed_events c set personal_salt = null where c.event_id = any (v_events);
  update public.organisation_audit_events e
  set reason = null, ip = null, claimed_ip = null, user_agent = null
  where e.id = any (v_events);
  perform set_config('usher.audit_exception', '', true);
end
$$;
comment on function usher.erase_from_trail is
$$Takes what is personal out of the lines of the trail that a person caused, that are about them, or whose reason names
them; and with it the salt of its hash, so that nothing can be tried against that.$$;

create function usher.erase_person(user_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := (select usher.normalise_email(u.email) from auth.users u where u.id = erase_person.user_id);
begin
  perform usher.erase_traces(usher.person_traces(
    array(select erase_person.user_id union select unnest(usher.accounts_of(v_email))), v_email));
end
$$;
comment on function usher.erase_person is
$$Forgets a person: addresses, names, reasons, computers and browsers go from members, invites, mails to them and to
others, texts that name them, and the trail. What they were and did stays, under an id that no longer leads to
anyone; a ban, and that they want no mail, hold. For operators; then delete the account in Auth, which an owner has
to be relieved of first.

  user_id  the account; while it is still there, its address leads to all that was there before the account

What stays, and why, is in usher.kept_at_erasure(). Where the account changes its address or name later, nothing of
it comes back.$$;

create function usher.erase_address(email text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := usher.normalise_email(erase_address.email);
begin
  if v_email is null then
    perform usher.fail('invalid_email');
  end if;
  perform usher.erase_traces(usher.person_traces(usher.accounts_of(v_email), v_email));
end
$$;
comment on function usher.erase_address is
$$As usher.erase_person, by an address: for whoever was invited, asked or named by a directory and has no account, or
has deleted it. Accounts with the address are erased as well. Fails with invalid_email. For operators.$$;
