-- Ending an invite from our side: an admin revokes it, or its time runs out.

create function usher.revoke_invite(invite_id uuid, reason text default null)
returns public.organisation_invites
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_invite usher.invites := usher.invite_for_change(revoke_invite.invite_id, 'invite.revoke');
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  if revoke_invite.reason is not null and usher.clean_text(revoke_invite.reason, 500) is null then
    perform usher.fail('invalid_message', hint => 'A reason is plain text of at most 500 characters.');
  end if;

  update usher.invites i
  set status = 'revoked', revoked_at = now(), revoked_by = auth.uid(),
    revoked_reason = nullif(usher.clean_text(revoke_invite.reason, 500), '')
  where i.id = v_invite.id
  returning i.* into strict v_invite;

  perform usher.record_event(v_invite.organisation_id, 'invite.revoked', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'revoked'),
    reason => v_invite.revoked_reason);
  return usher.invite_view(v_invite.id);
end
$$;
comment on function usher.revoke_invite is 'The rule behind public.revoke_organisation_invite.';

create function public.revoke_organisation_invite(invite_id uuid, reason text default null)
returns public.organisation_invites
language sql
volatile
security invoker
set search_path = ''
as $$ select usher.revoke_invite($1, $2) $$;
comment on function public.revoke_organisation_invite is
$$Withdraws a pending invite for good; its link stops working at once.

  invite_id  the invite
  reason     at most 500 characters; for the audit trail, never shown to the invitee

Returns the invite. Needs invite.revoke. Fails with unauthenticated, invite_not_found (also for another
tenant's), permission_denied, invite_not_pending, invalid_message.$$;
grant execute on function public.revoke_organisation_invite to authenticated;
grant execute on function usher.revoke_invite to authenticated;

create function usher.expire_overdue_invites(organisation_id uuid, emails text[])
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_invite_id uuid;
begin
  for v_invite_id in
    update usher.invites i
    set status = 'expired'
    where i.organisation_id = expire_overdue_invites.organisation_id
      and i.email = any (expire_overdue_invites.emails)
      and i.status = 'pending'
      and i.expires_at <= statement_timestamp()
    returning i.id
  loop
    perform usher.record_event(expire_overdue_invites.organisation_id, 'invite.expired', 'invite', v_invite_id,
      before     => jsonb_build_object('status', 'pending'),
      after      => jsonb_build_object('status', 'expired'),
      actor_kind => 'worker');
  end loop;
end
$$;
comment on function usher.expire_overdue_invites is
  'Writes down that the invites of these addresses that are past their time have expired.';
