-- What has to go: events whose time is over, and the data of a person who is to be forgotten.
--
-- Both leave the trail verifiable. Of events past an organisation's retention, the hashes stay, and the trail
-- says up to which seal they went. Of a person, what is personal goes and the salt of its hash with it.
--
-- Sources: GDPR articles 5(1)(e) and 17; Implementing Regulation (EU) 2024/2690, annex 3.2.

create function usher.purge_audit_trail_of(organisation_id uuid, ids uuid[], batch_size integer)
returns integer
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
comment on function usher.purge_audit_trail_of is 'usher.purge_audit_trail for one organisation.';

create function usher.purge_audit_trail(batch_size integer default 50000)
returns integer
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
comment on function usher.purge_audit_trail is
$$Removes events that are older than their organisation's audit_retention, by whole seals, and says so in the
trail. For workers, once a day or more often. Returns how many events went.

  batch_size  about how many events of one organisation go at most; the rest goes the next time$$;
grant execute on function usher.purge_audit_trail to usher_worker;

create function usher.erase_person(user_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := (
    select usher.normalise_email(u.email) from auth.users u where u.id = erase_person.user_id);
begin
  -- Their open invites end, so that no mail goes out any more.
  perform usher.end_invite(i.id, null)
    from usher.invites i
    where i.status = 'pending' and i.email = v_email;

  -- In the words of RFC 2606, an address that can never be anyone's.
  update public.organisation_deliveries d
  set recipient = 'erased@' || d.id || '.invalid', facts = '{}', last_response = null,
    status = case when d.status in ('queued', 'sending') then 'cancelled' else d.status end
  where d.recipient = v_email
    or d.member_id in (select m.id from public.organisation_members m where m.user_id = erase_person.user_id);
  update usher.invites i
  set email = 'erased@' || i.id || '.invalid', message = null, declined_reason = null, metadata = '{}'
  where i.email = v_email;
  update public.organisation_join_requests r
  set email = 'erased@' || r.id || '.invalid', reason = null
  where r.user_id = erase_person.user_id;
  update public.organisation_access_review_items i
  set reason = case when i.decision = 'withdrawn' then '-' end
  where i.user_id = erase_person.user_id and i.reason is not null;
  delete from usher.suppressed_addresses s where s.email = v_email;
  delete from usher.mail_opt_outs o where o.email = v_email;
  delete from usher.sign_up_invites s where s.user_id = erase_person.user_id;
  delete from usher.directory_users d
  where d.email = v_email
    or d.member_id in (select m.id from public.organisation_members m where m.user_id = erase_person.user_id);

  perform set_config('usher.audit_exception', 'UPDATE', true);
  update usher.sealed_events c set personal_salt = null
  from public.organisation_audit_events e
  where e.id = c.event_id and erase_person.user_id in (e.actor_id, e.target_id);
  update public.organisation_audit_events e
  set reason = null, ip = null, user_agent = null, claimed_ip = null
  where erase_person.user_id in (e.actor_id, e.target_id);
  perform set_config('usher.audit_exception', '', true);

  perform usher.record_event(m.organisation_id, 'person.erased', 'user', erase_person.user_id)
    from public.organisation_members m where m.user_id = erase_person.user_id;
  update public.organisation_members m
  set email = null, display_name = null, status_reason = null
  where m.user_id = erase_person.user_id;
end
$$;
comment on function usher.erase_person is
$$Forgets a person: addresses, names, reasons, computers and browsers go from members, invites, mails and the
trail. What they were and did stays, under an id that no longer leads to anyone. For operators; then delete
the account in Auth, which an owner has to be relieved of first.

  user_id  the account, which must still be there: its address says which invites and mails are theirs$$;
