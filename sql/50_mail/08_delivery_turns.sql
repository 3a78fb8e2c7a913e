-- Turns: which mails a worker gets next.
--
-- Mails of Supabase Auth first, then single mails, then bulk; of each organisation one in turn, so that nobody's
-- thousands stand before somebody's one. An index leads from one organisation to the next, past whatever each has
-- in the queue: a lease costs what it takes, and not what waits.

create table usher.mail_turns (
  is_bulk boolean primary key,
  organisation_id uuid not null
);
comment on table usher.mail_turns
  is 'Whose turn it was last, among single mails and among bulk. A hint, which two workers may overwrite: it says where
a round begins, and never who is in it.';
alter table usher.mail_turns enable row level security;
create policy mail_turns_nobody
  on usher.mail_turns
  for select
  to public
  using (false);
insert into usher.mail_turns (is_bulk, organisation_id) values
  (false, '00000000-0000-0000-0000-000000000000'),
  (true, '00000000-0000-0000-0000-000000000000');

create function usher.organisations_in_turn(
  is_bulk boolean,
  after uuid,
  at timestamptz,
  how_many integer
) returns uuid[]
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_due uuid[];
  v_ids uuid[] := array[]::uuid[];
  v_lap record;
begin
  -- With little to do, who has mails that are due is seen by looking at those, however many wait for later.
  v_due := array(
    select d.organisation_id
    from public.organisation_deliveries d
    where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
      and d.due_at <= organisations_in_turn.at and d.organisation_id is not null
    order by d.due_at
    limit 1000);
  if cardinality(v_due) < 1000 then
    return array(
      select o.id from unnest(v_due) o (id) group by o.id
      order by o.id <= organisations_in_turn.after, o.id
      limit organisations_in_turn.how_many);
  end if;

  -- Otherwise to the end, and then from the beginning to where it began.
  for v_lap in
    select * from (values
      (organisations_in_turn.after, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid),
      ('00000000-0000-0000-0000-000000000000'::uuid, organisations_in_turn.after)) l (after, until)
  loop
    v_ids := v_ids || array(
      -- From one organisation to the next by the index, whatever each has in the queue. Its first mail says
      -- whether it has one that is due.
      with recursive step as (
        (
          select d.organisation_id, d.due_at
          from public.organisation_deliveries d
          where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
            and d.organisation_id > v_lap.after and d.organisation_id <= v_lap.until
          order by d.organisation_id, d.due_at
          limit 1
        )
        union all
        select n.*
        from step s
        cross join lateral (
          select d.organisation_id, d.due_at
          from public.organisation_deliveries d
          where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
            and d.organisation_id > s.organisation_id and d.organisation_id <= v_lap.until
          order by d.organisation_id, d.due_at
          limit 1
        ) n
      )
      select s.organisation_id
      from step s
      where s.due_at <= organisations_in_turn.at
      limit organisations_in_turn.how_many - cardinality(v_ids));
    exit when cardinality(v_ids) >= organisations_in_turn.how_many;
  end loop;
  return v_ids;
end
$$;
comment on function usher.organisations_in_turn
  is $$The next organisations with mails that are due, from the one after that whose turn it was last, once round.

  is_bulk   whether of bulk mails or of single ones
  after     whose turn it was last
  at        what counts as now
  how_many  at most$$;

create function usher.lease_in_turn(
  worker text,
  wanted integer,
  lease interval,
  is_bulk boolean,
  settings usher.settings
) returns setof usher.delivery_lease
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  -- Of these arrays no plan is better for knowing how long they are, and planning takes longer than leasing. What is
  -- known of a queue's size is always of another time: every row is found by an index, whatever seems quicker.
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  as $$
declare
  v_now           timestamptz := clock_timestamp();
  v_left          integer := lease_in_turn.wanted;
  -- Of thousands that have to wait, so many are put off in one call: the others stand in nobody's way meanwhile.
  v_looks         integer := lease_in_turn.wanted + 200;
  v_last          uuid;
  v_organisations uuid[];
  v_ids           uuid[];
  v_judged        usher.mail_judgement;
begin
  v_last := coalesce((select t.organisation_id from usher.mail_turns t where t.is_bulk = lease_in_turn.is_bulk),
    '00000000-0000-0000-0000-000000000000');
  while v_left > 0 and v_looks > 0 loop
    v_organisations := usher.organisations_in_turn(lease_in_turn.is_bulk, v_last, v_now, v_left);
    exit when cardinality(v_organisations) = 0;

    -- The first of each, then the second of each. Two workers that counted the mails to a mailbox at once would
    -- each see the room that there is for one: what another has in hand to the same one is left to it.
    select array_agg(x.id order by x.round, x.turn) filter (
      where pg_try_advisory_xact_lock(hashtextextended('usher.mailbox ' || x.mailbox, 0)))
    into v_ids
    from (
      select q.id, q.mailbox, o.turn, row_number() over (partition by o.id order by q.due_at) as round
      from unnest(v_organisations) with ordinality o (id, turn)
      cross join lateral (
        select d.id, d.mailbox, d.due_at
        from public.organisation_deliveries d
        where d.status in ('queued', 'sending') and d.is_bulk = lease_in_turn.is_bulk
          and d.organisation_id = o.id and d.due_at <= v_now
        order by d.due_at
        limit ceil(v_left::numeric / cardinality(v_organisations))
        for update skip locked
      ) q
    ) x;
    v_ids := coalesce(v_ids[1:v_left], '{}');

    v_judged := usher.judge_mails(
      usher.pace_mails(v_ids, lease_in_turn.settings), lease_in_turn.is_bulk, lease_in_turn.settings);
    return query
      with taken as (
        update public.organisation_deliveries d
        set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
          leased_by = lease_in_turn.worker, due_at = clock_timestamp() + lease_in_turn.lease,
          -- What is not to be sent any more counts for nothing: usher.prepare_delivery ends it.
          taken_at = case when d.id <> all (v_judged.moot) then clock_timestamp() end
        where d.id = any (v_judged.free)
        returning d.id, d.fence, d.attempts
      )
      select t.id, t.fence, t.attempts
      from taken t
      order by array_position(v_judged.free, t.id);

    perform usher.delay_mails(v_judged, lease_in_turn.settings);

    -- With nothing to look at, all that was due is with other workers, unless not everybody was asked.
    exit when v_ids = '{}' and cardinality(v_organisations) < v_left;
    v_left := v_left - cardinality(v_judged.free);
    v_looks := v_looks - greatest(cardinality(v_organisations), cardinality(v_ids));
    v_last := v_organisations[cardinality(v_organisations)];
  end loop;

  -- Without waiting for another worker, who writes something as good.
  update usher.mail_turns t
  set organisation_id = v_last
  from (
    select n.is_bulk from usher.mail_turns n where n.is_bulk = lease_in_turn.is_bulk for update skip locked
  ) mine
  where t.is_bulk = mine.is_bulk and t.organisation_id <> v_last;
end
$$;
comment on function usher.lease_in_turn
  is $$Takes mails of organisations that are due, one of each in turn, and puts off what is more than an allowance or a
pace lets out. The part of usher.lease_deliveries that is about single mails, or about bulk.$$;

create function usher.lease_deliveries(
  worker text,
  batch_size integer default 50,
  lease interval default '1 minute'
) returns setof usher.delivery_lease
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- Not clock_timestamp() in a condition: it changes while an index is read, so that none can be used for it.
  v_now      timestamptz := clock_timestamp();
  v_left     integer := lease_deliveries.batch_size;
  v_leased   integer;
  v_is_bulk  boolean;
  v_settings usher.settings;
  v_given_up public.organisation_deliveries;
begin
  -- A mail that took its workers down with it eight times is not tried a ninth.
  for v_given_up in
    update public.organisation_deliveries d
    set status = 'failed', last_response = 'Given up: no worker came back from sending it.',
      facts = d.facts - 'sealed'
    where d.status = 'sending' and d.due_at <= v_now and d.attempts >= 8
    returning d.*
  loop
    perform usher.record_turn(v_given_up, 'delivery.failed');
  end loop;

  v_left := usher.mails_to_try(v_left, lease_deliveries.lease);
  if v_left <= 0 then
    return;
  end if;

  -- Somebody sits before a page and waits for the code. No allowance holds it, or whoever floods a mailbox
  -- would keep its owner out; Supabase Auth has limits of its own.
  return query
    update public.organisation_deliveries d
    set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
      leased_by = lease_deliveries.worker, due_at = clock_timestamp() + lease_deliveries.lease
    from (
      select q.id
      from public.organisation_deliveries q
      where q.status in ('queued', 'sending') and not q.is_bulk and q.organisation_id is null and q.due_at <= v_now
      order by q.due_at
      limit v_left
      for update skip locked
    ) due
    where d.id = due.id
    returning d.id, d.fence, d.attempts;
  get diagnostics v_leased = row_count;
  v_left := v_left - v_leased;

  select s.* into strict v_settings from usher.settings s;
  foreach v_is_bulk in array array[false, true] loop
    exit when v_left <= 0;
    return query
      select l.* from usher.lease_in_turn(
        lease_deliveries.worker, v_left, lease_deliveries.lease, v_is_bulk, v_settings) l;
    get diagnostics v_leased = row_count;
    v_left := v_left - v_leased;
  end loop;
end
$$;
comment on function usher.lease_deliveries
  is $$Takes mails that are due: those of Supabase Auth first, then single ones before bulk, of each organisation one in
turn. What is more than an allowance or a pace lets out becomes due later instead. For workers.

  worker      a name for the log, such as host and process
  batch_size  how many at most
  lease       after this time without an answer, another worker may take them over

Returns for each its id, the fence to name when answering, and which try this is; none while the mail server or
provider refuses us, and one when the pause is over (02_mail_transport.sql).$$;
grant execute on function usher.lease_deliveries to usher_worker;
