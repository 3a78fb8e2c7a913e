-- Sending webhooks: the worker's functions.
--
-- What is sent is drawn from the trail's line each time, and signed at that moment: the same words and the same
-- webhook-id on every try. Leases and fences are those of mails: at least once, never lost, in no promised order.
--
-- Source: Standard Webhooks, operational considerations (timetable, status codes, switching off).

create function usher.webhook_body(
  event public.organisation_audit_events
) returns text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  -- json, not jsonb, which would sort the keys. Nothing personal: no reason, address or browser.
  select json_build_object(
    'type', ($1).event,
    'timestamp', to_char(($1).occurred_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'data', json_build_object(
      'id', ($1).id,
      'organisation_id', ($1).organisation_id,
      'actor', json_build_object('kind', ($1).actor_kind, 'id', ($1).actor_id),
      'target', json_build_object('kind', ($1).target_kind, 'id', ($1).target_id),
      'before', ($1).before,
      'after', ($1).after))::text
$$;
comment on function usher.webhook_body
  is 'What is sent of a line of the trail: {type, timestamp, data}.';

create function usher.end_queued_webhook_deliveries(
  webhook_id uuid
) returns void
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  update public.organisation_webhook_deliveries d
  set status = 'failed', last_response = 'Not sent: the webhook was switched off.'
  where d.webhook_id = end_queued_webhook_deliveries.webhook_id and d.status = 'queued'
$$;
comment on function usher.end_queued_webhook_deliveries
  is 'Ends what has not gone out yet to an endpoint that is switched off; it can be replayed later.';

create function usher.disable_webhook(webhook_id uuid, reason text) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks;
begin
  update public.organisation_webhooks w
  set is_enabled = false, disabled_at = clock_timestamp(), disabled_reason = disable_webhook.reason
  where w.id = disable_webhook.webhook_id and w.is_enabled
  returning w.* into v_webhook;
  if not found then
    return;
  end if;
  perform usher.end_queued_webhook_deliveries(v_webhook.id);
  perform usher.record_event(v_webhook.organisation_id, 'webhook.disabled', 'webhook', v_webhook.id,
    after => usher.webhook_facts(v_webhook) || jsonb_build_object('reason', v_webhook.disabled_reason),
    actor_kind => 'worker');
end
$$;
comment on function usher.disable_webhook
  is 'Switches an endpoint off that no longer takes anything, failing or gone, and tells whoever manages webhooks.';

create type usher.webhook_lease as (
  delivery_id uuid,
  fence bigint,
  attempts integer
);
comment on type usher.webhook_lease
  is 'An event that a worker may send to an endpoint now, and the fence to name with it.';

create function usher.lease_webhook_deliveries(
  worker text,
  batch_size integer default 50,
  lease interval default '1 minute'
) returns setof usher.webhook_lease
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_failing_under_way integer;
begin
  -- One that took its workers down with it at its last try is not tried again.
  update public.organisation_webhook_deliveries d
  set status = 'failed', last_response = 'Given up: no worker came back from sending it.'
  where d.status = 'sending' and d.due_at <= clock_timestamp() and d.attempts >= 10;

  select count(*)::integer into v_failing_under_way
  from public.organisation_webhook_deliveries d
  join public.organisation_webhooks w on w.id = d.webhook_id
  where d.status = 'sending' and d.due_at > clock_timestamp() and w.failing_since is not null;

  return query
    -- From one endpoint to the next by the index: as many steps as endpoints have something to be sent,
    -- however much that is.
    with recursive open_webhooks (id) as (
      (select d.webhook_id
        from public.organisation_webhook_deliveries d
        where d.status in ('queued', 'sending')
        order by d.webhook_id limit 1)
      union all
      select (
        select d.webhook_id
        from public.organisation_webhook_deliveries d
        where d.status in ('queued', 'sending') and d.webhook_id > o.id
        order by d.webhook_id limit 1)
      from open_webhooks o
      where o.id is not null
    ),
    due as (
      select q.id, q.due_at, w.failing_since,
        row_number() over (partition by w.organisation_id, w.failing_since is null order by q.due_at) as turn,
        row_number() over (partition by w.failing_since is null order by q.due_at) as place
      from open_webhooks o
      join public.organisation_webhooks w on w.id = o.id
      cross join lateral (
        select d.id, d.due_at
        from public.organisation_webhook_deliveries d
        where d.webhook_id = w.id and d.status in ('queued', 'sending') and d.due_at <= clock_timestamp()
        order by d.due_at
        -- Five at once, but one where the last one failed: a dead endpoint holds up one place, for one timeout.
        limit greatest(0, case when w.failing_since is null then 5 else 1 end - (
          select count(*)
          from public.organisation_webhook_deliveries s
          where s.webhook_id = w.id and s.status = 'sending' and s.due_at > clock_timestamp()))
        for update skip locked
      ) q
    ),
    -- The healthy before the failing, and each organisation's first before any one's second.
    chosen as (
      select d.id from due d
      -- However many endpoints are dead, most places stay free of them.
      where d.failing_since is null or d.place <= 50 - v_failing_under_way
      order by d.failing_since is not null, d.turn, d.due_at
      limit lease_webhook_deliveries.batch_size
    )
    update public.organisation_webhook_deliveries d
    set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
      leased_by = lease_webhook_deliveries.worker,
      due_at = clock_timestamp() + lease_webhook_deliveries.lease
    from chosen c
    where d.id = c.id
    returning d.id, d.fence, d.attempts;
end
$$;
comment on function usher.lease_webhook_deliveries
  is $$Takes events that are due to be sent: of healthy endpoints first, organisation by organisation, about five at
once of an endpoint; one where the last try failed, and 50 of all such. For workers.

  worker      a name for the log, such as host and process
  batch_size  how many at most
  lease       after this time without an answer, another worker may take them over

Returns for each its id, the fence to name when answering, and which try this is.$$;
grant execute on function usher.lease_webhook_deliveries to usher_worker;

create function usher.prepare_webhook_delivery(
  delivery_id uuid,
  fence bigint
) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery  public.organisation_webhook_deliveries;
  v_webhook   public.organisation_webhooks;
  v_event     public.organisation_audit_events;
  v_message   text;
  v_timestamp text := floor(extract(epoch from clock_timestamp()))::bigint::text;
  v_body      text;
  v_signed    text;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_webhook_deliveries d
    where d.id = prepare_webhook_delivery.delivery_id), 'exists');
  select d.* into v_delivery
  from public.organisation_webhook_deliveries d
  where d.id = prepare_webhook_delivery.delivery_id
    and d.fence = prepare_webhook_delivery.fence
    and d.status = 'sending'
    and d.due_at > clock_timestamp()
  for update;
  if not found then
    return null;
  end if;
  select w.* into strict v_webhook from public.organisation_webhooks w where w.id = v_delivery.webhook_id;
  select e.* into v_event from public.organisation_audit_events e where e.id = v_delivery.event_id;
  if v_event.id is null or not v_webhook.is_enabled then
    update public.organisation_webhook_deliveries d
    set status = 'failed', last_response = case when v_event.id is null
      then 'Not sent: its time in the audit trail is over.' else 'Not sent: the webhook was switched off.' end
    where d.id = v_delivery.id;
    return null;
  end if;

  v_message := 'msg_' || replace(v_event.id::text, '-', '');
  v_body := usher.webhook_body(v_event);
  v_signed := usher.webhook_signatures(v_webhook.id, concat_ws('.', v_message, v_timestamp, v_body));
  if v_signed is null then
    perform usher.record_webhook_try(v_delivery.id, v_delivery.fence, null,
      'Not sent: the secret that signs is not in Vault any more. Rotate it.', 0);
    return null;
  end if;
  return jsonb_build_object(
    'url', v_webhook.url,
    'body', v_body,
    'headers', jsonb_build_object(
      'content-type', 'application/json',
      'user-agent', 'Usher-Webhooks/1',
      'webhook-id', v_message,
      'webhook-timestamp', v_timestamp,
      'webhook-signature', v_signed));
end
$$;
comment on function usher.prepare_webhook_delivery
  is $$The request that a leased delivery is, {url, body, headers}, signed for this moment: to be sent as it is, at
once. For workers. Null when it is not to be sent any more: the fence is old, the endpoint is switched off, or
the line of the trail is gone; or not now: the secret is missing from Vault, which counts as a try.$$;
grant execute on function usher.prepare_webhook_delivery to usher_worker;

create function usher.record_webhook_try(
  delivery_id uuid,
  fence bigint,
  status_code integer,
  response text,
  milliseconds integer,
  retry_after integer default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook  public.organisation_webhooks;
  v_delivery public.organisation_webhook_deliveries;
  v_delays   constant interval[] :=
    '{5 seconds,5 minutes,30 minutes,2 hours,5 hours,10 hours,14 hours,20 hours,24 hours}'::interval[];
  v_is_ok    boolean := coalesce(record_webhook_try.status_code between 200 and 299, false);
  v_status   text;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_webhook_deliveries d
    where d.id = record_webhook_try.delivery_id), 'exists');
  -- The endpoint first, as wherever both are locked.
  select w.* into v_webhook
  from public.organisation_webhooks w
  where w.id = (
    select d.webhook_id from public.organisation_webhook_deliveries d
    where d.id = record_webhook_try.delivery_id)
  for no key update;
  select d.* into v_delivery
  from public.organisation_webhook_deliveries d
  where d.id = record_webhook_try.delivery_id
    and d.fence = record_webhook_try.fence
    and d.status = 'sending'
  for update;
  if not found then
    return null;
  end if;

  v_status := case
    when v_is_ok then 'delivered'
    when v_delivery.attempts >= 10 or record_webhook_try.status_code = 410 or not v_webhook.is_enabled then 'failed'
    else 'queued' end;

  update public.organisation_webhook_deliveries d
  set status = v_status,
    delivered_at = case when v_is_ok then clock_timestamp() else d.delivered_at end,
    -- Up to a fifth later, so that what failed together does not come back together; and no earlier than the
    -- endpoint asks for, within a day.
    due_at = case when v_status <> 'queued' then clock_timestamp() else
      clock_timestamp() + greatest(v_delays[least(d.attempts, 9)] * (1 + 0.2 * random()),
        make_interval(secs => least(greatest(record_webhook_try.retry_after, 0), 86400))) end,
    last_status_code = record_webhook_try.status_code,
    last_response = left(record_webhook_try.response, 1000),
    tries = case when jsonb_array_length(d.tries) >= 20 then d.tries - 0 else d.tries end || jsonb_build_object(
      'at', clock_timestamp(), 'status_code', record_webhook_try.status_code,
      'milliseconds', record_webhook_try.milliseconds)
  where d.id = v_delivery.id;

  if v_is_ok <> (v_webhook.failing_since is null) then
    update public.organisation_webhooks w
    set failing_since = case when not v_is_ok then clock_timestamp() end
    where w.id = v_webhook.id;
  end if;
  if record_webhook_try.status_code = 410 then
    perform usher.disable_webhook(v_webhook.id, 'gone');
  elsif not v_is_ok
    and v_webhook.failing_since < clock_timestamp() - (select s.webhook_failing_for from usher.settings s)
  then
    perform usher.disable_webhook(v_webhook.id, 'failing');
  end if;
  return v_status;
end
$$;
comment on function usher.record_webhook_try
  is $$Writes down what an endpoint answered, and decides what follows. For workers.

  status_code   of HTTP; 200 to 299: taken; 410: the endpoint is switched off; null: there was no answer
  response      the answer's body, or why there was none, kept to 1,000 characters
  milliseconds  how long it took
  retry_after   seconds, where the answer says so

Returns the delivery's status, delivered, queued or failed; null when the fence is old. Ten tries within about
three days, each wait up to a fifth longer; an endpoint that has taken nothing for settings.webhook_failing_for
is switched off.$$;
grant execute on function usher.record_webhook_try to usher_worker;
