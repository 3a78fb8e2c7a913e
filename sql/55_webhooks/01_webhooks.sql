-- Webhooks: where an organisation wants to hear what happens to it, by Standard Webhooks.
--
-- What is sent is what the audit trail says, in the trail's own words; 04_webhook_sending.sql sends it,
-- 02_webhook_secrets.sql signs it.
-- Reading and changing need webhook.manage.
--
-- Source: https://www.standardwebhooks.com

create table public.organisation_webhooks (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  url text not null,
  description text not null default '',
  events text[],
  is_enabled boolean not null default true,
  disabled_at timestamptz,
  disabled_reason text,
  failing_since timestamptz,
  created_at timestamptz not null default now(),
  constraint organisation_webhooks_has_events check (cardinality(events) > 0),
  constraint organisation_webhooks_disabled_reason check (
    disabled_reason in ('by_hand', 'failing', 'gone')
  ),
  constraint organisation_webhooks_disabled check (
    is_enabled = (disabled_at is null)
      and is_enabled = (disabled_reason is null)
  ),
  constraint organisation_webhooks_bounds check (
    length(url) <= 2000
      and length(description) <= 200
      and cardinality(events) <= 1000
      and octet_length(array_to_string(events, '')) <= 100000
  )
);
comment on table public.organisation_webhooks
  is 'Endpoints that hear what happens. Read with webhook.manage; written by functions only.';
comment on column public.organisation_webhooks.events
  is 'Which types of usher.webhook_event_types() it hears; null: all of them, those to come as well.';
comment on column public.organisation_webhooks.disabled_reason
  is 'by_hand; failing: for days nothing was taken; gone: it answered 410.';
comment on column public.organisation_webhooks.failing_since
  is 'The first try that failed since the last one that was taken; null while all is well.';

create index organisation_webhooks_organisation_id
  on public.organisation_webhooks (organisation_id, created_at, id);

alter table public.organisation_webhooks enable row level security;
create policy organisation_webhooks_select
  on public.organisation_webhooks
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('webhook.manage'))
  );
grant select on public.organisation_webhooks to authenticated, service_role;

create function usher.webhook_event_types() returns text[]
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
    'invites.inviter_lost_right',
    'join.approved', 'join.declined', 'join.requested',
    'member.access_ended', 'member.access_ending', 'member.banned', 'member.ends_updated', 'member.joined',
    'member.left', 'member.removed', 'member.roles_updated', 'member.unbanned',
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
comment on function usher.webhook_event_types
  is $$Every type that an endpoint can choose, in the words of the audit trail. Left out is what only the machinery
does, and an organisation's own beginning and end: before the one and after the other it has no endpoints.$$;

create function usher.require_webhook(
  url text,
  events text[],
  description text
) returns void
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
    perform usher.fail('invalid_settings',
      hint => 'description is one line of at most 200 characters that can be seen.');
  end if;
end
$$;
comment on function usher.require_webhook
  is 'Fails with invalid_settings unless an endpoint may be like this.';

create function usher.clean_events(events text[]) returns text[]
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select array_agg(distinct e order by e) from unnest($1) e $$;
comment on function usher.clean_events
  is 'Sorted, each once; null stays null, and means all.';

create function usher.webhook_for_change(
  webhook_id uuid,
  lock text default 'share'
) returns public.organisation_webhooks
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
comment on function usher.webhook_for_change
  is 'An endpoint, locked, for a caller with webhook.manage; else a refusal. To delete it, lock is settings: nothing is
sent to it meanwhile.';

create function usher.webhook_facts(
  webhook public.organisation_webhooks
) returns jsonb
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  -- Without path and query: with many receivers, whoever knows those can send.
  select jsonb_build_object('host', usher.target_host(($1).url),
    'events', ($1).events, 'is_enabled', ($1).is_enabled)
$$;
comment on function usher.webhook_facts
  is 'What the trail says of an endpoint.';

create type public.organisation_webhook_secret as (
  webhook_id uuid,
  organisation_id uuid,
  secret text,
  old_secrets_end timestamptz
);
comment on type public.organisation_webhook_secret
  is 'The secret of an endpoint, whsec_…, which is shown this once, and until when older ones sign beside it.';
