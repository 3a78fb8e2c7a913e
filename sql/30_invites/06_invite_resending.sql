-- Sending again: a new mail with a new token, after which the old one is dead.

create function usher.require_mailed(invite usher.invites) returns void
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if (require_mailed.invite).kind <> 'user' then
    perform usher.fail('invite_not_pending',
      hint => 'A device gets a code, not a mail: revoke this one and make another.');
  end if;
end
$$;
comment on function usher.require_mailed
  is 'Refuses with invite_not_pending what is not sent by mail: the invite of a device.';

create function usher.issue_again(
  invite_id uuid,
  actor_kind text default null,
  inviter_id uuid default null
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_before usher.invites;
  v_invite usher.invites;
begin
  select i.* into strict v_before from usher.invites i where i.id = issue_again.invite_id for update;
  begin
    update usher.invites i
    set status = 'pending', issue = i.issue + 1, issued_at = now(), bounced_at = null,
      invited_by = coalesce(issue_again.inviter_id, i.invited_by),
      inviter_kind = case when issue_again.inviter_id is null then i.inviter_kind else 'user' end,
      expires_at = usher.invite_end(i.lifetime, i.membership_ends_at)
    where i.id = v_before.id
    returning i.* into strict v_invite;
  exception
    when unique_violation then
      perform usher.fail('already_invited', details => (
        select i.id::text from usher.invites i
        where i.organisation_id = v_before.organisation_id and i.email = v_before.email
          and i.status = 'pending'));
  end;

  perform usher.record_event(v_invite.organisation_id, 'invite.resent', 'invite', v_invite.id,
    before     => jsonb_build_object(
      'status', usher.invite_status(v_before.status, v_before.expires_at), 'expires_at', v_before.expires_at),
    after      => jsonb_build_object(
      'status', 'pending', 'expires_at', v_invite.expires_at, 'issue', v_invite.issue),
    actor_kind => issue_again.actor_kind);
end
$$;
comment on function usher.issue_again
  is $$A new issue of an invite that the caller checked: old links die, its time restarts, a mail goes out. inviter_id:
by whose word from now on; null: as before.
Fails with already_invited when a newer invite of the address is open.$$;

create function usher.new_inviter(invite usher.invites) returns uuid
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return case when usher.inviter_right_ends_at(new_inviter.invite) <= statement_timestamp() then auth.uid() end;
end
$$;
comment on function usher.new_inviter
  is $$By whose word an invite that the caller resends lets in: null where it stays with its sender, the caller where
that one may not give its roles any more.$$;

create function usher.resend_invite(
  invite_id uuid
) returns public.organisation_invites
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite   usher.invites := usher.invite_for_change(resend_invite.invite_id, 'invite.resend');
  v_settings usher.settings;
  v_problem  text;
begin
  if v_invite.status not in ('pending', 'expired') then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  perform usher.require_mailed(v_invite);
  if v_invite.membership_ends_at <= now() then
    perform usher.fail('invalid_expiry', hint => 'The membership that it offers would be over: make another invite.');
  end if;

  -- Sending again offers the roles again, so it is judged as a new offer by whoever sends it.
  v_problem := usher.roles_problem(v_invite.organisation_id, v_invite.roles,
    (usher.caller_membership(v_invite.organisation_id)).roles);
  v_problem := coalesce(v_problem, (
    select p.problem from usher.recipient_problems(v_invite.organisation_id, array[v_invite.email]) p));
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;

  select s.* into strict v_settings from usher.settings s;
  -- The first resend may follow at once: whoever just mistyped a message should not have to wait.
  if v_invite.issue > 1 and v_invite.issued_at + v_settings.resend_cooldown > now() then
    perform usher.fail_rate_limited(v_invite.issued_at + v_settings.resend_cooldown - now());
  end if;
  perform usher.take_allowance('resends:' || v_invite.id, 1, v_settings.resends_per_day, interval '1 day');

  perform usher.issue_again(v_invite.id,
    inviter_id => usher.new_inviter(v_invite));
  return usher.invite_view(v_invite.id);
end
$$;
comment on function usher.resend_invite
  is 'The rule behind public.resend_organisation_invite.';

create function public.resend_organisation_invite(
  invite_id uuid
) returns public.organisation_invites
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.resend_invite($1) $$;
comment on function public.resend_organisation_invite
  is $$Sends an invite again: a new mail with a new link, the old links die, and its time starts anew.

  invite_id  an invite that is pending or has expired

Returns the invite. Needs invite.resend, and the right to give its roles. Fails with unauthenticated,
invite_not_found, permission_denied, invite_not_pending, role_not_assignable, invalid_role,
domain_not_allowed, already_member, member_banned, already_invited, invalid_expiry (the membership that it
offers would be over), rate_limited (with Retry-After).$$;
grant execute on function public.resend_organisation_invite to authenticated;
grant execute on function usher.resend_invite to authenticated;
