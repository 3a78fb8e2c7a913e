-- Permissions: the one question behind every rule, asked of a row, of a set, or with a refusal.
--
-- A permission counts from the moment a membership or role changes, to the second at which it ends: nothing is
-- cached in a session.
-- The read policies of 10-12 stand here too, because they ask this question.

create function usher.organisations_where(permission text)
returns setof uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
rows 10
as $$
begin
  return query
    select m.organisation_id
    from usher.current_members m
    where m.user_id = auth.uid()
      and not usher.is_kept_out(row(m.*)::public.organisation_members)
      and exists (
        select from public.organisation_roles r
        where r.name = any (m.roles)
          and (r.organisation_id is null or r.organisation_id = m.organisation_id)
          and organisations_where.permission = any (r.permissions));
end
$$;
comment on function usher.organisations_where is
$$The organisations in which the caller has a permission. For row level security, also of an application's
own tables, evaluated once a query:

  using (organisation_id in (select usher.organisations_where('billing.read')))

Empty for whoever is not signed in.$$;
grant execute on function usher.organisations_where to authenticated;

create function usher.has_permission(organisation_id uuid, permission text)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from usher.current_members m
    join public.organisation_roles r on r.name = any (m.roles)
    where m.organisation_id = has_permission.organisation_id
      and m.user_id = auth.uid()
      and not usher.is_kept_out(row(m.*)::public.organisation_members)
      and (r.organisation_id is null or r.organisation_id = m.organisation_id)
      and has_permission.permission = any (r.permissions));
end
$$;
comment on function usher.has_permission is 'The rule behind public.has_organisation_permission.';

create function public.has_organisation_permission(organisation_id uuid, permission text)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return usher.has_permission(has_organisation_permission.organisation_id, has_organisation_permission.permission);
end
$$;
comment on function public.has_organisation_permission is
$$Whether the caller may do something in an organisation.

  permission  thing.action, such as invite.create

False, too, for an organisation or a permission that does not exist. For one row; to filter many, let a
policy ask usher.organisations_where. Anyone signed in may.$$;
grant execute on function public.has_organisation_permission to authenticated;
grant execute on function usher.has_permission to authenticated;

create function usher.require_member(organisation_id uuid)
returns public.organisation_members
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_member public.organisation_members;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;

  select m.* into v_member
  from usher.current_members m
  where m.organisation_id = require_member.organisation_id
    and m.user_id = auth.uid();
  if not found then
    perform usher.fail('organisation_not_found');
  elsif usher.is_kept_out(v_member) then
    perform usher.require_sign_in(v_member.organisation_id, v_member.user_id, v_member.email);
  end if;
  return v_member;
end
$$;
comment on function usher.require_member is
$$The caller's membership, or a refusal: unauthenticated, organisation_not_found, which does not tell
an organisation that is not there from one that is somebody else's, or sso_required.$$;

create function usher.require_permission(organisation_id uuid, permission text)
returns public.organisation_members
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_member public.organisation_members;
begin
  v_member := usher.require_member(require_permission.organisation_id);
  if require_permission.permission not in (
    select usher.permissions_of(v_member.organisation_id, v_member.roles))
  then
    perform usher.fail('permission_denied', details => require_permission.permission);
  end if;
  return v_member;
end
$$;
comment on function usher.require_permission is
$$The guard of every rule: the caller's membership if it holds the permission. Otherwise a refusal:
permission_denied for a member, and for anyone else what usher.require_member says.$$;

create function usher.list_my_permissions(organisation_id uuid)
returns setof text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_member public.organisation_members := usher.require_member(list_my_permissions.organisation_id);
begin
  return query
    select p.name from usher.permissions_of(v_member.organisation_id, v_member.roles) p (name)
    order by p.name;
end
$$;
comment on function usher.list_my_permissions is 'The rule behind public.list_my_organisation_permissions.';

create function public.list_my_organisation_permissions(organisation_id uuid)
returns setof text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.list_my_permissions($1) $$;
comment on function public.list_my_organisation_permissions is
$$What the caller may do in an organisation: names of permissions, sorted; none for a member without a
role.

Any member may. Fails with unauthenticated, organisation_not_found.$$;
grant execute on function public.list_my_organisation_permissions to authenticated;
grant execute on function usher.list_my_permissions to authenticated;

create function usher.list_my_organisations()
returns table (
  id uuid, name text, slug text, roles text[], kind text, joined_at timestamptz, is_owner boolean
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
comment on function usher.list_my_organisations is 'The rule behind public.list_my_organisations.';

create function public.list_my_organisations()
returns table (
  id uuid, name text, slug text, roles text[], kind text, joined_at timestamptz, is_owner boolean
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$ select * from usher.list_my_organisations() $$;
comment on function public.list_my_organisations is
$$The organisations that the caller is an active member of, by name, with the caller's own roles, kind of
membership (user or device) and day of joining. Anyone signed in may.$$;
grant execute on function public.list_my_organisations to authenticated;
grant execute on function usher.list_my_organisations to authenticated;

alter table public.organisations enable row level security;
create policy organisations_select on public.organisations
  for select to authenticated
  using (id in (select usher.organisations_where('organisation.read')));
grant select on public.organisations to authenticated, service_role;

alter table public.organisation_roles enable row level security;
create policy organisation_roles_select on public.organisation_roles
  for select to authenticated
  using (
    organisation_id is null
    or organisation_id in (select usher.organisations_where('role.read')));
grant select on public.organisation_roles to authenticated, service_role;

alter table public.organisation_members enable row level security;
create policy organisation_members_select on public.organisation_members
  for select to authenticated
  using (
    user_id = (select auth.uid())
    or organisation_id in (select usher.organisations_where('member.read')));
grant select on public.organisation_members to authenticated, service_role;
