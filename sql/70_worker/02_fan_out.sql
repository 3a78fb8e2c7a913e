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
  v_rows usher.outbox[] := '{}';
  v_row  usher.outbox;
  v_is_bulk boolean;
begin
  fan_out.followed := 0;
  fan_out.newest_id := coalesce(pg_sequence_last_value('usher.outbox_id_seq'), 0);
  -- Single ones first, and then as many of the others as there is room for.
  foreach v_is_bulk in array '{false,true}'::boolean[] loop
    v_rows := v_rows || array(
      select o
      from usher.outbox o
      where o.is_bulk = v_is_bulk and o.id > fan_out.after_id
        and (o.due_at is null or o.due_at <= clock_timestamp())
      order by o.id
      limit fan_out.batch_size - cardinality(v_rows)
      for update skip locked);
  end loop;
  if v_rows = '{}' then
    return;
  end if;

  begin
    perform usher.follow_lines(array(select r.event_id from unnest(v_rows) r),
      array(select r.event_id from unnest(v_rows) r where r.is_bulk));
    delete from usher.outbox o
    using unnest(v_rows) r where o.is_bulk = r.is_bulk and o.id = r.id;
    fan_out.followed := cardinality(v_rows);
    return;
  exception
    when others then
      -- One of them cannot be followed: each is tried alone.
      null;
  end;

  foreach v_row in array v_rows loop
    begin
      perform usher.follow_lines(array[v_row.event_id], case when v_row.is_bulk then array[v_row.event_id] end);
      delete from usher.outbox o where o.is_bulk = v_row.is_bulk and o.id = v_row.id;
      fan_out.followed := fan_out.followed + 1;
    exception
      when lock_not_available then
        -- A change holds what it needs.
        null;
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
it is as many as batch_size.$$;
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
