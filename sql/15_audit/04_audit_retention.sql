-- The end of the trail's time: events that are older than their organisation keeps them.
--
-- The trail stays verifiable: the hashes stay, and it says up to which seal events went. What goes of a person
-- who is to be forgotten stands in 90_operators/06_erasure.sql.
--
-- Sources: GDPR article 5(1)(e); Implementing Regulation (EU) 2024/2690, annex 3.2.

create function usher.purge_audit_trail_of(
  organisation_id uuid,
  ids uuid[],
  batch_size integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_up_to_seal integer;
  v_events     integer;
begin
  -- By whole seals, oldest first: about as many events as one organisation may keep the others waiting for.
  select max(d.number) into v_up_to_seal
  from (
    select s.number, sum(s.events) over (order by s.number) - s.events as events_before
    from usher.audit_seals s
    join public.organisations o on o.id = s.organisation_id
    where s.organisation_id = purge_audit_trail_of.organisation_id and s.purged_at is null
      and o.audit_retention is not null
      -- least, so that no length, however it came there, goes beyond the beginning of time.
      and s.last_event_at < now() - least(o.audit_retention, interval '100 years')
  ) d
  where d.events_before < purge_audit_trail_of.batch_size;
  if v_up_to_seal is null then
    return 0;
  end if;

  perform set_config('usher.audit_exception', 'DELETE', true);
  delete from public.organisation_audit_events e
  using usher.sealed_events c
  where c.event_id = e.id and c.organisation_id = purge_audit_trail_of.organisation_id
    and c.seal_number <= v_up_to_seal;
  get diagnostics v_events = row_count;
  perform set_config('usher.audit_exception', '', true);
  update usher.audit_seals s set purged_at = now()
  where s.organisation_id = purge_audit_trail_of.organisation_id and s.number <= v_up_to_seal and s.purged_at is null;
  perform usher.record_event(purge_audit_trail_of.organisation_id, 'audit.purged', 'organisation',
    purge_audit_trail_of.organisation_id,
    after      => jsonb_build_object('up_to_seal', v_up_to_seal, 'events', v_events),
    actor_kind => 'worker');
  return v_events;
end
$$;
comment on function usher.purge_audit_trail_of
  is 'usher.purge_audit_trail for one organisation.';

create function usher.purge_audit_trail(
  batch_size integer default 50000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('purge_audit_trail', array(
    select row(o.id, null)::usher.upkeep_item
    from public.organisations o
    where o.audit_retention is not null
      and exists (
        select from usher.audit_seals s
        where s.organisation_id = o.id and s.purged_at is null
          and s.last_event_at < now() - least(o.audit_retention, interval '100 years'))
      and o.id not in (select usher.resting_organisations('purge_audit_trail'))
    limit 1000), purge_audit_trail.batch_size);
end
$$;
comment on function usher.purge_audit_trail
  is $$Removes events that are older than their organisation's audit_retention, by whole seals, and says so in the
trail. For workers, once a day or more often. Returns how many events went.

  batch_size  about how many events of one organisation go at most; the rest goes the next time$$;
grant execute on function usher.purge_audit_trail to usher_worker;
