-- Groups of a directory: a Group is a role of the organisation, and its members are those who hold it.
--
-- Every role but owner is a Group. Putting somebody in gives the role, taking them out takes it: at once for
-- members, on joining for those who are invited. The token's maker must be able to give it, as anywhere.
-- Owner is transferred by people only: whatever groups the owner is in is written down, and changes nothing.
--
-- A Group that the directory makes becomes an own role that permits nothing until an admin says what: a name
-- in a directory must not open anything by itself. Only such a role can be deleted by the directory.

create table usher.directory_groups (
  organisation_id uuid not null references public.organisations
    on delete cascade,
  role_id uuid not null references public.organisation_roles on delete cascade,
  display_name text not null,
  external_id text,
  is_made boolean not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organisation_id, role_id),
  constraint directory_groups_bounds check (
    length(display_name) <= 200 and length(external_id) <= 254
  )
);
comment on table usher.directory_groups
  is 'What a directory calls a role. A role that it has not named goes by its own name.';
comment on column usher.directory_groups.is_made
  is 'Whether the directory made the role.';
create index directory_groups_role_id on usher.directory_groups (role_id);
alter table usher.directory_groups enable row level security;
create policy directory_groups_nobody
  on usher.directory_groups
  for select
  to public
  using (false);

create type usher.directory_group as (
  id uuid,
  role text,
  display_name text,
  external_id text,
  is_made boolean,
  created_at timestamptz,
  updated_at timestamptz
);
comment on type usher.directory_group
  is 'A Group as the directory sees it at this moment.';

create function usher.directory_groups_of(
  organisation_id uuid
) returns setof usher.directory_group
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select r.id, r.name, coalesce(g.display_name, r.name), g.external_id, coalesce(g.is_made, false),
    coalesce(g.created_at, r.created_at), coalesce(g.updated_at, r.created_at)
  from public.organisation_roles r
  left join usher.directory_groups g on g.organisation_id = $1 and g.role_id = r.id
  where (r.organisation_id is null or r.organisation_id = $1)
    and not (r.organisation_id is null and r.name = 'owner')
$$;
comment on function usher.directory_groups_of
  is 'The roles of an organisation as Groups: all but owner.';

create function usher.list_directory_groups(
  token text,
  id uuid default null,
  display_name text default null,
  with_members boolean default true,
  for_change boolean default false
) returns table (item usher.directory_group, members jsonb)
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid :=
    usher.open_directory(list_directory_groups.token, list_directory_groups.for_change);
begin
  -- No group has such a name, and it would be compared with that of each.
  if length(list_directory_groups.display_name) > 254 then
    return;
  end if;
  return query
    with held as (
      select h.role, jsonb_agg(
        jsonb_build_object('value', u.id, 'display',
          coalesce(u.attributes ->> 'displayName', u.display_name, u.user_name))
        order by u.created_at, u.id) as members
      from usher.directory_users_of(v_organisation_id) u
      cross join unnest(u.roles) h (role)
      where list_directory_groups.with_members
      group by h.role
    )
    select g::usher.directory_group, coalesce(h.members, '[]')
    from usher.directory_groups_of(v_organisation_id) g
    left join held h on h.role = g.role
    where (list_directory_groups.id is null or g.id = list_directory_groups.id)
      and (list_directory_groups.display_name is null
        or lower(g.display_name) = lower(list_directory_groups.display_name))
    order by g.created_at, g.id;
end
$$;
comment on function usher.list_directory_groups
  is $$The Groups that a directory sees, each with its members as value (the id of a User) and display. For the SCIM
function.

  id, display_name  only this one, in any case
  with_members      false: members are left empty
  for_change        a change follows in this transaction: others wait

Fails with directory_token_invalid, permission_denied.$$;
grant execute on function usher.list_directory_groups to usher_worker;

create function usher.set_directory_role(
  organisation_id uuid,
  user_id uuid,
  role text,
  is_held boolean
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user    usher.directory_users :=
    usher.directory_user_for_change(set_directory_role.organisation_id, set_directory_role.user_id);
  v_actor   public.organisation_members :=
    usher.require_permission(set_directory_role.organisation_id, 'member.update', 'share');
  v_member  public.organisation_members;
  v_roles   text[];
  v_problem text;
begin
  if set_directory_role.is_held then
    perform usher.require_other_than_responsible(v_user.organisation_id, v_user.email, v_user.member_id);
    v_problem := usher.roles_problem(v_user.organisation_id, array[set_directory_role.role], v_actor.roles);
    if v_problem is not null then
      perform usher.fail(v_problem, details => set_directory_role.role);
    end if;
  end if;
  update usher.directory_users d
  set updated_at = now(), roles = case when set_directory_role.is_held
    then usher.clean_roles(d.roles || set_directory_role.role) else array_remove(d.roles, set_directory_role.role) end,
    -- For no longer than whoever answers for the token that gives it.
    role_ends = (d.role_ends - set_directory_role.role) || case when set_directory_role.is_held
      then usher.role_ends_of_gift(v_actor, 'member.update', array[set_directory_role.role]) else '{}' end
  where d.id = v_user.id
  returning d.roles into v_roles;

  select m.* into v_member from public.organisation_members m where m.id = v_user.member_id;
  if not found or v_member.status <> 'active' then
    if set_directory_role.is_held and usher.excluded_together(v_user.organisation_id, v_roles) is not null then
      perform usher.fail('role_not_assignable', hint => 'These roles may not be held together.');
    end if;
    return;
  elsif 'owner' = any (v_member.roles) then
    return;
  end if;

  v_member := usher.member_for_change(v_member.organisation_id, v_member.user_id, 'member.update');
  v_roles := case when set_directory_role.is_held
    then usher.clean_roles(v_member.roles || set_directory_role.role)
    else array_remove(v_member.roles, set_directory_role.role) end;
  if set_directory_role.is_held then
    perform usher.require_roles(v_member.organisation_id, v_roles);
    perform usher.require_no_owners_set(v_actor, v_member.roles, v_roles);
  end if;
  -- No mail, unlike a change by hand: a directory makes many of them, and tells its people itself.
  update public.organisation_members m
  set roles = v_roles, role_ends = m.role_ends || usher.role_ends_of_gift(
    v_actor, 'member.update', array(select unnest(v_roles) except select unnest(m.roles)))
  where m.id = v_member.id and m.roles <> v_roles;
  if found then
    perform usher.record_event(v_member.organisation_id, 'member.roles_updated', 'user', v_member.user_id,
      before => jsonb_build_object('roles', v_member.roles), after => jsonb_build_object('roles', v_roles));
  end if;
end
$$;
comment on function usher.set_directory_role
  is $$Gives a User a role or takes it: at once if they are a member, otherwise for when they join. Fails with
directory_not_found, invalid_role, role_not_assignable, permission_denied.$$;

create function usher.set_directory_members(
  organisation_id uuid,
  role text,
  user_ids uuid[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.set_directory_role(
      set_directory_members.organisation_id, coalesce(h.id, w.id), set_directory_members.role, w.id is not null)
    from (
      select u.id from usher.directory_users_of(set_directory_members.organisation_id) u
      where set_directory_members.role = any (u.roles)
    ) h
    full join (
      -- A group within the group, or somebody who is not there (any more), costs nobody else the change.
      select distinct u.id
      from unnest(set_directory_members.user_ids) i (id)
      join usher.directory_users_of(set_directory_members.organisation_id) u on u.id = i.id
    ) w on w.id = h.id
    where h.id is null or w.id is null;
end
$$;
comment on function usher.set_directory_members
  is 'Gives a role to exactly these Users: only whom it is new to, or taken from, is changed. What is no User is left
out. Fails as set_directory_role.';

create function usher.make_directory_role(
  organisation_id uuid,
  display_name text
) returns uuid
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_stem text := btrim(regexp_replace(lower(make_directory_role.display_name), '[^a-z0-9_]+', '-', 'g'), '-_');
  v_name text;
begin
  v_stem := left(case when v_stem ~ '^[a-z]' then v_stem else btrim('group-' || v_stem, '-') end, 56);
  select c.name into v_name
  from (
    select 0 as n, v_stem as name
    union all
    select n, v_stem || '-' || n from generate_series(2, 1000) n
  ) c
  where not exists (
    select from public.organisation_roles r
    where r.name = c.name
      and (r.organisation_id is null or r.organisation_id = make_directory_role.organisation_id))
  order by c.n
  limit 1;
  return (usher.create_role(make_directory_role.organisation_id, v_name,
    'A group of the directory: ' || make_directory_role.display_name, '{}', '{}')).id;
end
$$;
comment on function usher.make_directory_role
  is 'An own role without permissions for a new Group, named after it as far as a role''s name can be.';

create function usher.save_directory_group(
  token text,
  id uuid,
  facts jsonb
) returns uuid
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid := usher.open_directory(save_directory_group.token, true);
  v_name        text := usher.clean_name(save_directory_group.facts ->> 'display_name', 200, may_link => true);
  v_external_id text := usher.clean_line(save_directory_group.facts ->> 'external_id', 254);
  v_group       usher.directory_group;
begin
  if v_name is null then
    perform usher.fail('invalid_settings',
      hint => 'A displayName is one line of 1 to 200 characters that can be seen.');
  elsif v_external_id is null and save_directory_group.facts ->> 'external_id' <> '' then
    perform usher.fail('invalid_settings', hint => 'An externalId is one line of at most 254 characters.');
  end if;
  if exists (
    select from usher.directory_groups_of(v_organisation_id) g
    where lower(g.display_name) = lower(v_name) and g.id is distinct from save_directory_group.id)
  then
    perform usher.fail('directory_conflict');
  elsif lower(v_name) = 'owner' then
    perform usher.fail('directory_conflict', hint => 'Owner is transferred by people, never given by a directory.');
  end if;

  select g.* into v_group
  from usher.directory_groups_of(v_organisation_id) g where g.id = save_directory_group.id;
  if save_directory_group.id is null then
    v_group.id := usher.make_directory_role(v_organisation_id, v_name);
    v_group.is_made := true;
    select r.name into v_group.role from public.organisation_roles r where r.id = v_group.id;
  elsif not found then
    perform usher.fail('directory_not_found');
  end if;
  if (v_name, v_external_id) is distinct from (v_group.display_name, v_group.external_id) then
    insert into usher.directory_groups (organisation_id, role_id, display_name, external_id, is_made)
    values (v_organisation_id, v_group.id, v_name, v_external_id, v_group.is_made)
    on conflict on constraint directory_groups_pkey do update
    set display_name = excluded.display_name, external_id = excluded.external_id, updated_at = now();
  end if;
  -- Whoever asks for nothing else is told that nothing was done.
  if save_directory_group.facts ? 'added' and not exists (
    select
    from jsonb_array_elements_text(save_directory_group.facts -> 'added') a (id)
    join usher.directory_users_of(v_organisation_id) u on u.id::text = a.id)
  then
    perform usher.fail('invalid_settings', hint => 'None of these is a User, who could be a member.');
  end if;
  if save_directory_group.facts ? 'members' then
    perform usher.set_directory_members(v_organisation_id, v_group.role, array(
      select m.id::uuid from jsonb_array_elements_text(save_directory_group.facts -> 'members') m (id)));
  end if;
  return v_group.id;
end
$$;
comment on function usher.save_directory_group
  is $$Writes a Group as a directory says it is: who holds the role, and what the directory calls it. The name of the
role itself stays, because it is signed into links. For the SCIM function.

  id     the Group; null: a new one, which makes an own role without permissions
  facts  display_name, external_id, members (ids of Users: exactly these, but for those that are none; left out: as they
         are), added (ids, when nothing else is asked for: one of them has to be a User)

Returns the id. Fails with directory_token_invalid, directory_not_found, directory_conflict,
invalid_settings, invalid_role, role_not_assignable, permission_denied.$$;
grant execute on function usher.save_directory_group to usher_worker;

create function usher.delete_directory_group(token text, id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid := usher.open_directory(delete_directory_group.token, true);
  v_group usher.directory_group;
begin
  select g.* into v_group
  from usher.directory_groups_of(v_organisation_id) g where g.id = delete_directory_group.id;
  if not found then
    perform usher.fail('directory_not_found');
  elsif not v_group.is_made then
    perform usher.fail('permission_denied',
      hint => 'This role was not made by the directory: it can be emptied, not deleted.');
  end if;
  perform usher.set_directory_members(v_organisation_id, v_group.role, '{}');
  perform usher.delete_role(v_organisation_id, v_group.role);
end
$$;
comment on function usher.delete_directory_group
  is $$Takes the role of a Group from everyone and deletes it. For the SCIM function. Fails with
directory_token_invalid, directory_not_found, permission_denied (a role that the directory did not make),
role_in_use.$$;
grant execute on function usher.delete_directory_group to usher_worker;
