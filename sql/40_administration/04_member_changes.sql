-- Changing members: their roles, removing, banning, leaving.
--
-- Nobody acts on someone who holds a permission that they lack, and nobody but transfer touches the owner.
-- Roles count from the member's very next query on.

create function usher.member_for_change(
  organisation_id uuid,
  user_id uuid,
  permission text
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(member_for_change.organisation_id, member_for_change.permission, 'share');
  v_member public.organisation_members;
begin
  -- Both, so that of two who shut each other out the second finds that it may not any more.
  perform usher.lock_members(v_actor.organisation_id, array[v_actor.user_id, member_for_change.user_id]);
  v_actor := usher.require_permission(member_for_change.organisation_id, member_for_change.permission);
  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = v_actor.organisation_id and m.user_id = member_for_change.user_id;
  if not found then
    perform usher.fail('member_not_found');
  end if;
  if 'owner' = any (v_member.roles) then
    perform usher.fail('owner_required', hint => 'Transfer the organisation first.');
  end if;
  if exists (
    select from usher.permissions_of(v_member.organisation_id, v_member.roles) p (name)
    where p.name not in (select usher.permissions_of(v_actor.organisation_id, v_actor.roles)))
  then
    perform usher.fail('permission_denied', hint => 'This member may do more than you.',
      details => member_for_change.permission);
  end if;
  return v_member;
end
$$;
comment on function usher.member_for_change
  is $$The membership, locked until the end of the transaction, as is the caller's own. Fails with unauthenticated,
organisation_not_found, permission_denied (also for a member who holds more than the caller),
member_not_found, owner_required.$$;

create function usher.require_no_owners_set(
  actor public.organisation_members,
  before text[],
  after text[]
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if not 'owner' = any ((require_no_owners_set.actor).roles)
    and usher.is_for_owners((require_no_owners_set.actor).organisation_id, require_no_owners_set.after)
    and not usher.is_for_owners((require_no_owners_set.actor).organisation_id, require_no_owners_set.before)
  then
    perform usher.fail('role_not_assignable',
      hint => 'Together these roles contain what the owner alone may give, such as admin.');
  end if;
end
$$;
comment on function usher.require_no_owners_set
  is $$Refuses with role_not_assignable when somebody other than the owner gives roles that come to be what the owner
alone gives.$$;

create function usher.update_member_roles(
  organisation_id uuid,
  user_id uuid,
  roles text[]
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_actor   public.organisation_members;
  v_member  public.organisation_members := usher.member_for_change(
    update_member_roles.organisation_id, update_member_roles.user_id, 'member.update');
  v_before  text[] := v_member.roles;
  v_roles   text[] := usher.clean_roles(update_member_roles.roles);
  v_added   text[] := array(select unnest(v_roles) except select unnest(v_member.roles));
  v_problem text;
begin
  if v_member.status <> 'active' then
    perform usher.fail('member_not_found', hint => 'This person is not an active member.');
  end if;
  if v_roles is null then
    perform usher.fail('invalid_role');
  end if;
  -- The same roles are no change, and no news to anybody.
  if v_roles <@ v_member.roles and v_member.roles <@ v_roles then
    return v_member;
  end if;

  v_actor := usher.caller_membership(v_member.organisation_id);
  -- Who keeps a role is not given it anew: only what is added has to be the caller's to give.
  if cardinality(v_added) > 0 then
    v_problem := usher.roles_problem(v_member.organisation_id, v_added, v_actor.roles);
    if v_problem is not null then
      perform usher.fail(v_problem);
    end if;
    perform usher.require_roles(v_member.organisation_id, v_roles);
    perform usher.require_no_owners_set(v_actor, v_before, v_roles);
  end if;

  update public.organisation_members m
  set roles = v_roles, role_ends = m.role_ends || usher.role_ends_of_gift(v_actor, 'member.update', v_added)
  where m.id = v_member.id
  returning m.* into v_member;
  perform usher.record_event(v_member.organisation_id, 'member.roles_updated', 'user', v_member.user_id,
    before => jsonb_build_object('roles', v_before), after => jsonb_build_object('roles', v_roles)
      || case when v_member.role_ends = '{}' then '{}' else jsonb_build_object('role_ends', v_member.role_ends) end);
  return v_member;
end
$$;
comment on function usher.update_member_roles
  is 'The rule behind public.update_organisation_member_roles.';

create function public.update_organisation_member_roles(
  organisation_id uuid,
  user_id uuid,
  roles text[]
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_member_roles($1, $2, $3) $$;
comment on function public.update_organisation_member_roles
  is $$Gives a member exactly these roles; they count at once, and the member gets a mail. Roles that the member has
already are no change: nothing is recorded, and no mail is sent.

  roles  names of roles, or none: a member without a role may do nothing; never owner

Returns the membership. Needs member.update, at least the permissions that the member holds, and the right
to give what is added, which ends when the caller's own right does. Fails with
unauthenticated, organisation_not_found, permission_denied,
member_not_found, owner_required, invalid_role, role_not_assignable.$$;
grant execute on function public.update_organisation_member_roles to authenticated;
grant execute on function usher.update_member_roles to authenticated;

create function usher.remove_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := usher.member_for_change(
    remove_member.organisation_id, remove_member.user_id, 'member.remove');
begin
  if v_member.status <> 'active' then
    perform usher.fail('member_not_found', hint => 'This person is not an active member.');
  elsif v_member.user_id = auth.uid() then
    perform usher.fail('permission_denied', hint => 'Nobody removes themselves. To go, leave the organisation.');
  end if;
  return usher.end_membership(v_member.id, 'removed', 'member.removed', remove_member.reason);
end
$$;
comment on function usher.remove_member
  is 'The rule behind public.remove_organisation_member.';

create function public.remove_organisation_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.remove_member($1, $2, $3) $$;
comment on function public.remove_organisation_member
  is $$Ends a membership at once; the person gets a mail and may be invited again.

  reason  at most 500 characters, kept with the membership and in the trail

Returns the membership. Needs member.remove and at least the permissions that the member holds. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found, owner_required,
invalid_message.$$;
grant execute on function public.remove_organisation_member to authenticated;
grant execute on function usher.remove_member to authenticated;

create function usher.ban_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(ban_member.organisation_id, 'member.ban', 'share');
  v_member public.organisation_members;
begin
  perform usher.lock_person(v_actor.organisation_id, a.email)
    from usher.addresses_of(v_actor.organisation_id, ban_member.user_id) a (email);
  v_member := usher.member_for_change(ban_member.organisation_id, ban_member.user_id, 'member.ban');
  if v_member.user_id = v_actor.user_id then
    perform usher.fail('permission_denied', hint => 'Nobody bans themselves. To go, leave the organisation.');
  elsif v_member.status = 'banned' then
    perform usher.fail('member_banned');
  end if;
  v_member := usher.end_membership(v_member.id, 'banned', 'member.banned', ban_member.reason);

  -- No way back by an invite that was sent to them; of what they sent, usher.invite_problem says that it is dead.
  perform usher.revoke_invites_to(v_member.organisation_id, a.email, 'The address was banned')
    from usher.addresses_of(v_member.organisation_id, v_member.user_id) a (email);
  return v_member;
end
$$;
comment on function usher.ban_member
  is 'The rule behind public.ban_organisation_member.';

create function public.ban_organisation_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.ban_member($1, $2, $3) $$;
comment on function public.ban_organisation_member
  is $$Shuts a member, or a former one, out: no access, no invite, no accepting, until unbanned. It holds for the
address as well, also after the account was deleted and made again. Pending invites to them are revoked at once; those
that they sent let nobody in any more.

  reason  at most 500 characters, kept with the membership and in the trail

Returns the membership. Needs member.ban and at least the permissions that the member holds. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found, owner_required,
member_banned, invalid_message.$$;
grant execute on function public.ban_organisation_member to authenticated;
grant execute on function usher.ban_member to authenticated;

create function usher.unban_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := usher.member_for_change(
    unban_member.organisation_id, unban_member.user_id, 'member.ban');
begin
  if v_member.status <> 'banned' then
    perform usher.fail('member_not_found', hint => 'This person is not banned.');
  end if;
  return usher.end_membership(v_member.id, 'removed', 'member.unbanned', unban_member.reason);
end
$$;
comment on function usher.unban_member
  is 'The rule behind public.unban_organisation_member.';

create function public.unban_organisation_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.unban_member($1, $2, $3) $$;
comment on function public.unban_organisation_member
  is $$Lifts a ban. The person is then a removed member, who may be invited again.

  reason  at most 500 characters, kept with the membership and in the trail

Returns the membership. Needs member.ban and at least the permissions that the member held. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found, invalid_message.$$;
grant execute on function public.unban_organisation_member to authenticated;
grant execute on function usher.unban_member to authenticated;

create function usher.leave_organisation(
  organisation_id uuid
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members :=
    usher.require_permission(leave_organisation.organisation_id, null, 'share');
begin
  -- Roles may be changing at this moment: who has just become the owner stays.
  perform usher.lock_members(v_member.organisation_id, array[v_member.user_id]);
  select m.* into v_member from public.organisation_members m where m.id = v_member.id;
  if 'owner' = any (v_member.roles) then
    perform usher.fail('owner_required');
  end if;
  if v_member.status is distinct from 'active' then
    perform usher.fail('organisation_not_found');
  end if;
  return usher.end_membership(v_member.id, 'left', 'member.left', null);
end
$$;
comment on function usher.leave_organisation
  is 'The rule behind public.leave_organisation.';

create function public.leave_organisation(
  organisation_id uuid
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.leave_organisation($1) $$;
comment on function public.leave_organisation
  is $$Ends the caller's own membership. Returns it. Any member may but the owner, who transfers or deletes the
organisation. Fails with unauthenticated, permission_denied (an anonymous account, such as a device's),
organisation_not_found, owner_required.$$;
grant execute on function public.leave_organisation to authenticated;
grant execute on function usher.leave_organisation to authenticated;
