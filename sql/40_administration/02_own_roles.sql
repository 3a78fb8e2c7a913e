-- Own roles: an organisation's roles beside the built-in four.
--
-- A role may inherit others: then it permits what they permit. What it permits in all is kept in
-- organisation_roles.permissions, so that asking costs no more than for a built-in role.
-- Nobody makes or changes a role that holds more than they do. Reading needs role.read.
--
-- Source: ANSI/INCITS 359-2004, hierarchical RBAC (docs/rbac.md).

create policy organisation_role_exclusions_select
  on public.organisation_role_exclusions
  for select
  to authenticated
  using (organisation_id in (select usher.organisations_where('role.read')));

create function usher.require_manageable(
  organisation_id uuid,
  permissions text[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_actor   public.organisation_members :=
    usher.require_permission(require_manageable.organisation_id, 'role.manage', 'settings');
  v_unknown text;
  v_lacking text;
begin
  select p into v_unknown
  from unnest(require_manageable.permissions) p
  where p not in (select k.name from usher.permissions k)
  limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('There is no permission %L.', v_unknown));
  end if;

  select p into v_lacking
  from unnest(require_manageable.permissions) p
  where p not in (select usher.permissions_of(v_actor.organisation_id, v_actor.roles))
  limit 1;
  if found then
    perform usher.fail('permission_denied',
      hint => 'Nobody manages a role that holds more than they do.', details => v_lacking);
  end if;
end
$$;
comment on function usher.require_manageable
  is $$Refuses unless the caller has role.manage and holds all of these permissions. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings (an unknown permission).$$;

create function usher.require_owner_of_role(
  organisation_id uuid,
  roles text[]
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if usher.is_for_owners(require_owner_of_role.organisation_id, require_owner_of_role.roles)
    and not 'owner' = any ((usher.caller_membership(require_owner_of_role.organisation_id)).roles)
  then
    perform usher.fail('permission_denied', details => 'role.manage',
      hint => 'A role that contains what the owner alone may give, such as admin, is made and changed by the owner.');
  end if;
end
$$;
comment on function usher.require_owner_of_role
  is 'Refuses with permission_denied unless others than the owner may give these roles, or the caller is the owner.';

create function usher.require_lasting_right(
  organisation_id uuid,
  permissions text[]
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_actor public.organisation_members := usher.caller_membership(require_lasting_right.organisation_id);
begin
  if v_actor.next_end_at is not null and exists (
    select from unnest(require_lasting_right.permissions || '{role.manage}'::text[]) p
    where usher.giving_ends_at(v_actor, p, '{}') <> 'infinity')
  then
    perform usher.fail('permission_denied', details => 'role.manage',
      hint => 'Your own right to this has an end. What a role permits has none: '
        'let somebody add it whose right lasts.');
  end if;
end
$$;
comment on function usher.require_lasting_right
  is 'Refuses with permission_denied unless the caller holds these permissions, and role.manage, without an end.';

create function usher.own_role_for_change(
  organisation_id uuid,
  role text
) returns public.organisation_roles
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role public.organisation_roles;
begin
  perform usher.require_permission(own_role_for_change.organisation_id, 'role.manage', 'settings');
  select r.* into v_role
  from public.organisation_roles r
  where r.organisation_id = own_role_for_change.organisation_id and r.name = own_role_for_change.role;
  if not found then
    perform usher.fail('invalid_role', hint => 'Only an own role of the organisation can be changed.');
  end if;
  perform usher.require_owner_of_role(v_role.organisation_id, array[v_role.name]);
  perform usher.require_manageable(v_role.organisation_id, v_role.permissions);
  return v_role;
end
$$;
comment on function usher.own_role_for_change
  is 'An own role that the caller may manage as it is, and nobody else changes meanwhile; otherwise a refusal.';

create function usher.save_own_role(
  role public.organisation_roles,
  event text,
  before jsonb
) returns public.organisation_roles
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role      public.organisation_roles := save_own_role.role;
  v_inherited text[];
  v_added     text[];
begin
  if exists (
    select from unnest(v_role.inherits) i (name)
    where i.name = 'owner' or not exists (
      select from public.organisation_roles r
      where r.name = i.name and (r.organisation_id is null or r.organisation_id = v_role.organisation_id)))
  then
    perform usher.fail('invalid_role', hint => 'A role inherits roles of the organisation, never owner.');
  end if;
  if v_role.name in (select usher.roles_with_inherited(v_role.organisation_id, v_role.inherits)) then
    perform usher.fail('invalid_role', hint => 'A role cannot inherit itself, not even by way of others.');
  end if;

  v_inherited := array(select usher.permissions_of(v_role.organisation_id, v_role.inherits));
  v_role.permissions := usher.clean_roles(v_role.granted_permissions || v_inherited);
  perform usher.require_manageable(v_role.organisation_id, v_role.permissions);
  -- Whoever holds it holds what is added from now on, for as long as they hold the role.
  v_added := array(
    select unnest(v_role.permissions)
    except select unnest(r.permissions) from public.organisation_roles r where r.id = v_role.id);
  if cardinality(v_added) > 0 and exists (select from public.organisation_roles r where r.id = v_role.id) then
    perform usher.require_lasting_right(v_role.organisation_id, v_added);
  end if;

  insert into public.organisation_roles select v_role.*
  on conflict (id) do update
  set description = excluded.description, inherits = excluded.inherits,
    granted_permissions = excluded.granted_permissions, permissions = excluded.permissions;
  perform usher.require_owner_of_role(v_role.organisation_id, array[v_role.name]);

  -- Roles that inherit this one permit what it permits now; each pass reaches one step further.
  loop
    update public.organisation_roles r
    set permissions = p.permissions
    from (
      select c.id, usher.clean_roles(c.granted_permissions
        || array(select usher.permissions_of(c.organisation_id, c.inherits))) as permissions
      from public.organisation_roles c
      where c.organisation_id = v_role.organisation_id and cardinality(c.inherits) > 0
    ) p
    where r.id = p.id and r.permissions <> p.permissions;
    exit when not found;
  end loop;
  if exists (
    select from public.organisation_members m
    where m.organisation_id = v_role.organisation_id and m.status = 'active'
      and usher.excluded_together(m.organisation_id, m.roles) is not null)
  then
    perform usher.fail('role_not_assignable',
      hint => 'A member would hold roles that may not be held together.');
  end if;
  -- Together with others that somebody holds it may come to be what the owner alone gives.
  if cardinality(v_added) > 0
    and not 'owner' = any ((usher.caller_membership(v_role.organisation_id)).roles)
    and exists (
      select from public.organisation_members m
      where m.organisation_id = v_role.organisation_id and m.status = 'active'
        and v_role.name in (select usher.roles_with_inherited(m.organisation_id, m.roles))
        and not usher.is_for_owners(m.organisation_id, array_remove(m.roles, v_role.name))
        and usher.is_for_owners(m.organisation_id, m.roles))
  then
    perform usher.fail('permission_denied', details => 'role.manage',
      hint => 'With their other roles somebody would hold what the owner alone may give.');
  end if;

  perform usher.record_event(v_role.organisation_id, save_own_role.event, 'role', v_role.id,
    before => save_own_role.before, after => usher.role_facts(v_role));
  return v_role;
end
$$;
comment on function usher.save_own_role
  is $$Writes a role down, with what it permits by inheritance, and brings those that inherit it up to date. Fails
with invalid_role (an unknown role, a circle), permission_denied, role_not_assignable.$$;

create function usher.role_facts(role public.organisation_roles) returns jsonb
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select jsonb_build_object(
    'name', ($1).name, 'permissions', ($1).granted_permissions, 'inherits', ($1).inherits)
$$;
comment on function usher.role_facts is 'What the trail keeps of a role.';

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
