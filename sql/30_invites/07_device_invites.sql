-- Device invites: a short code instead of a mail.
--
-- An admin makes one and reads the code to whoever sets the device up; the device signs in to an account of
-- its own and enrols with the code. From then on it is a subject that holds roles like anyone else.
-- A code is 10 of 30 characters that no one takes for another, about 49 bits; it works once, and whoever
-- guesses is stopped after ten wrong codes an hour (33_answers/05_enrolment.sql).
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
  v_day     usher.rate_limits;
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
  v_day := usher.take_shared_allowance('invites:' || v_member.organisation_id, 1,
    (select s.invites_per_day from usher.settings s), interval '1 day');

  insert into usher.invites as i (organisation_id, kind, device_name, roles, invited_by, lifetime, expires_at)
  values (v_member.organisation_id, 'device', v_name, v_roles, v_member.user_id, v_ttl,
    date_trunc('second', now() + v_ttl))
  returning i.id, i.organisation_id, i.device_name, i.roles, i.expires_at
  into v_invite.invite_id, v_invite.organisation_id, v_invite.device_name, v_invite.roles, v_invite.expires_at;

  perform usher.require_room_for_invites(v_member.organisation_id, v_day);

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
