-- Fan-out: from a fresh line of the trail to all that follows it.
--
-- Each row of the outbox is deleted in the transaction that writes what follows, so that nothing follows twice and
-- nothing is left out. What fails is tried again alone, later and later, and shows in usher.stuck.

create function usher.follow_lines(
  event_ids uuid[],
  bulk_ids uuid[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_lines public.organisation_audit_events[];
begin
  -- A line that is gone meanwhile, as its organisation's time for it was over, is followed by nothing.
  select array_agg(e) into v_lines
  from public.organisation_audit_events e
  where e.id = any (follow_lines.event_ids);
  if v_lines is not null then
    perform usher.queue_mails(v_lines, follow_lines.bulk_ids);
    perform usher.tell_webhooks(v_lines);
  end if;
end
$$;
comment on function usher.follow_lines
  is 'Writes the mails and webhook calls that follow from lines of the trail; bulk_ids: of those that may wait.';

create function usher.held_events(event_ids uuid[]) returns uuid[]
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- Read once, and asked for by key: whenever statistics are made of the outbox, it is nearly empty.
  v_lines public.organisation_audit_events[] := array(
    select e from public.organisation_audit_events e where e.id = any (held_events.event_ids));
  v_organisation_ids uuid[];
  v_invite_ids       uuid[];
begin
  -- What follows names its organisation and its invite, and so needs them to stay. Those that can be had are kept.
  v_organisation_ids := array(
    select o.id
    from public.organisations o
    where o.id = any (array(select l.organisation_id from unnest(v_lines) l))
    -- Shared, so that nobody is forgotten between what is read of them here and what is queued.
    for share skip locked);
  v_invite_ids := array(
    select i.id
    from usher.invites i
    where i.id = any (array(select l.target_id from unnest(v_lines) l where l.target_kind = 'invite'))
    for key share skip locked);
  return array(
    select l.id
    from unnest(v_lines) l
    where l.organisation_id <> all (v_organisation_ids)
        and exists (select from public.organisations o where o.id = l.organisation_id)
      or l.target_kind = 'invite' and l.target_id <> all (v_invite_ids)
        and exists (select from usher.invites i where i.id = l.target_id));
end
$$;
comment on function usher.held_events
  is $$Those lines of the trail whose organisation or invite is being deleted or changed at this moment. Waits for
nobody, and keeps the organisations and invites of the others until the end of the transaction.$$;

create function usher.take_fresh(
  batch_size integer,
  after_id bigint
) returns setof usher.outbox
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rows usher.outbox[];
  v_held uuid[];
  -- Where each of the two kinds is read on: single ones, and those in bulk.
  v_after bigint[] := array[take_fresh.after_id, take_fresh.after_id];
begin
  loop
    v_rows := '{}';
    -- Single ones first, and then as many of the others as there is room for.
    for v_kind in 1 .. 2 loop
      v_rows := v_rows || array(
        select o
        from usher.outbox o
        where o.is_bulk = (v_kind = 2) and o.id > v_after[v_kind]
          and (o.due_at is null or o.due_at <= statement_timestamp())
        order by o.id
        limit take_fresh.batch_size - cardinality(v_rows)
        for update skip locked);
      v_after[v_kind] := greatest(v_after[v_kind], (
        select max(r.id) from unnest(v_rows) r where r.is_bulk = (v_kind = 2)));
    end loop;
    v_held := usher.held_events(array(select r.event_id from unnest(v_rows) r));
    exit when v_held = '{}';

    update usher.outbox o
    set due_at = clock_timestamp() + interval '200 milliseconds'
    where o.is_bulk = any ('{false,true}')
      and o.id = any (array(select r.id from unnest(v_rows) r where r.event_id in (select unnest(v_held))));
    v_rows := array(select r from unnest(v_rows) r where r.event_id not in (select unnest(v_held)));
    -- Thousands that are held do not stand before one that is not.
    exit when v_rows <> '{}';
  end loop;
  return query select r.* from unnest(v_rows) r;
end
$$;
comment on function usher.take_fresh
  is $$Locks the next rows of the outbox, as usher.fan_out is told. Those whose organisation or invite somebody holds
are left for a fifth of a second.$$;

create function usher.fan_out(
  batch_size integer default 1000,
  after_id bigint default 0,
  out followed integer,
  out newest_id bigint
) returns record
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  -- Nobody waits here for a change that goes on: what it holds is followed the next time.
  set lock_timeout = '100ms'
  as $$
declare
  v_rows usher.outbox[];
  v_row  usher.outbox;
  v_organisation_id uuid;
  -- Organisations in which a change holds something that is needed.
  v_held uuid[] := '{}';
begin
  fan_out.followed := 0;
  fan_out.newest_id := coalesce(pg_sequence_last_value('usher.outbox_id_seq'), 0);
  v_rows := array(select t from usher.take_fresh(fan_out.batch_size, fan_out.after_id) t);
  if v_rows = '{}' then
    return;
  end if;

  begin
    perform usher.follow_lines(array(select r.event_id from unnest(v_rows) r),
      array(select r.event_id from unnest(v_rows) r where r.is_bulk));
    delete from usher.outbox o
    where o.is_bulk = any ('{false,true}') and o.id = any (array(select r.id from unnest(v_rows) r));
    fan_out.followed := cardinality(v_rows);
    return;
  exception
    when others then
      -- One of them cannot be followed: each is tried alone.
      null;
  end;

  foreach v_row in array v_rows loop
    select e.organisation_id into v_organisation_id
    from public.organisation_audit_events e where e.id = v_row.event_id;
    continue when v_organisation_id = any (v_held);
    begin
      perform usher.follow_lines(array[v_row.event_id],
        case when v_row.is_bulk then array[v_row.event_id] else '{}' end);
      delete from usher.outbox o where o.is_bulk = v_row.is_bulk and o.id = v_row.id;
      fan_out.followed := fan_out.followed + 1;
    exception
      when lock_not_available then
        -- A change holds what it needs, such as the member whom it is mailed to. What else is of that organisation
        -- would wait as well.
        v_held := v_held || v_organisation_id;
        update usher.outbox o
        set due_at = clock_timestamp() + interval '1 second'
        where o.is_bulk = any ('{false,true}') and o.id = any (array(
          select r.id
          from unnest(v_rows) r
          join public.organisation_audit_events e on e.id = r.event_id
          where e.organisation_id = v_organisation_id));
        exit when cardinality(v_held) = 5;
      when others then
        update usher.outbox o
        set attempts = least(o.attempts + 1, 1000), last_error = left(sqlerrm, 1000),
          due_at = clock_timestamp() + least(interval '1 second' * 2 ^ least(o.attempts, 12), interval '1 hour')
        where o.is_bulk = v_row.is_bulk and o.id = v_row.id;
    end;
  end loop;
end
$$;
comment on function usher.fan_out
  is $$Writes what follows from what has happened: mails and webhook calls. For workers, again and again; any number may
at once.

  batch_size  how many lines of the trail at most
  after_id    where to begin: rows up to it were followed before. 0: all. A worker begins where its last scan but some
              seconds had ended, so that rows that are gone cost nothing, and from time to time at 0, for transactions
              that took long

Returns how many lines were followed, and the newest id that had been given out when it began. Call again at once while
it is more than none: what is held or fails is put off.$$;
grant execute on function usher.fan_out to usher_worker;

create function usher.outbox_metrics(
  out count bigint,
  out oldest_seconds double precision
) returns record
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select count(*), extract(epoch from clock_timestamp() - min(e.occurred_at))::double precision
  from usher.outbox o
  left join public.organisation_audit_events e on e.id = o.event_id
$$;
comment on function usher.outbox_metrics
  is 'How much has happened that nothing has followed yet, and how long ago the oldest of it. For workers.';
grant execute on function usher.outbox_metrics to usher_worker;
