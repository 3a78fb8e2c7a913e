-- Webhooks: where an organisation wants to hear what happens to it, by Standard Webhooks.
--
-- What is sent is what the audit trail says, in the trail's own words; 46_webhook_deliveries.sql sends it,
-- 48_webhook_secrets.sql signs it.
-- Reading and changing need webhook.manage.
--
-- Source: https://www.standardwebhooks.com

create table public.organisation_webhooks (
  id              uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations on delete cascade,
  url             text not null,
  description     text not null default '',
  events          text[],
  is_enabled      boolean not null default true,
  disabled_at     timestamptz,
  disabled_reason text,
  failing_since   timestamptz,
  created_at      timestamptz not null default now(),

  constraint organisation_webhooks_has_events check (cardinality(events) > 0),
  constraint organisation_webhooks_disabled_reason
    check (disabled_reason in ('by_hand', 'failing', 'gone')),
  constraint organisation_webhooks_disabled
    check (is_enabled = (disabled_at is null) and is_enabled = (disabled_reason is null)),
  constraint organisation_webhooks_bounds check (
    length(url) <= 2000 and length(description) <= 200
    and cardinality(events) <= 1000 and octet_length(array_to_string(events, '')) <= 100000)
);
comment on table public.organisation_webhooks is
  'Endpoints that hear what happens. Read with webhook.manage; written by functions only.';
comment on column public.organisation_webhooks.events is
  'Which types of usher.webhook_event_types() it hears; null: all of them, those to come as well.';
comment on column public.organisation_webhooks.disabled_reason is
  'by_hand; failing: for days nothing was taken; gone: it answered 410.';
comment on column public.organisation_webhooks.failing_since is
  'The first try that failed since the last one that was taken; null while all is well.';

create index organisation_webhooks_organisation_id
  on public.organisation_webhooks (organisation_id, created_at, id);

alter table public.organisation_webhooks enable row level security;
create policy organisation_webhooks_select on public.organisation_webhooks
  for select to authenticated
  using (organisation_id in (select usher.organisations_where('webhook.manage')));
grant select on public.organisation_webhooks to authenticated, service_role;

create function usher.webhook_event_types()
returns text[]
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'access_review.closed', 'access_review.completed', 'access_review.confirmed', 'access_review.overdue',
    'access_review.started', 'access_review.withdrawn',
    'delivery.bounced', 'delivery.complained', 'delivery.delivered', 'delivery.failed',
    'delivery.opened', 'delivery.sent', 'delivery.suppressed',
    'device.enrolled',
    'directory.drift_found', 'directory.endpoint_created', 'directory.endpoint_deleted', 'directory.endpoint_updated',
    'directory.token_created', 'directory.token_revoked',
    'credentials.responsible_lost_right', 'credentials.taken_over',
    'domain.claimed', 'domain.deleted', 'domain.updated', 'domain.verified',
    'evidence.exported',
    'invite.accepted', 'invite.created', 'invite.declined', 'invite.expired',
    'invite.link_revealed', 'invite.one_click_done', 'invite.one_click_failed', 'invite.one_click_started',
    'invite.reminded', 'invite.resend_requested', 'invite.resent',
    'invite.revoked', 'invite.roles_updated',
    'join.approved', 'join.declined', 'join.requested',
    'member.access_ended', 'member.banned', 'member.ends_updated', 'member.joined', 'member.left',
    'member.removed', 'member.roles_updated', 'member.unbanned',
    'organisation.transferred', 'organisation.updated',
    'person.erased',
    'role.created', 'role.deleted', 'role.updated',
    'role_exclusion.created', 'role_exclusion.deleted',
    'sign_in_rule.updated',
    'template.created', 'template.deleted', 'template.failed', 'template.updated',
    'webhook.created', 'webhook.deleted', 'webhook.disabled', 'webhook.secret_rotated',
    'webhook.updated'
  ];
end
$$;
comment on function usher.webhook_event_types is
$$Every type that an endpoint can choose, in the words of the audit trail. Left out is what only the machinery
does, and an organisation's own beginning and end: before the one and after the other it has no endpoints.$$;

create function usher.require_webhook(url text, events text[], description text)
returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_problem text := usher.target_problem(require_webhook.url);
  v_unknown text;
begin
  if cardinality(require_webhook.events) > 200 then
    perform usher.fail('invalid_settings', hint => 'Choose at most 200 types of events, or null for all.');
  end if;
  select e into v_unknown from unnest(require_webhook.events) e
  where e is null or e <> all (usher.webhook_event_types()) limit 1;
  if require_webhook.url is null or v_problem is not null then
    perform usher.fail('invalid_settings', hint => coalesce(v_problem, 'Give a url.'));
  elsif cardinality(require_webhook.events) = 0 then
    perform usher.fail('invalid_settings', hint => 'Choose at least one type of events, or null for all.');
  elsif v_unknown is not null then
    perform usher.fail('invalid_settings', hint => format('There is no type of events %L.', v_unknown));
  elsif require_webhook.description <> ''
    and usher.clean_name(require_webhook.description, 200, may_link => true) is null
  then
    perform usher.fail('invalid_settings', hint => 'description is one line of at most 200 characters that can be seen.');
  end if;
end
$$;
comment on function usher.require_webhook is
  'Fails with invalid_settings unless an endpoint may be like this.';

create function usher.clean_events(events text[])
returns text[]
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$ select array_agg(distinct e order by e) from unnest($1) e $$;
comment on function usher.clean_events is 'Sorted, each once; null stays null, and means all.';

create function usher.webhook_for_change(webhook_id uuid, lock text default 'share')
returns public.organisation_webhooks
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_webhook public.organisation_webhooks;
begin
  perform usher.require_permission((
    select w.organisation_id from public.organisation_webhooks w where w.id = webhook_for_change.webhook_id),
    'webhook.manage', webhook_for_change.lock, 'webhook_not_found');
  select w.* into v_webhook
  from public.organisation_webhooks w where w.id = webhook_for_change.webhook_id for no key update;
  if not found then
    perform usher.fail('webhook_not_found');
  end if;
  return v_webhook;
end
$$;
comment on function usher.webhook_for_change is
  'An endpoint, locked, for a caller with webhook.manage; otherwise a refusal. To delete it, lock is settings: nothing is
sent to it meanwhile.';

create function usher.webhook_facts(webhook public.organisation_webhooks)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  -- Without path and query: with many receivers, whoever knows those can send.
  select jsonb_build_object('host', usher.target_host(($1).url),
    'events', ($1).events, 'is_enabled', ($1).is_enabled)
$$;
comment on function usher.webhook_facts is 'What the trail says of an endpoint.';

create type public.organisation_webhook_secret as (
  webhook_id      uuid,
  organisation_id uuid,
  secret          text,
  old_secrets_end timestamptz
);
comment on type public.organisation_webhook_secret is
  'The secret of an endpoint, whsec_…, which is shown this once, and until when older ones sign beside it.';

create function usher.create_webhook(organisation_id uuid, url text, events text[], description text)
returns public.organisation_webhook_secret
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
comment on function usher.create_webhook is 'The rule behind public.create_organisation_webhook.';

create function public.create_organisation_webhook(
  organisation_id uuid, url text, events text[] default null, description text default null
)
returns public.organisation_webhook_secret
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.create_webhook($1, $2, $3, $4) $$;
comment on function public.create_organisation_webhook is
$$Lets an endpoint hear what happens in an organisation, by Standard Webhooks. At most 20 of an organisation.

  url          where to POST: https, on the public internet, at most 2,000 characters
  events       which types, such as member.joined; without it, all
  description  what it is for: one line of at most 200 characters

Returns its id, and its secret, shown this once. Needs webhook.manage. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.$$;
grant execute on function public.create_organisation_webhook to authenticated;
grant execute on function usher.create_webhook to authenticated;

create function usher.update_webhook(webhook_id uuid, changes jsonb)
returns public.organisation_webhooks
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
comment on function usher.update_webhook is 'The rule behind public.update_organisation_webhook.';

create function public.update_organisation_webhook(webhook_id uuid, changes jsonb)
returns public.organisation_webhooks
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.update_webhook($1, $2) $$;
comment on function public.update_organisation_webhook is
$$Changes an endpoint; what is left out stays.

  changes  any of url, events (null: all), description, is_enabled, such as {"is_enabled": false}. What waits
           for an endpoint that is switched off fails; replay_organisation_webhook_deliveries brings it, and
           what happened meanwhile, once it is on again

Returns the endpoint. Needs webhook.manage. Fails with unauthenticated, webhook_not_found, permission_denied,
invalid_settings.$$;
grant execute on function public.update_organisation_webhook to authenticated;
grant execute on function usher.update_webhook to authenticated;

create function usher.delete_webhook(webhook_id uuid)
returns void
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
comment on function usher.delete_webhook is 'The rule behind public.delete_organisation_webhook.';

create function public.delete_organisation_webhook(webhook_id uuid)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.delete_webhook($1) $$;
comment on function public.delete_organisation_webhook is
$$Deletes an endpoint, its secrets and its log. Needs webhook.manage. Fails with unauthenticated,
webhook_not_found, permission_denied.$$;
grant execute on function public.delete_organisation_webhook to authenticated;
grant execute on function usher.delete_webhook to authenticated;
