-- The guard: the first line of every rule. It finds the caller, locks what the change relies on, asks, and refuses.

create function usher.caller_membership(
  organisation_id uuid
) returns public.organisation_members
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
comment on function usher.caller_membership
  is $$The caller's membership of an organisation at this moment, with the roles that count now; null for none. For a
directory, that of whoever answers for its token, or what they had while the token may go on without them.$$;

create function usher.require_permission(
  organisation_id uuid,
  permission text,
  lock text default null,
  not_found text default 'organisation_not_found'
) returns public.organisation_members
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

  if require_permission.permission is not null
    and not usher.permits(v_member.organisation_id, v_member.roles, require_permission.permission)
  then
    perform usher.fail('permission_denied', details => require_permission.permission);
  end if;
  return v_member;
end
$$;
comment on function usher.require_permission
  is $$The guard: the first line of every rule, also of those that start from the id of a thing, which find its
organisation by it.

  organisation_id  where; null, too, for a thing that is not there
  permission       what the caller has to hold; null: any member may
  lock             of usher.lock_organisation, for a change; null: the caller only reads
  not_found        what a stranger is told, who cannot tell what is not there from what is somebody else's:
                   organisation_not_found, or the word for the thing

Returns the caller's membership. Fails with unauthenticated, not_found, sso_required, permission_denied (also for an
anonymous account that would change something).$$;
