-- New links and other ways to an invite: change its roles, reveal it, ask for another, see one's own.

create function usher.update_invite_roles(
  invite_id uuid,
  roles text[]
) returns public.organisation_invites
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite  usher.invites := usher.invite_for_change(update_invite_roles.invite_id, 'invite.create');
  v_roles   text[] := usher.clean_roles(update_invite_roles.roles);
  v_actor   public.organisation_members;
  v_problem text;
  v_inviter_id uuid;
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  perform usher.require_mailed(v_invite);
  v_actor := usher.caller_membership(v_invite.organisation_id);
  -- Whoever may not give the roles that it carries may not take them away either.
  v_problem := coalesce(
    usher.roles_problem(v_invite.organisation_id, v_roles, v_actor.roles),
    nullif(usher.roles_problem(v_invite.organisation_id, v_invite.roles, v_actor.roles), 'invalid_role'));
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  if v_roles = v_invite.roles then
    return usher.invite_view(v_invite.id);
  end if;

  -- Whoever offers more than before does so by their own word.
  v_inviter_id := case when v_roles <@ v_invite.roles then usher.new_inviter(v_invite) else v_actor.user_id end;
  update usher.invites i
  set roles = v_roles, issue = i.issue + 1, bounced_at = null, invited_by = coalesce(v_inviter_id, i.invited_by),
    inviter_kind = case when v_inviter_id is null then i.inviter_kind else 'user' end
  where i.id = v_invite.id;
  perform usher.record_event(v_invite.organisation_id, 'invite.roles_updated', 'invite', v_invite.id,
    before => jsonb_build_object('roles', v_invite.roles),
    after  => jsonb_build_object('roles', v_roles, 'issue', v_invite.issue + 1));
  return usher.invite_view(v_invite.id);
end
$$;
comment on function usher.update_invite_roles
  is 'The rule behind public.update_organisation_invite_roles.';

create function public.update_organisation_invite_roles(
  invite_id uuid,
  roles text[]
) returns public.organisation_invites
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_invite_roles($1, $2) $$;
comment on function public.update_organisation_invite_roles
  is $$Changes what a pending invite offers. The roles are signed into the link, so a new mail goes out, and the old
links die; the time that is left stays.

  roles  as in create_organisation_invite

Returns the invite. Needs invite.create, and the right to give the old roles and the new. Fails with
unauthenticated, invite_not_found, permission_denied, invite_not_pending, invalid_role,
role_not_assignable.$$;
grant execute on function public.update_organisation_invite_roles to authenticated;
grant execute on function usher.update_invite_roles to authenticated;

create function usher.reveal_invite_link(invite_id uuid) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- The key before the invite, as the worker does it: on a first day it is being made at this moment.
  v_key_id  smallint := usher.ensure_signing_key();
  v_invite  usher.invites := usher.invite_for_change(reveal_invite_link.invite_id, 'invite.reveal');
  v_problem text;
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  perform usher.require_mailed(v_invite);
  v_problem := usher.roles_problem(
    v_invite.organisation_id, v_invite.roles, (usher.caller_membership(v_invite.organisation_id)).roles);
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;

  perform usher.record_event(v_invite.organisation_id, 'invite.link_revealed', 'invite', v_invite.id);
  return (select s.site_url from usher.settings s) || '/invite#' || usher.mint_invite_token(v_invite.id);
end
$$;
comment on function usher.reveal_invite_link
  is 'The rule behind public.reveal_organisation_invite_link.';

create function public.reveal_organisation_invite_link(
  invite_id uuid
) returns text
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.reveal_invite_link($1) $$;
comment on function public.reveal_organisation_invite_link
  is $$The link of a pending invite, for when mail cannot bring it; the trail says who took it. It works beside the
mailed one, and only for the invited address.

Returns the link. Needs invite.reveal, and the right to give the invite's roles. Fails with
unauthenticated, invite_not_found, permission_denied, invite_not_pending, role_not_assignable.$$;
grant execute on function public.reveal_organisation_invite_link to authenticated;
grant execute on function usher.reveal_invite_link to authenticated;

create function usher.request_invite_resend(token text) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_reading usher.token_reading := usher.read_invite_token(request_invite_resend.token);
  v_invite  usher.invites := v_reading.invite;
  v_sends   boolean;
begin
  if v_reading.problem is distinct from 'invite_expired' then
    return;
  end if;
  perform usher.lock_organisation(v_invite.organisation_id, 'share');
  select i.* into v_invite from usher.invites i where i.id = v_invite.id for update;
  if not found then
    return;
  end if;
  -- Once a day: whoever presses again is not told, and nobody gets a second mail.
  if exists (
    select from usher.rate_limits r
    where r.key = 'resend_requests:' || v_invite.id and r.window_start > now() - interval '1 day')
  then
    return;
  end if;
  perform usher.take_allowance('resend_requests:' || v_invite.id, 1, 1, interval '1 day', is_secret => true);
  select o.self_service_resend
    and coalesce(v_invite.membership_ends_at > now(), true)
    and usher.inviter_right_ends_at(v_invite) > statement_timestamp()
    -- What has changed since is checked again; otherwise an admin decides.
    and (select p.problem is null and (p.invite_id is null or p.invite_id = v_invite.id)
      from usher.recipient_problems(v_invite.organisation_id, array[v_invite.email]) p)
  into v_sends
  from public.organisations o where o.id = v_invite.organisation_id;
  perform usher.record_event(v_invite.organisation_id, 'invite.resend_requested', 'invite', v_invite.id,
    after => jsonb_build_object('is_sent', coalesce(v_sends, false)),
    actor_kind => case when auth.uid() is null then 'invitee' end);
  if v_sends then
    begin
      perform usher.issue_again(v_invite.id, case when auth.uid() is null then 'invitee' end);
    exception
      when others then
        -- A newer invite was sent at this very moment: that mail is on its way, and the answer is the same.
        null;
    end;
  end if;
end
$$;
comment on function usher.request_invite_resend
  is 'The rule behind public.request_organisation_invite_resend.';

create function public.request_organisation_invite_resend(
  token text
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.request_invite_resend($1) $$;
comment on function public.request_organisation_invite_resend
  is $$Asks for a new link with one that has expired. Where the organisation allows it, a new mail goes to the
invited address; otherwise those who may send it again get a mail. Once a day counts.

Answers the same whatever happens, so that nothing can be learnt from it. Whoever holds the link may.$$;
grant execute on function public.request_organisation_invite_resend to anon, authenticated, service_role;
grant execute on function usher.request_invite_resend to anon, authenticated, service_role;

create function usher.list_my_invites() returns table (
  id uuid,
  organisation_id uuid,
  organisation_name text,
  organisation_logo_url text,
  organisation_accent_colour text,
  roles text[],
  inviter_name text,
  inviter_email text,
  message text,
  created_at timestamptz,
  expires_at timestamptz
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select i.id, o.id, o.name, o.logo_url, o.accent_colour, i.roles, m.display_name, m.email, i.message,
    i.created_at, i.expires_at
  from auth.users u
  join usher.invites i on i.email = usher.normalise_email(u.email)
  join public.organisations o on o.id = i.organisation_id
  left join public.organisation_members m
    on m.organisation_id = i.organisation_id and m.user_id = i.invited_by
  where u.id = auth.uid()
    and usher.has_proven_address(u.id)
    and i.status = 'pending' and usher.invite_problem(i) is null
  order by i.created_at desc, i.id desc
$$;
comment on function usher.list_my_invites
  is 'The rule behind public.list_my_organisation_invites.';

create function public.list_my_organisation_invites() returns table (
  id uuid,
  organisation_id uuid,
  organisation_name text,
  organisation_logo_url text,
  organisation_accent_colour text,
  roles text[],
  inviter_name text,
  inviter_email text,
  message text,
  created_at timestamptz,
  expires_at timestamptz
)
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_my_invites() $$;
comment on function public.list_my_organisation_invites
  is $$The pending invites to the caller's own address, newest first.

Empty until the address is confirmed; and for single sign-on by a provider that the project does not have for the
domain of the address: then the mailed link is the way. Anyone signed in may.$$;
grant execute on function public.list_my_organisation_invites to authenticated;
grant execute on function usher.list_my_invites to authenticated;

create function usher.accept_my_invite(
  invite_id uuid
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites;
begin
  if not (select s.auth_confirms_addresses from usher.settings s)
    or exists (
      select from auth.users u
      where u.id = auth.uid() and u.is_sso_user and not usher.has_proven_address(u.id))
  then
    perform usher.fail('permission_denied', hint => 'Accept by the link in the mail.');
  end if;

  -- Another's invite looks like none at all.
  select i.* into v_invite
  from usher.invites i
  join auth.users u on u.id = auth.uid() and i.email = usher.normalise_email(u.email)
  where i.id = accept_my_invite.invite_id;
  if not found then
    perform usher.fail('invite_not_found');
  end if;
  if usher.invite_problem(v_invite) is not null then
    perform usher.fail(usher.invite_problem(v_invite));
  end if;
  return usher.accept_open_invite(v_invite);
end
$$;
comment on function usher.accept_my_invite
  is 'The rule behind public.accept_my_organisation_invite.';

create function public.accept_my_organisation_invite(
  invite_id uuid
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.speak_to_invitee();
  select usher.accept_my_invite($1);
$$;
comment on function public.accept_my_organisation_invite
  is $$Accepts one of list_my_organisation_invites without the link.

Only where usher.settings.auth_confirms_addresses says that the project's Auth confirms addresses by mail:
otherwise anyone could register the address and take the invite, and it fails with permission_denied; so it does
for single sign-on by a provider that the project does not have for the domain of the address.
Fails with invite_not_found, and as accept_organisation_invite does.$$;
grant execute on function public.accept_my_organisation_invite to authenticated;
grant execute on function usher.accept_my_invite to authenticated;
