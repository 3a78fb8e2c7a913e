-- Changing own roles: creating one, what it permits and inherits, deleting it. Who may, and what is checked
-- before one is written down, stands in 02_own_roles.sql.

create function usher.create_role(
  organisation_id uuid,
  name text,
  description text,
  permissions text[],
  inherits text[]
) returns public.organisation_roles
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role public.organisation_roles;
begin
  perform usher.require_manageable(create_role.organisation_id, create_role.permissions);
  if create_role.name is null or length(create_role.name) > 63 or create_role.name !~ '^[a-z][a-z0-9_-]{0,62}$'
    or usher.clean_description(coalesce(create_role.description, ''), 500) is null
    or usher.clean_roles(coalesce(create_role.permissions, '{}')) is null
    or usher.clean_roles(coalesce(create_role.inherits, '{}')) is null
    or exists (
      select from public.organisation_roles r
      where r.name = create_role.name
        and (r.organisation_id is null or r.organisation_id = create_role.organisation_id))
  then
    perform usher.fail('invalid_role', hint =>
      'A name is free in the organisation, not built in, and 1 to 63 of a-z, 0-9, - and _, a letter first.');
  end if;

  perform usher.require_room('own roles', create_role.organisation_id);
  v_role.id := gen_random_uuid();
  v_role.organisation_id := create_role.organisation_id;
  v_role.name := create_role.name;
  v_role.description := usher.clean_description(coalesce(create_role.description, ''), 500);
  v_role.granted_permissions := usher.clean_roles(coalesce(create_role.permissions, '{}'));
  v_role.inherits := usher.clean_roles(coalesce(create_role.inherits, '{}'));
  v_role.created_at := now();
  return usher.save_own_role(v_role, 'role.created', null);
end
$$;
comment on function usher.create_role
  is 'The rule behind public.create_organisation_role.';

create function public.create_organisation_role(
  organisation_id uuid,
  name text,
  description text default '',
  permissions text[] default '{}',
  inherits text[] default '{}'
) returns public.organisation_roles
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_role($1, $2, $3, $4, $5) $$;
comment on function public.create_organisation_role
  is $$Makes an own role.

  name         1 to 63 of a-z, 0-9, - and _, a letter first; free in the organisation and not built in
  description  at most 500 characters
  permissions  what it permits, out of what the caller holds
  inherits     roles whose permissions it has as well; never owner

Returns the role. Needs role.manage. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_role, invalid_settings (an unknown permission, or 500 roles already).$$;
grant execute on function public.create_organisation_role to authenticated;
grant execute on function usher.create_role to authenticated;

create function usher.update_role(
  organisation_id uuid,
  role text,
  description text,
  permissions text[],
  inherits text[]
) returns public.organisation_roles
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role   public.organisation_roles := usher.own_role_for_change(update_role.organisation_id, update_role.role);
  v_before jsonb := usher.role_facts(v_role);
begin
  if usher.clean_description(coalesce(update_role.description, ''), 500) is null then
    perform usher.fail('invalid_role', hint => 'A description is plain text of at most 500 characters.');
  elsif usher.clean_roles(coalesce(update_role.permissions, '{}')) is null
    or usher.clean_roles(coalesce(update_role.inherits, '{}')) is null
  then
    perform usher.fail('invalid_role', hint => 'Give permissions and roles by their names, at most 1,000.');
  end if;
  v_role.description := coalesce(usher.clean_description(update_role.description, 500), v_role.description);
  v_role.granted_permissions := usher.clean_roles(coalesce(update_role.permissions, v_role.granted_permissions));
  v_role.inherits := usher.clean_roles(coalesce(update_role.inherits, v_role.inherits));
  perform usher.require_manageable(v_role.organisation_id, v_role.granted_permissions);
  return usher.save_own_role(v_role, 'role.updated', v_before);
end
$$;
comment on function usher.update_role
  is 'The rule behind public.update_organisation_role, and of granting and revoking.';

create function public.update_organisation_role(
  organisation_id uuid,
  role text,
  description text default null,
  permissions text[] default null,
  inherits text[] default null
) returns public.organisation_roles
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_role($1, $2, $3, $4, $5) $$;
comment on function public.update_organisation_role
  is $$Changes an own role; what is left out stays. Its holders have the new permissions at once. The name stays for
good, because it is signed into links.

  description, permissions, inherits  as in create_organisation_role

Returns the role. Needs role.manage and all that the role permits, before and after. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role, invalid_settings,
role_not_assignable (a member would hold what may not be held together).$$;
grant execute on function public.update_organisation_role to authenticated;
grant execute on function usher.update_role to authenticated;

create function usher.grant_permission(
  organisation_id uuid,
  role text,
  permission text
) returns public.organisation_roles
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.update_role($1, $2, null, r.granted_permissions || $3, null)
  from usher.own_role_for_change($1, $2) r
$$;
comment on function usher.grant_permission
  is 'The rule behind public.grant_organisation_permission.';

create function public.grant_organisation_permission(
  organisation_id uuid,
  role text,
  permission text
) returns public.organisation_roles
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.grant_permission($1, $2, $3) $$;
comment on function public.grant_organisation_permission
  is $$Adds a permission that the caller holds to an own role. Returns the role. Needs role.manage. Fails as
update_organisation_role does.$$;
grant execute on function public.grant_organisation_permission to authenticated;
grant execute on function usher.grant_permission to authenticated;

create function usher.revoke_permission(
  organisation_id uuid,
  role text,
  permission text
) returns public.organisation_roles
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.update_role($1, $2, null,
    -- What no permission can be called is refused as one that there is not.
    case when length($3) > 100 then array[$3] else array_remove(r.granted_permissions, $3) end, null)
  from usher.own_role_for_change($1, $2) r
$$;
comment on function usher.revoke_permission
  is 'The rule behind public.revoke_organisation_permission.';

create function public.revoke_organisation_permission(
  organisation_id uuid,
  role text,
  permission text
) returns public.organisation_roles
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.revoke_permission($1, $2, $3) $$;
comment on function public.revoke_organisation_permission
  is $$Takes a permission from an own role; what it inherits stays. Returns the role. Needs role.manage. Fails as
update_organisation_role does.$$;
grant execute on function public.revoke_organisation_permission to authenticated;
grant execute on function usher.revoke_permission to authenticated;

create function usher.delete_role(organisation_id uuid, role text) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role public.organisation_roles := usher.own_role_for_change(delete_role.organisation_id, delete_role.role);
  v_use  text;
begin
  v_use := case
    when exists (
      select from public.organisation_members m
      where m.organisation_id = v_role.organisation_id and m.status = 'active' and v_role.name = any (m.roles))
      then 'members'
    when exists (
      select from usher.invites i
      where i.organisation_id = v_role.organisation_id and i.status = 'pending' and v_role.name = any (i.roles)
        and usher.invite_status(i.status, i.expires_at) = 'pending')
      then 'invites'
    when exists (
      select from public.organisation_roles r
      where r.organisation_id = v_role.organisation_id and v_role.name = any (r.inherits))
      then 'roles'
    when exists (
      select from public.organisation_role_exclusions e
      where e.organisation_id = v_role.organisation_id and v_role.name = any (e.roles))
      then 'exclusions'
  end;
  if v_use is not null then
    perform usher.fail('role_in_use', details => v_use);
  end if;

  update usher.directory_users d set roles = array_remove(d.roles, v_role.name)
  where d.organisation_id = v_role.organisation_id and v_role.name = any (d.roles);
  delete from public.organisation_roles r where r.id = v_role.id;
  perform usher.record_event(v_role.organisation_id, 'role.deleted', 'role', v_role.id,
    before => usher.role_facts(v_role));
end
$$;
comment on function usher.delete_role
  is 'The rule behind public.delete_organisation_role.';

create function public.delete_organisation_role(
  organisation_id uuid,
  role text
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_role($1, $2) $$;
comment on function public.delete_organisation_role
  is $$Deletes an own role that nobody holds. Needs role.manage and all that the role permits. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role, role_in_use (details: members,
invites, roles or exclusions).$$;
grant execute on function public.delete_organisation_role to authenticated;
grant execute on function usher.delete_role to authenticated;
