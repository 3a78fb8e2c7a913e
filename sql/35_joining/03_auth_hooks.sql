-- Signing up: the closed door, and joining on the way in.
--
-- Where usher.settings.sign_up is invite_only, an account can be made only for an address with a pending
-- invite, or by a device that brings an open code. Supabase Auth's before-user-created hook says so in
-- words; underneath, a trigger on auth.users holds for every other way, the admin API and SQL included.
--
-- Whoever signs up with invite_token in their sign-up data is a member as soon as their address is
-- confirmed, in that very transaction. A token that is no good never stands in the way of signing up.
--
-- Tokens and codes are kept nowhere. Supabase Auth holds a new account in memory, with the sign-up data as it
-- came, and writes that data several times: with the account, with its identity, and by an update afterwards.
-- So it is cleaned at each write; and where Auth signs a session in the very request, from memory, its custom
-- access token hook cleans the token.
--
-- Source: internal/api/signup.go and internal/models/user.go of github.com/supabase/auth.

create table usher.sign_up_invites (
  user_id uuid primary key,
  invite_id uuid not null,
  issue integer not null,
  organisation_id uuid not null references public.organisations
    on delete cascade
);
comment on table usher.sign_up_invites
  is 'Which invite an account that is not confirmed yet came with. The token itself is not kept.';
comment on column usher.sign_up_invites.invite_id
  is 'No foreign key: it would lock the invite before the person and the members, whom joining locks first.';
create index sign_up_invites_organisation_id on usher.sign_up_invites (
  organisation_id
);
alter table usher.sign_up_invites enable row level security;
create policy sign_up_invites_nobody
  on usher.sign_up_invites
  for select
  to public
  using (false);

create function usher.before_user_created(event jsonb) returns jsonb
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
comment on function usher.before_user_created
  is $$Supabase Auth's before-user-created hook: refuses in words whom the trigger on auth.users would refuse.

  event  as Supabase Auth sends it: {"metadata": …, "user": {"email", "user_metadata", …}}

Returns {} or {"error": {"http_code", "message"}}. In config.toml, [auth.hook.before_user_created] with
uri = "pg-functions://postgres/usher/before_user_created".
Source: https://supabase.com/docs/guides/auth/auth-hooks/before-user-created-hook$$;

create type public.organisation_sign_up_policy as (
  sign_up text,
  auth_confirms_addresses boolean
);
comment on type public.organisation_sign_up_policy
  is 'What pages have to know before anybody has an account, as organisation_sign_up_policy returns it.';

create function usher.sign_up_policy() returns public.organisation_sign_up_policy
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
comment on function usher.sign_up_policy
  is 'The rule behind public.organisation_sign_up_policy: these two of the settings, and no other, are for everyone.';

create function public.organisation_sign_up_policy() returns public.organisation_sign_up_policy
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.sign_up_policy();
end
$$;
comment on function public.organisation_sign_up_policy
  is $$Who may create an account here, and whether its Auth confirms addresses: for pages, so that none offers
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

create function usher.tg_users__closed_door() returns trigger
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
      -- No more than that it stays: whether joining needs it alone is found out when they join.
      perform usher.lock_organisation((v_reading.invite).organisation_id, 'exists');
      insert into usher.sign_up_invites (user_id, invite_id, issue, organisation_id)
      select new.id, i.id, i.issue, i.organisation_id
      from usher.invites i where i.id = (v_reading.invite).id and i.issue = (v_reading.invite).issue
      on conflict on constraint sign_up_invites_pkey do nothing;
    end if;
  end if;
  return new;
end
$$;
comment on function usher.tg_users__closed_door
  is 'Refuses with signup_not_invited; notes the invite of a token in the sign-up data.';

create trigger usher_closed_door
  before insert
  on auth.users
  for each row
  execute function usher.tg_users__closed_door();

create function usher.sign_up_secrets() returns text[]
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select array['invite_token', 'device_code'] $$;
comment on function usher.sign_up_secrets
  is 'What sign-up data may hold that opens something: it is used when an account is made, and kept nowhere.';

create function usher.without_secrets(user_metadata jsonb) returns jsonb
  language plpgsql
  immutable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Anything but an object has no keys to take away.
  if jsonb_typeof(without_secrets.user_metadata) = 'object' then
    return without_secrets.user_metadata - usher.sign_up_secrets();
  end if;
  return without_secrets.user_metadata;
end
$$;
comment on function usher.without_secrets
  is $$The data of an account (user_metadata) without the tokens and codes that it signed up with. A custom access token
hook of a project's own calls it for the claim of that name: see docs/install.md.$$;

-- Its name sorts behind usher_closed_door, which reads the token first: triggers fire by name.
create function usher.tg_users__no_secrets() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  new.raw_user_meta_data := usher.without_secrets(new.raw_user_meta_data::jsonb);
  return new;
end
$$;
comment on function usher.tg_users__no_secrets
  is 'Takes tokens and codes out of the sign-up data, at each write, because Auth writes them back from its memory.';

create trigger usher_no_secrets
  before insert or update
  on auth.users
  for each row
  execute function usher.tg_users__no_secrets();

create function usher.tg_identities__no_secrets() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  new.identity_data := usher.without_secrets(new.identity_data::jsonb);
  return new;
end
$$;
comment on function usher.tg_identities__no_secrets
  is 'Takes tokens and codes out of the copy of the sign-up data that Auth keeps with the identity.';

-- Auth's own table, which a stand-in for Auth may lack.
do $$
begin
  if to_regclass('auth.identities') is not null then
    create trigger usher_no_secrets
    before insert or update on auth.identities
    for each row execute function usher.tg_identities__no_secrets();
  end if;
end
$$;

create function usher.custom_access_token_hook(event jsonb) returns jsonb
  language plpgsql
  immutable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if jsonb_typeof(custom_access_token_hook.event #> '{claims,user_metadata}') = 'object' then
    return jsonb_set(custom_access_token_hook.event, '{claims,user_metadata}',
      usher.without_secrets(custom_access_token_hook.event #> '{claims,user_metadata}'));
  end if;
  return custom_access_token_hook.event;
end
$$;
comment on function usher.custom_access_token_hook
  is $$Supabase Auth's custom access token hook: takes tokens and codes out of the claim user_metadata. Where Auth asks
for no confirmation it signs a session in the request that makes the account, from what it holds in memory.

  event  as Supabase Auth sends it: {"user_id", "claims": {"user_metadata", …}, "authentication_method"}

Returns the event; Auth reads its claims. In config.toml, [auth.hook.custom_access_token] with
uri = "pg-functions://postgres/usher/custom_access_token_hook".
Source: https://supabase.com/docs/guides/auth/auth-hooks/custom-access-token-hook$$;

-- Only where the platform has this role; a bare Postgres has not.
do $$
begin
  if exists (select from pg_catalog.pg_roles r where r.rolname = 'supabase_auth_admin') then
    grant execute on function usher.custom_access_token_hook, usher.without_secrets to supabase_auth_admin;
  end if;
end
$$;

create function usher.tg_users__join_when_confirmed() returns trigger
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
comment on function usher.tg_users__join_when_confirmed
  is 'Accepts the invite that an account came with, now that its address is confirmed; never fails.';

create trigger usher_join_when_confirmed_at_once
  after insert
  on auth.users
  for each row
  when (new.email_confirmed_at is not null)
  execute function usher.tg_users__join_when_confirmed();

create trigger usher_join_when_confirmed
  after update of email_confirmed_at
  on auth.users
  for each row
  when (old.email_confirmed_at is null and new.email_confirmed_at is not null)
  execute function usher.tg_users__join_when_confirmed();
