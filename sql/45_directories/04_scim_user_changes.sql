-- Changing SCIM Users: when the directory says something new of them, and when their membership here changes.
--
-- Whoever joins is known to the directory from then on, and has the roles of its groups. Whoever loses a role
-- here does not get it back through a group.

create function usher.directory_user_problem(
  directory_user usher.directory_users
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user usher.directory_users := directory_user_problem.directory_user;
begin
  return case
    when v_user.email is null then 'invalid_email'
    when v_user.user_name is null or pg_column_size(v_user.attributes) > 16384 then 'invalid_settings'
    when exists (
      select from usher.directory_users_of(v_user.organisation_id) u
      where u.id <> v_user.id
        and (usher.folded_user_name(u.user_name) = usher.folded_user_name(v_user.user_name) or u.email = v_user.email))
    then 'directory_conflict'
  end;
end
$$;
comment on function usher.directory_user_problem
  is 'Why a User cannot be written as it is: a word of usher.errors(); null when it can.';

create function usher.save_directory_user(
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
  v_organisation_id uuid := usher.open_directory(save_directory_user.token, true);
  v_facts  jsonb := save_directory_user.facts;
  v_user   usher.directory_users;
  v_before usher.directory_users;
  v_wanted boolean := coalesce((v_facts ->> 'is_active')::boolean, true);
  v_is_in  boolean := false;
  v_problem text;
begin
  if save_directory_user.id is not null then
    v_user := usher.directory_user_for_change(v_organisation_id, save_directory_user.id);
    select u.is_active into v_is_in
    from usher.directory_users_of(v_organisation_id) u where u.id = v_user.id;
  else
    perform usher.require_room('directory users', v_organisation_id);
    v_user.id := gen_random_uuid();
    v_user.organisation_id := v_organisation_id;
    v_user.roles := '{member}';
  end if;
  v_before := v_user;
  v_user.user_name := usher.clean_line(v_facts ->> 'user_name', 254);
  v_user.external_id := usher.clean_line(v_facts ->> 'external_id', 254);
  v_user.email := usher.normalise_email(v_facts ->> 'email');
  v_user.attributes := coalesce(v_facts -> 'attributes', '{}');
  v_user.is_active := v_wanted;
  v_problem := case
    -- By it the directory finds them again: it is kept as it was sent, or said to be none.
    when v_user.external_id is null and v_facts ->> 'external_id' <> '' then 'invalid_settings'
    else usher.directory_user_problem(v_user)
  end;
  -- Whoever is turned off is out, whatever else is said of them: the rest stays as it was.
  if v_problem is not null and v_is_in and not v_wanted then
    v_user := v_before;
    v_user.is_active := false;
  elsif v_problem is not null then
    perform usher.fail(v_problem, hint => case v_problem
      when 'invalid_email' then 'A User needs an address: as userName, or as one of emails.'
      when 'invalid_settings'
        then 'userName and externalId are lines of at most 254 characters; the rest has at most 16 kB.' end);
  end if;

  if v_user.member_id is null then
    select m.id into v_user.member_id
    from public.organisation_members m
    where m.organisation_id = v_organisation_id and m.email = v_user.email and m.kind = 'user'
      -- By the address alone nobody comes back who has not proved it.
      and (m.status in ('active', 'banned') or usher.has_proven_address(m.user_id)
        and (select s.auth_confirms_addresses from usher.settings s))
      and not exists (select from usher.directory_users d where d.member_id = m.id)
    order by m.joined_at desc
    limit 1;
  end if;

  if not v_wanted then
    perform usher.dismiss_directory_user(v_before) where v_before.email is not null;
    perform usher.revoke_invites_to(v_organisation_id, v_user.email, 'By the directory');
  elsif not v_is_in then
    v_user := usher.admit_directory_user(v_user);
  elsif v_before.email <> v_user.email and exists (
    select from usher.invites i where i.id = v_user.invite_id and i.status = 'pending')
  then
    -- The offer follows them to their new address; the membership of a member is tied to the account.
    perform usher.revoke_invites_to(v_organisation_id, v_before.email, 'By the directory');
    v_user := usher.admit_directory_user(v_user);
  end if;

  insert into usher.directory_users as d (
    id, organisation_id, user_name, external_id, email, is_active, roles, attributes, member_id, invite_id)
  values (
    v_user.id, v_user.organisation_id, v_user.user_name, v_user.external_id, v_user.email, v_user.is_active,
    v_user.roles, v_user.attributes, v_user.member_id, v_user.invite_id)
  on conflict on constraint directory_users_pkey do update
  set user_name = excluded.user_name, external_id = excluded.external_id, email = excluded.email,
    is_active = excluded.is_active, attributes = excluded.attributes, member_id = excluded.member_id,
    invite_id = excluded.invite_id, updated_at = now();
  return v_user.id;
end
$$;
comment on function usher.save_directory_user
  is $$Writes a User as a directory says they are, and does what follows from it. For the SCIM function.

  id     the User; null: a new one. Whoever is turned off is out, also where the rest cannot be kept: that stays then
  facts  user_name, external_id, email, is_active (default: true), attributes (an object, at most 16 kB)

Returns the id. Fails with directory_token_invalid, directory_not_found, directory_conflict, invalid_email,
invalid_settings, owner_required, and as usher.admit_directory_user does.$$;
grant execute on function usher.save_directory_user to usher_worker;

create function usher.delete_directory_user(token text, id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid := usher.open_directory(delete_directory_user.token, true);
  v_user usher.directory_users :=
    usher.directory_user_for_change(v_organisation_id, delete_directory_user.id);
begin
  perform usher.dismiss_directory_user(v_user);
  delete from usher.directory_users d where d.id = v_user.id;
end
$$;
comment on function usher.delete_directory_user
  is $$Removes a User at once and forgets what the directory said of them; the membership's history stays. For the SCIM
function. Fails with directory_token_invalid, directory_not_found, owner_required, permission_denied.$$;
grant execute on function usher.delete_directory_user to usher_worker;

-- Somebody comes in, by whichever way: the directory knows them from then on, and its groups count.
create function usher.tg_organisation_members__join_directory() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user  usher.directory_users;
  v_roles text[];
  v_gifts jsonb;
begin
  -- Most know of no directory, and looking is all that it costs them.
  if not exists (select from usher.directory_users u where u.organisation_id = new.organisation_id) then
    return null;
  end if;
  update usher.directory_users d
  set member_id = new.id, is_active = true, updated_at = now()
  from usher.directory_users o
  where o.id = d.id
    -- One User, also when the directory has named a new address of theirs as somebody else.
    and d.id = (
      select u.id from usher.directory_users u
      where u.organisation_id = new.organisation_id
        and (u.member_id = new.id or u.email = new.email and not exists (
          select from public.organisation_members m where m.id = u.member_id and m.status = 'active'))
      order by u.member_id is not distinct from new.id desc, u.created_at
      limit 1)
  returning o.* into v_user;
  if v_user.is_active is not true then
    return null;
  end if;

  -- What the directory may give at this second, and until when.
  select coalesce(jsonb_object_agg(g.name, g.ends_at), '{}') into v_gifts
  from (
    select r.name, least((v_user.role_ends ->> r.name)::timestamptz,
      usher.directory_giving_ends_at(new.organisation_id, 'member.update', array[r.name])) as ends_at
    from public.organisation_roles r
    where r.name = any (v_user.roles)
      -- What they had for a time is theirs again when somebody gives it again.
      and not coalesce(old.role_ends ? r.name, false)
      and (r.organisation_id is null or r.organisation_id = new.organisation_id)
  ) g
  where g.ends_at > statement_timestamp();
  -- What the invite of a directory carries stands for those; what somebody here has offered comes on top.
  v_roles := usher.clean_roles(case when (v_gifts <> '{}' or v_user.roles = '{}') and exists (
    select from usher.invites i
    where i.id = v_user.invite_id and i.accepted_by = new.user_id and i.roles = '{member}')
    then '{}' else new.roles end || array(select jsonb_object_keys(v_gifts)));
  -- What may not be held together stays with what they were let in as.
  if v_roles <> new.roles and usher.excluded_together(new.organisation_id, v_roles) is null then
    update public.organisation_members m
    set roles = v_roles, role_ends = m.role_ends || (
      select coalesce(jsonb_object_agg(g.key, g.value), '{}')
      from jsonb_each(v_gifts) g where g.value <> '"infinity"' and g.key <> all (new.roles))
    where m.id = new.id;
    perform usher.record_event(new.organisation_id, 'member.roles_updated', 'user', new.user_id,
      before => jsonb_build_object('roles', new.roles), after => jsonb_build_object('roles', v_roles),
      actor_kind => 'directory');
  end if;
  return null;
end
$$;
comment on function usher.tg_organisation_members__join_directory
  is 'Ties a new member to the User of the same address, and gives the roles of that User''s groups.';

create trigger usher_join_directory
  after insert
  on public.organisation_members
  for each row
  when (new.kind = 'user' and new.status = 'active')
  execute function usher.tg_organisation_members__join_directory();
create trigger usher_rejoin_directory
  after update of status
  on public.organisation_members
  for each row
  when (new.kind = 'user' and new.status = 'active' and old.status <> 'active')
  execute function usher.tg_organisation_members__join_directory();

create function usher.tg_organisation_members__lose_directory_roles() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  update usher.directory_users d
  set roles = array(select r from unnest(d.roles) r where r = any (new.roles) or r <> all (old.roles) order by r)
  where d.member_id = new.id;
  return null;
end
$$;
comment on function usher.tg_organisation_members__lose_directory_roles
  is $$Forgets that a directory gave a role, once the member has lost it in any way, so that leaving and coming again
does not bring it back.$$;
create trigger usher_lose_directory_roles
  after update of roles
  on public.organisation_members
  for each row
  when (
    old.status = 'active'
      and new.status = 'active'
      and not old.roles <@ new.roles
      and not 'owner' = any(new.roles)
  )
  execute function usher.tg_organisation_members__lose_directory_roles();
