-- Deliveries: one row is one mail to one address, from queued to its end.
--
-- queued ─▶ sending ─▶ sent │ failed;   sending ─(refused for now)─▶ queued;   failed ─(by hand)─▶ queued;
-- queued ─▶ cancelled (its invite is no longer open) │ suppressed (04_suppressed_addresses.sql);
-- sent ─▶ delivered │ opened │ bounced │ complained, as the mail provider tells (09_delivery_events.sql).
--
-- A row follows a line of the trail (70_worker/01_event_mails.sql). A worker leases rows (08_delivery_turns.sql),
-- renders, sends and says what the mail server answered. A lease that runs out is taken over by another worker: at
-- least once, never lost. Each lease carries a fence, so that a worker that was only asleep cannot send or record any
-- more.
--
-- Reading needs invite.read.

create function usher.mailbox(email text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- An address that is nothing but a tag (+a@…) is its own: without it, strangers would share one.
  return regexp_replace(lower(mailbox.email collate "und-x-icu"), '^([^+@]+)\+[^@]*@', '\1@');
end
$$;
comment on function usher.mailbox
  is $$Where mails to a normalised address arrive: the address without its +tag, so that ann+1@example.com and
ann+2@example.com are one mailbox. For what is about being left in peace: allowances, stopping mail, complaints.
Who somebody is, is never asked of it.

Source: RFC 5233, subaddressing.$$;

create table public.organisation_deliveries (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid references public.organisations on delete cascade,
  event_id uuid,
  invite_id uuid references usher.invites on delete cascade,
  member_id uuid references public.organisation_members on delete cascade,
  issue integer,
  kind text not null,
  recipient text not null,
  mailbox text generated always as (usher.mailbox(recipient)) stored,
  caused_by uuid,
  locale text,
  is_bulk boolean not null default false,
  status text not null default 'queued',
  attempts integer not null default 0,
  due_at timestamptz not null default now(),
  fence bigint not null default 0,
  leased_by text,
  in_doubt_at timestamptz,
  last_response text,
  last_status_code text,
  provider_message_id text,
  facts jsonb not null default '{}',
  is_paced boolean not null default false,
  taken_at timestamptz,
  dedupe_key bytea,
  sent_at timestamptz,
  delivered_at timestamptz,
  opened_at timestamptz,
  bounced_at timestamptz,
  complained_at timestamptz,
  created_at timestamptz not null default now(),
  constraint organisation_deliveries_kind check (
    kind in (
      'invite',
      'invite_reminder',
      'invite_accepted',
      'invite_declined',
      'invite_expired',
      'invite_resend_requested',
      'member_roles_updated',
      'member_removed',
      'member_banned',
      'ownership_transferred',
      'access_ending',
      'access_ended',
      'join_requested',
      'join_approved',
      'join_declined',
      'device_enrolled',
      'access_review_started',
      'access_review_overdue',
      'webhook_disabled',
      'invites_lost_right',
      'credentials_lost_right',
      'auth'
    )
  ),
  constraint organisation_deliveries_tenant check (
    (organisation_id is null) = (kind = 'auth')
  ),
  constraint organisation_deliveries_subject check (
    num_nonnulls(invite_id, member_id) <= 1
  ),
  constraint organisation_deliveries_status check (
    status in (
      'queued',
      'sending',
      'sent',
      'failed',
      'cancelled',
      'suppressed',
      'delivered',
      'opened',
      'bounced',
      'complained'
    )
  ),
  constraint organisation_deliveries_sent check (
    (status in ('sent', 'delivered', 'opened', 'bounced', 'complained')) = (
      sent_at is not null
    )
  )
);
comment on table public.organisation_deliveries
  is 'Mails, sent and to be sent. The Message-ID is the id. Read with invite.read; written by functions only.';
comment on column public.organisation_deliveries.organisation_id
  is 'Null for mails of Supabase Auth only, which no member can read: see 50_mail/10_auth_mails.sql.';
comment on column public.organisation_deliveries.event_id
  is 'The line of the audit trail that it follows; null for mails of Supabase Auth.';
comment on column public.organisation_deliveries.mailbox
  is 'Where it arrives: recipient without its +tag. Allowances and stopping mail go by it.';
comment on column public.organisation_deliveries.caused_by
  is 'The account whose call caused it; null where nobody was signed in, or the worker did.';
comment on column public.organisation_deliveries.taken_at
  is 'When a worker took it last: from then on it counts against the allowances, unless it was no longer to be sent.';
comment on column public.organisation_deliveries.is_paced
  is 'Whether its due_at is a place in the line of its organisation and its recipient''s domain.';
comment on column public.organisation_deliveries.dedupe_key
  is 'Tells that a mail of Supabase Auth was asked for before.';
comment on column public.organisation_deliveries.opened_at
  is 'When it was first opened; only where the organisation allows it, and its mail provider tells.';
comment on column public.organisation_deliveries.issue
  is 'Which issue of the invite it announces.';
comment on column public.organisation_deliveries.facts
  is 'What a mail says beside its invite, as it was when it was caused: roles, by whom, the reason.';
comment on column public.organisation_deliveries.due_at
  is 'When a worker may take it: the next try, or, while it is being sent, the end of the lease.';
comment on column public.organisation_deliveries.fence
  is 'Goes up with each lease; older holders are refused.';
comment on column public.organisation_deliveries.in_doubt_at
  is 'When a connection was lost after the mail had gone out: it may have arrived. One more try follows.';

create index organisation_deliveries_due on public.organisation_deliveries (
  is_bulk,
  due_at
)
  where status in ('queued', 'sending');
-- For fair turns (08_delivery_turns.sql): from one organisation to the next, and in each what has waited longest.
create index organisation_deliveries_turns on public.organisation_deliveries (
  is_bulk,
  organisation_id,
  due_at
)
  where status in ('queued', 'sending');
create index organisation_deliveries_leased on public.organisation_deliveries (
  due_at
)
  where status = 'sending';
-- For allowances; a mail is in them once it was taken, so that they cost its sender nothing.
create index organisation_deliveries_mailbox on public.organisation_deliveries (
  mailbox,
  taken_at desc
)
  where taken_at is not null;
create index organisation_deliveries_caused_by
  on public.organisation_deliveries (caused_by, is_bulk, taken_at desc)
  where taken_at is not null;
create index organisation_deliveries_organisation_id
  on public.organisation_deliveries (organisation_id, created_at desc);
create index organisation_deliveries_invite_id
  on public.organisation_deliveries (invite_id);
create index organisation_deliveries_member_id
  on public.organisation_deliveries (member_id)
  where member_id is not null;
create index organisation_deliveries_provider_message_id
  on public.organisation_deliveries (provider_message_id)
  where provider_message_id is not null;
-- What follows a line of the trail follows it once.
create unique index organisation_deliveries_once
  on public.organisation_deliveries (event_id, kind, recipient)
  where event_id is not null;
create unique index organisation_deliveries_dedupe_key
  on public.organisation_deliveries (dedupe_key)
  where dedupe_key is not null;

alter table public.organisation_deliveries enable row level security;
create policy organisation_deliveries_select
  on public.organisation_deliveries
  for select
  to authenticated
  using (organisation_id in (select usher.organisations_where('invite.read')));
grant select on public.organisation_deliveries to authenticated, service_role;

create function usher.delivery_status(
  status text,
  attempts integer,
  due_at timestamptz
) returns text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select case when $1 = 'queued' and $2 = 0 and $3 > clock_timestamp() then 'delayed' else $1 end $$;
comment on function usher.delivery_status
  is $$The status of a mail, and delayed for one that was never tried and is due later: an allowance or a pace of
50_mail/07_delivery_pace.sql delays it. It is not stuck.$$;

create function usher.erased_recipient(delivery_id uuid) returns text
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select 'erased@' || $1 || '.invalid' $$;
comment on function usher.erased_recipient
  is 'What stands in the place of a mail''s recipient who was erased (90_operators/06_erasure.sql).';

create function usher.response_to_keep(
  delivery public.organisation_deliveries,
  response text
) returns text
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select case when ($1).recipient <> usher.erased_recipient(($1).id) then left($2, 1000) end $$;
comment on function usher.response_to_keep
  is $$What is kept of a mail server's answer: 1,000 characters. Of a mail whose recipient was erased, nothing: answers
repeat the address.$$;
