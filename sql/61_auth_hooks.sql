-- Signing up: the closed door, and joining on the way in.
--
-- Where usher.settings.sign_up is invite_only, an account can be made only for an address with a pending
-- invite, or by a device that brings an open code. Supabase Auth's before-user-created hook says so in
-- words; underneath, a trigger on auth.users holds for every other way, the admin API and SQL included.
--
-- Whoever signs up with invite_token in their sign-up data is a member as soon as their address is
-- confirmed, in that very transaction. A token that is no good never stands in the way of signing up.

create table usher.sign_up_invites (
  user_id   uuid primary key,
  invite_id uuid not null references usher.invites on delete cascade,
  issue     integer not null
);
comment on table usher.sign_up_invites is
  'Which invite an account that is not confirmed yet came with. The token itself is not kept.';
create index sign_up_invites_invite_id on usher.sign_up_invites (invite_id);
alter table usher.sign_up_invites enable row level security;
create policy sign_up_invites_nobody on usher.sign_up_invites for select to public using (false);

create function usher.may_sign_up(email text, user_metadata jsonb)
returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select (select s.sign_up from usher.settings s) = 'open'
    or exists (
      select from usher.invites i
      where i.email = usher.normalise_email(may_sign_up.email)
        and i.status = 'pending' and usher.invite_status(i.status, i.expires_at) = 'pending')
    or exists (
      select from public.organisation_domains d
      where d.domain = usher.email_domain(usher.normalise_email(may_sign_up.email))
        and d.verified_at is not null and d.join_policy <> 'none')
    or case when length(may_sign_up.user_metadata ->> 'device_code') <= 20 then exists (
      select from usher.signing_keys k
      join usher.device_codes d on d.key_id = k.id
        and d.hash = usher.device_code_hash(may_sign_up.user_metadata ->> 'device_code', k.id)
      join usher.invites i on i.id = d.invite_id
      where usher.invite_status(i.status, i.expires_at) = 'pending')
    else false end
$$;
comment on function usher.may_sign_up is
$$Whether an account may be made: sign-up is open, the address has a pending invite or is of a domain that lets
its people join, or the sign-up data holds the code of an open device invite (device_code).$$;

create function usher.before_user_created(event jsonb)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select case
    when usher.may_sign_up($1 -> 'user' ->> 'email', $1 -> 'user' -> 'user_metadata') then '{}'::jsonb
    else (
      select jsonb_build_object('error', jsonb_build_object('http_code', e.status, 'message', e.message))
      from usher.errors() e where e.code = 'signup_not_invited')
  end
$$;
comment on function usher.before_user_created is
$$Supabase Auth's before-user-created hook: refuses in words whom the trigger on auth.users would refuse.

  event  as Supabase Auth sends it: {"metadata": …, "user": {"email", "user_metadata", …}}

Returns {} or {"error": {"http_code", "message"}}. In config.toml, [auth.hook.before_user_created] with
uri = "pg-functions://postgres/usher/before_user_created".
Source: https://supabase.com/docs/guides/auth/auth-hooks/before-user-created-hook$$;

create type public.organisation_sign_up_policy as (
  sign_up                 text,
  auth_confirms_addresses boolean
);
comment on type public.organisation_sign_up_policy is
  'What pages have to know before anybody has an account, as organisation_sign_up_policy returns it.';

create function usher.sign_up_policy()
returns public.organisation_sign_up_policy
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_policy public.organisation_sign_up_policy;
begin
  select s.sign_up, s.auth_confirms_addresses into strict v_policy from usher.settings s;
  return v_policy;
end
$$;
comment on function usher.sign_up_policy is
  'The rule behind public.organisation_sign_up_policy: these two of the settings, and no other, are for everyone.';

create function public.organisation_sign_up_policy()
returns public.organisation_sign_up_policy
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return usher.sign_up_policy();
end
$$;
comment on function public.organisation_sign_up_policy is
$$Who may create an account in this project, and whether its Auth confirms addresses: for pages, so that none offers
what would be refused.

sign_up is open, or invite_only: then an account is only for people with a pending invitation, or with an email
address of a domain that lets its people join, and for devices with a code. auth_confirms_addresses says whether
accept_my_organisation_invite accepts without the link. Both are settings of the whole project, which its operator
changes by usher.update_settings. Anyone may.$$;
grant execute on function public.organisation_sign_up_policy to anon, authenticated, service_role;
grant execute on function usher.sign_up_policy to anon, authenticated, service_role;

-- Only where the platform has this role; a bare Postgres has not.
do $$
begin
  if exists (select from pg_catalog.pg_roles r where r.rolname = 'supabase_auth_admin') then
    grant usage on schema usher to supabase_auth_admin;
    grant execute on function usher.before_user_created to supabase_auth_admin;
  end if;
end
$$;

create function usher.tg_users__closed_door()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reading usher.token_reading;
begin
  if not usher.may_sign_up(new.email, new.raw_user_meta_data::jsonb) then
    perform usher.fail('signup_not_invited');
  end if;

  if new.raw_user_meta_data::jsonb ? 'invite_token' then
    v_reading := usher.read_invite_token(new.raw_user_meta_data::jsonb ->> 'invite_token');
    if v_reading.problem is null then
      insert into usher.sign_up_invites (user_id, invite_id, issue)
      values (new.id, (v_reading.invite).id, (v_reading.invite).issue)
      on conflict on constraint sign_up_invites_pkey do nothing;
    end if;
  end if;
  -- Token and code are secrets: they must not lie about in the account's data.
  new.raw_user_meta_data := new.raw_user_meta_data::jsonb - array['invite_token', 'device_code'];
  return new;
end
$$;
comment on function usher.tg_users__closed_door is
  'Refuses with signup_not_invited; takes an invite token out of the sign-up data and notes its invite.';

create trigger usher_closed_door
before insert on auth.users
for each row execute function usher.tg_users__closed_door();

create function usher.tg_identities__no_secrets()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  new.identity_data := new.identity_data::jsonb - array['invite_token', 'device_code'];
  return new;
end
$$;
comment on function usher.tg_identities__no_secrets is
  'Takes tokens and codes out of the copy of the sign-up data that Auth keeps with the identity.';

-- Auth's own table, which a stand-in for Auth may lack.
do $$
begin
  if to_regclass('auth.identities') is not null then
    create trigger usher_no_secrets
    before insert or update of identity_data on auth.identities
    for each row execute function usher.tg_identities__no_secrets();
  end if;
end
$$;

create function usher.tg_users__join_when_confirmed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_claims text := current_setting('request.jwt.claims', true);
  v_sub    text := current_setting('request.jwt.claim.sub', true);
  v_invite usher.invites;
begin
  delete from usher.sign_up_invites s
  using usher.invites i
  where s.user_id = new.id and i.id = s.invite_id and i.issue = s.issue
  returning i.* into v_invite;
  if not found then
    return null;
  end if;

  begin
    -- They act themselves, though Auth does it for them: their name stands in the trail.
    perform set_config('request.jwt.claims', json_build_object('sub', new.id)::text, true),
      set_config('request.jwt.claim.sub', new.id::text, true);
    perform usher.accept_open_invite(v_invite);
  exception
    when others then
      -- Whatever is wrong with the invite, the account is made; its page says what is wrong.
      null;
  end;
  perform set_config('request.jwt.claims', coalesce(v_claims, ''), true),
    set_config('request.jwt.claim.sub', coalesce(v_sub, ''), true);
  return null;
end
$$;
comment on function usher.tg_users__join_when_confirmed is
  'Accepts the invite that an account came with, now that its address is confirmed; never fails.';

create trigger usher_join_when_confirmed_at_once
after insert on auth.users
for each row when (new.email_confirmed_at is not null)
execute function usher.tg_users__join_when_confirmed();

create trigger usher_join_when_confirmed
after update of email_confirmed_at on auth.users
for each row when (old.email_confirmed_at is null and new.email_confirmed_at is not null)
execute function usher.tg_users__join_when_confirmed();
