-- Comparing directory endpoints as a whole: once a day, after a change of the endpoint, and when somebody asks.
--
-- A worker leases an endpoint, reads all Users and Groups that it has, and says what it found. What that means is
-- decided here: it is written down on the copies of 04_directory_changes.sql, and whoever is other there than here
-- is marked. The rest goes the ordinary way.

create function usher.lease_directory_reconcile() returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_endpoint public.organisation_directory_endpoints;
  v_token    text;
begin
  loop
    update public.organisation_directory_endpoints e
    set fence = e.fence + 1, leased_at = clock_timestamp()
    from (
      select d.id
      from public.organisation_directory_endpoints d
      where d.is_enabled and d.reconcile_at <= clock_timestamp()
        and (d.retry_at is null or d.retry_at <= clock_timestamp())
        -- Whoever takes longer than that has died over it.
        and (d.leased_at is null or d.leased_at <= clock_timestamp() - interval '10 minutes')
        -- Members first, once they can be sent: whoever waits is no drift.
        and (d.features is null or d.reconciled_at is null or not exists (
          select from public.organisation_directory_copies c
          where c.endpoint_id = d.id and c.status = 'waiting' and c.due_at <= clock_timestamp()))
      order by d.reconcile_at
      limit 1
      for update skip locked
    ) due
    where e.id = due.id
    returning e.* into v_endpoint;
    if not found then
      return null;
    end if;
    begin
      v_token := usher.endpoint_token(v_endpoint.id);
    exception
      -- Vault cannot open it: that of one endpoint keeps no other waiting.
      when others then
        v_token := null;
    end;
    exit when v_token is not null;
    perform usher.fail_directory_reconcile(v_endpoint.id, v_endpoint.fence,
      'The token that opens it is not in Vault any more: give it anew.');
  end loop;
  return jsonb_build_object(
    'id', v_endpoint.id, 'fence', v_endpoint.fence::text, 'url', v_endpoint.url, 'token', v_token);
end
$$;
comment on function usher.lease_directory_reconcile
  is $$Takes an endpoint that is due to be compared as a whole; null: none is. For workers. One whose token is missing
from Vault is left alone for a while.$$;
grant execute on function usher.lease_directory_reconcile to usher_worker;

create function usher.finish_directory_reconcile(
  endpoint_id uuid,
  fence bigint,
  features jsonb,
  users jsonb,
  groups jsonb
) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  -- Nobody can tell beforehand that there are thousands in the JSON, and they must not be compared each with each.
  set enable_nestloop = off
  as $$
declare
  v_endpoint  public.organisation_directory_endpoints;
  v_drift     integer;
  v_strangers jsonb;
  v_doubles   jsonb;
  v_known     jsonb;
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = finish_directory_reconcile.endpoint_id), 'exists');
  select e.* into v_endpoint
  from public.organisation_directory_endpoints e
  where e.id = finish_directory_reconcile.endpoint_id and e.fence = finish_directory_reconcile.fence
  for update;
  if not found then
    return null;
  end if;

  -- Those that are being written to at this moment are left to whoever does it.
  with ended as (
    delete from usher.directory_group_copies g
    where g.endpoint_id = v_endpoint.id and (g.leased_until is null or g.leased_until <= clock_timestamp())
    returning g.role, g.remote_id
  )
  select coalesce(jsonb_object_agg(e.role, e.remote_id), '{}') into v_known from ended e;
  with candidate as (
    select r.name as role, g.item ->> 'id' as id, g.item ->> 'external_id' as external_id,
      usher.directory_group_external_id(v_endpoint.organisation_id, r.name) as own_id,
      g.item ->> 'id' is not distinct from v_known ->> r.name as is_known
    from jsonb_array_elements(finish_directory_reconcile.groups) g (item)
    join public.organisation_roles r on (r.organisation_id is null or r.organisation_id = v_endpoint.organisation_id)
      and (g.item ->> 'external_id' = usher.directory_group_external_id(v_endpoint.organisation_id, r.name)
        -- One of ours that is called otherwise there is still that of its own role.
        -- Some keep no externalId: the one that we have written to is ours under any name.
        or g.item ->> 'external_id' is null and g.item ->> 'id' = v_known ->> r.name
        or lower(g.item ->> 'display_name') = r.name
          and starts_with(g.item ->> 'external_id', v_endpoint.organisation_id || ':') is not true)
    where r.name not in (select k.role from usher.directory_group_copies k where k.endpoint_id = v_endpoint.id)
  ),
  -- The one that we made; else the one that we have written to; else one that is nobody's; else whichever has the name.
  kept as (
    insert into usher.directory_group_copies (endpoint_id, role, remote_id)
    select distinct on (c.role) v_endpoint.id, c.role, c.id
    from candidate c
    order by c.role, c.external_id is not distinct from c.own_id desc, c.is_known desc, c.external_id is null desc,
      c.id
    returning role, remote_id
  )
  -- What somebody else has named is theirs, whatever it is called.
  select coalesce(jsonb_agg(jsonb_build_object('group_id', c.id, 'role', c.role)), '[]') into v_doubles
  from candidate c
  join kept k on k.role = c.role and k.remote_id <> c.id
  where c.external_id is null or c.external_id = c.own_id;

  with remote as materialized (
    select u.item ->> 'id' as id, u.item ->> 'external_id' as external_id,
      usher.folded_user_name(u.item ->> 'user_name') as user_name, u.item ->> 'display_name' as display_name,
      (u.item ->> 'active')::boolean as is_active
    from jsonb_array_elements(finish_directory_reconcile.users) u (item)
  ),
  held as materialized (
    select h.id, array_agg(distinct c.role order by c.role) as roles
    from jsonb_array_elements(finish_directory_reconcile.groups) g (item)
    join usher.directory_group_copies c on c.endpoint_id = v_endpoint.id and c.remote_id = g.item ->> 'id'
    cross join jsonb_array_elements_text(g.item -> 'members') h (id)
    group by h.id
  ),
  -- Who is being sent, or was since the reading began: what was read of them may be older than that.
  sent as materialized (
    select c.member_id
    from public.organisation_directory_copies c
    where c.endpoint_id = v_endpoint.id
      and (c.leased_until > clock_timestamp() or c.synced_at >= v_endpoint.leased_at)
  ),
  subject as (
    select m.id, m.user_id, m.email, coalesce(m.display_name, m.email) as display_name, m.roles, c.remote_id,
      m.status = 'active' and m.kind = 'user' and m.email is not null as is_member
    from public.organisation_members m
    left join public.organisation_directory_copies c on c.endpoint_id = v_endpoint.id and c.member_id = m.id
    where m.organisation_id = v_endpoint.organisation_id
      and (m.status = 'active' and m.kind = 'user' or c.remote_id is not null
        -- Made there, though nobody heard the answer, and removed here since.
        or c.member_id is not null and m.user_id::text in (
          select r.external_id from remote r where r.external_id is not null))
      and not exists (select from sent s where s.member_id = m.id)
    union all
    -- Whose account was deleted here, and is still known there.
    select c.member_id, null, null, null, '{}', c.remote_id, false
    from public.organisation_directory_copies c
    where c.endpoint_id = v_endpoint.id
      and not exists (select from public.organisation_members m where m.id = c.member_id)
      and not exists (select from sent s where s.member_id = c.member_id)
  ),
  -- Known, or named by us, or of the same address: the first of these that is there.
  found as (
    select distinct on (s.id) s.*, coalesce(k.id, x.id, a.id) as found_id
    from subject s
    left join remote k on k.id = s.remote_id
    left join remote x on x.external_id = s.user_id::text
    left join remote a on a.user_name = s.email and s.is_member
    order by s.id
  ),
  compared as (
    select s.id, r.id as remote_id, coalesce(h.roles, '{}') as roles,
      case when s.is_member
        then r.is_active and r.user_name = s.email and coalesce(r.display_name, s.display_name) = s.display_name
          and (coalesce(h.roles, '{}') = s.roles or finish_directory_reconcile.features ->> 'groups' = 'false')
        else r.id is null or not r.is_active and h.roles is null
      end is not true as has_drifted
    from found s
    left join remote r on r.id = s.found_id
    left join held h on h.id = r.id
  ),
  written as (
    insert into public.organisation_directory_copies as c (
      endpoint_id, member_id, organisation_id, status, remote_id, roles, synced_at)
    select v_endpoint.id, p.id, v_endpoint.organisation_id,
      case when p.has_drifted then 'waiting' else 'current' end, p.remote_id, p.roles, now()
    from compared p
    on conflict on constraint organisation_directory_copies_pkey do update
    set remote_id = excluded.remote_id, roles = excluded.roles,
      -- What waits already waits on; what was refused, and still differs, is tried once more.
      status = case when c.status = 'waiting' then 'waiting' else excluded.status end,
      change = c.change + (excluded.status = 'waiting')::integer,
      due_at = case when excluded.status = 'waiting' then now() else c.due_at end,
      attempts = case when excluded.status = 'waiting' then 0 else c.attempts end,
      last_error = case when excluded.status = 'current' then null else c.last_error end,
      synced_at = case when excluded.status = 'current' then now() else c.synced_at end
  )
  select (count(*) filter (where p.has_drifted))::integer into v_drift from compared p;

  -- Names alone: each of thousands of members would carry all of its group along.
  with named as materialized (
    select g.item ->> 'id' as group_id, h.id as user_id
    from jsonb_array_elements(finish_directory_reconcile.groups) g (item)
    cross join jsonb_array_elements_text(g.item -> 'members') h (id)
  )
  select coalesce(jsonb_agg(jsonb_build_object('group_id', n.group_id, 'role', c.role, 'user_id', n.user_id)), '[]')
  into v_strangers
  from named n
  join usher.directory_group_copies c on c.endpoint_id = v_endpoint.id and c.remote_id = n.group_id
  where not exists (
    select from public.organisation_directory_copies k
    where k.endpoint_id = v_endpoint.id
      -- Or one who is being made there at this moment: nobody knows yet as whom.
      and (k.remote_id = n.user_id or k.remote_id is null and k.leased_until > clock_timestamp()));

  v_drift := v_drift + jsonb_array_length(v_strangers) + jsonb_array_length(v_doubles);
  update public.organisation_directory_endpoints e
  set features = finish_directory_reconcile.features, leased_at = null,
    failures = 0, retry_at = null, last_error = null, last_success_at = now(), reconciled_at = now(), drift = v_drift,
    -- Unless somebody has asked for it meanwhile; and not all at the same hour.
    reconcile_at = case when e.reconcile_at > e.leased_at then e.reconcile_at
      else now() + interval '1 day' * (0.9 + 0.2 * random()) end
  where e.id = v_endpoint.id;
  if v_drift > 0 and v_endpoint.reconciled_at is not null then
    perform usher.record_event(v_endpoint.organisation_id, 'directory.drift_found', 'directory', v_endpoint.id,
      after => jsonb_build_object('drift', v_drift), actor_kind => 'worker');
  end if;
  return jsonb_build_object('drift', v_drift, 'strangers', v_strangers, 'doubles', v_doubles);
end
$$;
comment on function usher.finish_directory_reconcile
  is $$Takes what a worker found at an endpoint, and marks every member who is other there than here. For workers.

  features  {"patch", "filter", "groups"}: whether it can do these, and has Groups at all
  users     [{"id", "external_id", "user_name", "display_name", "active"}], all of them
  groups    [{"id", "display_name", "external_id", "members": [id, …]}], all of them

Users of the other side that have nothing to do with the organisation are left alone; in the Groups that stand for
roles they have no place. Returns drift (how much differs), strangers, [{"group_id", "role", "user_id"}], to be taken
out of those Groups, and doubles, [{"group_id", "role"}], of which there is another one: to be emptied and deleted;
null when another worker has taken over.$$;
grant execute on function usher.finish_directory_reconcile to usher_worker;

create function usher.fail_directory_reconcile(
  endpoint_id uuid,
  fence bigint,
  error text,
  retry_after integer default null
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = fail_directory_reconcile.endpoint_id), 'exists');
  update public.organisation_directory_endpoints e
  set leased_at = null, reconcile_at = least(e.reconcile_at, now())
  where e.id = fail_directory_reconcile.endpoint_id and e.fence = fail_directory_reconcile.fence;
  if found then
    perform usher.pause_directory_endpoint(
      fail_directory_reconcile.endpoint_id, fail_directory_reconcile.error, fail_directory_reconcile.retry_after);
  end if;
end
$$;
comment on function usher.fail_directory_reconcile
  is 'Writes down that an endpoint could not be compared; it is tried again after a while. For workers.';
grant execute on function usher.fail_directory_reconcile to usher_worker;

create function usher.refuse_directory_reconcile(
  endpoint_id uuid,
  fence bigint,
  error text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = refuse_directory_reconcile.endpoint_id), 'exists');
  update public.organisation_directory_endpoints e
  set last_error = left(refuse_directory_reconcile.error, 500),
    reconcile_at = least(e.reconcile_at, now() + interval '1 hour')
  where e.id = refuse_directory_reconcile.endpoint_id and e.fence = refuse_directory_reconcile.fence;
end
$$;
comment on function usher.refuse_directory_reconcile
  is $$Writes down what an endpoint would not let be put right when it was compared: it is shown, and tried again in an
hour. Members are sent all the same. For workers.$$;
grant execute on function usher.refuse_directory_reconcile to usher_worker;
