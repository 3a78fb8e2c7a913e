-- The audit trail: what happened, who did it, to whom, from where. Lines are only ever added.
--
-- A line is written in the transaction of the change that it tells of, so neither is there without the
-- other. It holds ids, roles and times but no address, so that a person can be erased without touching what
-- changed; a name that somebody wrote into a text or a title may stand there, and stays.
-- It outlives its organisation: hence no foreign key. Reading needs audit.read.

-- One check and not two: see usher.is_sound_invite.
create function usher.is_sound_event(
  actor_kind text,
  reason text,
  ip text,
  claimed_ip text,
  user_agent text
) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return is_sound_event.actor_kind in ('user', 'device', 'invitee', 'directory', 'worker', 'operator')
    and length(is_sound_event.reason) <= 1000
    and length(is_sound_event.ip) <= 64
    and length(is_sound_event.claimed_ip) <= 64
    and length(is_sound_event.user_agent) <= 500;
end
$$;
comment on function usher.is_sound_event
  is 'What holds for every row of public.organisation_audit_events: who may be the actor, and how long texts may be.';

create table public.organisation_audit_events (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null,
  occurred_at timestamptz not null default clock_timestamp(),
  event text not null,
  actor_kind text not null,
  actor_id uuid,
  target_kind text not null,
  target_id uuid not null,
  before jsonb,
  after jsonb,
  reason text,
  ip text,
  user_agent text,
  claimed_ip text,
  constraint organisation_audit_events_are_sound check (
    usher.is_sound_event(actor_kind, reason, ip, claimed_ip, user_agent)
  )
);
comment on table public.organisation_audit_events
  is 'The append-only record. Read with audit.read; written in the transaction of the change itself.';
comment on column public.organisation_audit_events.event
  is 'thing.happened, such as invite.accepted.';
comment on column public.organisation_audit_events.actor_kind
  is 'user, device; invitee: the holder of a link, without a session; directory: an identity provider, with the
rights of actor_id, who answers for its token; worker; operator: by SQL.';
comment on column public.organisation_audit_events.ip
  is 'Who called, as the API''s gateway says: see usher.settings.client_address_header. Null for SQL and the worker.';
comment on column public.organisation_audit_events.claimed_ip
  is 'What the request said of its address beside that, which anybody can write; null where it said nothing else.';

create index organisation_audit_events_newest
  on public.organisation_audit_events (
  organisation_id,
  occurred_at desc,
  id desc
);

alter table public.organisation_audit_events enable row level security;
create policy organisation_audit_events_select
  on public.organisation_audit_events
  for select
  to authenticated
  using (organisation_id in (select usher.organisations_where('audit.read')));
grant select on public.organisation_audit_events to authenticated, service_role;

-- Retention (04_audit_retention.sql) and erasure (90_operators/06_erasure.sql) take away what by law must go; they say
-- so for the length of their transaction. Nobody who comes through the API holds update or delete in any case.
create function usher.tg_organisation_audit_events__append_only() returns trigger
  language plpgsql
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if tg_op = current_setting('usher.audit_exception', true) then
    return null;
  end if;
  raise exception 'The audit trail is append-only.'
    using errcode = 'insufficient_privilege', hint = 'Lines can be added and read, never changed or removed.';
end
$$;
comment on function usher.tg_organisation_audit_events__append_only
  is 'Refuses to change or remove a line, whoever asks, but for retention and erasure.';

create trigger usher_append_only
  before update or delete or truncate
  on public.organisation_audit_events
  for each statement
  execute function usher.tg_organisation_audit_events__append_only();

create function usher.redact(
  value text,
  pattern text,
  replacement text
) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return regexp_replace(redact.value collate "und-x-icu", redact.pattern, redact.replacement, 'gi');
end
$$;
comment on function usher.redact(text, text, text)
  is 'A text in which a replacement stands for all that fits a pattern, in any case.';

create function usher.redact(
  value jsonb,
  pattern text,
  replacement text
) returns jsonb
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Value by value: in the text of JSON, the n of a line break would stand before the word that follows it.
  return case jsonb_typeof(redact.value)
    when 'string' then to_jsonb(usher.redact(redact.value #>> '{}', redact.pattern, redact.replacement))
    when 'array' then (
      select coalesce(jsonb_agg(usher.redact(a.value, redact.pattern, redact.replacement) order by a.n), '[]')
      from jsonb_array_elements(redact.value) with ordinality a (value, n))
    when 'object' then (
      select coalesce(jsonb_object_agg(usher.redact(o.key, redact.pattern, redact.replacement),
        usher.redact(o.value, redact.pattern, redact.replacement)), '{}')
      from jsonb_each(redact.value) o)
    else redact.value
  end;
end
$$;
comment on function usher.redact(jsonb, text, text)
  is 'A JSON value in which a replacement stands for all that fits a pattern, in any text of it, keys included.';

create function usher.without_addresses(value jsonb) returns jsonb
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Most lines have none, and looking for the sign is all that they cost.
  if without_addresses.value is null or without_addresses.value::text !~ '[@\uff20\ufe6b]|%(?:25)*40' then
    return without_addresses.value;
  end if;
  -- A name before the sign may hold all that RFC 5321 lets stand in a dot-atom: o'brien, a/b, c=d. So what is written
  -- up against one goes with it, but for the beginning of a URL, up to what it says of a thing.
  return usher.redact(without_addresses.value,
    '(://[[:alnum:].-]+(?::[0-9]+)?(?:/[^[:space:]"@<>(),;:?]*)?\?'
    '(?:[^[:space:]"@<>(),;:=&]+=[^[:space:]"@<>(),;:=&]*&)*'
    || '[^[:space:]"@<>(),;:=&%]+=)?[^[:space:]"@\uff20\ufe6b<>(),;:]+(?:[@\uff20\ufe6b]|%(?:25)*40)([[:alnum:]%-]+\.)',
    '\1…@\2');
end
$$;
comment on function usher.without_addresses
  is $$What a line of the trail may say of a change: of mail addresses, also percent-encoded ones, only the domain.
Lines are sealed, so that an address in one could never be forgotten.$$;

create function usher.read_address(value text) returns inet
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_value text;
begin
  if length(read_address.value) <= 15
    and read_address.value ~ '^[0-9]{1,3}(\.[0-9]{1,3}){3}$' collate "C"
  then
    return read_address.value::inet;
  end if;
  v_value := btrim(left(read_address.value, 100));
  -- With a port, as some gateways write it, or an IPv4 address in the clothes of IPv6.
  v_value := coalesce(
    (regexp_match(v_value, '^\[([0-9a-f:.]{2,45})\](?::\d{1,5})?$', 'i'))[1],
    (regexp_match(v_value, '^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?$', 'i'))[1],
    (regexp_match(v_value, '^[0-9a-f:.]{2,45}$', 'i'))[1]);
  return v_value::inet;
exception
  when invalid_text_representation then
    return null;
end
$$;
comment on function usher.read_address
  is 'The address in one place of a header; null for what is none.';

create function usher.client_address(
  headers jsonb,
  out ip text,
  out claimed_ip text
) returns record
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_settings  record;
  v_forwarded text := client_address.headers ->> 'x-forwarded-for';
  v_chain     text[];
  v_address   inet;
begin
  if client_address.headers is null then
    return;
  end if;
  select s.client_address_header as header, s.trusted_proxies into strict v_settings from usher.settings s;
  -- One plain address of the gateway's own, and nobody says another: no chain to walk.
  client_address.ip := client_address.headers ->> v_settings.header;
  if v_settings.header <> 'x-forwarded-for' and v_settings.trusted_proxies = '{}'
    and length(client_address.ip) <= 15
    and host(usher.read_address(client_address.ip)) = client_address.ip
    and coalesce(v_forwarded, client_address.ip) = client_address.ip
  then
    return;
  end if;
  client_address.ip := null;
  -- Of a header as long as a gateway lets it be, no more is read than the hops that we can have; the first of what is
  -- left may be half of one.
  v_chain := string_to_array(right(v_forwarded, 1000), ',');
  if length(v_forwarded) > 1000 then
    v_chain := v_chain[2:];
  end if;
  if v_settings.header <> 'x-forwarded-for' then
    v_chain := case when client_address.headers ->> v_settings.header is not null
      then v_chain || (client_address.headers ->> v_settings.header) end;
  end if;

  -- From the gateway outwards: each hop is vouched for by the one after it, as far as those are ours.
  for v_hop in reverse coalesce(cardinality(v_chain), 0) .. 1 loop
    v_address := usher.read_address(v_chain[v_hop]);
    exit when v_address is null;
    client_address.ip := host(v_address);
    exit when not v_address <<= any (v_settings.trusted_proxies);
  end loop;

  client_address.claimed_ip := nullif(
    regexp_replace(left(split_part(left(v_forwarded, 1000), ',', 1), 64), '[^!-~]', '', 'g'), '');
  if client_address.claimed_ip = client_address.ip
    or host(usher.read_address(client_address.claimed_ip)) = client_address.ip
  then
    client_address.claimed_ip := null;
  end if;
end
$$;
comment on function usher.client_address
  is $$Where a request came from, out of its headers as PostgREST gives them.

  ip          what the gateway itself says; null where it says nothing, or nothing that is an address
  claimed_ip  the first place of x-forwarded-for, which anybody can write, where it says something else$$;

create function usher.record_events(
  organisation_id uuid,
  event text,
  target_kind text,
  target_ids uuid[],
  before jsonb,
  afters jsonb[],
  reason text,
  actor_kind text,
  is_bulk boolean default false
) returns uuid[]
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_headers    jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
  v_address    record;
  v_actor_id   uuid := auth.uid();
  v_actor_kind text := coalesce(record_events.actor_kind, case
    when v_actor_id is null then 'operator'
    when coalesce(current_setting('usher.directory', true), '') <> '' then 'directory'
    else 'user'
  end);
  v_before     jsonb := usher.without_addresses(record_events.before);
  v_lines      uuid[] := array(select gen_random_uuid() from unnest(record_events.target_ids));
begin
  v_address := usher.client_address(v_headers);
  insert into public.organisation_audit_events (
    id, organisation_id, event, actor_kind, actor_id, target_kind, target_id,
    before, after, reason, ip, claimed_ip, user_agent)
  select l.id, record_events.organisation_id, record_events.event, v_actor_kind, v_actor_id,
    record_events.target_kind, l.target_id, v_before, usher.without_addresses(l.after), record_events.reason,
    v_address.ip, v_address.claimed_ip, left(v_headers ->> 'user-agent', 500)
  from unnest(v_lines, record_events.target_ids, record_events.afters) l (id, target_id, after);
  insert into usher.outbox (event_id, is_bulk)
  select l.id, record_events.is_bulk from unnest(v_lines) l (id);
  return v_lines;
end
$$;
comment on function usher.record_events
  is $$Adds a line to the audit trail for each of several targets, and says that they are fresh. See usher.record_event.

  is_bulk  whether mails and webhook calls of theirs stand behind those that somebody waits for

Returns the ids of the lines.$$;

create function usher.record_event(
  organisation_id uuid,
  event text,
  target_kind text,
  target_id uuid,
  before jsonb default null,
  after jsonb default null,
  reason text default null,
  actor_kind text default null,
  is_bulk boolean default false
) returns uuid
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return (usher.record_events(
    record_event.organisation_id, record_event.event, record_event.target_kind, array[record_event.target_id],
    record_event.before, array[record_event.after], record_event.reason, record_event.actor_kind,
    record_event.is_bulk))[1];
end
$$;
comment on function usher.record_event
  is $$Adds a line to the audit trail.

  event          thing.happened, such as invite.revoked
  target         what it happened to
  before, after  what changed, as it was and as it is; ids and values, never an address or a token
  actor_kind     null: the caller, or an operator when there is none
  is_bulk        as in usher.record_events

Which mails follow it stands in 70_worker/01_event_mails.sql. Returns the id of the line.$$;
