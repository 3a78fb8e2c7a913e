-- Seals: proof that the trail is whole.
--
-- A worker seals what has happened, organisation by organisation: a seal holds the hash of the events that it
-- covers, chained to the seal before. Nobody who writes an event waits for it. Whoever changes, removes or
-- inserts a line afterwards breaks the seal that covers it; whoever removes seals from the end is found out by
-- a copy of the last one kept elsewhere.
--
-- Sources: RFC 6962 for chaining what is append-only; ISO/IEC 27001:2022 A.8.15, protection of logs.

create table usher.audit_seals (
  organisation_id uuid not null,
  number integer not null,
  sealed_at timestamptz not null default clock_timestamp(),
  events integer not null,
  first_event_at timestamptz not null,
  last_event_at timestamptz not null,
  hash bytea not null,
  purged_at timestamptz,
  primary key (organisation_id, number)
);
comment on table usher.audit_seals
  is 'The chain of seals, from 1 for each organisation.';
comment on column usher.audit_seals.purged_at
  is 'When its events were removed because their time was over; their hashes stay.';
comment on column usher.audit_seals.hash
  is 'SHA-256 over the hash of the seal before and the hashes of the events that it covers, in order.';
alter table usher.audit_seals enable row level security;
create policy audit_seals_nobody
  on usher.audit_seals
  for select
  to public
  using (false);

create table usher.sealed_events (
  event_id uuid primary key,
  organisation_id uuid not null,
  seal_number integer not null,
  position integer not null,
  hash bytea not null,
  personal_hash bytea not null,
  personal_salt bytea,
  constraint sealed_events_position unique (
    organisation_id,
    seal_number,
    position
  ),
  constraint sealed_events_seal
    foreign key (organisation_id, seal_number) references usher.audit_seals
);
comment on table usher.sealed_events
  is $$Which seal covers an event, at which place, and its SHA-256 by then. What is personal (address of the
computer, browser, reason) is hashed apart, with a salt: without the salt, nothing can be tried against the
hash, so that it may stay when the data has to go.$$;
alter table usher.sealed_events enable row level security;
create policy sealed_events_nobody
  on usher.sealed_events
  for select
  to public
  using (false);

create function usher.event_text(
  event public.organisation_audit_events
) returns text
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_event public.organisation_audit_events := event_text.event;
begin
  -- As JSON in UTC: every column, each value apart from the next, the same on every machine.
  return jsonb_build_array(
    v_event.id, v_event.organisation_id, extract(epoch from v_event.occurred_at), v_event.event,
    v_event.actor_kind, v_event.actor_id, v_event.target_kind, v_event.target_id, v_event.before,
    v_event.after)::text;
end
$$;
comment on function usher.event_text
  is 'All that a line of the trail says, but for what is personal, as the text that is hashed.';

create function usher.event_hash(
  event public.organisation_audit_events
) returns bytea
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return sha256(convert_to(usher.event_text(event_hash.event), 'UTF8'));
end
$$;
comment on function usher.event_hash
  is 'The SHA-256 of all that a line of the trail says, but for what is personal.';

create function usher.personal_text(
  event public.organisation_audit_events
) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- What was claimed came later: lines that were sealed before it read as they did.
  return (jsonb_build_array(
      (personal_text.event).reason, (personal_text.event).ip, (personal_text.event).user_agent)
    || case when (personal_text.event).claimed_ip is null then '[]'
      else jsonb_build_array((personal_text.event).claimed_ip) end)::text;
end
$$;
comment on function usher.personal_text
  is 'What is personal in a line of the trail, as the text that is hashed.';

create function usher.personal_hash(
  event public.organisation_audit_events,
  salt bytea
) returns bytea
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return sha256(personal_hash.salt || convert_to(usher.personal_text(personal_hash.event), 'UTF8'));
end
$$;
comment on function usher.personal_hash
  is 'The SHA-256 of what is personal in a line of the trail, with a salt of 16 random bytes.';

create function usher.seal_events(
  organisation_id uuid,
  batch_size integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_number   integer;
  v_previous bytea;
  v_events   integer;
begin
  -- One at a time: two would number their seals alike. Whoever seals another trail waits for nobody.
  perform pg_advisory_xact_lock(hashtextextended('usher seal ' || seal_events.organisation_id, 0));
  if not exists (
    select from public.organisation_audit_events e
    where e.organisation_id = seal_events.organisation_id
      and not exists (select from usher.sealed_events s where s.event_id = e.id))
  then
    return 0;
  end if;

  select s.number, s.hash into v_number, v_previous
  from usher.audit_seals s
  where s.organisation_id = seal_events.organisation_id
  order by s.number desc
  limit 1;
  v_number := coalesce(v_number, 0) + 1;

  insert into usher.audit_seals (organisation_id, number, events, first_event_at, last_event_at, hash)
  values (seal_events.organisation_id, v_number, 0, now(), now(), '');
  insert into usher.sealed_events (
    event_id, organisation_id, seal_number, position, hash, personal_hash, personal_salt)
  select (d.e).id, seal_events.organisation_id, v_number,
    row_number() over (order by (d.e).occurred_at, (d.e).id),
    usher.event_hash(d.e), usher.personal_hash(d.e, d.salt), d.salt
  from (
    select e, extensions.gen_random_bytes(16) as salt
    from public.organisation_audit_events e
    where e.organisation_id = seal_events.organisation_id
      and not exists (select from usher.sealed_events s where s.event_id = e.id)
    order by e.occurred_at, e.id
    limit seal_events.batch_size
  ) d;
  get diagnostics v_events = row_count;

  update usher.audit_seals s
  set events = v_events, hash = usher.seal_hash(seal_events.organisation_id, v_number, coalesce(v_previous, '')),
    first_event_at = t.first_at, last_event_at = t.last_at
  from (
    select min(e.occurred_at) as first_at, max(e.occurred_at) as last_at
    from usher.sealed_events c
    join public.organisation_audit_events e on e.id = c.event_id
    where c.organisation_id = seal_events.organisation_id and c.seal_number = v_number
  ) t
  where s.organisation_id = seal_events.organisation_id and s.number = v_number;
  return v_events;
end
$$;
comment on function usher.seal_events
  is $$Puts one seal on the oldest events of an organisation that have none yet, batch_size of them at most. Returns how
many there were; with none, there is no seal.$$;

create function usher.seal_audit_trail_of(
  organisation_id uuid,
  ids uuid[],
  batch_size integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Somebody exports this trail at this moment, and seals it for that: there is nothing to be waited for.
  if not pg_try_advisory_xact_lock(hashtextextended('usher seal ' || seal_audit_trail_of.organisation_id, 0)) then
    return 0;
  end if;
  return usher.seal_events(seal_audit_trail_of.organisation_id, seal_audit_trail_of.batch_size);
end
$$;
comment on function usher.seal_audit_trail_of
  is 'usher.seal_audit_trail for one organisation.';

create function usher.seal_audit_trail(
  batch_size integer default 10000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('seal_audit_trail', array(
    select row(e.organisation_id, null)::usher.upkeep_item
    from public.organisation_audit_events e
    where not exists (select from usher.sealed_events s where s.event_id = e.id)
    group by e.organisation_id
    having e.organisation_id not in (select usher.resting_organisations('seal_audit_trail'))
    order by min(e.occurred_at)
    limit 1000), seal_audit_trail.batch_size);
end
$$;
comment on function usher.seal_audit_trail
  is $$Seals the events of all organisations that are not sealed yet. For workers, every minute. Returns how many
events it sealed.

  batch_size  how many events a seal covers at most$$;
grant execute on function usher.seal_audit_trail to usher_worker;

create function usher.seal_hash(
  organisation_id uuid,
  number integer,
  previous bytea
) returns bytea
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select sha256(seal_hash.previous || coalesce(
    string_agg(s.hash || s.personal_hash, ''::bytea order by s.position), ''))
  from usher.sealed_events s
  where s.organisation_id = seal_hash.organisation_id and s.seal_number = seal_hash.number
$$;
comment on function usher.seal_hash
  is 'What the hash of a seal has to be, given the one before.';
