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

create function usher.caller_membership(organisation_id uuid)
returns public.organisation_members
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_member public.organisation_members;
begin
  select m.* into v_member
  from usher.current_members m
  where m.organisation_id = caller_membership.organisation_id
    and m.user_id = auth.uid();
  if coalesce(current_setting('usher.directory', true), '') <> '' then
    v_member := coalesce(usher.directory_membership(caller_membership.organisation_id), v_member);
  end if;
  return v_member;
end
$$;
comment on function usher.caller_membership is
$$The caller's membership of an organisation at this moment, with the roles that count now; null for none. For a
directory, that of whoever answers for its token, or what they had while the token may go on without them.$$;

create function usher.acts_as_directory()
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$ select coalesce(current_setting('usher.directory', true), '') <> '' $$;
comment on function usher.acts_as_directory is
  'Whether the transaction acts as a directory: usher.open_directory has noted its token.';

create function usher.giving_ends_at(member public.organisation_members, permission text, roles text[])
returns timestamptz
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_member public.organisation_members := giving_ends_at.member;
  v_roles  text[];
  v_end    timestamptz := timestamptz '-infinity';
begin
  -- Most have no end, and give built-in roles: then one question is enough.
  if v_member.next_end_at is null
    and exists (
      select from public.organisation_roles r
      where r.name = any (v_member.roles)
        and (r.organisation_id is null or r.organisation_id = v_member.organisation_id)
        and giving_ends_at.permission = any (r.permissions))
    and not exists (
      select from unnest(giving_ends_at.roles) g (name)
      where not exists (
        select from usher.role_assigners a where a.role = g.name and a.assigner = any (v_member.roles)))
  then
    return timestamptz 'infinity';
  end if;

  -- With the roles of this moment, then with those that are left after each end, for as long as they are enough.
  while v_member.status = 'active' loop
    v_roles := array(
      select r from unnest(v_member.roles) r
      where coalesce((v_member.role_ends ->> r)::timestamptz, 'infinity') > greatest(v_end, statement_timestamp()));
    exit when giving_ends_at.permission not in (select usher.permissions_of(v_member.organisation_id, v_roles))
      or usher.unassignable_role(v_member.organisation_id, giving_ends_at.roles, v_roles) is not null;
    v_end := coalesce(least(v_member.ends_at, (
      select min(e.value::timestamptz) from jsonb_each_text(v_member.role_ends) e where e.key = any (v_roles))),
      'infinity');
    exit when v_end = 'infinity' or v_end = v_member.ends_at;
  end loop;
  return v_end;
end
$$;
comment on function usher.giving_ends_at is
$$Until when a member of usher.current_members may give these roles by a permission such as invite.create, as the ends
of their membership and of their roles say: infinity without an end, -infinity when they may not now, and for nobody.
What somebody with an end gives ends no later.$$;

create function usher.role_ends_of_gift(member public.organisation_members, permission text, roles text[])
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when (role_ends_of_gift.member).next_end_at is null then '{}' else (
    select coalesce(jsonb_object_agg(g.role, g.ends_at), '{}')
    from (
      select r as role, usher.giving_ends_at(role_ends_of_gift.member, role_ends_of_gift.permission, array[r]) as ends_at
      from unnest(role_ends_of_gift.roles) r
    ) g
    where g.ends_at <> 'infinity') end;
end
$$;
comment on function usher.role_ends_of_gift is
  'The ends, as in organisation_members.role_ends, of roles that a member gives: those whose right to give them has an end.';

create function usher.lock_organisation(organisation_id uuid, lock text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  case lock_organisation.lock
    when 'exists' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for key share;
    when 'share' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for share;
    when 'settings' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for no key update;
    when 'delete' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for update;
  end case;
end
$$;
comment on function usher.lock_organisation is
$$The first lock of every change, held until the end of its transaction, and never made stronger in it.

  lock  exists    what the worker notes down: it waits for nothing but the deletion of the organisation
        share     whatever happens in the organisation: many at once
        settings  what others rely on while they change something: settings, roles, rules, counts, the last seat
        delete    the organisation itself

After it, and in this order: the person (usher.lock_person), members by id, invites by id, whatever else. So two
changes wait for each other and never in a circle. Whoever has waited sees the world anew in its next statement.$$;

create function usher.lock_person(organisation_id uuid, email text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(
    concat_ws(' ', 'usher person', lock_person.organisation_id, lock_person.email), 0));
end
$$;
comment on function usher.lock_person is
$$The second lock: one address in one organisation, whoever it belongs to now. A ban takes it, and every way of
joining, so that nobody comes in while they are being shut out.$$;

create function usher.require_permission(
  organisation_id uuid,
  permission      text,
  lock            text default null,
  not_found       text default 'organisation_not_found'
)
returns public.organisation_members
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_member public.organisation_members;
begin
  -- An anonymous account, as a device may have, looks and changes nothing.
  if require_permission.lock is not null then
    perform usher.require_person();
  elsif auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;

  v_member := usher.caller_membership(require_permission.organisation_id);
  -- Only a member lets others wait. What was true before a wait is asked again after it.
  if v_member.id is not null and require_permission.lock is not null then
    perform usher.lock_organisation(v_member.organisation_id, require_permission.lock);
    v_member := usher.caller_membership(require_permission.organisation_id);
  end if;
  if v_member.id is null then
    perform usher.fail(require_permission.not_found);
  elsif usher.is_kept_out(v_member) then
    perform usher.require_sign_in(v_member.organisation_id, v_member.user_id, v_member.email);
  end if;

  if require_permission.permission is not null and require_permission.permission not in (
    select usher.permissions_of(v_member.organisation_id, v_member.roles))
  then
    perform usher.fail('permission_denied', details => require_permission.permission);
  end if;
  return v_member;
end
$$;
comment on function usher.require_permission is
$$The guard: the first line of every rule, also of those that start from the id of a thing, which find its
organisation by it.

  organisation_id  where; null, too, for a thing that is not there
  permission       what the caller has to hold; null: any member may
  lock             of usher.lock_organisation, for a change; null: the caller only reads
  not_found        what a stranger is told, who cannot tell what is not there from what is somebody else's:
                   organisation_not_found, or the word for the thing

Returns the caller's membership. Fails with unauthenticated, not_found, sso_required, permission_denied (also for an
anonymous account that would change something).$$;

create function usher.list_my_permissions(organisation_id uuid)
returns setof text
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
