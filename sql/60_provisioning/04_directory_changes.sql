-- Directory changes: what the endpoints are told.
--
-- A worker leases a copy, reads how the member is at that moment, and makes the other side so. Ten changes at once are
-- sent once, and their order does not matter.
--
-- waiting ─▶ current │ failed (refused for good: until the next change, or until it is compared)
--
-- A lease carries a fence. Where a worker comes back after its lease is over, what it did meanwhile may have
-- undone what another one did: the copy is then sent once more.
-- Now and then all is compared: 06_directory_reconcile.sql. Reading needs directory.manage.

create type usher.directory_change as (
  endpoint_id uuid,
  member_id uuid,
  fence bigint,
  attempts integer
);
comment on type usher.directory_change
  is 'A copy that a worker may bring up to date now, and the fence to name with it.';

create function usher.lease_directory_changes(
  batch_size integer default 20,
  lease interval default '2 minutes'
) returns setof usher.directory_change
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    update public.organisation_directory_copies c
    set fence = c.fence + 1, attempts = c.attempts + 1,
      leased_until = clock_timestamp() + lease_directory_changes.lease
    from (
      select q.endpoint_id, q.member_id
      from public.organisation_directory_endpoints e
      cross join lateral (
        select k.endpoint_id, k.member_id, m.status is not distinct from 'active' as is_in, k.due_at
        from public.organisation_directory_copies k
        left join public.organisation_members m on m.id = k.member_id
        where k.endpoint_id = e.id and k.status = 'waiting' and k.due_at <= clock_timestamp()
          and (k.leased_until is null or k.leased_until <= clock_timestamp())
        -- Whoever is out does not wait behind thousands who are in.
        order by is_in, k.due_at
        -- Two at once, but one where the last one failed: an endpoint that hangs holds up few places.
        limit greatest(0, case when e.failures = 0 then 2 else 1 end - (
          select count(*)
          from public.organisation_directory_copies s
          where s.endpoint_id = e.id and s.status = 'waiting' and s.leased_until > clock_timestamp()))
        for update of k skip locked
      ) q
      -- What it is able to do has to be known, and who is there already.
      where e.is_enabled and e.features is not null and e.reconciled_at is not null
        and (e.retry_at is null or e.retry_at <= clock_timestamp())
      order by q.is_in, q.due_at
      limit lease_directory_changes.batch_size
    ) due
    where c.endpoint_id = due.endpoint_id and c.member_id = due.member_id
    returning c.endpoint_id, c.member_id, c.fence, c.attempts;
end
$$;
comment on function usher.lease_directory_changes
  is $$Takes copies that are due, of endpoints that answer: removals first, then oldest first; of one endpoint about
two at once. For workers.

  batch_size  how many at most
  lease       after this time without an answer, another worker may take them over

Returns for each what to name when answering, and which try this is.$$;
grant execute on function usher.lease_directory_changes to usher_worker;

create function usher.prepare_directory_change(
  endpoint_id uuid,
  member_id uuid,
  fence bigint
) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_change jsonb;
begin
  select jsonb_build_object(
    'change', c.change,
    'remote_id', c.remote_id,
    'remote_roles', c.roles,
    'groups', coalesce((
      select jsonb_object_agg(g.role, g.remote_id)
      from usher.directory_group_copies g
      where g.endpoint_id = c.endpoint_id and g.remote_id is not null), '{}'),
    'user', case when m.status = 'active' and m.kind = 'user' and m.email is not null then jsonb_build_object(
      'user_id', m.user_id,
      'email', m.email,
      'display_name', coalesce(m.display_name, m.email),
      'roles', m.roles) end,
    'former', case when m.status <> 'active' then jsonb_build_object('user_id', m.user_id) end,
    'endpoint', jsonb_build_object(
      'id', e.id, 'url', e.url, 'token', usher.endpoint_token(e.id), 'features', e.features))
  into v_change
  from public.organisation_directory_copies c
  join public.organisation_directory_endpoints e on e.id = c.endpoint_id
  left join public.organisation_members m on m.id = c.member_id
  where c.endpoint_id = prepare_directory_change.endpoint_id
    and c.member_id = prepare_directory_change.member_id
    and c.fence = prepare_directory_change.fence
    and c.leased_until > clock_timestamp();
  if v_change #>> '{endpoint,token}' is null and v_change is not null then
    perform usher.fail_directory_change(prepare_directory_change.endpoint_id, prepare_directory_change.member_id,
      prepare_directory_change.fence, 'endpoint', 'The token that opens it is not in Vault any more: give it anew.');
    return null;
  end if;
  return v_change;
end
$$;
comment on function usher.prepare_directory_change
  is $$How a leased copy has to be, read at this moment, and how it is known to be there; user is null for whoever is no
active member, and former says who that was. For workers, just before sending. Null when the lease is over; or when the
token is missing from Vault: the endpoint is then left alone for a while.$$;
grant execute on function usher.prepare_directory_change to usher_worker;

create function usher.end_directory_lease(
  endpoint_id uuid,
  member_id uuid,
  fence bigint
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  update public.organisation_directory_copies c
  set leased_until = null
  where c.endpoint_id = end_directory_lease.endpoint_id
    and c.member_id = end_directory_lease.member_id
    and c.fence = end_directory_lease.fence;
  if found then
    return true;
  end if;
  -- Whoever took over may have been first: what is there now is anybody's guess, and is sent again.
  update public.organisation_directory_copies c
  set status = 'waiting', change = c.change + 1, due_at = now()
  where c.endpoint_id = end_directory_lease.endpoint_id and c.member_id = end_directory_lease.member_id;
  return false;
end
$$;
comment on function usher.end_directory_lease
  is 'Gives a leased copy back; false when another worker has taken over, and then marks it once more.';

create function usher.complete_directory_change(
  endpoint_id uuid,
  member_id uuid,
  fence bigint,
  change bigint,
  remote_id text,
  roles text[],
  error text default null
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = complete_directory_change.endpoint_id), 'exists');
  if not usher.end_directory_lease(
    complete_directory_change.endpoint_id, complete_directory_change.member_id, complete_directory_change.fence)
  then
    return false;
  end if;
  update public.organisation_directory_copies c
  set remote_id = complete_directory_change.remote_id,
    roles = usher.clean_roles(complete_directory_change.roles),
    last_error = left(complete_directory_change.error, 500),
    synced_at = now(), attempts = 0,
    -- Marked while it was being sent: once more.
    status = case
      when c.change <> complete_directory_change.change then 'waiting'
      when complete_directory_change.error is not null then 'failed'
      else 'current'
    end
  where c.endpoint_id = complete_directory_change.endpoint_id and c.member_id = complete_directory_change.member_id;
  -- Not each time: many at once would wait for this row.
  update public.organisation_directory_endpoints e
  set last_success_at = now(), failures = 0, retry_at = null, last_error = null
  where e.id = complete_directory_change.endpoint_id
    and (e.last_error is not null or e.last_success_at is null or e.last_success_at < now() - interval '10 seconds');
  return true;
end
$$;
comment on function usher.complete_directory_change
  is $$Writes down that a copy is as prepare_directory_change said. For workers.

  change     as prepared: what was marked meanwhile stays marked
  remote_id  the User there; null: none
  roles      in whose Groups they are there
  error      what was refused for good nevertheless, such as one of the Groups

False when another worker has taken over.$$;
grant execute on function usher.complete_directory_change to usher_worker;

create function usher.pause_directory_endpoint(
  endpoint_id uuid,
  error text,
  retry_after integer
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  update public.organisation_directory_endpoints e
  set failures = e.failures + 1, last_error = left(pause_directory_endpoint.error, 500),
    -- 10, 20, 40 seconds … up to an hour; and not all endpoints of a host that is down at the same moment.
    retry_at = now() + greatest(
      case when pause_directory_endpoint.retry_after > 0
        then make_interval(secs => least(pause_directory_endpoint.retry_after, 86400)) end,
      least(interval '1 hour', interval '10 seconds' * 2 ^ least(e.failures, 10)) * (0.8 + 0.4 * random()))
  where e.id = pause_directory_endpoint.endpoint_id
    -- Of several that fail at the same time, the first counts.
    and (e.retry_at is null or e.retry_at <= clock_timestamp());
end
$$;
comment on function usher.pause_directory_endpoint
  is 'Sends nothing to an endpoint for a while, longer each time; retry_after: at least so many seconds.';

create function usher.fail_directory_change(
  endpoint_id uuid,
  member_id uuid,
  fence bigint,
  failure text,
  error text,
  retry_after integer default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_status text;
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = fail_directory_change.endpoint_id), 'exists');
  if not usher.end_directory_lease(
    fail_directory_change.endpoint_id, fail_directory_change.member_id, fail_directory_change.fence)
  then
    return null;
  end if;
  if fail_directory_change.failure = 'endpoint' then
    perform usher.pause_directory_endpoint(
      fail_directory_change.endpoint_id, fail_directory_change.error, fail_directory_change.retry_after);
  end if;
  update public.organisation_directory_copies c
  set last_error = left(fail_directory_change.error, 500),
    -- What is wrong with the endpoint is no fault of this member.
    attempts = case when fail_directory_change.failure = 'endpoint' then c.attempts - 1 else c.attempts end,
    due_at = case when fail_directory_change.failure = 'temporary'
      then now() + least(interval '1 hour', interval '5 seconds' * 2 ^ c.attempts) * (0.8 + 0.4 * random())
      else c.due_at end,
    status = case
      when fail_directory_change.failure = 'permanent' then 'failed'
      when fail_directory_change.failure = 'temporary' and c.attempts >= 12 then 'failed'
      else 'waiting'
    end
  where c.endpoint_id = fail_directory_change.endpoint_id and c.member_id = fail_directory_change.member_id
  returning c.status into v_status;
  return v_status;
end
$$;
comment on function usher.fail_directory_change
  is $$Writes down that a copy could not be brought up to date. For workers.

  failure      permanent: refused; temporary: tried again, 12 times at most; endpoint: it is the whole endpoint,
               which is then left alone for a while
  error        in words, for the admins of the organisation
  retry_after  seconds, where the other side says so

Returns the new status; null when another worker has taken over.$$;
grant execute on function usher.fail_directory_change to usher_worker;

create function usher.directory_metrics() returns table (
  status text,
  count bigint,
  oldest_seconds double precision
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select c.status, count(*),
    -- Since it was due, not since it was marked: what waits for its next try is not late.
    max(extract(epoch from clock_timestamp() - c.due_at))
      filter (where c.status = 'waiting' and c.due_at <= clock_timestamp() and e.is_enabled)::double precision
  from public.organisation_directory_copies c
  join public.organisation_directory_endpoints e on e.id = c.endpoint_id
  group by c.status
$$;
comment on function usher.directory_metrics
  is $$How many members at other applications are in which status, and for how many seconds the oldest of those due has
waited, where the application is not turned off. For the worker's metrics.$$;
grant execute on function usher.directory_metrics to usher_worker;
