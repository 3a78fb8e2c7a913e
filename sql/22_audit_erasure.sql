-- The end of the trail's time: events that are older than their organisation keeps them.
--
-- The trail stays verifiable: the hashes stay, and it says up to which seal events went. What goes of a person
-- who is to be forgotten stands in 71_erasure.sql.
--
-- Sources: GDPR article 5(1)(e); Implementing Regulation (EU) 2024/2690, annex 3.2.

create function usher.purge_audit_trail()
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_due    record;
  v_purged integer := 0;
  v_events integer;
begin
  perform set_config('usher.audit_exception', 'DELETE', true);
  for v_due in
    select o.id as organisation_id, max(s.number) as up_to_seal
    from public.organisations o
    join usher.audit_seals s on s.organisation_id = o.id
    where o.audit_retention is not null and s.purged_at is null
      and s.last_event_at < now() - o.audit_retention
    group by o.id
  loop
    delete from public.organisation_audit_events e
    using usher.sealed_events c
    where c.event_id = e.id and c.organisation_id = v_due.organisation_id and c.seal_number <= v_due.up_to_seal;
    get diagnostics v_events = row_count;
    update usher.audit_seals s set purged_at = now()
    where s.organisation_id = v_due.organisation_id and s.number <= v_due.up_to_seal and s.purged_at is null;
    perform usher.record_event(v_due.organisation_id, 'audit.purged', 'organisation', v_due.organisation_id,
      after      => jsonb_build_object('up_to_seal', v_due.up_to_seal, 'events', v_events),
      actor_kind => 'worker');
    v_purged := v_purged + v_events;
  end loop;
  perform set_config('usher.audit_exception', '', true);
  return v_purged;
end
$$;
comment on function usher.purge_audit_trail is
$$Removes events that are older than their organisation's audit_retention, by whole seals, and says so in the
trail. For workers, once a day. Returns how many events went.$$;
grant execute on function usher.purge_audit_trail to usher_worker;
