-- My access: the caller's own organisations, and what they may do in one.

create function usher.list_my_permissions(
  organisation_id uuid
) returns setof text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := usher.require_permission(list_my_permissions.organisation_id, null);
begin
  return query
    select p.name from usher.permissions_of(v_member.organisation_id, v_member.roles) p (name)
    order by p.name;
end
$$;
comment on function usher.list_my_permissions
  is 'The rule behind public.list_my_organisation_permissions.';

create function public.list_my_organisation_permissions(
  organisation_id uuid
) returns setof text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.list_my_permissions($1) $$;
comment on function public.list_my_organisation_permissions
  is $$What the caller may do in an organisation: names of permissions, sorted; none for a member without a
role.

Any member may. Fails with unauthenticated, organisation_not_found.$$;
grant execute on function public.list_my_organisation_permissions to authenticated;
grant execute on function usher.list_my_permissions to authenticated;

create function usher.list_my_organisations() returns table (
  id uuid,
  name text,
  slug text,
  roles text[],
  kind text,
  joined_at timestamptz,
  is_owner boolean
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select o.id, o.name, o.slug, m.roles, m.kind, m.joined_at, 'owner' = any (m.roles)
  from usher.current_members m
  join public.organisations o on o.id = m.organisation_id
  where m.user_id = auth.uid()
  order by o.name, o.id
$$;
comment on function usher.list_my_organisations
  is 'The rule behind public.list_my_organisations.';

create function public.list_my_organisations() returns table (
  id uuid,
  name text,
  slug text,
  roles text[],
  kind text,
  joined_at timestamptz,
  is_owner boolean
)
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_my_organisations() $$;
comment on function public.list_my_organisations
  is $$The organisations that the caller is an active member of, by name, with the caller's own roles, kind of
membership (user or device) and day of joining. Anyone signed in may.$$;
grant execute on function public.list_my_organisations to authenticated;
grant execute on function usher.list_my_organisations to authenticated;
