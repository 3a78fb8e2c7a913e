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
