-- Erased stops: that an address wants no mail, kept as a hash, so that it outlives the address itself.

create table usher.suppressed_addresses (
  email text primary key,
  reason text not null default 'bounce',
  status_code text,
  created_at timestamptz not null default now(),
  constraint suppressed_addresses_reason check (
    reason in ('bounce', 'complaint', 'operator')
  )
);
comment on table usher.suppressed_addresses
  is 'Addresses that nothing is sent to. usher.lift_suppression takes one off.';
comment on column usher.suppressed_addresses.reason
  is 'bounce: a mail server said that it does not exist; complaint: its owner called a mail spam; operator: by hand.';
comment on column usher.suppressed_addresses.status_code
  is 'What the mail server said, such as 5.1.1 (RFC 3463).';
create index suppressed_addresses_mailbox on usher.suppressed_addresses (
  usher.mailbox(email)
)
  where reason = 'complaint';
alter table usher.suppressed_addresses enable row level security;
create policy suppressed_addresses_nobody
  on usher.suppressed_addresses
  for select
  to public
  using (false);

create table usher.mail_opt_outs (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid references public.organisations on delete cascade,
  email text not null,
  created_at timestamptz not null default now(),
  constraint mail_opt_outs_bounds check (length(email) <= 254)
);
comment on table usher.mail_opt_outs
  is 'Who has stopped invites and reminders of which organisation; only they start them again.';
comment on column usher.mail_opt_outs.organisation_id
  is 'Null: of all organisations, also of those to come.';
comment on column usher.mail_opt_outs.email
  is 'The mailbox, as usher.mailbox makes it of an address: without a +tag.';
create unique index mail_opt_outs_key on usher.mail_opt_outs (
  email,
  organisation_id
)
  nulls not distinct;
create index mail_opt_outs_organisation_id on usher.mail_opt_outs (
  organisation_id
);
alter table usher.mail_opt_outs enable row level security;
create policy mail_opt_outs_nobody
  on usher.mail_opt_outs
  for select
  to public
  using (false);

create table usher.erased_stops (
  id uuid primary key default gen_random_uuid(),
  hash bytea not null,
  place text not null,
  organisation_id uuid references public.organisations on delete cascade,
  kept jsonb not null,
  constraint erased_stops_place check (
    place in ('mail_opt_outs', 'suppressed_addresses')
  )
);
comment on table usher.erased_stops
  is $$Of erased people, what stopped mail to them: a salted hash in place of the address. Somebody who wants no
mail, and to be forgotten, is not to be mailed anew because we have forgotten that they want none.$$;
comment on column usher.erased_stops.kept
  is 'The row as it was, without its address.';
create index erased_stops_hash on usher.erased_stops (hash);
create index erased_stops_organisation_id on usher.erased_stops (
  organisation_id
);
alter table usher.erased_stops enable row level security;
create policy erased_stops_nobody
  on usher.erased_stops
  for select
  to public
  using (false);

create table usher.erased_deliveries (
  delivery_id uuid primary key references public.organisation_deliveries
    on delete cascade,
  recipient_hash bytea not null,
  mailbox_hash bytea not null
);
comment on table usher.erased_deliveries
  is $$Mails to people erased since: a salted hash of whom they went to, so that a stop, a complaint or a bounce that
comes of them later still holds for the mailbox.$$;
comment on column usher.erased_deliveries.mailbox_hash
  is 'Of the address without its +tag.';
create index erased_deliveries_recipient_hash on usher.erased_deliveries (
  recipient_hash
);
alter table usher.erased_deliveries enable row level security;
create policy erased_deliveries_nobody
  on usher.erased_deliveries
  for select
  to public
  using (false);

create function usher.keep_stops(emails text[]) returns void
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
comment on function usher.keep_stops
  is 'Puts hashes in the place of these addresses, where they stop mail.';

create function usher.keep_late_suppression(
  delivery_id uuid,
  reason text,
  status_code text
) returns void
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
comment on function usher.keep_late_suppression
  is 'usher.suppress_address, for a mail whose recipient was erased before it came back or was complained about.';

create function usher.keep_late_stop(
  delivery_id uuid,
  organisation_id uuid
) returns boolean
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
comment on function usher.keep_late_stop
  is $$Stops mail, of an organisation or (null) of all, to someone erased since they got one. Returns whether it was not
stopped before.$$;

create function usher.lift_erased_stop(
  hash bytea,
  organisation_id uuid
) returns boolean
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
comment on function usher.lift_erased_stop
  is 'Takes back a stop that is kept by the hash of its mailbox. Returns whether there was one.';

create function usher.bring_back_stops(recipients text[]) returns void
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
comment on function usher.bring_back_stops
  is 'What stopped mail to these normalised addresses before they were erased, or by a mail of before, stops it again.';

create function usher.tg_organisation_deliveries__bring_back_stops() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.bring_back_stops(array(select d.recipient from new_deliveries d));
  return null;
end
$$;
comment on function usher.tg_organisation_deliveries__bring_back_stops
  is 'Before a new mail to an address that was erased goes out: what stopped mail to it stops it again.';

create trigger usher_bring_back_stops
  after insert
  on public.organisation_deliveries
  referencing new table as new_deliveries
  for each statement
  execute function usher.tg_organisation_deliveries__bring_back_stops();
