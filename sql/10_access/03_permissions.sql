-- Permissions: the one question behind every rule, asked of a row or of a set.
--
-- A permission counts from the moment a membership or role changes, to the second at which it ends: nothing is
-- cached in a session.
-- The read policies of the tables that were made before stand here, because they ask this question.

create function usher.organisations_where(permission text) returns setof uuid
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
comment on function usher.organisations_where
  is $$The organisations in which the caller has a permission. For row level security, also of an application's
own tables, evaluated once a query:

  using (organisation_id in (select usher.organisations_where('billing.read')))

Empty for whoever is not signed in.$$;
grant execute on function usher.organisations_where to authenticated;

create function usher.has_permission(
  organisation_id uuid,
  permission text
) returns boolean
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
comment on function usher.has_permission
  is 'The rule behind public.has_organisation_permission.';

create function public.has_organisation_permission(
  organisation_id uuid,
  permission text
) returns boolean
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.has_permission(has_organisation_permission.organisation_id, has_organisation_permission.permission);
end
$$;
comment on function public.has_organisation_permission
  is $$Whether the caller may do something in an organisation.

  permission  thing.action, such as invite.create

False, too, for an organisation or a permission that does not exist. For one row; to filter many, let a
policy ask usher.organisations_where. Anyone signed in may.$$;
grant execute on function public.has_organisation_permission to authenticated;
grant execute on function usher.has_permission to authenticated;

alter table public.organisations enable row level security;
create policy organisations_select
  on public.organisations
  for select
  to authenticated
  using (id in (select usher.organisations_where('organisation.read')));
grant select on public.organisations to authenticated, service_role;

alter table public.organisation_roles enable row level security;
create policy organisation_roles_select
  on public.organisation_roles
  for select
  to authenticated
  using (
    organisation_id is null
      or organisation_id in (select usher.organisations_where('role.read'))
  );
grant select on public.organisation_roles to authenticated, service_role;

alter table public.organisation_members enable row level security;
create policy organisation_members_select
  on public.organisation_members
  for select
  to authenticated
  using (
    user_id = (select auth.uid())
      or organisation_id in (select usher.organisations_where('member.read'))
  );
grant select on public.organisation_members to authenticated, service_role;
create policy organisation_sign_in_rules_select
  on public.organisation_sign_in_rules
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('organisation.read'))
  );
