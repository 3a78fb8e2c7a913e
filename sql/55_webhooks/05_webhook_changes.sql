-- Changing webhooks: create, update, delete. They need webhook.manage.

create function usher.create_webhook(
  organisation_id uuid,
  url text,
  events text[],
  description text
) returns public.organisation_webhook_secret
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member  public.organisation_members :=
    usher.require_permission(create_webhook.organisation_id, 'webhook.manage', 'settings');
  v_webhook public.organisation_webhooks;
begin
  perform usher.require_webhook(create_webhook.url, create_webhook.events, create_webhook.description);
  -- Each one more is one more request for each thing that happens.
  perform usher.require_room('webhooks', v_member.organisation_id);

  insert into public.organisation_webhooks as w (organisation_id, url, events, description)
  values (v_member.organisation_id, create_webhook.url, usher.clean_events(create_webhook.events),
    coalesce(usher.clean_name(create_webhook.description, 200, may_link => true), ''))
  returning w.* into v_webhook;
  perform usher.record_event(v_webhook.organisation_id, 'webhook.created', 'webhook', v_webhook.id,
    after => usher.webhook_facts(v_webhook));
  return usher.add_webhook_secret(v_webhook);
end
$$;
comment on function usher.create_webhook
  is 'The rule behind public.create_organisation_webhook.';

create function public.create_organisation_webhook(
  organisation_id uuid,
  url text,
  events text[] default null,
  description text default null
) returns public.organisation_webhook_secret
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_webhook($1, $2, $3, $4) $$;
comment on function public.create_organisation_webhook
  is $$Lets an endpoint hear what happens in an organisation, by Standard Webhooks. At most 20 of an organisation.

  url          where to POST: https, on the public internet, at most 2,000 characters
  events       which types, such as member.joined; without it, all
  description  what it is for: one line of at most 200 characters

Returns its id, and its secret, shown this once. Needs webhook.manage. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.$$;
grant execute on function public.create_organisation_webhook to authenticated;
grant execute on function usher.create_webhook to authenticated;

create function usher.update_webhook(
  webhook_id uuid,
  changes jsonb
) returns public.organisation_webhooks
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_before  public.organisation_webhooks := usher.webhook_for_change(update_webhook.webhook_id);
  v_changes jsonb := update_webhook.changes;
  v_after   public.organisation_webhooks;
  v_unknown text;
begin
  if jsonb_typeof(v_changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of settings and values.');
  end if;
  select k into v_unknown from jsonb_object_keys(v_changes) k
  where k not in ('url', 'events', 'description', 'is_enabled') limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be set.', v_unknown));
  end if;
  begin
    v_after := jsonb_populate_record(v_before, v_changes);
  exception
    when data_exception or program_limit_exceeded then
      perform usher.fail('invalid_settings', hint => 'A value is not of its kind: ' || sqlerrm);
  end;
  perform usher.require_webhook(v_after.url, v_after.events, v_after.description);
  if v_after.is_enabled is null then
    perform usher.fail('invalid_settings', hint => 'is_enabled is true or false.');
  end if;

  update public.organisation_webhooks w
  set url = v_after.url, events = usher.clean_events(v_after.events), is_enabled = v_after.is_enabled,
    description = coalesce(usher.clean_name(v_after.description, 200, may_link => true), ''),
    disabled_at = case when not v_after.is_enabled then coalesce(w.disabled_at, now()) end,
    disabled_reason = case when not v_after.is_enabled then coalesce(w.disabled_reason, 'by_hand') end,
    -- Elsewhere, or switched on again, it begins anew.
    failing_since = case when v_after.is_enabled = w.is_enabled and v_after.url = w.url then w.failing_since end
  where w.id = v_before.id
  returning w.* into strict v_after;
  if not v_after.is_enabled then
    perform usher.end_queued_webhook_deliveries(v_after.id);
  end if;
  perform usher.record_event(v_after.organisation_id, 'webhook.updated', 'webhook', v_after.id,
    before => usher.webhook_facts(v_before), after => usher.webhook_facts(v_after));
  return v_after;
end
$$;
comment on function usher.update_webhook
  is 'The rule behind public.update_organisation_webhook.';

create function public.update_organisation_webhook(
  webhook_id uuid,
  changes jsonb
) returns public.organisation_webhooks
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_webhook($1, $2) $$;
comment on function public.update_organisation_webhook
  is $$Changes an endpoint; what is left out stays.

  changes  any of url, events (null: all), description, is_enabled, such as {"is_enabled": false}. What waits
           for an endpoint that is switched off fails; replay_organisation_webhook_deliveries brings it, and
           what happened meanwhile, once it is on again

Returns the endpoint. Needs webhook.manage. Fails with unauthenticated, webhook_not_found, permission_denied,
invalid_settings.$$;
grant execute on function public.update_organisation_webhook to authenticated;
grant execute on function usher.update_webhook to authenticated;

create function usher.delete_webhook(webhook_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks := usher.webhook_for_change(delete_webhook.webhook_id, 'settings');
begin
  delete from public.organisation_webhooks w where w.id = v_webhook.id;
  perform usher.record_event(v_webhook.organisation_id, 'webhook.deleted', 'webhook', v_webhook.id,
    before => usher.webhook_facts(v_webhook));
end
$$;
comment on function usher.delete_webhook
  is 'The rule behind public.delete_organisation_webhook.';

create function public.delete_organisation_webhook(webhook_id uuid) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_webhook($1) $$;
comment on function public.delete_organisation_webhook
  is $$Deletes an endpoint, its secrets and its log. Needs webhook.manage. Fails with unauthenticated,
webhook_not_found, permission_denied.$$;
grant execute on function public.delete_organisation_webhook to authenticated;
grant execute on function usher.delete_webhook to authenticated;
