-- What webhooks are sent: one row is one event on its way to one endpoint.
--
-- queued ─▶ sending ─▶ delivered │ failed;   sending ─(not taken)─▶ queued;   delivered, failed ─(replay)─▶ queued.
--
-- A line of the audit trail becomes a row for each endpoint that has chosen its type. Reading needs webhook.manage.

create table public.organisation_webhook_deliveries (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  webhook_id uuid not null references public.organisation_webhooks
    on delete cascade,
  event_id uuid not null,
  event text not null,
  status text not null default 'queued',
  attempts integer not null default 0,
  due_at timestamptz not null default clock_timestamp(),
  fence bigint not null default 0,
  leased_by text,
  last_status_code integer,
  last_response text,
  tries jsonb not null default '[]',
  delivered_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  constraint organisation_webhook_deliveries_once unique (webhook_id, event_id),
  constraint organisation_webhook_deliveries_status check (
    status in ('queued', 'sending', 'delivered', 'failed')
  ),
  constraint organisation_webhook_deliveries_delivered check (
    status <> 'delivered' or delivered_at is not null
  )
);
comment on table public.organisation_webhook_deliveries
  is 'Events on their way to endpoints, and what became of them. Read with webhook.manage; written by functions only.';
comment on column public.organisation_webhook_deliveries.event_id
  is 'The line of the audit trail that is sent; the webhook-id is made of it.';
comment on column public.organisation_webhook_deliveries.due_at
  is 'When a worker may take it: the next try, or, while it is being sent, the end of the lease.';
comment on column public.organisation_webhook_deliveries.fence
  is 'Goes up with each lease; older holders are refused.';
comment on column public.organisation_webhook_deliveries.last_response
  is 'What the endpoint answered the last time, or why there was no answer; null once its days are over.';
comment on column public.organisation_webhook_deliveries.tries
  is 'The last 20 tries: [{"at", "status_code" (null: no answer), "milliseconds"}].';

create index organisation_webhook_deliveries_open
  on public.organisation_webhook_deliveries (webhook_id, due_at)
  where status in ('queued', 'sending');
create index organisation_webhook_deliveries_newest
  on public.organisation_webhook_deliveries (
  organisation_id,
  created_at desc,
  id desc
);
create index organisation_webhook_deliveries_answers
  on public.organisation_webhook_deliveries (created_at)
  where last_response is not null;

alter table public.organisation_webhook_deliveries enable row level security;
create policy organisation_webhook_deliveries_select
  on public.organisation_webhook_deliveries
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('webhook.manage'))
  );
grant select on public.organisation_webhook_deliveries to authenticated, service_role;

create function usher.webhook_hears(
  webhook public.organisation_webhooks,
  event text,
  target_id uuid
) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks := webhook_hears.webhook;
begin
  return case
    -- A test is for the one endpoint that is tested.
    when webhook_hears.event = 'webhook.tested' then v_webhook.id = webhook_hears.target_id
    -- Nobody has the secret of one that is only being made.
    when webhook_hears.event = 'webhook.created' and v_webhook.id = webhook_hears.target_id then false
    else webhook_hears.event = any (coalesce(v_webhook.events, usher.webhook_event_types()))
  end;
end
$$;
comment on function usher.webhook_hears
  is 'Whether an endpoint has chosen an event.';

create function usher.tell_webhooks(
  lines public.organisation_audit_events[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into public.organisation_webhook_deliveries (organisation_id, webhook_id, event_id, event)
  select e.organisation_id, w.id, e.id, e.event
  from unnest(tell_webhooks.lines) e
  join public.organisation_webhooks w
    -- One that was added since hears of what happens from then on.
    on w.organisation_id = e.organisation_id and w.created_at <= e.occurred_at
  where w.is_enabled and usher.webhook_hears(w, e.event, e.target_id)
  on conflict on constraint organisation_webhook_deliveries_once do nothing;
end
$$;
comment on function usher.tell_webhooks
  is 'Puts lines of the trail on their way to the endpoints that have chosen them.';
