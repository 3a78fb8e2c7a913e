-- Verifying the trail: its seals are computed again, and the first that does not fit is named.

create type public.organisation_audit_verification as (
  is_whole boolean,
  events bigint,
  sealed_events bigint,
  erased_events bigint,
  seals integer,
  last_seal text,
  problem text,
  event_id uuid,
  seal_number integer
);
comment on type public.organisation_audit_verification
  is 'What verify_organisation_audit_trail found.';

create function usher.check_audit_trail(
  organisation_id uuid
) returns public.organisation_audit_verification
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_found    public.organisation_audit_verification;
  v_seal     usher.audit_seals;
  v_previous bytea := ''::bytea;
  v_purged   integer;
begin
  select count(*) into v_found.events
  from public.organisation_audit_events e where e.organisation_id = check_audit_trail.organisation_id;
  select count(*) into v_found.sealed_events
  from usher.sealed_events s where s.organisation_id = check_audit_trail.organisation_id;

  -- Nothing is not whole: whoever has mistaken the id has to hear it.
  if v_found.events = 0 and v_found.sealed_events = 0
    and not exists (select from usher.audit_seals s where s.organisation_id = check_audit_trail.organisation_id)
    and not exists (select from public.organisations o where o.id = check_audit_trail.organisation_id)
  then
    perform usher.fail('organisation_not_found');
  end if;

  -- Up to this seal the trail itself says that events were removed because their time was over.
  select coalesce(max((e.after ->> 'up_to_seal')::integer), 0) into v_purged
  from public.organisation_audit_events e
  where e.organisation_id = check_audit_trail.organisation_id and e.event = 'audit.purged';
  select count(*) into v_found.erased_events
  from usher.sealed_events s
  where s.organisation_id = check_audit_trail.organisation_id and s.personal_salt is null;

  -- The first line that does not fit, in the order of the seals.
  select s.event_id, s.seal_number,
    case when e.id is null then 'event_removed' else 'event_changed' end
  into v_found.event_id, v_found.seal_number, v_found.problem
  from usher.sealed_events s
  join usher.audit_seals a on a.organisation_id = s.organisation_id and a.number = s.seal_number
  left join public.organisation_audit_events e on e.id = s.event_id
  where s.organisation_id = check_audit_trail.organisation_id
    and not (a.purged_at is not null and a.number <= v_purged)
    and (e.id is null or usher.event_hash(e) <> s.hash or case
      when s.personal_salt is null then num_nonnulls(e.reason, e.ip, e.user_agent, e.claimed_ip) > 0
      else usher.personal_hash(e, s.personal_salt) <> s.personal_hash end)
  order by s.seal_number, s.position
  limit 1;

  if v_found.problem is null then
    -- A line from a time that was sealed long before, which no seal covers. A transaction may be slow to
    -- commit what it wrote down, but not by five minutes: the API ends it sooner.
    select e.id, x.number, 'event_inserted'
    into v_found.event_id, v_found.seal_number, v_found.problem
    from public.organisation_audit_events e
    join lateral (
      select s.number from usher.audit_seals s
      where s.organisation_id = e.organisation_id and e.occurred_at < s.sealed_at - interval '5 minutes'
      order by s.number
      limit 1
    ) x on true
    where e.organisation_id = check_audit_trail.organisation_id
      and not exists (select from usher.sealed_events s where s.event_id = e.id)
    order by e.occurred_at, e.id
    limit 1;
  end if;

  v_found.seals := 0;
  for v_seal in
    select s.* from usher.audit_seals s
    where s.organisation_id = check_audit_trail.organisation_id
    order by s.number
  loop
    v_found.seals := v_found.seals + 1;
    if v_found.problem is null and (
      v_seal.number <> v_found.seals
      or v_seal.hash <> usher.seal_hash(v_seal.organisation_id, v_seal.number, v_previous))
    then
      v_found.problem := 'seal_broken';
      v_found.seal_number := v_found.seals;
    end if;
    v_previous := v_seal.hash;
  end loop;

  v_found.last_seal := nullif(encode(v_previous, 'hex'), '');
  v_found.is_whole := v_found.problem is null;
  return v_found;
end
$$;
comment on function usher.check_audit_trail
  is $$Recomputes the seals of a trail, whoever asks; also of an organisation that is gone. For operators, and for
usher.verify_audit_trail. Fails with organisation_not_found where there never was one.$$;

create function usher.verify_audit_trail(
  organisation_id uuid
) returns public.organisation_audit_verification
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.require_permission(verify_audit_trail.organisation_id, 'audit.read');
  return usher.check_audit_trail(verify_audit_trail.organisation_id);
end
$$;
comment on function usher.verify_audit_trail
  is 'The rule behind public.verify_organisation_audit_trail.';

create function public.verify_organisation_audit_trail(
  organisation_id uuid
) returns public.organisation_audit_verification
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.verify_audit_trail($1) $$;
comment on function public.verify_organisation_audit_trail
  is $$Recomputes the seals of the trail, and says the first event that does not fit.

Returns is_whole; how many events there are, how many are sealed (those of the last minute are not yet) and
from how many a person's data was erased;
last_seal, the newest hash, to be kept elsewhere and compared later; and where it is not whole, problem
(event_changed, event_removed, event_inserted, seal_broken) with the event_id and the seal_number. Needs
audit.read. Fails with unauthenticated, organisation_not_found, permission_denied.$$;
grant execute on function public.verify_organisation_audit_trail to authenticated;
grant execute on function usher.verify_audit_trail to authenticated;
