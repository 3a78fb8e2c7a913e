-- Changing role exclusions: which roles may not be held together, and that nobody holds them now.

create function usher.create_role_exclusion(
  organisation_id uuid,
  name text,
  roles text[],
  cardinality integer
) returns public.organisation_role_exclusions
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_roles     text[] := usher.clean_roles(create_role_exclusion.roles);
  v_exclusion public.organisation_role_exclusions;
begin
  -- Nobody joins or is given roles between this check and the end: that takes the same lock, shared.
  perform usher.require_permission(create_role_exclusion.organisation_id, 'role.manage', 'settings');
  if usher.clean_name(create_role_exclusion.name) is null
    or coalesce(cardinality(v_roles), 0) < 2
    or create_role_exclusion.cardinality not between 2 and cardinality(v_roles)
    or exists (
      select from unnest(v_roles) g (name)
      where g.name = 'owner' or not exists (
        select from public.organisation_roles r
        where r.name = g.name
          and (r.organisation_id is null or r.organisation_id = create_role_exclusion.organisation_id)))
  then
    perform usher.fail('invalid_role',
      hint => 'Give a name, two or more roles of the organisation other than owner, and how many are too many.');
  end if;

  if not exists (
    select from public.organisation_role_exclusions e
    where e.organisation_id = create_role_exclusion.organisation_id
      and e.name = usher.clean_line(create_role_exclusion.name, 100))
  then
    perform usher.require_room('role exclusions', create_role_exclusion.organisation_id);
  end if;
  insert into public.organisation_role_exclusions (organisation_id, name, roles, cardinality)
  values (create_role_exclusion.organisation_id, usher.clean_name(create_role_exclusion.name), v_roles,
    create_role_exclusion.cardinality)
  on conflict on constraint organisation_role_exclusions_pkey do update
  set roles = excluded.roles, cardinality = excluded.cardinality
  returning * into v_exclusion;

  if exists (
    select from public.organisation_members m
    where m.organisation_id = v_exclusion.organisation_id and m.status = 'active'
      and usher.excluded_together(m.organisation_id, m.roles) is not null)
  then
    perform usher.fail('role_in_use', hint => 'A member holds these roles together: change that first.',
      details => 'members');
  end if;

  perform usher.record_event(v_exclusion.organisation_id, 'role_exclusion.created', 'organisation',
    v_exclusion.organisation_id, after => to_jsonb(v_exclusion) - 'organisation_id');
  return v_exclusion;
end
$$;
comment on function usher.create_role_exclusion
  is 'The rule behind public.create_organisation_role_exclusion.';

create function public.create_organisation_role_exclusion(
  organisation_id uuid,
  name text,
  roles text[],
  cardinality integer default 2
) returns public.organisation_role_exclusions
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_role_exclusion($1, $2, $3, $4) $$;
comment on function public.create_organisation_role_exclusion
  is $$Separates duties: nobody may hold so many of these roles, by themselves or by inheritance. One of the same
name is replaced.

  name         one line, at most 100 characters, without addresses and links
  roles        two or more roles of the organisation, never owner
  cardinality  how many are too many; 2: no two together

Returns the exclusion. It holds for invites, for accepting and for changes of roles. Needs role.manage.
At most 100. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_role, invalid_settings,
role_in_use (a member holds them together already).
Source: ANSI/INCITS 359-2004, CreateSsdSet and SetSsdSetCardinality.$$;
grant execute on function public.create_organisation_role_exclusion to authenticated;
grant execute on function usher.create_role_exclusion to authenticated;

create function usher.delete_role_exclusion(
  organisation_id uuid,
  name text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_exclusion public.organisation_role_exclusions;
begin
  perform usher.require_permission(delete_role_exclusion.organisation_id, 'role.manage', 'settings');
  delete from public.organisation_role_exclusions e
  where e.organisation_id = delete_role_exclusion.organisation_id and e.name = delete_role_exclusion.name
  returning * into v_exclusion;
  if not found then
    perform usher.fail('invalid_role', hint => 'There is no exclusion of this name.');
  end if;
  perform usher.record_event(v_exclusion.organisation_id, 'role_exclusion.deleted', 'organisation',
    v_exclusion.organisation_id, before => to_jsonb(v_exclusion) - 'organisation_id');
end
$$;
comment on function usher.delete_role_exclusion
  is 'The rule behind public.delete_organisation_role_exclusion.';

create function public.delete_organisation_role_exclusion(
  organisation_id uuid,
  name text
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_role_exclusion($1, $2) $$;
comment on function public.delete_organisation_role_exclusion
  is $$Lifts a separation of duty. Needs role.manage. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_role. Source: ANSI/INCITS 359-2004, DeleteSsdSet.$$;
grant execute on function public.delete_organisation_role_exclusion to authenticated;
grant execute on function usher.delete_role_exclusion to authenticated;
