-- Accounts: what Supabase Auth's own tables say of an address.
--
-- An address alone does not tell who somebody is. Auth keeps each single sign-on account apart from all
-- others of the same address, and believes whatever address an identity provider names: so that one
-- customer's provider could name the address of another customer's people.

create function usher.has_account(email text) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Auth writes addresses in lower case, and has an index of those without single sign-on.
  if exists (
    select from auth.users u where u.email = any (usher.spellings(has_account.email)) and u.is_sso_user = false)
  then
    return true;
  end if;
  -- Auth's own table, which a stand-in for Auth may lack.
  return to_regclass('auth.identities') is not null and exists (
    select from auth.identities d where d.email = any (usher.spellings(has_account.email)) and d.provider like 'sso:%');
end
$$;
comment on function usher.has_account
  is 'Whether anyone has an account with this normalised address, confirmed or not, by whichever way in.';

create function usher.has_identity(
  user_id uuid,
  provider text,
  email text
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return to_regclass('auth.identities') is not null and exists (
    select from auth.identities d
    where d.user_id = has_identity.user_id
      and d.provider = has_identity.provider
      and usher.normalise_email(d.email) = has_identity.email);
end
$$;
comment on function usher.has_identity
  is $$Whether this account is known to a provider under this normalised address. Provider and address have to
belong to the one identity: an address that another identity of the account brought along does not count.$$;

create function usher.sso_provider_of(domain text) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- A stand-in for Auth may lack it, and a platform may keep it to itself: then no domain leads anywhere.
  if has_table_privilege(to_regclass('auth.sso_domains'), 'select') is not true then
    return null;
  end if;
  return (
    select 'sso:' || d.sso_provider_id
    from auth.sso_domains d
    where lower(d.domain) in (lower(sso_provider_of.domain), usher.readable_domain(lower(sso_provider_of.domain))));
end
$$;
comment on function usher.sso_provider_of
  is $$The SAML provider that Supabase Auth knows for a mail domain, as sso:<id>; null where there is none. It is what
signInWithSSO({ domain }) leads to.$$;

create function usher.has_proven_address(user_id uuid) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user record;
begin
  select usher.normalise_email(u.email) as email, u.email_confirmed_at, u.is_sso_user into v_user
  from auth.users u where u.id = has_proven_address.user_id;
  if not found or v_user.email_confirmed_at is null then
    return false;
  elsif not v_user.is_sso_user then
    return true;
  end if;
  return coalesce(usher.has_identity(has_proven_address.user_id,
    usher.sso_provider_of(usher.email_domain(v_user.email)), v_user.email), false);
end
$$;
comment on function usher.has_proven_address
  is $$Whether an account may do by its address alone what otherwise takes a mailed link: the address is confirmed,
and, where a SAML provider named it, that provider is the one that the project has for its domain.$$;

create function usher.is_anonymous() returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- By the session, and by the account: a token that was made before says what was true then. A stand-in for
  -- Auth may lack the column.
  -- Auth's if it is there, and otherwise the one beside it.
  return coalesce(auth.jwt() ->> 'is_anonymous', 'false') = 'true' or exists (
    select from (values (false)) otherwise (is_anonymous)
    cross join lateral (
      select is_anonymous as is_so from auth.users u where u.id = auth.uid()) account
    where account.is_so);
end
$$;
comment on function usher.is_anonymous
  is $$Whether the caller's session is one of an anonymous account, which Supabase Auth gives to anyone who asks:
signInAnonymously. Such a session may look, decline and enrol a device, and nothing else.$$;

create function usher.require_person() returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  elsif usher.is_anonymous() then
    perform usher.fail('permission_denied', hint => 'This account is anonymous. Sign in with an address to do this.');
  end if;
end
$$;
comment on function usher.require_person
  is $$Refuses a caller who is nobody in particular: unauthenticated, or permission_denied for an anonymous account. For
every rule by which somebody changes something in their own name.$$;

create function usher.require_confirmed_person() returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.require_person();
  if not exists (
    select from auth.users u where u.id = auth.uid() and u.email is not null and u.email_confirmed_at is not null)
  then
    perform usher.fail('email_unverified');
  end if;
end
$$;
comment on function usher.require_confirmed_person
  is 'Refuses as usher.require_person does, and with email_unverified an account without a confirmed address.';
