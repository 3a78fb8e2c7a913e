-- Enrolment: a device comes in by the code that was read out to it.

create function usher.answer_error(code text) returns jsonb
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_error record;
begin
  select e.* into strict v_error from usher.error_of(answer_error.code) e;
  perform set_config('response.status', v_error.status::text, true);
  return jsonb_build_object(
    'code', answer_error.code, 'message', v_error.message, 'details', null, 'hint', v_error.hint);
end
$$;
comment on function usher.answer_error
  is $$An error as an answer instead of an exception: same status and body over HTTP, but what the transaction has
counted stays counted. For guesses.$$;

create function usher.enrol_device(code text) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_wait   interval;
  v_invite usher.invites;
  v_member public.organisation_members;
  v_email  text;
  v_has_phone boolean;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;

  -- Before the code is looked at: who has guessed too often learns nothing more, right or wrong.
  select r.window_start + interval '1 hour' - now() into v_wait
  from usher.rate_limits r
  where r.key = 'device_codes:' || auth.uid() and r.used >= 10
    and r.window_start + interval '1 hour' > now();
  if found then
    perform usher.fail_rate_limited(v_wait);
  end if;

  if length(enrol_device.code) <= 20 then
    select i.* into v_invite
    from usher.signing_keys k
    join usher.device_codes d
      on d.key_id = k.id and d.hash = usher.device_code_hash(enrol_device.code, k.id)
    join usher.invites i on i.id = d.invite_id;
  end if;
  if v_invite.id is null then
    perform usher.take_allowance('device_codes:' || auth.uid(), 1, 10, interval '1 hour');
    return usher.answer_error('invite_invalid');
  end if;
  if usher.invite_problem(v_invite) is not null then
    perform usher.fail(usher.invite_problem(v_invite));
  end if;

  -- An account with an address or a phone number is somebody's: a code is no way round what is asked of people.
  select usher.normalise_email(u.email), coalesce(to_jsonb(u) ->> 'phone', '') <> '' into v_email, v_has_phone
  from auth.users u where u.id = auth.uid();
  v_member := usher.join_by_invite(v_invite, v_email,
    asks => case when v_email is not null or v_has_phone then array['domain', 'session'] else '{}' end,
    kind => 'device');
  update public.organisation_members m
  set display_name = v_invite.device_name, email = null
  where m.id = v_member.id
  returning m.* into v_member;

  perform usher.record_event(v_invite.organisation_id, 'device.enrolled', 'user', v_member.user_id,
    after => jsonb_build_object('invite_id', v_invite.id, 'roles', v_member.roles),
    actor_kind => 'device');
  return to_jsonb(v_member);
end
$$;
comment on function usher.enrol_device
  is 'The rule behind public.enrol_organisation_device.';

create function public.enrol_organisation_device(code text) returns jsonb
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.speak_to_invitee();
  select usher.enrol_device($1);
$$;
comment on function public.enrol_organisation_device
  is $$Enrols the caller, a device that is signed in to an account of its own, with a code.

  code  as the admin was shown it; case, spaces and hyphens do not matter

Returns the membership, of kind device. Anyone signed in may. Fails with unauthenticated, invite_invalid (no
such code; an answer of status 404, not an exception, so that the guess is counted), rate_limited (ten wrong
codes within an hour), invite_already_accepted, invite_revoked, invite_expired, inviter_lost_right, invalid_role,
role_not_assignable, seat_limit_reached, already_member, member_banned, try_again; for an account with an address, which
is a person's, also domain_not_allowed and sso_required.$$;
grant execute on function public.enrol_organisation_device to authenticated;
grant execute on function usher.enrol_device to authenticated;
