-- Deliveries: the outbox. One row is one mail to one address, from queued to its end.
--
-- queued ─▶ sending ─▶ sent │ failed;   sending ─(refused for now)─▶ queued;   failed ─(by hand)─▶ queued;
-- queued ─▶ cancelled (its invite is no longer open) │ suppressed (44_suppressed_addresses.sql);
-- sent ─▶ delivered │ opened │ bounced │ complained, as the mail provider tells (41_delivery_events.sql).
--
-- A row is written in the transaction that causes it. A worker leases rows (42_delivery_turns.sql), renders, sends
-- and says what the mail server answered. A lease that runs out is taken over by another worker: at least once, never
-- lost. Each lease carries a fence, so that a worker that was only asleep cannot send or record any more.
-- Reading needs invite.read.

create function usher.mailbox(email text)
returns text
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
comment on function usher.mailbox is
$$Where mails to a normalised address arrive: the address without its +tag, so that ann+1@example.com and
ann+2@example.com are one mailbox. For what is about being left in peace: allowances, stopping mail, complaints.
Who somebody is, is never asked of it.

Source: RFC 5233, subaddressing.$$;

create table public.organisation_deliveries (
  id                  uuid primary key default gen_random_uuid(),
  organisation_id     uuid references public.organisations on delete cascade,
  invite_id           uuid references usher.invites on delete cascade,
  member_id           uuid references public.organisation_members on delete cascade,
  issue               integer,
  kind                text not null,
  recipient           text not null,
  mailbox             text generated always as (usher.mailbox(recipient)) stored,
  caused_by           uuid default usher.calling_account(),
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
  is_paced            boolean not null default false,
  taken_at            timestamptz,
  dedupe_key          bytea,
  sent_at             timestamptz,
  delivered_at        timestamptz,
  opened_at           timestamptz,
  bounced_at          timestamptz,
  complained_at       timestamptz,
  created_at          timestamptz not null default now(),

  constraint organisation_deliveries_kind check (kind in (
    'invite', 'invite_reminder', 'invite_accepted', 'invite_declined', 'invite_expired', 'invite_resend_requested',
    'member_roles_updated', 'member_removed', 'member_banned', 'ownership_transferred',
    'access_ending', 'access_ended',
    'join_requested', 'join_approved', 'join_declined', 'device_enrolled',
    'access_review_started', 'access_review_overdue', 'webhook_disabled',
    'invites_lost_right', 'credentials_lost_right', 'auth')),
  constraint organisation_deliveries_tenant check ((organisation_id is null) = (kind = 'auth')),
  constraint organisation_deliveries_subject check (num_nonnulls(invite_id, member_id) <= 1),
  constraint organisation_deliveries_status check (status in (
    'queued', 'sending', 'sent', 'failed', 'cancelled', 'suppressed',
    'delivered', 'opened', 'bounced', 'complained')),
  constraint organisation_deliveries_sent check (
    (status in ('sent', 'delivered', 'opened', 'bounced', 'complained')) = (sent_at is not null))
);
comment on table public.organisation_deliveries is
  'Mails, sent and to be sent. The Message-ID is the id. Read with invite.read; written by functions only.';
comment on column public.organisation_deliveries.organisation_id is
  'Null for mails of Supabase Auth only, which no member can read: see 43_auth_mails.sql.';
comment on column public.organisation_deliveries.mailbox is
  'Where it arrives: recipient without its +tag. Allowances and stopping mail go by it.';
comment on column public.organisation_deliveries.caused_by is
  'The account whose call caused it; null where nobody was signed in, or the worker did.';
comment on column public.organisation_deliveries.taken_at is
  'When a worker took it last: from then on it counts against the allowances, unless it was not to be sent any more.';
comment on column public.organisation_deliveries.is_paced is
  'Whether its due_at is a place in the line of its organisation and its recipient''s domain.';
comment on column public.organisation_deliveries.dedupe_key is 'Tells that a mail of Supabase Auth was asked for before.';
comment on column public.organisation_deliveries.opened_at is
  'When it was first opened; only where the organisation allows it, and its mail provider tells.';
comment on column public.organisation_deliveries.issue is 'Which issue of the invite it announces.';
comment on column public.organisation_deliveries.facts is
  'What a mail says beside its invite, as it was when it was caused: roles, by whom, the reason.';
comment on column public.organisation_deliveries.due_at is
  'When a worker may take it: the next try, or, while it is being sent, the end of the lease.';
comment on column public.organisation_deliveries.fence is 'Goes up with each lease; older holders are refused.';
comment on column public.organisation_deliveries.in_doubt_at is
  'When a connection was lost after the mail had gone out: it may have arrived. One more try follows.';

create index organisation_deliveries_due
  on public.organisation_deliveries (is_bulk, due_at) where status in ('queued', 'sending');
-- For fair turns (42_delivery_turns.sql): from one organisation to the next, and in each what has waited longest.
create index organisation_deliveries_turns
  on public.organisation_deliveries (is_bulk, organisation_id, due_at) where status in ('queued', 'sending');
create index organisation_deliveries_leased on public.organisation_deliveries (due_at) where status = 'sending';
-- For allowances; a mail is in them once it was taken, so that they cost its sender nothing.
create index organisation_deliveries_mailbox
  on public.organisation_deliveries (mailbox, taken_at desc) where taken_at is not null;
create index organisation_deliveries_caused_by
  on public.organisation_deliveries (caused_by, is_bulk, taken_at desc) where taken_at is not null;
create index organisation_deliveries_organisation_id
  on public.organisation_deliveries (organisation_id, created_at desc);
create index organisation_deliveries_invite_id on public.organisation_deliveries (invite_id);
create index organisation_deliveries_member_id on public.organisation_deliveries (member_id);
create index organisation_deliveries_provider_message_id
  on public.organisation_deliveries (provider_message_id) where provider_message_id is not null;
create unique index organisation_deliveries_dedupe_key
  on public.organisation_deliveries (dedupe_key) where dedupe_key is not null;

alter table public.organisation_deliveries enable row level security;
create policy organisation_deliveries_select on public.organisation_deliveries
  for select to authenticated
  using (organisation_id in (select usher.organisations_where('invite.read')));
grant select on public.organisation_deliveries to authenticated, service_role;

create function usher.delivery_status(status text, attempts integer, due_at timestamptz)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$ select case when $1 = 'queued' and $2 = 0 and $3 > clock_timestamp() then 'delayed' else $1 end $$;
comment on function usher.delivery_status is
$$The status of a mail, and delayed for one that was never tried and is due later: an allowance or a pace of
42_delivery_pace.sql delays it. It is not stuck.$$;

create function usher.erased_recipient(delivery_id uuid)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$ select 'erased@' || $1 || '.invalid' $$;
comment on function usher.erased_recipient is
  'What stands in the place of a mail''s recipient who was erased (71_erasure.sql).';

create function usher.response_to_keep(delivery public.organisation_deliveries, response text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$ select case when ($1).recipient <> usher.erased_recipient(($1).id) then left($2, 1000) end $$;
comment on function usher.response_to_keep is
$$What is kept of a mail server's answer: 1,000 characters. Of a mail whose recipient was erased, nothing: answers
repeat the address.$$;

create function usher.enqueue_delivery(
  kind            text,
  organisation_id uuid,
  recipient       text,
  locale          text,
  invite_id       uuid,
  is_bulk         boolean default false
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.organisation_deliveries (
    organisation_id, invite_id, issue, kind, recipient, locale, is_bulk)
  select enqueue_delivery.organisation_id, i.id, i.issue, enqueue_delivery.kind,
    enqueue_delivery.recipient, enqueue_delivery.locale, enqueue_delivery.is_bulk
  from usher.invites i
  where i.id = enqueue_delivery.invite_id;
end
$$;
comment on function usher.enqueue_delivery is
  'Puts a mail about an invite into the outbox, to go out when this transaction has been committed.';

create function usher.enqueue_invites(invite_ids uuid[], is_bulk boolean)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Once, and not by the column's default for each of thousands.
  v_account uuid := auth.uid();
begin
  insert into public.organisation_deliveries (
    organisation_id, invite_id, issue, kind, recipient, locale, is_bulk, caused_by)
  select i.organisation_id, i.id, i.issue, 'invite', i.email, i.locale, enqueue_invites.is_bulk, v_account
  from usher.invites i
  where i.id = any (enqueue_invites.invite_ids);
end
$$;
comment on function usher.enqueue_invites is 'Puts the mails of several new invites into the outbox at once.';

create function usher.enqueue_notice(kind text, member_id uuid, actor_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.organisation_deliveries (organisation_id, member_id, kind, recipient, facts)
  select m.organisation_id, m.id, enqueue_notice.kind, m.email, jsonb_build_object(
    'roles', m.roles,
    'actor_name', a.display_name, 'actor_email', a.email,
    'owner_name', coalesce(o.display_name, o.email))
  from public.organisation_members m
  left join public.organisation_members a
    on a.organisation_id = m.organisation_id and a.user_id = enqueue_notice.actor_id
  left join public.organisation_members o
    on o.organisation_id = m.organisation_id and 'owner' = any (o.roles)
  where m.id = enqueue_notice.member_id and m.email is not null and m.kind = 'user';
end
$$;
comment on function usher.enqueue_notice is
$$Puts a mail to a member about their membership into the outbox, with the facts as they are now: what is
written later must not change what the mail says happened.$$;

create function usher.enqueue_join_mail(kind text, organisation_id uuid, recipient text, facts jsonb)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.organisation_deliveries (organisation_id, kind, recipient, facts)
  values (enqueue_join_mail.organisation_id, enqueue_join_mail.kind, enqueue_join_mail.recipient,
    enqueue_join_mail.facts);
end
$$;
comment on function usher.enqueue_join_mail is
  'Puts a mail about a request to join into the outbox: to an admin, or to the one who asked.';

create function usher.record_turn(delivery public.organisation_deliveries, event text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivery public.organisation_deliveries := record_turn.delivery;
begin
  -- Mails of Supabase Auth belong to no organisation, and so to no trail.
  if v_delivery.organisation_id is null then
    return;
  end if;
  perform usher.record_event(v_delivery.organisation_id, record_turn.event, 'delivery', v_delivery.id,
    after      => jsonb_strip_nulls(jsonb_build_object(
      'kind', v_delivery.kind, 'invite_id', v_delivery.invite_id, 'attempts', v_delivery.attempts,
      'status_code', v_delivery.last_status_code)),
    actor_kind => 'worker');
end
$$;
comment on function usher.record_turn is
  'Adds what became of a mail to the trail of its organisation: which mail and what, never to whom.';

create function usher.mark_bounced(delivery public.organisation_deliveries)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivery public.organisation_deliveries := mark_bounced.delivery;
begin
  update usher.invites i
  set bounced_at = now()
  where i.id = v_delivery.invite_id and i.issue = v_delivery.issue
    and v_delivery.kind in ('invite', 'invite_reminder');
end
$$;
comment on function usher.mark_bounced is
  'Shows on an invite that its mail did not arrive, unless it has been sent again since.';

create function usher.wake_worker()
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$ select pg_notify('usher_deliveries', '') $$;
comment on function usher.wake_worker is
$$Tells a listening worker that there is a mail to send. A hint: workers also look by themselves. Not called
when an invite is answered, because notifications make commits wait for each other.$$;

create type usher.delivery_lease as (delivery_id uuid, fence bigint, attempts integer);
comment on type usher.delivery_lease is 'A delivery that a worker may send now, and the fence to name with it.';

create function usher.prepare_delivery(delivery_id uuid, fence bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivery     public.organisation_deliveries;
  v_invite       usher.invites;
  v_invite_id    uuid;
  v_organisation public.organisations;
  v_inviter      public.organisation_members;
  v_template     public.organisation_email_templates;
  v_settings     usher.settings;
  v_is_offer     boolean;
  v_locale       text;
  v_link         text;
  v_stop_token   text;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_deliveries d where d.id = prepare_delivery.delivery_id), 'exists');
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

  v_invite_id := v_delivery.invite_id;
  -- A mail of Supabase Auth to somebody who is invited says to what.
  if v_delivery.kind = 'auth' then
    select i.id into v_invite_id
    from usher.invites i
    where i.email = v_delivery.recipient and i.status = 'pending' and i.expires_at > clock_timestamp()
    order by i.created_at desc
    limit 1;
  end if;
  select i.* into v_invite from usher.invites i where i.id = v_invite_id;
  -- By the link of a mail from before they were erased, its reader may have stopped this one, too.
  perform usher.bring_back_stops(array[v_delivery.recipient]);
  if usher.end_undeliverable(v_delivery, v_invite) then
    return null;
  end if;

  v_is_offer := v_delivery.kind in ('invite', 'invite_reminder');
  select s.* into strict v_settings from usher.settings s;
  select o.* into v_organisation
  from public.organisations o where o.id = coalesce(v_delivery.organisation_id, v_invite.organisation_id);
  select m.* into v_inviter
  from public.organisation_members m
  where m.organisation_id = v_invite.organisation_id and m.user_id = v_invite.invited_by;

  v_locale := coalesce(v_delivery.locale, v_invite.locale, v_organisation.locale, 'en');
  v_template := usher.template_for_mail(v_delivery.kind, v_organisation.id, v_locale,
    case when v_delivery.kind = 'invite' then v_invite.template_id end);
  if v_is_offer then
    v_link := v_settings.site_url || '/invite#' || usher.mint_invite_token(v_invite.id, is_mailed => true);
    v_stop_token := usher.mint_stop_token(v_delivery.id);
  end if;

  return jsonb_build_object(
    'id', v_delivery.id,
    'kind', v_delivery.kind,
    'to', v_delivery.recipient,
    'locale', coalesce(v_template.locale, v_locale),
    -- Judged at this moment: the member may have left since, or the domain been lost.
    'reply_to', case when usher.may_take_answers(v_organisation.id, v_organisation.reply_to)
      then v_organisation.reply_to end,
    'site_url', v_settings.site_url,
    'link', v_link,
    'stop_link', v_settings.site_url || '/stop-mail#' || v_stop_token,
    'one_click_stop_url', v_settings.functions_url || '/stop-mail?token=' || v_stop_token,
    'track_opens', coalesce(v_organisation.track_opens, false),
    'template_id', v_template.id,
    'template', case when v_template.id is not null then jsonb_build_object(
      'subject', v_template.subject, 'heading', v_template.heading,
      'body', v_template.body, 'button', v_template.button) end,
    'organisation', case when v_organisation.id is not null then jsonb_build_object(
      'id', v_organisation.id,
      'name', v_organisation.name,
      'sender_name', coalesce(v_organisation.sender_name, v_organisation.name),
      'logo_url', v_organisation.logo_url,
      'accent_colour', v_organisation.accent_colour) end,
    'facts', v_delivery.facts,
    'invite', case when v_invite.id is not null then jsonb_build_object(
      'id', v_invite.id,
      'email', v_invite.email,
      'device_name', v_invite.device_name,
      'roles', v_invite.roles,
      'inviter_name', v_inviter.display_name,
      'inviter_email', v_inviter.email,
      'message', v_invite.message,
      'expires_at', v_invite.expires_at,
      'decline_reason', v_invite.declined_reason,
      'membership_ends_at', v_invite.membership_ends_at) end);
end
$$;
comment on function usher.prepare_delivery is
$$All that a leased mail needs, read at this moment, with a token of its own. For workers, just before
sending.

Null when it is not to be sent any more: the fence is old, its invite is no longer open or was sent again
(the delivery is then cancelled), or the address gets no mail (it is then suppressed).$$;
grant execute on function usher.prepare_delivery to usher_worker;

create function usher.delivery_end(delivery public.organisation_deliveries, invite usher.invites)
returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivery public.organisation_deliveries := delivery_end.delivery;
  v_invite   usher.invites := delivery_end.invite;
  v_is_offer boolean := v_delivery.kind in ('invite', 'invite_reminder');
begin
  return case
    when usher.is_suppressed(v_delivery.recipient, v_delivery.mailbox)
      or v_is_offer and exists (
        select from usher.mail_opt_outs o
        where o.email = v_delivery.mailbox
          and (o.organisation_id is null or o.organisation_id = v_delivery.organisation_id))
      then 'suppressed'
    when v_is_offer and (
      v_delivery.issue <> v_invite.issue
      or v_invite.status <> 'pending' or v_invite.expires_at <= statement_timestamp()
      or usher.inviter_right_ends_at(v_invite) <= statement_timestamp())
      then 'cancelled'
    -- What it lets its reader do is over by then: Supabase Auth's codes live for an hour unless set otherwise.
    when v_delivery.kind = 'auth' and v_delivery.created_at < clock_timestamp() - interval '1 day'
      then 'cancelled'
  end;
end
$$;
comment on function usher.delivery_end is
$$Why a mail must not go out any more: suppressed, or cancelled when its invite is no longer open or was sent again.
Null when it may go.$$;

create function usher.end_undeliverable(delivery public.organisation_deliveries, invite usher.invites)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivery public.organisation_deliveries := end_undeliverable.delivery;
  v_end      text := usher.delivery_end(v_delivery, end_undeliverable.invite);
begin
  if v_end is null then
    return false;
  end if;

  update public.organisation_deliveries d
  set status = v_end, facts = d.facts - 'sealed', taken_at = null
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;
  if v_end = 'suppressed' then
    perform usher.mark_bounced(v_delivery);
  end if;
  perform usher.record_turn(v_delivery, 'delivery.' || v_end);
  return true;
end
$$;
comment on function usher.end_undeliverable is
  'Ends a delivery that must not go out any more, cancelled or suppressed. Returns whether it did.';

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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivery public.organisation_deliveries;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_deliveries d where d.id = complete_delivery.delivery_id), 'exists');
  update public.organisation_deliveries d
  set status = 'sent', sent_at = clock_timestamp(), last_response = usher.response_to_keep(d, complete_delivery.response),
    last_status_code = null, provider_message_id = complete_delivery.provider_message_id,
    facts = d.facts - 'sealed'
  where d.id = complete_delivery.delivery_id
    and d.fence = complete_delivery.fence
    and d.status = 'sending'
  returning d.* into v_delivery;
  if not found then
    return false;
  end if;
  perform usher.record_turn(v_delivery, 'delivery.sent');
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivery public.organisation_deliveries;
  -- About when a greylist lets through, then rarer; eight tries in two days.
  v_delays   constant interval[] := '{1 minute,5 minutes,30 minutes,2 hours,6 hours,12 hours,1 day}'::interval[];
  v_is_final boolean;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_deliveries d where d.id = fail_delivery.delivery_id), 'exists');
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
    last_response = usher.response_to_keep(d, fail_delivery.response),
    last_status_code = fail_delivery.status_code,
    facts = case when v_is_final then d.facts - 'sealed' else d.facts end
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;

  if fail_delivery.failure = 'permanent' and fail_delivery.status_code = '5.1.1' then
    perform usher.suppress_recipient(v_delivery, 'bounce', fail_delivery.status_code);
  end if;
  if v_is_final then
    perform usher.mark_bounced(v_delivery);
  end if;
  perform usher.record_turn(v_delivery,
    case when v_is_final then 'delivery.failed' else 'delivery.deferred' end);
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

create function usher.retry_delivery(delivery_id uuid)
returns public.organisation_deliveries
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivery public.organisation_deliveries;
begin
  perform usher.require_permission((
    select d.organisation_id from public.organisation_deliveries d where d.id = retry_delivery.delivery_id),
    'invite.resend', 'share', 'delivery_not_found');
  -- The invite first, as wherever both are locked.
  perform from usher.invites i
  where i.id = (select d.invite_id from public.organisation_deliveries d where d.id = retry_delivery.delivery_id)
  for no key update;

  update public.organisation_deliveries d
  set status = 'queued', attempts = 0, due_at = clock_timestamp(), in_doubt_at = null
  where d.id = retry_delivery.delivery_id and d.status in ('failed', 'suppressed')
  returning d.* into v_delivery;
  if not found then
    perform usher.fail('invite_not_pending', hint => 'Only a mail that has failed can be tried again.',
      details => (select d.status from public.organisation_deliveries d where d.id = retry_delivery.delivery_id));
  end if;
  -- What is under way again has not come back.
  update usher.invites i
  set bounced_at = null
  where i.id = v_delivery.invite_id and i.issue = v_delivery.issue
    and v_delivery.kind in ('invite', 'invite_reminder');
  perform usher.record_event(v_delivery.organisation_id, 'delivery.retried', 'delivery', v_delivery.id,
    after => jsonb_build_object('kind', v_delivery.kind, 'invite_id', v_delivery.invite_id));
  perform usher.wake_worker();
  return v_delivery;
end
$$;
comment on function usher.retry_delivery is 'The rule behind public.retry_organisation_delivery.';

create function public.retry_organisation_delivery(delivery_id uuid)
returns public.organisation_deliveries
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.retry_delivery($1) $$;
comment on function public.retry_organisation_delivery is
$$Tries a mail anew that has failed or was suppressed, from its first try on. One for an invite that is no
longer open is cancelled when its turn comes, and one to an address that still gets no mail is suppressed again:
lift_organisation_mail_suppression comes first.

  delivery_id  a row of organisation_deliveries

Returns the delivery. Needs invite.resend. Fails with unauthenticated, delivery_not_found,
permission_denied, invite_not_pending (it has not failed; details: its status).$$;
grant execute on function public.retry_organisation_delivery to authenticated;
grant execute on function usher.retry_delivery to authenticated;
