-- Directories: an identity provider (Okta, Entra ID, Keycloak, …) keeps the people of one organisation by
-- SCIM 2.0. Here are its tokens, and as whom it acts.
--
-- A token opens one organisation and nothing else. It carries the rights of whoever answers for it, its maker at
-- first, asked anew with each request. When they lose the right, it goes on for organisations.credential_grace with
-- what they had, and then stops unless somebody takes it over: 69_lost_rights.sql. So every rule
-- of an admin holds for a directory as well: roles, seats, bans, separation of duty, limits.
-- A token is 256 random bits; only its SHA-256 is kept. Several may be valid at once, so that one can be
-- replaced without a gap. Managing them needs directory.manage.
--
-- Sources: RFC 7643, RFC 7644; section 7 of the latter, and OWASP ASVS 5.0 (6.5.2, 11.5.1) on tokens.

create table public.organisation_directory_tokens (
  id              uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations on delete cascade,
  name            text not null,
  created_by      uuid not null,
  created_at      timestamptz not null default now(),
  expires_at      timestamptz,
  last_used_at    timestamptz,
  revoked_at      timestamptz,
  revoked_by      uuid,
  responsible_id  uuid not null,
  stops_at        timestamptz,
  carried_roles   text[] not null default '{}',

  constraint organisation_directory_tokens_bounds check (
    length(name) <= 100
    and expires_at between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z')
);
comment on table public.organisation_directory_tokens is
  'Tokens of identity providers, without the secret. Read with directory.manage; written by functions only.';
comment on column public.organisation_directory_tokens.created_by is
  'Who made it; no foreign key, because it outlives the account.';
comment on column public.organisation_directory_tokens.responsible_id is
  'Who answers for it, and whose rights it carries.';
comment on column public.organisation_directory_tokens.stops_at is
  'When it stops unless somebody takes it over, because who answers for it has lost the right to; null: it does not.';
comment on column public.organisation_directory_tokens.carried_roles is
  'Until stops_at it goes on with these roles, which they had without an end when they lost the right.';
comment on column public.organisation_directory_tokens.expires_at is 'Null: it does not end by itself.';
comment on column public.organisation_directory_tokens.last_used_at is 'To the minute; null: never.';

create index organisation_directory_tokens_organisation_id
  on public.organisation_directory_tokens (organisation_id, created_at desc);

alter table public.organisation_directory_tokens enable row level security;
create policy organisation_directory_tokens_select on public.organisation_directory_tokens
  for select to authenticated
  using (organisation_id in (select usher.organisations_where('directory.manage')));
grant select on public.organisation_directory_tokens to authenticated, service_role;

create table usher.directory_token_hashes (
  hash     bytea primary key,
  token_id uuid not null unique references public.organisation_directory_tokens on delete cascade
);
comment on table usher.directory_token_hashes is 'The SHA-256 of each directory token; the token itself is kept nowhere.';
alter table usher.directory_token_hashes enable row level security;
create policy directory_token_hashes_nobody on usher.directory_token_hashes for select to public using (false);

create type public.organisation_directory_token as (
  id              uuid,
  organisation_id uuid,
  name            text,
  expires_at      timestamptz,
  token           text,
  scim_url        text
);
comment on type public.organisation_directory_token is
$$A new token of a directory with its secret, which is shown this once. scim_url is where it opens the directory;
null when the project's settings do not say where its functions answer (functions_url).$$;

create function usher.create_directory_token(organisation_id uuid, name text, expires_in interval)
returns public.organisation_directory_token
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_member public.organisation_members :=
    usher.require_permission(create_directory_token.organisation_id, 'directory.manage', 'settings');
  v_name   text := usher.clean_name(create_directory_token.name);
  v_secret text := 'scim_' || translate(
    encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || e'\n', '-_');
  v_token  public.organisation_directory_tokens;
begin
  if v_name is null then
    perform usher.fail('invalid_settings',
      hint => 'A name is one line of 1 to 100 characters that can be seen, without addresses and links.');
  end if;
  if not usher.is_span(create_directory_token.expires_in, '1 hour', '10 years') then
    perform usher.fail('invalid_expiry', hint => 'Give an interval from 1 hour to 10 years, or none.');
  end if;
  perform usher.require_room('directory tokens', v_member.organisation_id);
  -- Those that were revoked stay on record.
  perform usher.take_allowance('directory_tokens:' || v_member.organisation_id, 1, 100, interval '1 day');

  insert into public.organisation_directory_tokens as t (organisation_id, name, created_by, responsible_id, expires_at)
  values (v_member.organisation_id, v_name, v_member.user_id, v_member.user_id, now() + create_directory_token.expires_in)
  returning t.* into v_token;
  insert into usher.directory_token_hashes (hash, token_id)
  values (sha256(convert_to(v_secret, 'UTF8')), v_token.id);
  perform usher.record_event(v_token.organisation_id, 'directory.token_created', 'directory', v_token.id,
    after => jsonb_build_object('name', v_token.name, 'expires_at', v_token.expires_at));
  return row(v_token.id, v_token.organisation_id, v_token.name, v_token.expires_at, v_secret,
    (select s.functions_url || '/scim/v2' from usher.settings s));
end
$$;
comment on function usher.create_directory_token is 'The rule behind public.create_organisation_directory_token.';

create function public.create_organisation_directory_token(
  organisation_id uuid,
  name            text,
  expires_in      interval default null
)
returns public.organisation_directory_token
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.create_directory_token($1, $2, $3) $$;
comment on function public.create_organisation_directory_token is
$$Makes a token with which an identity provider keeps the people and roles of the organisation by SCIM 2.0. It
carries the rights of the caller, asked anew with each request.

  name        what it is for, one line of at most 100 characters, such as Okta
  expires_in  1 hour to 10 years; without it, it does not end by itself

Returns the token, which is shown this once. At most 20 at a time, and 100 a day. Needs directory.manage, and works while
who answers for it has member.read as well. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_settings, invalid_expiry, rate_limited.$$;
grant execute on function public.create_organisation_directory_token to authenticated;
grant execute on function usher.create_directory_token to authenticated;

create function usher.revoke_directory_token(token_id uuid)
returns public.organisation_directory_tokens
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_token public.organisation_directory_tokens;
begin
  perform usher.require_permission((
    select t.organisation_id from public.organisation_directory_tokens t where t.id = revoke_directory_token.token_id),
    'directory.manage', 'share', 'directory_not_found');
  update public.organisation_directory_tokens t
  set revoked_at = now(), revoked_by = auth.uid()
  where t.id = revoke_directory_token.token_id and t.revoked_at is null
  returning t.* into v_token;
  if found then
    delete from usher.directory_token_hashes h where h.token_id = v_token.id;
    perform usher.record_event(v_token.organisation_id, 'directory.token_revoked', 'directory', v_token.id,
      before => jsonb_build_object('name', v_token.name));
  else
    select t.* into v_token from public.organisation_directory_tokens t where t.id = revoke_directory_token.token_id;
  end if;
  return v_token;
end
$$;
comment on function usher.revoke_directory_token is 'The rule behind public.revoke_organisation_directory_token.';

create function public.revoke_organisation_directory_token(token_id uuid)
returns public.organisation_directory_tokens
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.revoke_directory_token($1) $$;
comment on function public.revoke_organisation_directory_token is
$$Ends a token of a directory at once and for good; whom it brought in stays. Twice does no harm.

Returns the token, without its secret. Needs directory.manage. Fails with unauthenticated,
directory_not_found, permission_denied.$$;
grant execute on function public.revoke_organisation_directory_token to authenticated;
grant execute on function usher.revoke_directory_token to authenticated;

create function usher.directory_membership(organisation_id uuid)
returns public.organisation_members
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_token  public.organisation_directory_tokens;
  v_member public.organisation_members;
begin
  select t.* into v_token
  from public.organisation_directory_tokens t
  where t.id::text = current_setting('usher.directory', true)
    and t.organisation_id = directory_membership.organisation_id
    and t.responsible_id = auth.uid()
    and t.stops_at > statement_timestamp();
  if found then
    v_member.id := v_token.id;
    v_member.organisation_id := v_token.organisation_id;
    v_member.user_id := v_token.responsible_id;
    v_member.kind := 'user';
    v_member.status := 'active';
    v_member.roles := v_token.carried_roles;
    v_member.role_ends := '{}';
  end if;
  return v_member;
end
$$;
comment on function usher.directory_membership is
$$What a directory acts with while its token goes on without whoever answered for it: their user id, and the roles that
they had; null for any other token.$$;

create function usher.require_other_than_responsible(organisation_id uuid, email text, member_id uuid)
returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- While they are a member they may do by themselves what the token may; afterwards it must not let them in.
  if (usher.directory_membership(require_other_than_responsible.organisation_id)).id is not null
    and (
      require_other_than_responsible.email in (
        select usher.addresses_of(require_other_than_responsible.organisation_id, auth.uid()))
      or exists (
        select from public.organisation_members m
        where m.id = require_other_than_responsible.member_id and m.user_id = auth.uid()))
  then
    perform usher.fail('permission_denied',
      hint => 'Nobody lets themselves in, or gives themselves more, by a token that they answer for.');
  end if;
end
$$;
comment on function usher.require_other_than_responsible is
$$Refuses with permission_denied when a directory gives something to the one who answered for its token, while that token
goes on without their right.$$;

create function usher.directory_giving_ends_at(organisation_id uuid, permission text, roles text[])
returns timestamptz
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((
    select max(case
      when t.stops_at is null then (
        select usher.giving_ends_at(
          row(m.*)::public.organisation_members, directory_giving_ends_at.permission, directory_giving_ends_at.roles)
        from usher.current_members m
        where m.organisation_id = t.organisation_id and m.user_id = t.responsible_id)
      when directory_giving_ends_at.permission in (select usher.permissions_of(t.organisation_id, t.carried_roles))
        and usher.unassignable_role(t.organisation_id, directory_giving_ends_at.roles, t.carried_roles) is null
        then timestamptz 'infinity'
    end)
    from public.organisation_directory_tokens t
    where t.organisation_id = directory_giving_ends_at.organisation_id
      and t.revoked_at is null
      and (t.expires_at is null or t.expires_at > statement_timestamp())
      and (t.stops_at is null or t.stops_at > statement_timestamp())), '-infinity');
end
$$;
comment on function usher.directory_giving_ends_at is
$$Until when the directory of an organisation may give these roles, as usher.giving_ends_at says of a member: by the best
of its tokens that work; -infinity when there is none.$$;

create function usher.open_directory(token text, for_change boolean)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_token public.organisation_directory_tokens;
  v_right text;
begin
  if length(open_directory.token) <= 100 then
    select t.* into v_token
    from usher.directory_token_hashes h
    join public.organisation_directory_tokens t on t.id = h.token_id
    where h.hash = sha256(convert_to(open_directory.token, 'UTF8'))
      and t.revoked_at is null
      and (t.expires_at is null or t.expires_at > statement_timestamp());
  end if;
  if v_token.id is null then
    perform usher.fail('directory_token_invalid');
  end if;

  if v_token.stops_at <= statement_timestamp() then
    perform usher.fail('permission_denied', details => 'directory.manage',
      hint => 'Nobody answers for this token any more. Let somebody who may take it over, or make a new one.');
  end if;

  -- From here on to the end of the transaction, the rules ask after whoever answers for the token.
  perform set_config('request.jwt.claims',
    json_build_object('sub', v_token.responsible_id, 'role', 'authenticated')::text, true);
  perform set_config('usher.directory', v_token.id::text, true);
  -- Changes of one directory come one after another: each starts from what the one before has left.
  if open_directory.for_change then
    perform usher.lock_organisation(v_token.organisation_id, 'settings');
  end if;
  -- It reads and keeps addresses: to manage directories is not enough.
  foreach v_right in array '{directory.manage,member.read}'::text[] loop
    if v_right not in (
      select usher.permissions_of(v_token.organisation_id, m.roles)
      from usher.caller_membership(v_token.organisation_id) m)
    then
      perform usher.fail('permission_denied', details => v_right,
        hint => 'Whoever answers for this token may no longer do this. Let somebody who may take it over, or make a new one.');
    end if;
  end loop;

  update public.organisation_directory_tokens t set last_used_at = now()
  where t.id = v_token.id
    and (t.last_used_at is null or t.last_used_at < now() - interval '1 minute');
  return v_token.organisation_id;
end
$$;
comment on function usher.open_directory is
$$The organisation that a token opens; from here on, the transaction acts as whoever answers for the token, and the
trail calls it directory. With for_change, other changes in the organisation wait. Fails with directory_token_invalid,
and permission_denied when who answers for it has not directory.manage and member.read (any more).$$;
