-- What became of a mail after it was taken: delivered, opened, bounced, complained about.
--
-- Mail providers tell it by webhook, more than once, late, and in any order; sometimes before the worker has
-- written down that the mail was taken. Each telling counts once, and no later one takes back what is worse.

create table usher.delivery_events (
  provider text not null,
  event_id text not null,
  delivery_id uuid not null references public.organisation_deliveries
    on delete cascade,
  kind text not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  primary key (provider, event_id),
  constraint delivery_events_kind check (
    kind in ('delivered', 'opened', 'bounced', 'complained')
  )
);
comment on table usher.delivery_events
  is 'What providers have told, once each, so that a webhook that comes again changes nothing.';
create index delivery_events_delivery_id on usher.delivery_events (delivery_id);
alter table usher.delivery_events enable row level security;
create policy delivery_events_nobody
  on usher.delivery_events
  for select
  to public
  using (false);

create function usher.record_delivery_event(
  provider text,
  event_id text,
  kind text,
  delivery_id uuid default null,
  provider_message_id text default null,
  occurred_at timestamptz default null,
  is_permanent boolean default false,
  response text default null,
  status_code text default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_kind     text := record_delivery_event.kind;
  -- A provider's clock may be wrong; nothing has happened after now.
  v_at       timestamptz := least(coalesce(record_delivery_event.occurred_at, now()), now());
  v_delivery public.organisation_deliveries;
begin
  perform usher.lock_organisation(d.organisation_id, 'exists')
    from public.organisation_deliveries d
    where d.id = record_delivery_event.delivery_id
      or record_delivery_event.delivery_id is null
        and d.provider_message_id = record_delivery_event.provider_message_id;
  if v_kind is null or v_kind not in ('delivered', 'opened', 'bounced', 'complained') then
    raise exception 'kind is delivered, opened, bounced or complained, not %', v_kind
      using errcode = 'invalid_parameter_value';
  end if;
  select d.* into v_delivery
  from public.organisation_deliveries d
  where d.id = record_delivery_event.delivery_id
    or record_delivery_event.delivery_id is null
      and d.provider_message_id = record_delivery_event.provider_message_id
  for update;
  -- Not ours, or of a time before the mail was ever handed out.
  if not found or v_delivery.fence = 0 then
    return 'unknown';
  end if;
  if v_kind = 'opened' and not coalesce((
    select o.track_opens from public.organisations o where o.id = v_delivery.organisation_id), false) then
    return 'ignored';
  end if;

  insert into usher.delivery_events (provider, event_id, delivery_id, kind, occurred_at)
  values (record_delivery_event.provider, record_delivery_event.event_id, v_delivery.id, v_kind, v_at)
  on conflict do nothing;
  if not found then
    return 'duplicate';
  end if;

  update public.organisation_deliveries d
  set
    delivered_at = case when v_kind = 'delivered' then least(d.delivered_at, v_at) else d.delivered_at end,
    opened_at = case when v_kind = 'opened' then least(d.opened_at, v_at) else d.opened_at end,
    bounced_at = case when v_kind = 'bounced' then least(d.bounced_at, v_at) else d.bounced_at end,
    complained_at = case when v_kind = 'complained' then least(d.complained_at, v_at) else d.complained_at end,
    last_response = case when v_kind = 'bounced'
      then usher.response_to_keep(d, record_delivery_event.response) else d.last_response end,
    last_status_code = case when v_kind = 'bounced'
      then record_delivery_event.status_code else d.last_status_code end,
    -- Whoever tells of it has taken it, whether or not the worker lived to hear so.
    sent_at = coalesce(d.sent_at, v_at),
    provider_message_id = coalesce(d.provider_message_id, record_delivery_event.provider_message_id),
    status = case
      when v_kind = 'complained' or d.complained_at is not null then 'complained'
      when v_kind = 'bounced' or d.bounced_at is not null then 'bounced'
      when v_kind = 'opened' or d.opened_at is not null then 'opened'
      else 'delivered'
    end,
    facts = d.facts - 'sealed'
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;

  if v_kind = 'bounced' then
    perform usher.mark_bounced(v_delivery);
    if record_delivery_event.is_permanent then
      perform usher.suppress_recipient(v_delivery, 'bounce', record_delivery_event.status_code);
    end if;
  elsif v_kind = 'complained' then
    perform usher.suppress_recipient(v_delivery, 'complaint');
  end if;
  perform usher.record_turn(v_delivery, 'delivery.' || v_kind);
  return 'recorded';
end
$$;
comment on function usher.record_delivery_event
  is $$Writes down what a mail provider tells of a mail. For the function that takes its webhooks and has checked
that they are genuine.

  provider             such as resend; with event_id, what tells a repetition
  event_id             the provider's own id of the event, or one made of what it tells
  kind                 delivered, opened, bounced or complained
  delivery_id          which mail, when the provider was given our id
  provider_message_id  which mail, otherwise
  occurred_at          when, by the provider's clock; null: now
  is_permanent         of a bounce: whether the address will never take mail; it is then suppressed
  response             of a bounce: what the recipient's server said, up to 1,000 characters; nothing once erased
  status_code          of a bounce: its enhanced status code (RFC 3463)

Returns recorded, duplicate (told before), unknown (no mail of ours), or ignored (opened, where the organisation
does not track that). The worst that is known is the status: complained, bounced, opened, delivered, sent.$$;
grant execute on function usher.record_delivery_event to usher_worker;

create function usher.delivery_metrics() returns table (
  status text,
  is_bulk boolean,
  count bigint,
  oldest_seconds double precision
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select s.status, d.is_bulk, count(*),
    -- Since it was due, not since it was made: what waits for its next try is not late.
    max(extract(epoch from clock_timestamp() - d.due_at))
      filter (where s.status = 'queued' and d.due_at <= clock_timestamp())::double precision
  from public.organisation_deliveries d
  cross join lateral usher.delivery_status(d.status, d.attempts, d.due_at) s (status)
  group by s.status, d.is_bulk
$$;
comment on function usher.delivery_metrics
  is $$How many mails are in which status, and how many seconds the oldest of those due has waited; delayed are those
that an allowance or a pace lets out later. For the worker's metrics.$$;
grant execute on function usher.delivery_metrics to usher_worker;
