-- Role exclusions: pairs of roles that nobody may hold together (separation of duty), inherited roles included.
--
-- Source: ANSI/INCITS 359-2004, static separation of duty (docs/rbac.md).

create table public.organisation_role_exclusions (
  organisation_id uuid not null references public.organisations
    on delete cascade,
  name text not null,
  roles text[] not null,
  cardinality integer not null default 2,
  primary key (organisation_id, name),
  constraint organisation_role_exclusions_name check (
    usher.clean_line(name, 100) = name
  ),
  constraint organisation_role_exclusions_cardinality check (
    cardinality between 2 and cardinality(roles)
  ),
  constraint organisation_role_exclusions_bounds check (
    length(name) <= 100
      and cardinality <= 1000
      and cardinality(roles) <= 1000
      and octet_length(array_to_string(roles, '')) <= 63000
  )
);
comment on table public.organisation_role_exclusions
  is 'Static separation of duty: of these roles, one subject holds fewer than cardinality. Read with role.read.';
comment on column public.organisation_role_exclusions.cardinality
  is 'So many of the roles may not come together: 2 means that no two may.';

alter table public.organisation_role_exclusions enable row level security;
grant select on public.organisation_role_exclusions to authenticated, service_role;

create function usher.roles_with_inherited(
  organisation_id uuid,
  roles text[]
) returns setof text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    with recursive held (name) as (
      select unnest(roles_with_inherited.roles)
      union
      select i.name
      from held h
      join public.organisation_roles r on r.name = h.name
        and (r.organisation_id is null or r.organisation_id = roles_with_inherited.organisation_id)
      cross join unnest(r.inherits) i (name)
    )
    select h.name from held h;
end
$$;
comment on function usher.roles_with_inherited
  is 'These roles and all that they inherit: the authorised roles of ANSI/INCITS 359-2004.';

create function usher.excluded_together(
  organisation_id uuid,
  roles text[]
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return (
    select e.name
    from public.organisation_role_exclusions e
    where e.organisation_id = excluded_together.organisation_id
      and e.cardinality <= (
        select count(*)
        from usher.roles_with_inherited(excluded_together.organisation_id, excluded_together.roles) h (name)
        where h.name = any (e.roles))
    limit 1);
end
$$;
comment on function usher.excluded_together
  is 'The name of a separation of duty that these roles, held together, would break; null when none.';
