-- Directories: an identity provider (Okta, Entra ID, Keycloak, …) keeps the people of one organisation by
-- SCIM 2.0. Here are its tokens, and as whom it acts.
--
-- A token opens one organisation and nothing else. It carries the rights of whoever answers for it, its maker at
-- first, asked anew with each request. When they lose the right, it goes on for organisations.credential_grace with
-- what they had, and then stops unless somebody takes it over: 40_administration/09_lost_rights.sql. So every rule
-- of an admin holds for a directory as well: roles, seats, bans, separation of duty, limits.
-- A token is 256 random bits; only its SHA-256 is kept. Several may be valid at once, so that one can be
-- replaced without a gap. Managing them needs directory.manage.
--
-- Sources: RFC 7643, RFC 7644; section 7 of the latter, and OWASP ASVS 5.0 (6.5.2, 11.5.1) on tokens.

create policy organisation_directory_tokens_select
  on public.organisation_directory_tokens
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('directory.manage'))
  );

create type public.organisation_directory_token as (
  id uuid,
  organisation_id uuid,
  name text,
  expires_at timestamptz,
  token text,
  scim_url text
);
comment on type public.organisation_directory_token
  is $$A new token of a directory with its secret, which is shown this once. scim_url is where it opens the directory;
null when the project's settings do not say where its functions answer (functions_url).$$;

create function usher.create_directory_token(
  organisation_id uuid,
  name text,
  expires_in interval
) returns public.organisation_directory_token
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
  values (
    v_member.organisation_id, v_name, v_member.user_id, v_member.user_id, now() + create_directory_token.expires_in)
  returning t.* into v_token;
  insert into usher.directory_token_hashes (hash, token_id)
  values (sha256(convert_to(v_secret, 'UTF8')), v_token.id);
  perform usher.record_event(v_token.organisation_id, 'directory.token_created', 'directory', v_token.id,
    after => jsonb_build_object('name', v_token.name, 'expires_at', v_token.expires_at));
  return row(v_token.id, v_token.organisation_id, v_token.name, v_token.expires_at, v_secret,
    (select s.functions_url || '/scim/v2' from usher.settings s));
end
$$;
comment on function usher.create_directory_token
  is 'The rule behind public.create_organisation_directory_token.';

create function public.create_organisation_directory_token(
  organisation_id uuid,
  name text,
  expires_in interval default null
) returns public.organisation_directory_token
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_directory_token($1, $2, $3) $$;
comment on function public.create_organisation_directory_token
  is $$Makes a token with which an identity provider keeps the people and roles of the organisation by SCIM 2.0. It
carries the rights of the caller, asked anew with each request.

  name        what it is for, one line of at most 100 characters, such as Okta
  expires_in  1 hour to 10 years; without it, it does not end by itself

Returns the token, which is shown this once. At most 20 at a time, and 100 a day. Needs directory.manage, and works
while who answers for it has member.read as well. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_expiry, rate_limited.$$;
grant execute on function public.create_organisation_directory_token to authenticated;
grant execute on function usher.create_directory_token to authenticated;

create function usher.revoke_directory_token(
  token_id uuid
) returns public.organisation_directory_tokens
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
comment on function usher.revoke_directory_token
  is 'The rule behind public.revoke_organisation_directory_token.';

create function public.revoke_organisation_directory_token(
  token_id uuid
) returns public.organisation_directory_tokens
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.revoke_directory_token($1) $$;
comment on function public.revoke_organisation_directory_token
  is $$Ends a token of a directory at once and for good; whom it brought in stays. Twice does no harm.

Returns the token, without its secret. Needs directory.manage. Fails with unauthenticated,
directory_not_found, permission_denied.$$;
grant execute on function public.revoke_organisation_directory_token to authenticated;
grant execute on function usher.revoke_directory_token to authenticated;

create function usher.open_directory(
  token text,
  for_change boolean
) returns uuid
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
        hint => 'Whoever answers for this token may no longer do this. '
          'Let somebody who may take it over, or make a new one.');
    end if;
  end loop;

  update public.organisation_directory_tokens t set last_used_at = now()
  where t.id = v_token.id
    and (t.last_used_at is null or t.last_used_at < now() - interval '1 minute');
  return v_token.organisation_id;
end
$$;
comment on function usher.open_directory
  is $$The organisation that a token opens; from here on, the transaction acts as whoever answers for the token, and the
trail calls it directory. With for_change, other changes in the organisation wait. Fails with directory_token_invalid,
and permission_denied when who answers for it has not directory.manage and member.read (any more).$$;
