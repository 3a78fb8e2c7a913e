-- Deliveries: the outbox. One row is one mail to one address, from queued to its end.
--
-- queued ─▶ sending ─▶ sent │ failed;   sending ─(refused for now)─▶ queued;
-- queued ─▶ cancelled (its invite is no longer open) │ suppressed (the address does not exist).
--
-- A row is written in the transaction that causes it. A worker leases rows, renders, sends and says what
-- the mail server answered. A lease that runs out is taken over by another worker: at least once, never
-- lost. Each lease carries a fence, so that a worker that was only asleep cannot send or record any more.
-- Reading needs invite.read.

create table public.organisation_deliveries (
  id                  uuid primary key default gen_random_uuid(),
  organisation_id     uuid not null references public.organisations on delete cascade,
  invite_id           uuid references usher.invites on delete cascade,
  member_id           uuid references public.organisation_members on delete cascade,
  issue               integer,
  kind                text not null,
  recipient           text not null,
  locale              text,
  is_bulk             boolean not null default false,
  status              text not null default 'queued',
  attempts            integer not null default 0,
  due_at              timestamptz not null default now(),
  fence               bigint not null default 0,
  leased_by           text,
  in_doubt_at         timestamptz,
  last_response       text,
  last_status_code    text,
  provider_message_id text,
  facts               jsonb not null default '{}',
  sent_at             timestamptz,
  created_at          timestamptz not null default now(),

  constraint organisation_deliveries_kind check (kind in (
    'invite', 'invite_reminder', 'invite_accepted', 'invite_declined', 'invite_expired', 'invite_resend_requested',
    'member_roles_updated', 'member_removed', 'member_banned', 'ownership_transferred')),
  constraint organisation_deliveries_subject check (num_nonnulls(invite_id, member_id) = 1),
  constraint organisation_deliveries_status
    check (status in ('queued', 'sending', 'sent', 'failed', 'cancelled', 'suppressed')),
  constraint organisation_deliveries_sent check ((status = 'sent') = (sent_at is not null))
);
comment on table public.organisation_deliveries is
  'Mails, sent and to be sent. The Message-ID is the id. Read with invite.read; written by functions only.';
comment on column public.organisation_deliveries.issue is 'Which issue of the invite it announces.';
comment on column public.organisation_deliveries.facts is
  'What a mail about a membership says, as it was when it was caused: roles, by whom.';
comment on column public.organisation_deliveries.due_at is
  'When a worker may take it: the next try, or, while it is being sent, the end of the lease.';
comment on column public.organisation_deliveries.fence is 'Goes up with each lease; older holders are refused.';
comment on column public.organisation_deliveries.in_doubt_at is
  'When a connection was lost after the mail had gone out: it may have arrived. One more try follows.';

create index organisation_deliveries_due
  on public.organisation_deliveries (is_bulk, due_at) where status in ('queued', 'sending');
create index organisation_deliveries_organisation_id
  on public.organisation_deliveries (organisation_id, created_at desc);
create index organisation_deliveries_invite_id on public.organisation_deliveries (invite_id);
create index organisation_deliveries_member_id on public.organisation_deliveries (member_id);

alter table public.organisation_deliveries enable row level security;
create policy organisation_deliveries_select on public.organisation_deliveries
  for select to authenticated
  using (organisation_id in (select usher.organisations_where('invite.read')));
grant select on public.organisation_deliveries to authenticated, service_role;

create table usher.suppressed_addresses (
  email       text primary key,
  status_code text not null,
  created_at  timestamptz not null default now()
);
comment on table usher.suppressed_addresses is
  'Addresses that a mail server said do not exist. Nothing is sent to them until the row is deleted.';
alter table usher.suppressed_addresses enable row level security;
create policy suppressed_addresses_nobody on usher.suppressed_addresses for select to public using (false);

create function usher.enqueue_delivery(
  kind            text,
  organisation_id uuid,
  recipient       text,
  locale          text,
  invite_id       uuid,
  is_bulk         boolean default false
)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
  insert into public.organisation_deliveries (
    organisation_id, invite_id, issue, kind, recipient, locale, is_bulk)
  select $2, i.id, i.issue, $1, $3, $4, $6
  from usher.invites i
  where i.id = $5
$$;
comment on function usher.enqueue_delivery is
  'Puts a mail about an invite into the outbox, to go out when this transaction has been committed.';

create function usher.enqueue_invites(invite_ids uuid[], is_bulk boolean)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
  insert into public.organisation_deliveries (
    organisation_id, invite_id, issue, kind, recipient, locale, is_bulk)
  select i.organisation_id, i.id, i.issue, 'invite', i.email, i.locale, $2
  from usher.invites i
  where i.id = any ($1)
$$;
comment on function usher.enqueue_invites is 'Puts the mails of several new invites into the outbox at once.';

create function usher.enqueue_notice(kind text, member_id uuid, actor_id uuid)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
  insert into public.organisation_deliveries (organisation_id, member_id, kind, recipient, facts)
  select m.organisation_id, m.id, $1, m.email, jsonb_build_object(
    'roles', m.roles,
    'actor_name', a.display_name, 'actor_email', a.email,
    'owner_name', coalesce(o.display_name, o.email))
  from public.organisation_members m
  left join public.organisation_members a on a.organisation_id = m.organisation_id and a.user_id = $3
  left join public.organisation_members o
    on o.organisation_id = m.organisation_id and 'owner' = any (o.roles)
  where m.id = $2 and m.email is not null and m.kind = 'user'
$$;
comment on function usher.enqueue_notice is
$$Puts a mail to a member about their membership into the outbox, with the facts as they are now: what is
written later must not change what the mail says happened.$$;

create function usher.wake_worker()
returns void
language sql
volatile
security definer
set search_path = ''
as $$ select pg_notify('usher_deliveries', '') $$;
comment on function usher.wake_worker is
$$Tells a listening worker that there is a mail to send. A hint: workers also look by themselves. Not called
when an invite is answered, because notifications make commits wait for each other.$$;

create type usher.delivery_lease as (delivery_id uuid, fence bigint, attempts integer);
comment on type usher.delivery_lease is 'A delivery that a worker may send now, and the fence to name with it.';

create function usher.lease_deliveries(
  worker     text,
  batch_size integer default 50,
  lease      interval default '1 minute'
)
returns setof usher.delivery_lease
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
  -- A mail that took its workers down with it eight times is not tried a ninth.
  update public.organisation_deliveries d
  set status = 'failed', last_response = 'Given up: no worker came back from sending it.'
  where d.status = 'sending' and d.due_at <= clock_timestamp() and d.attempts >= 8;

  return query
    update public.organisation_deliveries d
    set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
      leased_by = lease_deliveries.worker, due_at = clock_timestamp() + lease_deliveries.lease
    from (
      select q.id
      from public.organisation_deliveries q
      where q.status in ('queued', 'sending') and q.due_at <= clock_timestamp()
      order by q.is_bulk, q.due_at
      limit lease_deliveries.batch_size
      for update skip locked
    ) due
    where d.id = due.id
    returning d.id, d.fence, d.attempts;
end
$$;
comment on function usher.lease_deliveries is
$$Takes mails that are due, single ones before bulk, oldest first. For workers.

  worker      a name for the log, such as host and process
  batch_size  how many at most
  lease       after this time without an answer, another worker may take them over

Returns for each its id, the fence to name when answering, and which try this is.$$;
grant execute on function usher.lease_deliveries to usher_worker;

create function usher.prepare_delivery(delivery_id uuid, fence bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_delivery     public.organisation_deliveries;
  v_invite       usher.invites;
  v_organisation public.organisations;
  v_inviter      public.organisation_members;
  v_site_url     text := (select s.site_url from usher.settings s);
  v_end          text;
begin
  select d.* into v_delivery
  from public.organisation_deliveries d
  where d.id = prepare_delivery.delivery_id
    and d.fence = prepare_delivery.fence
    and d.status = 'sending'
    and d.due_at > clock_timestamp()
  for update;
  if not found then
    return null;
  end if;

  select i.* into v_invite from usher.invites i where i.id = v_delivery.invite_id;
  v_end := case
    when exists (select from usher.suppressed_addresses s where s.email = v_delivery.recipient)
      then 'suppressed'
    when v_delivery.kind in ('invite', 'invite_reminder') and (
      v_delivery.issue <> v_invite.issue
      or usher.invite_status(v_invite.status, v_invite.expires_at) <> 'pending')
      then 'cancelled'
  end;
  if v_end is not null then
    update public.organisation_deliveries d set status = v_end where d.id = v_delivery.id;
    return null;
  end if;

  select o.* into strict v_organisation from public.organisations o where o.id = v_delivery.organisation_id;
  select m.* into v_inviter
  from public.organisation_members m
  where m.organisation_id = v_delivery.organisation_id and m.user_id = v_invite.invited_by;

  return jsonb_build_object(
    'id', v_delivery.id,
    'kind', v_delivery.kind,
    'to', v_delivery.recipient,
    'locale', coalesce(v_delivery.locale, v_organisation.locale),
    'reply_to', v_organisation.reply_to,
    'site_url', v_site_url,
    'link', case when v_delivery.kind in ('invite', 'invite_reminder')
      then v_site_url || '/invite#' || usher.mint_invite_token(v_invite.id) end,
    'organisation', jsonb_build_object(
      'id', v_organisation.id,
      'name', v_organisation.name,
      'logo_url', v_organisation.logo_url,
      'accent_colour', v_organisation.accent_colour),
    'member', case when v_delivery.member_id is not null then v_delivery.facts end,
    'invite', case when v_delivery.invite_id is not null then jsonb_build_object(
      'id', v_invite.id,
      'email', v_invite.email,
      'roles', v_invite.roles,
      'inviter_name', v_inviter.display_name,
      'inviter_email', v_inviter.email,
      'message', v_invite.message,
      'expires_at', v_invite.expires_at,
      'decline_reason', v_invite.declined_reason) end);
end
$$;
comment on function usher.prepare_delivery is
$$All that a leased mail needs, read at this moment, with a token of its own. For workers, just before
sending.

Null when it is not to be sent any more: the fence is old, its invite is no longer open or was sent again
(the delivery is then cancelled), or the address is suppressed.$$;
grant execute on function usher.prepare_delivery to usher_worker;

create function usher.complete_delivery(
  delivery_id         uuid,
  fence               bigint,
  response            text,
  provider_message_id text default null
)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_delivery public.organisation_deliveries;
begin
  update public.organisation_deliveries d
  set status = 'sent', sent_at = clock_timestamp(), last_response = left(complete_delivery.response, 1000),
    last_status_code = null, provider_message_id = complete_delivery.provider_message_id
  where d.id = complete_delivery.delivery_id
    and d.fence = complete_delivery.fence
    and d.status = 'sending'
  returning d.* into v_delivery;
  if not found then
    return false;
  end if;

  perform usher.record_event(v_delivery.organisation_id, 'delivery.sent', 'delivery', v_delivery.id,
    after      => jsonb_build_object(
      'kind', v_delivery.kind, 'invite_id', v_delivery.invite_id, 'attempts', v_delivery.attempts),
    actor_kind => 'worker');
  return true;
end
$$;
comment on function usher.complete_delivery is
$$Writes down that a mail server took a mail. For workers.

  response             what it answered, kept to 1,000 characters
  provider_message_id  the provider's own id, to match its webhooks

False when the fence is old: another worker has taken over, and what it says counts.$$;
grant execute on function usher.complete_delivery to usher_worker;

create function usher.fail_delivery(
  delivery_id uuid,
  fence       bigint,
  failure     text,
  response    text default null,
  status_code text default null
)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_delivery public.organisation_deliveries;
  -- About when a greylist lets through, then rarer; eight tries in two days.
  v_delays   interval[] := '{1 minute,5 minutes,30 minutes,2 hours,6 hours,12 hours,1 day}';
  v_is_final boolean;
begin
  if fail_delivery.failure not in ('temporary', 'permanent', 'in_doubt') then
    raise exception 'failure is temporary, permanent or in_doubt, not %', fail_delivery.failure
      using errcode = 'invalid_parameter_value';
  end if;

  select d.* into v_delivery
  from public.organisation_deliveries d
  where d.id = fail_delivery.delivery_id
    and d.fence = fail_delivery.fence
    and d.status = 'sending'
  for update;
  if not found then
    return null;
  end if;

  v_is_final := fail_delivery.failure = 'permanent'
    or fail_delivery.failure = 'in_doubt' and v_delivery.in_doubt_at is not null
    or v_delivery.attempts >= 8;

  update public.organisation_deliveries d
  set status = case when v_is_final then 'failed' else 'queued' end,
    -- A fifth more or less, so that what failed together does not come back together.
    due_at = clock_timestamp() + v_delays[least(d.attempts, 7)] * (0.8 + 0.4 * random()),
    in_doubt_at = case when fail_delivery.failure = 'in_doubt' then clock_timestamp() else d.in_doubt_at end,
    last_response = left(fail_delivery.response, 1000),
    last_status_code = fail_delivery.status_code
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;

  if fail_delivery.failure = 'permanent' and fail_delivery.status_code = '5.1.1' then
    insert into usher.suppressed_addresses (email, status_code)
    values (v_delivery.recipient, fail_delivery.status_code)
    on conflict (email) do nothing;
  end if;
  if v_is_final then
    perform usher.record_event(v_delivery.organisation_id, 'delivery.failed', 'delivery', v_delivery.id,
      after      => jsonb_build_object(
        'kind', v_delivery.kind, 'invite_id', v_delivery.invite_id, 'attempts', v_delivery.attempts,
        'status_code', v_delivery.last_status_code),
      actor_kind => 'worker');
  end if;
  return v_delivery.status;
end
$$;
comment on function usher.fail_delivery is
$$Writes down that a mail was not taken, and decides whether it is tried again. For workers.

  failure      temporary: again later, at most eight times in all; permanent: never again; in_doubt: the
               connection was lost after the mail had gone out, so at most one more try
  response     what the mail server answered, kept to 1,000 characters
  status_code  its enhanced status code (RFC 3463); 5.1.1 says that the address does not exist, and puts
               it on the list of suppressed addresses

Returns the delivery's status, queued or failed; null when the fence is old. Waiting times grow from a
minute to a day, a fifth more or less. Source: RFC 5321 section 4.5.4.1.$$;
grant execute on function usher.fail_delivery to usher_worker;
