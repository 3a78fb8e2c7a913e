-- Changing the sign-in rule of an organisation. What it asks for stands in 10_access/02_sign_in_rules.sql.

create function usher.update_sign_in_rule(
  organisation_id uuid,
  changes jsonb
) returns public.organisation_sign_in_rules
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_keys    constant text[] := array['provider', 'domain', 'level', 'methods', 'max_age', 'for_members'];
  v_changes jsonb := update_sign_in_rule.changes;
  v_member  public.organisation_members;
  v_before  public.organisation_sign_in_rules;
  v_after   public.organisation_sign_in_rules;
  v_unknown text;
begin
  v_member := usher.require_permission(update_sign_in_rule.organisation_id, 'organisation.update', 'settings');
  if jsonb_typeof(v_changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of settings and values.');
  end if;
  select k into v_unknown from jsonb_object_keys(v_changes) k where k <> all (v_keys) limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be set.', v_unknown));
  end if;

  select r.* into v_before
  from public.organisation_sign_in_rules r where r.organisation_id = v_member.organisation_id;
  v_before.organisation_id := v_member.organisation_id;
  begin
    v_after := jsonb_populate_record(v_before, v_changes);
  exception
    when data_exception or program_limit_exceeded then
      perform usher.fail('invalid_settings', hint => 'A value is not of its kind: ' || sqlerrm);
  end;
  if length(v_after.provider) > 200 or length(v_after.domain) > 300 or length(v_after.level) > 10
    or cardinality(v_after.methods) > 10
  then
    perform usher.fail('invalid_settings', hint => 'methods is a list of at most 10, such as ["totp"], provider and '
      'domain have at most 200 characters, and level is aal1 or aal2.');
  end if;
  v_after.provider := lower(btrim(v_after.provider));
  v_after.domain := coalesce(usher.clean_domain(btrim(v_after.domain, ' @')), lower(btrim(v_after.domain, ' @')));
  v_after.level := coalesce(v_after.level, 'aal1');
  v_after.methods := array(select distinct lower(btrim(m)) from unnest(v_after.methods) m order by 1);
  v_after.for_members := coalesce(v_after.for_members, false);
  v_after.updated_at := now();

  if exists (
    select from unnest(v_after.methods) m
    where m is null or length(m) > 40 or m !~ '^[a-z0-9][a-z0-9_/-]{0,39}$')
  then
    perform usher.fail('invalid_settings', hint => 'methods is a list of at most 10, such as ["totp"].');
  elsif v_after.domain is not null and usher.sso_provider_of(v_after.domain) is null then
    perform usher.fail('invalid_settings',
      hint => 'The project has no SAML provider for this domain: supabase sso add, or sso update --add-domains.');
  elsif v_after.for_members and usher.sign_in_problem(v_after, v_member.user_id, v_member.email) is not null then
    perform usher.fail('sso_required',
      hint => 'Come this way yourself before you ask it of all members.',
      details => usher.sign_in_problem(v_after, v_member.user_id, v_member.email));
  end if;

  begin
    delete from public.organisation_sign_in_rules r where r.organisation_id = v_member.organisation_id;
    -- A rule that asks nothing is none.
    if num_nonnulls(v_after.provider, v_after.domain, v_after.max_age) > 0
      or v_after.level <> 'aal1' or cardinality(v_after.methods) > 0
    then
      insert into public.organisation_sign_in_rules select v_after.*;
    else
      v_after.for_members := false;
    end if;
  exception
    when check_violation then
      perform usher.fail('invalid_settings', hint => 'provider is sso:<id>, custom:<name> or the name of a '
        'provider such as keycloak, and not beside domain; level aal1 or aal2; max_age 1 minute to 30 days.');
  end;

  perform usher.record_event(v_after.organisation_id, 'sign_in_rule.updated', 'organisation', v_after.organisation_id,
    before => (select jsonb_object_agg(k, to_jsonb(v_before) -> k) from unnest(v_keys) k),
    after  => (select jsonb_object_agg(k, to_jsonb(v_after) -> k) from unnest(v_keys) k));
  return v_after;
end
$$;
comment on function usher.update_sign_in_rule
  is 'The rule behind public.update_organisation_sign_in_rule.';

create function public.update_organisation_sign_in_rule(
  organisation_id uuid,
  changes jsonb
) returns public.organisation_sign_in_rules
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_sign_in_rule($1, $2) $$;
comment on function public.update_organisation_sign_in_rule
  is $$Says which way people have to come in to become members; what is left out stays, null takes it back.

  changes  an object with any of
    provider     as Supabase Auth names it: sso:<id> (SAML), keycloak, custom:<name> (OIDC)
    domain       in its place: the SAML provider that the project has for this mail domain
    level        aal1, or aal2: with a second factor of Supabase Auth's own
    methods      one of these has to be among the session's methods (amr), such as ["totp"]
    max_age      how long ago they signed in at most: 1 minute to 30 days
    for_members  whether members, too, need such a session for what they do; not the owner, and no device.
                 Only a caller whose own session is such a one may turn it on

Returns the rule; one that asks nothing is taken away. Needs organisation.update. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings, sso_required (for_members).$$;
grant execute on function public.update_organisation_sign_in_rule to authenticated;
grant execute on function usher.update_sign_in_rule to authenticated;
