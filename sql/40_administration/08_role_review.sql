-- Reviewing roles: who holds what, and what it permits. For admins, pages and auditors.
--
-- The review functions of ANSI/INCITS 359-2004: AssignedUsers, AssignedRoles, RolePermissions,
-- UserPermissions. These need member.read. Beside them, what one may give oneself.

create function usher.require_role(
  organisation_id uuid,
  role text
) returns public.organisation_roles
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role public.organisation_roles;
begin
  perform usher.require_permission(require_role.organisation_id, 'member.read');
  select r.* into v_role
  from public.organisation_roles r
  where r.name = require_role.role
    and (r.organisation_id is null or r.organisation_id = require_role.organisation_id);
  if not found then
    perform usher.fail('invalid_role');
  end if;
  return v_role;
end
$$;
comment on function usher.require_role
  is 'A role that can be held in the organisation, for a caller with member.read; otherwise a refusal.';

create function usher.require_reviewed_member(
  organisation_id uuid,
  user_id uuid
) returns public.organisation_members
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members;
begin
  perform usher.require_permission(require_reviewed_member.organisation_id, 'member.read');
  select m.* into v_member
  from usher.current_members m
  where m.organisation_id = require_reviewed_member.organisation_id
    and m.user_id = require_reviewed_member.user_id;
  if not found then
    perform usher.fail('member_not_found');
  end if;
  return v_member;
end
$$;
comment on function usher.require_reviewed_member
  is 'An active member of the organisation, for a caller with member.read; otherwise a refusal.';

create function usher.list_role_members(
  organisation_id uuid,
  role text
) returns setof public.organisation_members
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- Before the query, not in it: there it is asked only where there are members, and an organisation that is
  -- somebody else's could be told from one that is not there.
  v_role public.organisation_roles :=
    usher.require_role(list_role_members.organisation_id, list_role_members.role);
begin
  return query
    select m.*
    from usher.current_members m
    where m.organisation_id = list_role_members.organisation_id
      and v_role.name = any (m.roles);
end
$$;
comment on function usher.list_role_members
  is 'The rule behind public.list_organisation_role_members.';
grant execute on function usher.list_role_members to authenticated;

create function usher.list_member_roles(
  organisation_id uuid,
  user_id uuid
) returns setof text
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$ select r from usher.require_reviewed_member($1, $2) m, unnest(m.roles) r order by r $$;
comment on function usher.list_member_roles
  is 'The rule behind public.list_organisation_member_roles.';
grant execute on function usher.list_member_roles to authenticated;

create function usher.list_role_permissions(
  organisation_id uuid,
  role text
) returns setof text
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$ select p from usher.require_role($1, $2) r, unnest(r.permissions) p order by p $$;
comment on function usher.list_role_permissions
  is 'The rule behind public.list_organisation_role_permissions.';
grant execute on function usher.list_role_permissions to authenticated;

create function usher.list_member_permissions(
  organisation_id uuid,
  user_id uuid
) returns setof text
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select p.name
  from usher.require_reviewed_member($1, $2) m
  cross join usher.permissions_of(m.organisation_id, m.roles) p (name)
  order by p.name
$$;
comment on function usher.list_member_permissions
  is 'The rule behind public.list_organisation_member_permissions.';
grant execute on function usher.list_member_permissions to authenticated;

create function usher.list_assignable_roles(organisation_id uuid) returns text[]
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := usher.require_permission(list_assignable_roles.organisation_id, null);
begin
  return array(
    select r.name
    from public.organisation_roles r
    where (r.organisation_id is null or r.organisation_id = list_assignable_roles.organisation_id)
      and usher.roles_problem(list_assignable_roles.organisation_id, array[r.name], v_member.roles) is null
    order by r.organisation_id is not null, r.name);
end
$$;
comment on function usher.list_assignable_roles
  is 'The rule behind public.list_assignable_organisation_roles.';
grant execute on function usher.list_assignable_roles to authenticated;

create function public.list_organisation_role_members(
  organisation_id uuid,
  role text
) returns jsonb
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select coalesce(jsonb_agg(to_jsonb(m) order by m.email, m.id), '[]') from usher.list_role_members($1, $2) m $$;
comment on function public.list_organisation_role_members
  is $$AssignedUsers: the active members who are given this role itself, by address. A member who has it by
inheritance only is not among them.

Returns one array of objects, each as a row of organisation_members. Needs member.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role.$$;
grant execute on function public.list_organisation_role_members to authenticated;

create function public.list_organisation_member_roles(
  organisation_id uuid,
  user_id uuid
) returns setof text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_member_roles($1, $2) $$;
comment on function public.list_organisation_member_roles
  is $$AssignedRoles: the roles that an active member is given, sorted. Needs member.read. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found.$$;
grant execute on function public.list_organisation_member_roles to authenticated;

create function public.list_organisation_role_permissions(
  organisation_id uuid,
  role text
) returns setof text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_role_permissions($1, $2) $$;
comment on function public.list_organisation_role_permissions
  is $$RolePermissions: all that a role permits, its own and what it inherits, sorted. Needs member.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role.$$;
grant execute on function public.list_organisation_role_permissions to authenticated;

create function public.list_organisation_member_permissions(
  organisation_id uuid,
  user_id uuid
) returns setof text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_member_permissions($1, $2) $$;
comment on function public.list_organisation_member_permissions
  is $$UserPermissions: all that an active member may do, sorted. Needs member.read. Fails with unauthenticated,
organisation_not_found, permission_denied, member_not_found.$$;
grant execute on function public.list_organisation_member_permissions to authenticated;

create function public.list_assignable_organisation_roles(
  organisation_id uuid
) returns text[]
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.list_assignable_roles($1) $$;
comment on function public.list_assignable_organisation_roles
  is $$The roles that the caller may give, built-in ones first, by name: what a page offers to those who may invite or
change members. Two of them together may still be refused, where they may not be held together. Any member
may. Fails with unauthenticated, organisation_not_found.$$;
grant execute on function public.list_assignable_organisation_roles to authenticated;
