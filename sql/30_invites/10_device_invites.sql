-- Device invites: a short code instead of a mail.
--
-- An admin makes one and reads the code to whoever sets the device up; the device signs in to an account of
-- its own and enrols with the code. From then on it is a subject that holds roles like anyone else.
-- A code is 10 of 30 characters that no one takes for another, about 49 bits; it works once, and whoever
-- guesses is stopped after ten wrong codes an hour.
--
-- The row is an invite of kind device: it is listed, revoked and expires as any other.

create function usher.device_code_hash(code text, key_id integer) returns bytea
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  -- Keyed, because so short a code could be found from a plain hash by trying them all.
  select extensions.hmac(
    convert_to(translate(upper(device_code_hash.code), '- ', ''), 'UTF8'),
    usher.signing_key_secret(device_code_hash.key_id), 'sha256')
$$;
comment on function usher.device_code_hash
  is 'What is kept of a device code: its HMAC under a signing key. Case, spaces and hyphens do not matter.';

create function usher.random_device_code() returns text
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  -- No 0 O, 1 I L, U V. A byte of 240 or more is left out, so that each character is as likely.
  select substring(c.code from 1 for 5) || '-' || substring(c.code from 6 for 5)
  from (
    select string_agg(substring('23456789ABCDEFGHJKMNPQRSTVWXYZ' from b.value % 30 + 1 for 1), '' order by b.n) as code
    from (
      select r.n, get_byte(r.bytes, r.n) as value, row_number() over (order by r.n) as place
      from (
        select g.n, t.bytes
        from (select extensions.gen_random_bytes(64) as bytes) t, generate_series(0, 63) g (n)) r
      where get_byte(r.bytes, r.n) < 240
    ) b
    where b.place <= 10
  ) c
$$;
comment on function usher.random_device_code
  is 'A new code such as 7KQ4M-XW2BD, from a CSPRNG.';

create table usher.device_codes (
  invite_id uuid primary key references usher.invites on delete cascade,
  key_id smallint not null references usher.signing_keys,
  hash bytea not null unique
);
comment on table usher.device_codes
  is 'The HMAC of the code of each device invite. The code itself is kept nowhere.';
create index device_codes_key_id on usher.device_codes (key_id);
alter table usher.device_codes enable row level security;
create policy device_codes_nobody
  on usher.device_codes
  for select
  to public
  using (false);

create type public.organisation_device_invite as (
  invite_id uuid,
  organisation_id uuid,
  device_name text,
  roles text[],
  expires_at timestamptz,
  code text
);
comment on type public.organisation_device_invite
  is 'A device invite with its code, which is shown this once.';

create function usher.create_device_invite(
  organisation_id uuid,
  device_name text,
  roles text[],
  expires_in interval
) returns public.organisation_device_invite
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member  public.organisation_members :=
    usher.require_permission(create_device_invite.organisation_id, 'invite.create', 'share');
  v_name    text := usher.clean_name(create_device_invite.device_name);
  v_roles   text[] := usher.clean_roles(create_device_invite.roles);
  v_problem text := usher.roles_problem(v_member.organisation_id, v_roles, v_member.roles);
  v_ttl     interval := usher.invite_lifetime(
    coalesce(create_device_invite.expires_in, interval '1 day')::text, interval '1 day');
  v_invite  public.organisation_device_invite;
  v_key_id  smallint;
begin
  if v_name is null then
    perform usher.fail('invalid_settings', 
      hint => 'device_name is one line of 1 to 100 characters that can be seen, without addresses and links.');
  elsif v_problem is not null then
    perform usher.fail(v_problem);
  elsif v_ttl is null then
    perform usher.fail('invalid_expiry');
  end if;
  perform usher.require_free_seat(v_member.organisation_id);
  perform usher.take_allowance('invites:' || v_member.organisation_id, 1,
    (select s.invites_per_day from usher.settings s), interval '1 day');

  insert into usher.invites as i (organisation_id, kind, device_name, roles, invited_by, lifetime, expires_at)
  values (v_member.organisation_id, 'device', v_name, v_roles, v_member.user_id, v_ttl,
    date_trunc('second', now() + v_ttl))
  returning i.id, i.organisation_id, i.device_name, i.roles, i.expires_at
  into v_invite.invite_id, v_invite.organisation_id, v_invite.device_name, v_invite.roles, v_invite.expires_at;

  perform usher.require_room_for_invites(v_member.organisation_id);

  v_key_id := usher.ensure_signing_key();
  v_invite.code := usher.random_device_code();
  insert into usher.device_codes (invite_id, key_id, hash)
  values (v_invite.invite_id, v_key_id, usher.device_code_hash(v_invite.code, v_key_id));

  perform usher.record_event(v_invite.organisation_id, 'invite.created', 'invite', v_invite.invite_id,
    after => jsonb_build_object(
      'kind', 'device', 'roles', v_invite.roles, 'expires_at', v_invite.expires_at));
  return v_invite;
end
$$;
comment on function usher.create_device_invite
  is 'The rule behind public.create_organisation_device_invite.';

create function public.create_organisation_device_invite(
  organisation_id uuid,
  device_name text,
  roles text[],
  expires_in interval default null
) returns public.organisation_device_invite
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_device_invite($1, $2, $3, $4) $$;
comment on function public.create_organisation_device_invite
  is $$Invites a device: makes a short code for it, to be read out and typed in.

  device_name  what people call it: one line, 1 to 100 characters, without addresses and links
  roles        as in create_organisation_invite
  expires_in   1 hour to 30 days; without it, a day

Returns the invite with its code, shown this once. Needs invite.create, and the right to give each of the
roles. Fails with unauthenticated, organisation_not_found, permission_denied, role_not_assignable,
invalid_role, invalid_expiry, invalid_settings, seat_limit_reached, rate_limited.$$;
grant execute on function public.create_organisation_device_invite to authenticated;
grant execute on function usher.create_device_invite to authenticated;

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
  v_right_ends_at timestamptz;
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

  perform usher.lock_for_joining(v_invite.organisation_id, auth.uid(), v_invite.invited_by);
  update usher.invites i
  set status = 'accepted', accepted_at = now(), accepted_by = auth.uid()
  where i.id = v_invite.id and i.status = 'pending' and i.expires_at > clock_timestamp();
  if not found then
    select i.* into v_invite from usher.invites i where i.id = v_invite.id;
    perform usher.fail(case when v_invite.id is null then 'invite_invalid'
      else coalesce(usher.invite_problem(v_invite), 'invite_not_pending') end);
  end if;
  -- As when accepting an invite: it may have waited for the row until after its end.
  if v_invite.expires_at <= clock_timestamp() then
    perform usher.fail('invite_expired');
  end if;

  v_right_ends_at := usher.inviter_right_ends_at(v_invite);
  if v_right_ends_at <= clock_timestamp() then
    perform usher.fail('inviter_lost_right');
  end if;
  perform usher.require_roles(v_invite.organisation_id, v_invite.roles);
  -- An account with an address or a phone number is somebody's: a code is no way round what is asked of people.
  select usher.normalise_email(u.email), coalesce(to_jsonb(u) ->> 'phone', '') <> '' into v_email, v_has_phone
  from auth.users u where u.id = auth.uid();
  if v_email is not null or v_has_phone then
    if exists (
      select from public.organisations o
      where o.id = v_invite.organisation_id and cardinality(o.allowed_email_domains) > 0
        and coalesce(usher.email_domain(v_email) <> all (o.allowed_email_domains), true))
    then
      perform usher.fail('domain_not_allowed');
    end if;
    perform usher.require_sign_in(v_invite.organisation_id, auth.uid(), v_email);
  end if;
  perform usher.require_free_seat(v_invite.organisation_id);
  v_member := usher.add_member(v_invite.organisation_id, auth.uid(), v_invite.roles,
    nullif(v_right_ends_at, 'infinity'), 'device');
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
