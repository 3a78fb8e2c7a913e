-- Sign-in rules: which way an organisation's people have to come in.
--
-- Supabase Auth is the SAML service provider and the OIDC client; here stands only what a session may
-- accept. It is read out of the token's claims that Auth alone writes: app_metadata, amr and aal. What people
-- can write themselves, user_metadata, is never looked at. Provider and address have to belong to one
-- identity of the account: an address alone proves nothing.
--
-- Asked of whoever becomes a member, by whichever way; with for_members also of members at each call, but
-- for the owner, so that a provider that is down shuts nobody out for good, and for devices.
-- Changing it needs organisation.update; every member may read it.
--
-- Sources: internal/models/sessions.go of github.com/supabase/auth (amr, aal, and which identity makes
-- sso/saml name its provider); https://supabase.com/docs/guides/auth/enterprise-sso/auth-sso-saml

create table public.organisation_sign_in_rules (
  organisation_id uuid primary key references public.organisations
    on delete cascade,
  provider text,
  domain text,
  level text not null default 'aal1',
  methods text[] not null default '{}',
  max_age interval,
  for_members boolean not null default false,
  updated_at timestamptz not null default now(),
  constraint organisation_sign_in_rules_provider check (
    provider
        ~ '^(sso:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|custom:[a-z0-9:-]{1,43}|[a-z][a-z0-9_]{1,49})$'
      and provider not in ('email', 'phone', 'sso', 'custom')
  ),
  constraint organisation_sign_in_rules_one_provider check (
    num_nonnulls(provider, domain) <= 1
  ),
  constraint organisation_sign_in_rules_level check (level in ('aal1', 'aal2')),
  constraint organisation_sign_in_rules_max_age check (
    usher.is_span(max_age, '1 minute', '30 days')
  ),
  constraint organisation_sign_in_rules_bounds check (
    length(domain) <= 253
      and cardinality(methods) <= 10
      and octet_length(array_to_string(methods, '')) <= 400
  )
);
comment on table public.organisation_sign_in_rules
  is 'Which way an organisation''s people have to come in; no row: any. Read by members; written by functions only.';
comment on column public.organisation_sign_in_rules.provider
  is 'As Supabase Auth names it: sso:<id> for SAML, keycloak or custom:<name> for OIDC; null: any, or by domain.';
comment on column public.organisation_sign_in_rules.domain
  is 'In place of provider: the SAML provider that the project has for this mail domain.';
comment on column public.organisation_sign_in_rules.level
  is 'The assurance level that Auth itself vouches for; aal2: with a second factor.';
comment on column public.organisation_sign_in_rules.methods
  is 'One of these has to be among the session''s methods (amr), such as totp; empty: any.';
comment on column public.organisation_sign_in_rules.max_age
  is 'How long ago they signed in at most, 1 minute to 30 days; null: as long as the session lives.';
comment on column public.organisation_sign_in_rules.for_members
  is 'Whether members, too, need such a session for what they do; the owner and devices do not.';

alter table public.organisation_sign_in_rules enable row level security;
grant select on public.organisation_sign_in_rules to authenticated, service_role;

create function usher.amr_entries(
  claims jsonb
) returns table (method text, provider text, at timestamptz)
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Auth writes objects; a hook that rewrites tokens may leave the plain words of RFC 8176.
  return query
    select coalesce(a.entry ->> 'method', a.entry #>> '{}'), nullif(a.entry ->> 'provider', ''),
      case when jsonb_typeof(a.entry -> 'timestamp') = 'number'
        then to_timestamp((a.entry ->> 'timestamp')::double precision) end
    from jsonb_array_elements(
      case jsonb_typeof(amr_entries.claims -> 'amr') when 'array' then amr_entries.claims -> 'amr' end) a (entry);
end
$$;
comment on function usher.amr_entries
  is 'How the session of a token has signed in, and when, as its amr claim says.';

create function usher.session_came_by(
  claims jsonb,
  provider text,
  since timestamptz
) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_app      jsonb := session_came_by.claims -> 'app_metadata';
  v_is_saml  boolean := session_came_by.provider like 'sso:%';
  -- Which providers the account has come by at one time or another, beside mail and phone.
  v_external text[] := array(
    select distinct p.name
    from jsonb_array_elements_text(
      case jsonb_typeof(v_app -> 'providers') when 'array' then v_app -> 'providers' end) p (name)
    where p.name not in ('email', 'phone'));
begin
  return exists (
    select from usher.amr_entries(session_came_by.claims) a
    where a.method = case when v_is_saml then 'sso/saml' else 'oauth' end
      and (session_came_by.since is null or a.at >= session_came_by.since)
      and case
        -- A SAML account has one identity; Auth names it in both places, here without sso:.
        when v_is_saml then v_app ->> 'provider' = session_came_by.provider
          and coalesce('sso:' || a.provider, session_came_by.provider) = session_came_by.provider
        when a.provider is not null then a.provider = session_came_by.provider
        -- oauth does not say through whom: good only where there is one whom it can have been.
        else v_external = array[session_came_by.provider]
      end);
end
$$;
comment on function usher.session_came_by
  is $$Whether the session of a token was begun through a provider, and not only belongs to an account that could.

  claims    the token's
  provider  sso:<id>, or the name of an OIDC provider
  since     not before; null: whenever$$;

create function usher.sign_in_problem(
  rule public.organisation_sign_in_rules,
  user_id uuid,
  email text
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rule     public.organisation_sign_in_rules := sign_in_problem.rule;
  v_claims   jsonb := auth.jwt();
  v_since    timestamptz := now() - v_rule.max_age;
  v_provider text := coalesce(v_rule.provider, usher.sso_provider_of(v_rule.domain));
begin
  if num_nonnulls(v_rule.provider, v_rule.domain) > 0 and (
    v_provider is null
    or usher.session_came_by(v_claims, v_provider, v_since) is not true
    or not usher.has_identity(sign_in_problem.user_id, v_provider, sign_in_problem.email))
  then
    return coalesce(v_rule.provider, 'domain:' || v_rule.domain);
  end if;

  if v_rule.level = 'aal2' and coalesce(v_claims ->> 'aal', '') not in ('aal2', 'aal3') then
    return 'aal2';
  elsif cardinality(v_rule.methods) > 0 and not exists (
    select from usher.amr_entries(v_claims) a where a.method = any (v_rule.methods))
  then
    return 'amr:' || array_to_string(v_rule.methods, ',');
  elsif v_since is not null and not exists (
    select from usher.amr_entries(v_claims) a where a.at >= v_since and a.method <> 'token_refresh')
  then
    return 'max_age';
  end if;
  return null;
end
$$;
comment on function usher.sign_in_problem
  is $$What the caller's session lacks for a rule: the provider as the rule names it (sso:<id>, keycloak, custom:<name>,
domain:<domain>), aal2, amr:<methods>, or max_age; null when it lacks nothing.

  user_id, email  the account, and the address that it is to be known by at the provider$$;

create function usher.require_sign_in(
  organisation_id uuid,
  user_id uuid,
  email text
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rule    public.organisation_sign_in_rules;
  v_problem text;
begin
  select r.* into v_rule
  from public.organisation_sign_in_rules r where r.organisation_id = require_sign_in.organisation_id;
  if not found then
    return;
  end if;
  v_problem := usher.sign_in_problem(v_rule, require_sign_in.user_id, require_sign_in.email);
  if v_problem is not null then
    perform usher.fail('sso_required', details => v_problem);
  end if;
end
$$;
comment on function usher.require_sign_in
  is $$Fails with sso_required unless the caller's session is as the organisation asks; details say what it lacks, as
usher.sign_in_problem does. To be asked only of whoever is known to be meant: details name the provider.$$;

create function usher.lacks_identity(
  organisation_id uuid,
  user_id uuid,
  email text
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rule public.organisation_sign_in_rules;
begin
  select r.* into v_rule
  from public.organisation_sign_in_rules r
  where r.organisation_id = lacks_identity.organisation_id and num_nonnulls(r.provider, r.domain) > 0;
  return found and usher.has_identity(lacks_identity.user_id,
    coalesce(v_rule.provider, usher.sso_provider_of(v_rule.domain)), lacks_identity.email) is not true;
end
$$;
comment on function usher.lacks_identity
  is $$Whether an organisation asks for a provider that does not know this account under this address: what can be said
of somebody who is not there to show a session.$$;

create function usher.is_kept_out(
  member public.organisation_members
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rule public.organisation_sign_in_rules;
begin
  select r.* into v_rule
  from public.organisation_sign_in_rules r
  where r.organisation_id = (is_kept_out.member).organisation_id and r.for_members;
  return found
    and (is_kept_out.member).kind = 'user'
    and not usher.acts_as_directory()
    and not 'owner' = any ((is_kept_out.member).roles)
    and usher.sign_in_problem(v_rule, (is_kept_out.member).user_id, (is_kept_out.member).email) is not null;
end
$$;
comment on function usher.is_kept_out
  is 'Whether a rule for members asks more than the caller''s session has; member is the caller''s own row.';
