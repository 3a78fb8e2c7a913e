-- The audit trail: what happened, who did it, to whom, from where. Lines are only ever added.
--
-- A line is written in the transaction of the change that it tells of, so neither is there without the
-- other. It holds ids, roles and times but no address, so that a person can be erased without touching it.
-- It outlives its organisation: hence no foreign key. Reading needs audit.read.

create table public.organisation_audit_events (
  id              uuid primary key default gen_random_uuid(),
  organisation_id uuid not null,
  occurred_at     timestamptz not null default clock_timestamp(),
  event           text not null,
  actor_kind      text not null,
  actor_id        uuid,
  target_kind     text not null,
  target_id       uuid not null,
  before          jsonb,
  after           jsonb,
  reason          text,
  ip              text,
  user_agent      text,

  constraint organisation_audit_events_actor_kind
    check (actor_kind in ('user', 'device', 'invitee', 'directory', 'worker', 'operator'))
);
comment on table public.organisation_audit_events is
  'The append-only record. Read with audit.read; written in the transaction of the change itself.';
comment on column public.organisation_audit_events.event is 'thing.happened, such as invite.accepted.';
comment on column public.organisation_audit_events.actor_kind is
  'user, device; invitee: the holder of a link, without a session; directory: an identity provider, with the
rights of actor_id, who made its token; worker; operator: by SQL.';
comment on column public.organisation_audit_events.ip is
  'As the API''s first proxy reports it (x-forwarded-for); null for SQL and for the worker.';

create index organisation_audit_events_newest
  on public.organisation_audit_events (organisation_id, occurred_at desc, id desc);

alter table public.organisation_audit_events enable row level security;
create policy organisation_audit_events_select on public.organisation_audit_events
  for select to authenticated
  using (organisation_id in (select usher.organisations_where('audit.read')));
grant select on public.organisation_audit_events to authenticated, service_role;

-- Retention (22_audit_erasure.sql) and erasure (71_erasure.sql) may take away what the law says must go; they say
-- so for the length of their transaction. Nobody who comes through the API holds update or delete in any case.
create function usher.tg_organisation_audit_events__append_only()
returns trigger
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
comment on function usher.tg_organisation_audit_events__append_only is
  'Refuses to change or remove a line, whoever asks, but for retention and erasure.';

create trigger usher_append_only
before update or delete or truncate on public.organisation_audit_events
for each statement execute function usher.tg_organisation_audit_events__append_only();

create function usher.redact(value text, pattern text, replacement text)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return regexp_replace(redact.value collate "und-x-icu", redact.pattern, redact.replacement, 'gi');
end
$$;
comment on function usher.redact(text, text, text) is
  'A text in which a replacement stands for all that fits a pattern, in any case.';

create function usher.redact(value jsonb, pattern text, replacement text)
returns jsonb
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
comment on function usher.redact(jsonb, text, text) is
  'A JSON value in which a replacement stands for all that fits a pattern, in any text of it, keys included.';

create function usher.without_addresses(value jsonb)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Most lines have none, and looking for the sign is all that they cost.
  if position('@' in without_addresses.value::text) = 0 then
    return without_addresses.value;
  end if;
  return usher.redact(without_addresses.value, '[^[:space:]"''@<>(),;:/=]+@([[:alnum:]-]+\.)', '…@\1');
end
$$;
comment on function usher.without_addresses is
$$What a line of the trail may say of a change: of mail addresses in it, only the domain. Lines are sealed, so that
an address in one could never be forgotten.$$;

create function usher.record_events(
  organisation_id uuid,
  event           text,
  target_kind     text,
  target_ids      uuid[],
  before          jsonb,
  afters          jsonb[],
  reason          text,
  actor_kind      text
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_headers jsonb := nullif(current_setting('request.headers', true), '');
begin
  insert into public.organisation_audit_events (
    organisation_id, event, actor_kind, actor_id, target_kind, target_id,
    before, after, reason, ip, user_agent)
  select record_events.organisation_id, record_events.event,
    coalesce(record_events.actor_kind, case
      when auth.uid() is null then 'operator'
      when coalesce(current_setting('usher.directory', true), '') <> '' then 'directory'
      else 'user'
    end), auth.uid(),
    record_events.target_kind, t.id, usher.without_addresses(record_events.before),
    usher.without_addresses(t.after), record_events.reason,
    left(btrim(split_part(v_headers ->> 'x-forwarded-for', ',', 1)), 64), left(v_headers ->> 'user-agent', 500)
  from unnest(record_events.target_ids, record_events.afters) t (id, after);
end
$$;
comment on function usher.record_events is
  'Adds a line to the audit trail for each of several targets. See usher.record_event.';

create function usher.record_event(
  organisation_id uuid,
  event           text,
  target_kind     text,
  target_id       uuid,
  before          jsonb default null,
  after           jsonb default null,
  reason          text default null,
  actor_kind      text default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform usher.record_events(
    record_event.organisation_id, record_event.event, record_event.target_kind, array[record_event.target_id],
    record_event.before, array[record_event.after], record_event.reason, record_event.actor_kind);
end
$$;
comment on function usher.record_event is
$$Adds a line to the audit trail.

  event          thing.happened, such as invite.revoked
  target         what it happened to
  before, after  what changed, as it was and as it is; ids and values, never an address or a token
  actor_kind     null: the caller, or an operator when there is none$$;
