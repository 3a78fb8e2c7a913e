-- Groups of directory endpoints: one writer at a time for each.
--
-- A Group's name need not be unique (RFC 7643 section 8.7.1): of two workers who look for it, find none and make one,
-- both succeed, and people stay in the one that nobody knows of. So whoever writes to a Group, or makes it, leases its
-- role at this endpoint first. A Group that is made carries an externalId, by which 06_directory_reconcile.sql finds it
-- under any name.

create function usher.directory_group_external_id(
  organisation_id uuid,
  role text
) returns text
  language plpgsql
  immutable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return directory_group_external_id.organisation_id || ':' || directory_group_external_id.role;
end
$$;
comment on function usher.directory_group_external_id
  is 'What the Group of a role is called by us at every endpoint.';

create function usher.lease_directory_group(
  endpoint_id uuid,
  role text,
  lease interval default '2 minutes'
) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid := (
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = lease_directory_group.endpoint_id);
  v_copy usher.directory_group_copies;
begin
  perform usher.lock_organisation(v_organisation_id, 'exists');
  insert into usher.directory_group_copies as g (endpoint_id, role, fence, leased_until)
  select e.id, lease_directory_group.role, 1, clock_timestamp() + lease_directory_group.lease
  from public.organisation_directory_endpoints e where e.id = lease_directory_group.endpoint_id
  on conflict on constraint directory_group_copies_pkey do update
  set fence = g.fence + 1, leased_until = excluded.leased_until
  where g.leased_until is null or g.leased_until <= clock_timestamp()
  returning g.* into v_copy;
  if not found then
    return null;
  end if;
  return jsonb_build_object('fence', v_copy.fence::text, 'remote_id', v_copy.remote_id,
    'external_id', usher.directory_group_external_id(v_organisation_id, v_copy.role));
end
$$;
comment on function usher.lease_directory_group
  is $$Takes the Group of a role at an endpoint, to make it or to change who is in it. For workers.

  lease  after this time without an answer, another worker may take it

Returns {"fence", "remote_id" (null: none is known), "external_id" (for a new one)}; null when another worker has it,
or when there is no such endpoint any more.$$;
grant execute on function usher.lease_directory_group to usher_worker;

create function usher.release_directory_group(
  endpoint_id uuid,
  role text,
  fence bigint,
  remote_id text
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = release_directory_group.endpoint_id), 'exists');
  update usher.directory_group_copies g
  set leased_until = null, remote_id = release_directory_group.remote_id
  where g.endpoint_id = release_directory_group.endpoint_id
    and g.role = release_directory_group.role
    and g.fence = release_directory_group.fence;
  if found then
    return true;
  end if;
  -- Whoever took over may have made one of its own meanwhile: all of it is compared.
  update public.organisation_directory_endpoints e
  set reconcile_at = least(e.reconcile_at, now())
  where e.id = release_directory_group.endpoint_id;
  return false;
end
$$;
comment on function usher.release_directory_group
  is $$Gives the Group of a role back, and writes down which one it is; null: there is none any more. For workers. False
when another worker has taken over: the endpoint is then compared as a whole.$$;
grant execute on function usher.release_directory_group to usher_worker;
