-- Upkeep of webhooks: how they are doing, and what is not kept.

create function usher.webhook_metrics() returns table (
  status text,
  count bigint,
  oldest_seconds double precision
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select d.status, count(*),
    -- Since it was due, not since it was made: what waits for its next try is not late.
    max(extract(epoch from clock_timestamp() - d.due_at))
      filter (where d.status = 'queued' and d.due_at <= clock_timestamp())::double precision
  from public.organisation_webhook_deliveries d
  group by d.status
$$;
comment on function usher.webhook_metrics
  is $$How many events to webhooks are in which status, and for how many seconds the oldest of those due has waited. For
the worker's metrics.$$;
grant execute on function usher.webhook_metrics to usher_worker;

create function usher.purge_webhook_answers_of(
  organisation_id uuid,
  ids uuid[],
  batch_size integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_purged integer;
begin
  update public.organisation_webhook_deliveries d
  set last_response = null
  where d.organisation_id = purge_webhook_answers_of.organisation_id
    and d.last_response is not null and d.status in ('delivered', 'failed')
    and d.created_at < now() - (select s.webhook_answers_kept_for from usher.settings s);
  get diagnostics v_purged = row_count;
  -- With the line of the trail, what became of it goes.
  delete from public.organisation_webhook_deliveries d
  using public.organisations o
  where o.id = d.organisation_id and o.id = purge_webhook_answers_of.organisation_id
    and o.audit_retention is not null
    and d.created_at < now() - least(o.audit_retention, interval '100 years');
  return v_purged;
end
$$;
comment on function usher.purge_webhook_answers_of
  is 'usher.purge_webhook_answers for one organisation.';

create function usher.purge_webhook_answers() returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('purge_webhook_answers', array(
    select row(d.organisation_id, null)::usher.upkeep_item
    from public.organisation_webhook_deliveries d
    join public.organisations o on o.id = d.organisation_id
    cross join usher.settings s
    where d.last_response is not null and d.status in ('delivered', 'failed')
        and d.created_at < now() - s.webhook_answers_kept_for
      or o.audit_retention is not null and d.created_at < now() - least(o.audit_retention, interval '100 years')
    group by d.organisation_id
    having d.organisation_id not in (select usher.resting_organisations('purge_webhook_answers'))
    limit 1000));
end
$$;
comment on function usher.purge_webhook_answers
  is $$Removes what endpoints answered once settings.webhook_answers_kept_for is over, and rows that are older than
their organisation's audit_retention. For workers. Returns how many answers went.$$;
grant execute on function usher.purge_webhook_answers to usher_worker;
