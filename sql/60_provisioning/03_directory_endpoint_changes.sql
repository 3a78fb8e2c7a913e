-- Changing directory endpoints: create, update, delete, compare now. They need directory.manage.

create function usher.directory_url(url text) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return case when usher.target_problem(btrim(directory_url.url)) is null and directory_url.url !~ '[?#]'
    then rtrim(btrim(directory_url.url), '/') end;
end
$$;
comment on function usher.directory_url
  is 'The base address of a SCIM server, without a slash at its end; null for what is none.';

create function usher.create_directory_endpoint(
  organisation_id uuid,
  name text,
  url text,
  token text
) returns public.organisation_directory_endpoints
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member   public.organisation_members :=
    usher.require_permission(create_directory_endpoint.organisation_id, 'directory.manage', 'settings');
  v_name     text := usher.clean_name(create_directory_endpoint.name);
  v_url      text := usher.directory_url(create_directory_endpoint.url);
  v_endpoint public.organisation_directory_endpoints;
begin
  -- What it sends out are addresses: to manage directories is not enough.
  perform usher.require_permission(create_directory_endpoint.organisation_id, 'member.read');
  if v_name is null or v_url is null then
    perform usher.fail('invalid_settings',
      hint => coalesce(case when v_url is null then usher.target_problem(btrim(create_directory_endpoint.url)) end,
        'Give a name of one line without addresses and links, '
        'and the https address that the application calls its SCIM base URL.'));
  end if;
  perform usher.require_room('directory endpoints', v_member.organisation_id);
  insert into public.organisation_directory_endpoints as e (organisation_id, name, url, created_by)
  values (v_member.organisation_id, v_name, v_url, v_member.user_id)
  returning e.* into v_endpoint;
  perform usher.keep_endpoint_token(v_endpoint.id, create_directory_endpoint.token);
  perform usher.mark_copies(v_endpoint.id);
  perform usher.record_event(v_endpoint.organisation_id, 'directory.endpoint_created', 'directory', v_endpoint.id,
    after => jsonb_build_object('name', v_endpoint.name, 'host', usher.target_host(v_endpoint.url)));
  return v_endpoint;
end
$$;
comment on function usher.create_directory_endpoint
  is 'The rule behind public.create_organisation_directory_endpoint.';

create function public.create_organisation_directory_endpoint(
  organisation_id uuid,
  name text,
  url text,
  token text
) returns public.organisation_directory_endpoints
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_directory_endpoint($1, $2, $3, $4) $$;
comment on function public.create_organisation_directory_endpoint
  is $$Tells another application, by SCIM 2.0, who is a member and with which roles: from now on, and at first for all.

  name   of the application, one line of at most 100 characters
  url    its SCIM base URL, https, such as https://app.example.com/scim/v2
  token  the bearer token that it gave out; nobody can read it back

Returns the endpoint. Needs directory.manage and member.read. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings.$$;
grant execute on function public.create_organisation_directory_endpoint to authenticated;
grant execute on function usher.create_directory_endpoint to authenticated;

create function usher.directory_endpoint_for_change(
  endpoint_id uuid,
  lock text default 'share'
) returns public.organisation_directory_endpoints
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_endpoint public.organisation_directory_endpoints;
begin
  perform usher.require_permission((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = directory_endpoint_for_change.endpoint_id),
    'directory.manage', directory_endpoint_for_change.lock, 'directory_not_found');
  select e.* into v_endpoint
  from public.organisation_directory_endpoints e where e.id = directory_endpoint_for_change.endpoint_id for update;
  if not found then
    perform usher.fail('directory_not_found');
  end if;
  return v_endpoint;
end
$$;
comment on function usher.directory_endpoint_for_change
  is $$An endpoint, locked until the end of the transaction. Fails with unauthenticated, directory_not_found (also
for another tenant's), permission_denied.$$;

create function usher.update_directory_endpoint(
  endpoint_id uuid,
  changes jsonb
) returns public.organisation_directory_endpoints
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_before   public.organisation_directory_endpoints :=
    usher.directory_endpoint_for_change(update_directory_endpoint.endpoint_id);
  v_changes  jsonb := update_directory_endpoint.changes;
  v_endpoint public.organisation_directory_endpoints := v_before;
begin
  perform usher.require_permission(v_before.organisation_id, 'member.read');
  if jsonb_typeof(v_changes) is distinct from 'object' or v_changes - '{name,url,token,is_enabled}'::text[] <> '{}'
    or v_changes ? 'is_enabled' and jsonb_typeof(v_changes -> 'is_enabled') <> 'boolean'
  then
    perform usher.fail('invalid_settings', hint => 'changes is an object of name, url, token and is_enabled.');
  end if;
  if v_changes ? 'name' then
    v_endpoint.name := case when v_changes ->> 'name' = v_before.name then v_before.name
      else usher.clean_name(v_changes ->> 'name') end;
  end if;
  if v_changes ? 'url' then
    v_endpoint.url := usher.directory_url(v_changes ->> 'url');
  end if;
  if v_endpoint.name is null or v_endpoint.url is null then
    perform usher.fail('invalid_settings',
      hint => coalesce(case when v_endpoint.url is null then usher.target_problem(btrim(v_changes ->> 'url')) end,
        'Give a name of one line without addresses and links, '
        'and the https address that the application calls its SCIM base URL.'));
  end if;
  -- Nobody reads the token back: not by having it sent to an address of theirs either.
  if v_endpoint.url <> v_before.url and not v_changes ? 'token' then
    perform usher.fail('invalid_settings', hint => 'A new url needs its token as well.');
  end if;
  if v_changes ? 'token' then
    perform usher.keep_endpoint_token(v_before.id, v_changes ->> 'token');
  end if;

  -- Whatever was wrong with it may be right now: it is asked anew, and compared as a whole.
  update public.organisation_directory_endpoints e
  set name = v_endpoint.name, url = v_endpoint.url,
    is_enabled = coalesce((v_changes ->> 'is_enabled')::boolean, e.is_enabled),
    failures = 0, retry_at = null, last_error = null, features = null, reconcile_at = now(),
    -- A lease is over: what its holder finds is that of another address, or of another token.
    fence = e.fence + 1, leased_at = null
  where e.id = v_before.id
  returning e.* into v_endpoint;
  -- At another address there is another application, in which nobody is known yet.
  if v_endpoint.url <> v_before.url then
    delete from public.organisation_directory_copies c where c.endpoint_id = v_endpoint.id;
    delete from usher.directory_group_copies g where g.endpoint_id = v_endpoint.id;
    update public.organisation_directory_endpoints e set reconciled_at = null
    where e.id = v_endpoint.id
    returning e.* into v_endpoint;
    perform usher.mark_copies(v_endpoint.id);
  end if;
  perform usher.record_event(v_endpoint.organisation_id, 'directory.endpoint_updated', 'directory', v_endpoint.id,
    before => jsonb_build_object(
      'name', v_before.name, 'host', usher.target_host(v_before.url), 'is_enabled', v_before.is_enabled),
    after  => jsonb_build_object(
      'name', v_endpoint.name, 'host', usher.target_host(v_endpoint.url), 'is_enabled', v_endpoint.is_enabled,
      'has_new_token', v_changes ? 'token'));
  return v_endpoint;
end
$$;
comment on function usher.update_directory_endpoint
  is 'The rule behind public.update_organisation_directory_endpoint.';

create function public.update_organisation_directory_endpoint(
  endpoint_id uuid,
  changes jsonb
) returns public.organisation_directory_endpoints
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_directory_endpoint($1, $2) $$;
comment on function public.update_organisation_directory_endpoint
  is $$Changes an endpoint, and tries it again at once if it had failed.

  changes  an object with any of name, url, token (as in create_organisation_directory_endpoint) and
           is_enabled; what is left out stays. A new url needs its token, and starts from nothing: that is
           another application

Returns the endpoint. Needs directory.manage and member.read. Fails with unauthenticated, directory_not_found,
permission_denied, invalid_settings.$$;
grant execute on function public.update_organisation_directory_endpoint to authenticated;
grant execute on function usher.update_directory_endpoint to authenticated;

create function usher.delete_directory_endpoint(endpoint_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_endpoint public.organisation_directory_endpoints :=
    usher.directory_endpoint_for_change(delete_directory_endpoint.endpoint_id, 'settings');
begin
  delete from public.organisation_directory_endpoints e where e.id = v_endpoint.id;
  perform usher.record_event(v_endpoint.organisation_id, 'directory.endpoint_deleted', 'directory', v_endpoint.id,
    before => jsonb_build_object('name', v_endpoint.name, 'host', usher.target_host(v_endpoint.url)));
end
$$;
comment on function usher.delete_directory_endpoint
  is 'The rule behind public.delete_organisation_directory_endpoint.';

create function public.delete_organisation_directory_endpoint(
  endpoint_id uuid
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_directory_endpoint($1) $$;
comment on function public.delete_organisation_directory_endpoint
  is $$Tells an application of nothing any more, and forgets its token; what it has stays there as it is. Needs
directory.manage. Fails with unauthenticated, directory_not_found, permission_denied.$$;
grant execute on function public.delete_organisation_directory_endpoint to authenticated;
grant execute on function usher.delete_directory_endpoint to authenticated;

create function usher.reconcile_directory_endpoint(
  endpoint_id uuid
) returns public.organisation_directory_endpoints
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_endpoint public.organisation_directory_endpoints :=
    usher.directory_endpoint_for_change(reconcile_directory_endpoint.endpoint_id);
begin
  if not v_endpoint.is_enabled then
    perform usher.fail('invalid_settings', hint => 'The endpoint is turned off: turn it on first.');
  end if;
  update public.organisation_directory_endpoints e
  set reconcile_at = now(), retry_at = null
  where e.id = v_endpoint.id
  returning e.* into v_endpoint;
  return v_endpoint;
end
$$;
comment on function usher.reconcile_directory_endpoint
  is 'The rule behind public.reconcile_organisation_directory_endpoint.';

create function public.reconcile_organisation_directory_endpoint(
  endpoint_id uuid
) returns public.organisation_directory_endpoints
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.reconcile_directory_endpoint($1) $$;
comment on function public.reconcile_organisation_directory_endpoint
  is $$Has an endpoint compared as a whole now, and put right what differs, as happens by itself once a day. It is done
when reconciled_at is later than now; drift then says how much there was.

Returns the endpoint. Needs directory.manage. Fails with unauthenticated, directory_not_found,
permission_denied, invalid_settings (it is turned off).$$;
grant execute on function public.reconcile_organisation_directory_endpoint to authenticated;
grant execute on function usher.reconcile_directory_endpoint to authenticated;
