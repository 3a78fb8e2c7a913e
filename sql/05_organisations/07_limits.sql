-- Limits: how much of each thing one organisation may have, so that no tenant fills what all share.

create function usher.tenant_limits(
  only_thing text default null
) returns table (
  thing text,
  relation regclass,
  counted text,
  at_most integer,
  code text
)
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
  -- Names until they are asked for: the tables come in later files.
  select l.thing, to_regclass(l.relation), l.counted, l.at_most, l.code
  from (values
    ('own roles',           'public.organisation_roles',           'true',                    500, 'invalid_settings'),
    ('role exclusions',     'public.organisation_role_exclusions', 'true',                    100, 'invalid_settings'),
    ('email templates',     'public.organisation_email_templates', 'true',                    500, 'invalid_settings'),
    ('open access reviews', 'public.organisation_access_reviews',  'status = ''open''',        10, 'invalid_settings'),
    ('open invites',        'usher.invites',                       'status = ''pending''',  50000, 'invalid_settings'),
    ('webhooks',            'public.organisation_webhooks',        'true',                     20, 'invalid_settings'),
    ('domains',             'public.organisation_domains',         'true',                    200, 'invalid_settings'),
    ('unverified domains',  'public.organisation_domains',         'verified_at is null',      20, 'invalid_settings'),
    ('requests to join',    'public.organisation_join_requests',   'status = ''pending''',   1000, 'rate_limited'),
    ('directory tokens',    'public.organisation_directory_tokens',
      'revoked_at is null and (expires_at is null or expires_at > now())',                    20, 'invalid_settings'),
    ('directory endpoints', 'public.organisation_directory_endpoints',
      'true',                                                                                 10, 'invalid_settings'),
    ('directory users',     'usher.directory_users',               'true',                 100000, 'invalid_settings')
  ) l (thing, relation, counted, at_most, code)
  where tenant_limits.only_thing is null or l.thing = tenant_limits.only_thing;
end
$$;
comment on function usher.tenant_limits
  is $$What one organisation may have at most, so that none fills what all share: thing, the table that it is counted
in, which of its rows count, how many, and the code of the refusal. What is not here has another bound, which
test/database/tenant-limits.test.ts names.

  only_thing  that thing alone; null: all$$;

create function usher.require_room(
  thing text,
  organisation_id uuid,
  more integer default 1
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_limit record;
  v_held  integer;
  v_hint  text;
begin
  select l.* into strict v_limit from usher.tenant_limits(require_room.thing) l;
  -- No further than needed: whoever has few pays for few.
  execute format(
    'select count(*)::integer from (select from %s t where t.organisation_id = $1 and (%s) limit $2) c',
    v_limit.relation, v_limit.counted)
  into strict v_held
  using require_room.organisation_id, v_limit.at_most + 1;
  if v_held + require_room.more <= v_limit.at_most then
    return;
  end if;
  v_hint := format('An organisation has at most %s %s', to_char(v_limit.at_most, 'FM999,999'), v_limit.thing);
  if v_limit.code = 'rate_limited' then
    -- Whoever is refused can do nothing but wait.
    perform usher.fail(v_limit.code, hint => v_hint || ': some have to be answered first.', details => '3600',
      headers => '{"Retry-After": "3600"}');
  end if;
  perform usher.fail(v_limit.code, hint => v_hint || ': end or delete some first.');
end
$$;
comment on function usher.require_room
  is $$Fails, as usher.tenant_limits says, when an organisation would have more of a thing than it may.

  thing  as usher.tenant_limits names it
  more   how many are to come

To be exact, its caller has locked the organisation; where many come at once and do not wait for each other, as those
who ask to join, a few more may get in.$$;
