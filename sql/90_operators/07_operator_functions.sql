-- What operators call: proving that the trails are whole, and sending mails again that have failed.
--
-- No role but the owner of the database may call any of it. docs/sql.md says how to use it.

create function usher.check_audit_trails() returns table (
  organisation_id uuid,
  organisation text,
  is_whole boolean,
  events bigint,
  sealed_events bigint,
  erased_events bigint,
  seals integer,
  last_seal text,
  problem text,
  event_id uuid,
  seal_number integer
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select i.organisation_id, o.name, c.*
  from (
    select e.organisation_id from public.organisation_audit_events e
    union
    select s.organisation_id from usher.audit_seals s
    union
    -- One without a single line is shown with none: it began with one.
    select o.id from public.organisations o
  ) i
  left join public.organisations o on o.id = i.organisation_id
  cross join lateral usher.check_audit_trail(i.organisation_id) c
  order by c.is_whole, o.name, i.organisation_id
$$;
comment on function usher.check_audit_trails
  is $$Recomputes the seals of all trails, also of organisations that are gone, or of which there is none; those that
are not whole come first. Columns as in verify_organisation_audit_trail. For operators. Reads every event: minutes,
where there are millions.$$;

create function usher.requeue_deliveries(delivery_ids uuid[]) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_requeued integer;
begin
  with requeued as (
    update public.organisation_deliveries d
    set status = 'queued', attempts = 0, due_at = now(), in_doubt_at = null
    where d.id = any (requeue_deliveries.delivery_ids)
      and (d.status in ('failed', 'suppressed') or d.status = 'queued' and d.attempts > 0)
    returning d.*
  ), recorded as (
    select usher.record_event(r.organisation_id, 'delivery.requeued', 'delivery', r.id,
      after => jsonb_build_object('kind', r.kind, 'invite_id', r.invite_id))
    from requeued r
  )
  select count(*)::integer into v_requeued from recorded;
  return v_requeued;
end
$$;
comment on function usher.requeue_deliveries
  is $$Lets mails that failed, or wait for their next try, go out now, with all tries before them again. For operators,
once the cause is mended; an address that is suppressed has to be taken from usher.suppressed_addresses first. An
invite that is no longer open is not sent in any case.

  delivery_ids  the id of usher.stuck_deliveries

Returns how many there were.$$;

create function usher.resume_mail() returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_resumed integer;
begin
  update public.organisation_deliveries d
  set due_at = now()
  where d.status = 'queued' and d.attempts > 0 and d.due_at > now();
  get diagnostics v_resumed = row_count;
  -- Last, as whoever records an answer has it: the mail first, then the way.
  perform usher.note_taken();
  return v_resumed;
end
$$;
comment on function usher.resume_mail
  is $$Lets mails go out now that wait because the mail server or provider refused us, and those that wait for another
try. For operators, once the cause is mended: by itself it is found out within half an hour.

Returns how many there were.$$;
