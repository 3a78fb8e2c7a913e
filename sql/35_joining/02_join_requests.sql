-- Join requests: who asked to join, approved or declined. Seeing them needs invite.read, deciding invite.create.

create function usher.join_request_for_change(
  request_id uuid,
  is_joining boolean
) returns public.organisation_join_requests
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_request public.organisation_join_requests;
begin
  select r.* into v_request
  from public.organisation_join_requests r where r.id = join_request_for_change.request_id;
  -- Where seats are counted, whoever joins needs the stronger lock, and none is made stronger later.
  perform usher.require_permission(v_request.organisation_id, 'invite.create',
    case when join_request_for_change.is_joining then 'settings' else 'share' end, 'request_not_found');
  if join_request_for_change.is_joining then
    perform usher.lock_for_joining(v_request.organisation_id, v_request.user_id);
    perform usher.lock_open_invites(v_request.organisation_id, v_request.email);
  end if;

  select r.* into v_request
  from public.organisation_join_requests r where r.id = join_request_for_change.request_id for update;
  if not found then
    perform usher.fail('request_not_found');
  elsif v_request.status <> 'pending' then
    perform usher.fail('request_not_open', details => v_request.status);
  elsif join_request_for_change.is_joining and not exists (
    select from auth.users u where u.id = v_request.user_id and usher.normalise_email(u.email) = v_request.email)
  then
    perform usher.fail('request_not_open', details => 'address_changed',
      hint => 'They have another address than the one that asked. Decline the request: they can ask again.');
  end if;
  return v_request;
end
$$;
comment on function usher.join_request_for_change
  is $$A pending request, locked, for a caller with invite.create; is_joining: with all that whoever asked needs to
join. Fails with unauthenticated, request_not_found (also for another tenant's), permission_denied, request_not_open.$$;

create function usher.approve_join_request(
  request_id uuid,
  roles text[]
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_request public.organisation_join_requests :=
    usher.join_request_for_change(approve_join_request.request_id, true);
  v_actor   public.organisation_members := usher.caller_membership(v_request.organisation_id);
  v_roles   text[] := usher.clean_roles(coalesce(approve_join_request.roles, array[(
    select d.role from public.organisation_domains d
    where d.organisation_id = v_request.organisation_id
      and d.domain = usher.email_domain(v_request.email))]));
  v_problem text := usher.roles_problem(v_request.organisation_id, v_roles, v_actor.roles);
  v_member  public.organisation_members;
begin
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  -- They came as the organisation asks when they asked to join; but it may ask more since.
  if usher.lacks_identity(v_request.organisation_id, v_request.user_id, v_request.email) then
    perform usher.fail('sso_required',
      hint => 'Decline the request: they can ask again once they sign in the way that the organisation asks for.');
  end if;
  perform usher.require_may_join(v_request.organisation_id, v_request.user_id, v_request.email, v_roles);
  v_member := usher.add_member(v_request.organisation_id, v_request.user_id, v_roles,
    nullif(usher.giving_ends_at(v_actor, 'invite.create', v_roles), 'infinity'));
  v_member := usher.settle_open_invite(v_member);
  update public.organisation_join_requests r
  set status = 'approved', decided_at = now(), decided_by = auth.uid()
  where r.id = v_request.id;
  perform usher.record_event(v_request.organisation_id, 'join.approved', 'user', v_request.user_id,
    after => jsonb_build_object('request_id', v_request.id, 'roles', v_member.roles));
  return v_member;
end
$$;
comment on function usher.approve_join_request
  is 'The rule behind public.approve_organisation_join_request.';

create function public.approve_organisation_join_request(
  request_id uuid,
  roles text[] default null
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.approve_join_request($1, $2) $$;
comment on function public.approve_organisation_join_request
  is $$Lets somebody in who asked to join.

  roles  what they join with; without it, the role of their domain

Returns the membership. Needs invite.create, and the right to give the roles. Fails with unauthenticated,
request_not_found, permission_denied, request_not_open, invalid_role, role_not_assignable,
sso_required (they asked before the organisation asked for another way in), seat_limit_reached, already_member,
member_banned.$$;
grant execute on function public.approve_organisation_join_request to authenticated;
grant execute on function usher.approve_join_request to authenticated;

create function usher.decline_join_request(
  request_id uuid,
  reason text
) returns public.organisation_join_requests
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_request public.organisation_join_requests :=
    usher.join_request_for_change(decline_join_request.request_id, false);
begin
  if decline_join_request.reason is not null and usher.clean_text(decline_join_request.reason, 500) is null
    or exists (select from usher.find_links(usher.clean_text(decline_join_request.reason, 500)))
  then
    perform usher.fail('invalid_message',
      hint => 'A reason is plain text of at most 500 characters, without addresses and links.');
  end if;
  update public.organisation_join_requests r
  set status = 'declined', decided_at = now(), decided_by = auth.uid(),
    reason = nullif(usher.clean_text(decline_join_request.reason, 500), '')
  where r.id = v_request.id
  returning r.* into v_request;
  perform usher.record_event(v_request.organisation_id, 'join.declined', 'user', v_request.user_id,
    after => jsonb_build_object('request_id', v_request.id), reason => v_request.reason);
  return v_request;
end
$$;
comment on function usher.decline_join_request
  is 'The rule behind public.decline_organisation_join_request.';

create function public.decline_organisation_join_request(
  request_id uuid,
  reason text default null
) returns public.organisation_join_requests
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.decline_join_request($1, $2) $$;
comment on function public.decline_organisation_join_request
  is $$Turns a request to join down; they may ask again.

  reason  at most 500 characters, without addresses and links; the one who asked can read it

Returns the request. Needs invite.create. Fails with unauthenticated, request_not_found, permission_denied,
request_not_open, invalid_message.$$;
grant execute on function public.decline_organisation_join_request to authenticated;
grant execute on function usher.decline_join_request to authenticated;
