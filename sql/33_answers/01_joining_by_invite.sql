-- Joining by an invite: by its link, without it, or by the code of a device. Lock, judge, write.

create function usher.join_by_invite(
  invite usher.invites,
  email text,
  asks text[],
  kind text default 'user'
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite        usher.invites := join_by_invite.invite;
  v_now           usher.invites;
  v_problem       text;
  v_right_ends_at timestamptz;
begin
  -- By another address, which they have had for no longer than this has waited, other things would be theirs.
  if usher.lock_for_joining(v_invite.organisation_id, auth.uid(), v_invite.invited_by)
    is distinct from join_by_invite.email
  then
    perform usher.fail('try_again', headers => '{"Retry-After": "1"}');
  end if;

  -- What may have changed since it was sent: its state, the right of who sent it, and all that joining asks.
  select i.* into v_now from usher.invites i where i.id = v_invite.id;
  v_problem := case
    when not found then 'invite_invalid'
    when v_now.issue <> v_invite.issue or v_now.roles <> v_invite.roles then 'invite_superseded'
    else usher.invite_state_problem(v_now)
  end;
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  v_right_ends_at := usher.inviter_right_ends_at(v_now);
  if v_right_ends_at <= clock_timestamp() then
    perform usher.fail('inviter_lost_right');
  end if;
  perform usher.require_may_join(
    v_now.organisation_id, auth.uid(), join_by_invite.email, v_now.roles, join_by_invite.asks);

  -- The race is decided here: whoever revokes it, sends it again or declines it at this moment is waited for, and
  -- finds it accepted, or is found.
  update usher.invites i
  set status = 'accepted', accepted_at = now(), accepted_by = auth.uid()
  where i.id = v_now.id
    and i.status = 'pending'
    and i.issue = v_now.issue
    and i.roles = v_now.roles
    and i.expires_at > clock_timestamp();
  if not found then
    select i.* into v_now from usher.invites i where i.id = v_invite.id;
    perform usher.fail(case when not found then 'invite_invalid'
      else coalesce(usher.invite_problem(v_now), 'invite_superseded') end);
  end if;
  -- Whoever waited for a row that then stayed as it was had its time compared before the wait.
  if v_now.expires_at <= clock_timestamp() then
    perform usher.fail('invite_expired');
  end if;
  return usher.add_member(v_now.organisation_id, auth.uid(), v_now.roles,
    least(v_now.membership_ends_at, nullif(v_right_ends_at, 'infinity')), join_by_invite.kind);
end
$$;
comment on function usher.join_by_invite
  is $$Makes the caller a member by this invite, which was open when it was read, if it still is: locks, judges, writes.

  email  the address of their account; null: it has none
  asks   as usher.require_may_join has it
  kind   of the membership: user or device

Returns the membership; the event is its caller's. Fails as public.accept_organisation_invite says, but for
what is wrong with a token or with the caller.$$;
