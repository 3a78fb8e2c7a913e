-- Giving roles: which roles somebody may give to others, and which cannot be held together.
--
-- Nobody gives more than they hold. Every way of gaining a role asks here: invites, joining by a domain,
-- directories, changes of members.

create function usher.is_for_owners(
  organisation_id uuid,
  roles text[]
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
    select from usher.role_assigners a
    join public.organisation_roles b on b.organisation_id is null and b.name = a.role
    where a.role in (select a.role from usher.role_assigners a group by a.role having bool_and(a.assigner = 'owner'))
      and (
        a.role in (select usher.roles_with_inherited(is_for_owners.organisation_id, is_for_owners.roles))
        or b.permissions <@ array(select usher.permissions_of(is_for_owners.organisation_id, is_for_owners.roles))));
end
$$;
comment on function usher.is_for_owners
  is $$Whether these roles contain one that the owner alone may give, such as admin: it is among them, one of them
inherits it, or together they permit all that it permits.$$;

create function usher.unassignable_role(
  organisation_id uuid,
  roles text[],
  assigner_roles text[]
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- What somebody's role inherits they may give as its holders may.
  v_assigners   text[] := array(
    select usher.roles_with_inherited(unassignable_role.organisation_id, unassignable_role.assigner_roles));
  v_permissions text[] := array(
    select usher.permissions_of(unassignable_role.organisation_id, unassignable_role.assigner_roles));
begin
  return (
    select r.name
    from public.organisation_roles r
    where r.name = any (unassignable_role.roles)
      and (r.organisation_id is null or r.organisation_id = unassignable_role.organisation_id)
      and case
        when r.organisation_id is null then not exists (
          select from usher.role_assigners a where a.role = r.name and a.assigner = any (v_assigners))
        else not r.permissions <@ v_permissions
          or not 'owner' = any (v_assigners)
            and usher.is_for_owners(unassignable_role.organisation_id, unassignable_role.roles)
      end
    order by r.name
    limit 1);
end
$$;
comment on function usher.unassignable_role
  is $$The first of these roles that a holder of assigner_roles may not give; null when they may give all. A built-in
role is given by those in usher.role_assigners, and by holders of what inherits theirs; an own role by whoever holds
all that is in it, but by the owner alone where it contains, with the others, what the owner alone gives.$$;

create function usher.roles_problem(
  organisation_id uuid,
  roles text[],
  assigner_roles text[]
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Built-in roles that these assigners give, where nothing is kept apart, are nearly all.
  if cardinality(roles_problem.roles) between 1 and 20
    and not exists (
      select from unnest(roles_problem.roles) g (name)
      where not exists (
        select from usher.role_assigners a
        where a.role = g.name and a.assigner = any (roles_problem.assigner_roles)))
    and not exists (
      select from public.organisation_role_exclusions e
      where e.organisation_id = roles_problem.organisation_id)
  then
    return null;
  end if;
  return case
    when roles_problem.roles is null or cardinality(roles_problem.roles) not between 1 and 20
      or exists (
        select from unnest(roles_problem.roles) g (name)
        where not exists (
          select from public.organisation_roles r
          where r.name = g.name
            and (r.organisation_id is null or r.organisation_id = roles_problem.organisation_id)))
      then 'invalid_role'
    when usher.unassignable_role(
        roles_problem.organisation_id, roles_problem.roles, roles_problem.assigner_roles) is not null
      or usher.excluded_together(roles_problem.organisation_id, roles_problem.roles) is not null
      then 'role_not_assignable'
  end;
end
$$;
comment on function usher.roles_problem
  is $$Why a holder of assigner_roles may not give these roles: invalid_role (none, over 20, unknown here) or
role_not_assignable (not theirs to give, as usher.unassignable_role says, or not to be held together). Null when they
may.$$;

create function usher.require_roles(
  organisation_id uuid,
  roles text[]
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_are_known boolean;
  v_are_apart boolean;
begin
  select not exists (
      select from unnest(require_roles.roles) g (name)
      where not exists (
        select from public.organisation_roles r
        where r.name = g.name
          and (r.organisation_id is null or r.organisation_id = require_roles.organisation_id))),
    exists (
      select from public.organisation_role_exclusions e
      where e.organisation_id = require_roles.organisation_id)
  into v_are_known, v_are_apart;
  if not v_are_known then
    perform usher.fail('invalid_role');
  end if;
  -- Most organisations keep no roles apart.
  if v_are_apart and usher.excluded_together(require_roles.organisation_id, require_roles.roles) is not null then
    perform usher.fail('role_not_assignable', hint => 'These roles may not be held together.');
  end if;
end
$$;
comment on function usher.require_roles
  is $$Fails unless all of these roles exist in the organisation at this moment (invalid_role) and may be held
together (role_not_assignable). Both stay so: whoever changes roles waits for the lock that its caller holds.$$;
