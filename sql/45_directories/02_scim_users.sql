-- SCIM Users: what a directory says of people, and what that makes of them here.
--
-- A User is everyone whom the directory has named, and every active member that it has not named yet, so
-- that it finds and takes over who is there already.
--
-- active: true   a member at once, if the account of that address is proved to be theirs: its domain is one
--                that the organisation has verified, or they were a member before and were removed.
--                Everyone else gets an invite by mail: naming an address must not let in whoever registered it.
-- active: false  removed at once; open invites to the address are revoked.
-- deleted        the same, and the directory's record is forgotten.
--
-- What the directory says holds until somebody here says otherwise: a ban is never lifted by a directory, and
-- the owner never removed. An invite that was declined or has expired is not sent again by itself; a directory
-- that deactivates and activates somebody again sends one.

create type usher.directory_user as (
  id uuid,
  user_name text,
  external_id text,
  email text,
  display_name text,
  is_active boolean,
  roles text[],
  attributes jsonb,
  member_id uuid,
  created_at timestamptz,
  updated_at timestamptz
);
comment on type usher.directory_user
  is 'A User as the directory sees it at this moment.';

create function usher.directory_users_of(
  organisation_id uuid
) returns setof usher.directory_user
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select d.id, d.user_name, d.external_id, d.email, m.display_name,
    -- An invite that somebody here took back is a no; one that is not answered yet is not.
    d.is_active and coalesce(m.status = 'active', i.status is distinct from 'revoked'),
    case when m.status = 'active' and not 'owner' = any (m.roles) then m.roles else d.roles end,
    d.attributes, d.member_id, d.created_at, greatest(d.updated_at, m.ended_at)
  from usher.directory_users d
  left join public.organisation_members m on m.id = d.member_id
  left join usher.invites i on i.id = d.invite_id
  where d.organisation_id = $1
  union all
  select m.id, m.email, null, m.email, m.display_name, true, array_remove(m.roles, 'owner'),
    '{}', m.id, m.joined_at, m.joined_at
  from public.organisation_members m
  where m.organisation_id = $1 and m.kind = 'user' and m.status = 'active' and m.email is not null
    and not exists (select from usher.directory_users d where d.member_id = m.id)
$$;
comment on function usher.directory_users_of
  is $$Everyone whom a directory of this organisation sees: whom it has named, and the active members beside them. Never
a device. roles are those that its groups may give and take: never owner.$$;

create function usher.list_directory_users(
  token text,
  id uuid default null,
  user_name text default null,
  external_id text default null,
  email text default null,
  start_index integer default 1,
  page_size integer default null,
  for_change boolean default false
) returns table (item usher.directory_user, total bigint)
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid :=
    usher.open_directory(list_directory_users.token, list_directory_users.for_change);
begin
  -- Nobody has such a name, and it would be compared with that of everyone.
  if greatest(length(list_directory_users.user_name), length(list_directory_users.external_id),
    length(list_directory_users.email)) > 254
  then
    return;
  end if;
  return query
    select u::usher.directory_user, count(*) over ()
    from usher.directory_users_of(v_organisation_id) u
    where (list_directory_users.id is null or u.id = list_directory_users.id)
      and (list_directory_users.user_name is null
        or usher.folded_user_name(u.user_name) = usher.folded_user_name(list_directory_users.user_name))
      and (list_directory_users.external_id is null or u.external_id = list_directory_users.external_id)
      and (list_directory_users.email is null or u.email = usher.normalise_email(list_directory_users.email))
    order by u.created_at, u.id
    offset greatest(list_directory_users.start_index, 1) - 1
    limit list_directory_users.page_size;
end
$$;
comment on function usher.list_directory_users
  is $$The Users that a directory sees, oldest first, with how many there are in all. For the SCIM function.

  id, user_name, external_id, email  only this one; case matters in external_id alone
  start_index, page_size             from the first on, counted from 1; null: all
  for_change                         a change follows in this transaction: others wait

Fails with directory_token_invalid, permission_denied.$$;
grant execute on function usher.list_directory_users to usher_worker;

create function usher.directory_user_for_change(
  organisation_id uuid,
  id uuid
) returns usher.directory_users
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user usher.directory_users;
begin
  -- A member whom the directory has not named so far is taken over, under the id that it was shown.
  insert into usher.directory_users (
    id, organisation_id, user_name, email, is_active, roles, member_id, created_at)
  select m.id, m.organisation_id, m.email, m.email, true, array_remove(m.roles, 'owner'), m.id, m.joined_at
  from public.organisation_members m
  where m.id = directory_user_for_change.id
    and m.organisation_id = directory_user_for_change.organisation_id
    and m.kind = 'user' and m.status = 'active' and m.email is not null
    and not exists (select from usher.directory_users d where d.member_id = m.id)
  on conflict do nothing;

  select d.* into v_user
  from usher.directory_users d
  where d.id = directory_user_for_change.id
    and d.organisation_id = directory_user_for_change.organisation_id;
  -- The accounts before the members, as whoever deletes one does.
  perform from auth.users u
  where u.email = any (usher.spellings(v_user.email)) and u.is_sso_user = false
    or u.id = (select m.user_id from public.organisation_members m where m.id = v_user.member_id)
  order by u.id
  for key share;
  perform usher.lock_person(v_user.organisation_id, v_user.email);
  perform usher.lock_members(v_user.organisation_id, array(
    select m.user_id from public.organisation_members m where m.id = v_user.member_id or m.user_id = auth.uid()));
  perform usher.lock_open_invites(v_user.organisation_id, v_user.email);
  select d.* into v_user
  from usher.directory_users d
  where d.id = directory_user_for_change.id
    and d.organisation_id = directory_user_for_change.organisation_id
  for update;
  if not found then
    perform usher.fail('directory_not_found');
  end if;
  return v_user;
end
$$;
comment on function usher.directory_user_for_change
  is 'A User of this organisation, locked until the end of the transaction. Fails with directory_not_found.';

create function usher.directory_account(
  directory_user usher.directory_users
) returns uuid
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user     usher.directory_users := directory_account.directory_user;
  v_accounts uuid[];
  v_status   text;
begin
  -- What only a session can show is asked of them when they accept.
  if exists (
    select from public.organisation_sign_in_rules r
    where r.organisation_id = v_user.organisation_id
      and (r.level <> 'aal1' or cardinality(r.methods) > 0 or r.max_age is not null))
  then
    return null;
  end if;
  -- Whoever was a member is the same account, by whichever way they sign in.
  select array_agg(m.user_id), max(m.status) into v_accounts, v_status
  from public.organisation_members m
  join auth.users u on u.id = m.user_id
  where m.id = v_user.member_id and u.email = any (usher.spellings(v_user.email)) and u.email_confirmed_at is not null
    -- Where people have to come in through a provider, an account without it is nobody's yet.
    and not usher.lacks_identity(m.organisation_id, u.id, v_user.email);
  if v_accounts is not null then
    return case when v_status = 'removed' then v_accounts[1] end;
  end if;

  -- Of single sign-on only where the project has that provider for the domain: else the address is whatever the
  -- provider says.
  select array_agg(u.id) into v_accounts
  from auth.users u
  where u.email = any (usher.spellings(v_user.email)) and u.email_confirmed_at is not null
    and (u.is_sso_user = false or usher.has_proven_address(u.id))
    and not usher.lacks_identity(v_user.organisation_id, u.id, v_user.email);
  return (
    select v_accounts[1]
    where cardinality(v_accounts) = 1
      and (select s.auth_confirms_addresses from usher.settings s)
      and exists (
        select from public.organisation_domains d
        where d.organisation_id = v_user.organisation_id and d.verified_at is not null
          and d.domain = usher.email_domain(v_user.email))
      and not exists (
        select from public.organisation_members m
        where m.organisation_id = v_user.organisation_id and m.user_id = v_accounts[1]));
end
$$;
comment on function usher.directory_account
  is $$The account that is certainly this User's, so that no invite is needed; null when that is not known. Certain
is who was a member before and was removed, and who has confirmed an address of a domain that the
organisation has verified. Who left by themselves, or comes for the first time, is asked by an invite.$$;

create function usher.admit_directory_user(
  directory_user usher.directory_users
) returns usher.directory_users
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user    usher.directory_users := admit_directory_user.directory_user;
  v_actor   public.organisation_members :=
    usher.require_permission(v_user.organisation_id, 'invite.create', 'share');
  v_problem text := case when v_user.roles <> '{}'
    then usher.roles_problem(v_user.organisation_id, v_user.roles, v_actor.roles) end;
  v_account uuid := usher.directory_account(v_user);
  v_before  public.organisation_members;
  v_member  public.organisation_members;
begin
  perform usher.require_other_than_responsible(v_user.organisation_id, v_user.email, v_user.member_id);
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  select p.problem, p.invite_id into v_problem, v_user.invite_id
  from usher.recipient_problems(v_user.organisation_id, array[v_user.email]) p;
  -- A ban holds under whatever address the directory gives them now.
  if exists (
    select from public.organisation_members m where m.id = v_user.member_id and m.status = 'banned')
  then
    v_problem := 'member_banned';
  end if;
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  select m.* into v_before from public.organisation_members m where m.id = v_user.member_id;
  if v_before.ends_at <= statement_timestamp() then
    perform usher.fail('permission_denied', hint => 'Their access had an end: somebody here has to give it anew.');
  end if;

  if v_account is null and v_user.invite_id is null then
    v_user.invite_id := (usher.create_invite(v_user.organisation_id,
      jsonb_strip_nulls(jsonb_build_object(
        'email', v_user.email, 'roles', '{member}'::text[], 'membership_ends_at', v_before.ends_at)))).id;
  elsif v_account is not null then
    -- It was found by its address, which may have become another since.
    if usher.lock_for_joining(v_user.organisation_id, v_account) is distinct from v_user.email then
      perform usher.fail('try_again', headers => '{"Retry-After": "1"}');
    end if;
    -- What was offered to them is in their hands now.
    perform usher.revoke_invites_to(v_user.organisation_id, v_user.email, 'By the directory');
    v_user.invite_id := null;
    perform usher.require_may_join(v_user.organisation_id, v_account, v_user.email, v_user.roles);
    select m.* into v_before from public.organisation_members m
    where m.organisation_id = v_user.organisation_id and m.user_id = v_account;
    v_member := usher.add_member(v_user.organisation_id, v_account, v_user.roles,
      least(v_before.ends_at, nullif(usher.giving_ends_at(v_actor, 'invite.create', v_user.roles), 'infinity')));
    -- What a directory turns off and on again has the ends that people here gave it.
    if v_before.role_ends <> '{}' or v_user.role_ends <> '{}' then
      update public.organisation_members m
      set role_ends = coalesce(v_before.role_ends, '{}') || coalesce(v_user.role_ends, '{}')
      where m.id = v_member.id
      returning m.* into v_member;
    end if;
    v_user.member_id := v_member.id;
    perform usher.record_event(v_user.organisation_id, 'member.joined', 'user', v_member.user_id,
      after => jsonb_build_object('roles', v_member.roles));
  end if;
  return v_user;
end
$$;
comment on function usher.admit_directory_user
  is $$Makes a User a member with the roles of their groups, or invites them as a member: the roles of groups come on
joining, as they are then. Fails with role_not_assignable, invalid_role, domain_not_allowed, member_banned,
already_member, seat_limit_reached, permission_denied, rate_limited.$$;

create function usher.dismiss_directory_user(
  directory_user usher.directory_users
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user usher.directory_users := dismiss_directory_user.directory_user;
begin
  perform usher.remove_member(m.organisation_id, m.user_id, 'By the directory')
    from public.organisation_members m
    where m.id = v_user.member_id and m.status = 'active';
  perform usher.revoke_invites_to(v_user.organisation_id, v_user.email, 'By the directory');
end
$$;
comment on function usher.dismiss_directory_user
  is $$Removes a User at once, and revokes what is open for their address. Fails with owner_required, and
permission_denied where the token's maker may not remove them.$$;
