-- Sending again, and sending a test: what whoever manages webhooks does when a receiver was down, or is new.

create function usher.enabled_webhook_for_change(
  webhook_id uuid
) returns public.organisation_webhooks
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks := usher.webhook_for_change(enabled_webhook_for_change.webhook_id);
begin
  if not v_webhook.is_enabled then
    perform usher.fail('webhook_disabled', details => v_webhook.disabled_reason);
  end if;
  return v_webhook;
end
$$;
comment on function usher.enabled_webhook_for_change
  is 'As usher.webhook_for_change, but refused while the endpoint is switched off.';

create function usher.replay_webhook_deliveries(
  webhook_id uuid,
  delivery_id uuid,
  since timestamptz
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks := usher.enabled_webhook_for_change(replay_webhook_deliveries.webhook_id);
  v_again   integer;
  v_missed  integer := 0;
begin
  if num_nonnulls(replay_webhook_deliveries.delivery_id, replay_webhook_deliveries.since) <> 1 then
    perform usher.fail('invalid_settings', hint => 'Give either delivery_id or since.');
  end if;
  perform usher.take_allowance('webhook-replays:' || v_webhook.id, 1, 60, interval '1 hour');
  if replay_webhook_deliveries.delivery_id is not null and not exists (
    select from public.organisation_webhook_deliveries d
    where d.id = replay_webhook_deliveries.delivery_id and d.webhook_id = v_webhook.id)
  then
    perform usher.fail('webhook_not_found', hint => 'The webhook has no such delivery.');
  end if;

  update public.organisation_webhook_deliveries d
  set status = 'queued', attempts = 0, due_at = clock_timestamp()
  where d.webhook_id = v_webhook.id
    and (d.id = replay_webhook_deliveries.delivery_id and d.status in ('delivered', 'failed')
      or d.created_at >= replay_webhook_deliveries.since and d.status = 'failed');
  get diagnostics v_again = row_count;

  if replay_webhook_deliveries.since is not null then
    insert into public.organisation_webhook_deliveries (organisation_id, webhook_id, event_id, event)
    select e.organisation_id, v_webhook.id, e.id, e.event
    from public.organisation_audit_events e
    where e.organisation_id = v_webhook.organisation_id
      and e.occurred_at >= greatest(replay_webhook_deliveries.since, v_webhook.created_at)
      and e.event <> 'webhook.tested' and usher.webhook_hears(v_webhook, e.event, e.target_id)
      and not exists (
        select from public.organisation_webhook_deliveries d
        where d.webhook_id = v_webhook.id and d.event_id = e.id)
    order by e.occurred_at
    -- More would take longer than a call may; the next call brings the rest.
    limit 10000
    on conflict on constraint organisation_webhook_deliveries_once do nothing;
    get diagnostics v_missed = row_count;
  end if;
  perform usher.record_event(v_webhook.organisation_id, 'webhook.replayed', 'webhook', v_webhook.id,
    after => jsonb_build_object('deliveries', v_again + v_missed, 'since', replay_webhook_deliveries.since));
  return v_again + v_missed;
end
$$;
comment on function usher.replay_webhook_deliveries
  is 'The rule behind public.replay_organisation_webhook_deliveries.';

create function public.replay_organisation_webhook_deliveries(
  webhook_id uuid,
  delivery_id uuid default null,
  since timestamptz default null
) returns integer
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.replay_webhook_deliveries($1, $2, $3) $$;
comment on function public.replay_organisation_webhook_deliveries
  is $$Sends again what an endpoint has missed, from the first try on and under the same webhook-id. Either, or:

  delivery_id  this one, also if it was taken before
  since        all that failed since then, and all that happened since then and was never put on its way,
               because the endpoint was switched off or had not chosen it; of these at most 10,000 in a call

Returns how many go out; 0 when the one is on its way already. Needs webhook.manage. Fails with
unauthenticated, webhook_not_found (also for a delivery that is not the endpoint's), permission_denied,
webhook_disabled, invalid_settings, rate_limited.$$;
grant execute on function public.replay_organisation_webhook_deliveries to authenticated;
grant execute on function usher.replay_webhook_deliveries to authenticated;

create function usher.test_webhook(
  webhook_id uuid
) returns public.organisation_webhook_deliveries
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook  public.organisation_webhooks := usher.enabled_webhook_for_change(test_webhook.webhook_id);
  v_delivery public.organisation_webhook_deliveries;
begin
  perform usher.take_allowance('webhook-tests:' || v_webhook.id, 1, 60, interval '1 hour');
  -- Whoever tests waits for it: it is on its way at once, and usher.fan_out finds it there.
  insert into public.organisation_webhook_deliveries (organisation_id, webhook_id, event_id, event)
  values (v_webhook.organisation_id, v_webhook.id,
    usher.record_event(v_webhook.organisation_id, 'webhook.tested', 'webhook', v_webhook.id,
      after => usher.webhook_facts(v_webhook)), 'webhook.tested')
  returning * into strict v_delivery;
  return v_delivery;
end
$$;
comment on function usher.test_webhook
  is 'The rule behind public.test_organisation_webhook.';

create function public.test_organisation_webhook(
  webhook_id uuid
) returns public.organisation_webhook_deliveries
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.test_webhook($1) $$;
comment on function public.test_organisation_webhook
  is $$Sends an event of type webhook.tested to this one endpoint, whatever it has chosen. At most 60 an hour.

Returns the delivery, whose status tells what became of it. Needs webhook.manage. Fails with unauthenticated,
webhook_not_found, permission_denied, webhook_disabled, rate_limited.$$;
grant execute on function public.test_organisation_webhook to authenticated;
grant execute on function usher.test_webhook to authenticated;
