-- Mails in fair turns, and within allowances of mailbox and sender, so that nobody is bombed; stopping mail for all of the project; anonymous accounts look, decline and enrol devices only.

set local check_function_bodies = off;

DROP VIEW "usher"."stuck";

DROP VIEW "usher"."expiring_invites";

ALTER TABLE "usher"."mail_opt_outs" DROP CONSTRAINT "mail_opt_outs_pkey";

DROP FUNCTION "public"."stop_organisation_mail"(text, boolean);

DROP FUNCTION "usher"."pace_deliveries"(integer);

DROP FUNCTION "usher"."stop_mail"(text, boolean);

CREATE TABLE "usher"."mail_turns" ("is_bulk" boolean NOT NULL, "organisation_id" uuid NOT NULL, CONSTRAINT "mail_turns_pkey" PRIMARY KEY (is_bulk));

ALTER TABLE "usher"."mail_turns" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."organisation_deliveries" ADD COLUMN "taken_at" timestamp with time zone;

-- squawk-ignore adding-field-with-default
ALTER TABLE "usher"."mail_opt_outs" ADD COLUMN "id" uuid NOT NULL DEFAULT gen_random_uuid();

ALTER TABLE "usher"."settings" ADD COLUMN "mails_per_hour_to_recipient" integer DEFAULT 20;

ALTER TABLE "usher"."settings" ADD COLUMN "mails_per_hour_of_sender" integer DEFAULT 10000;

ALTER TABLE "usher"."settings" ADD COLUMN "organisation_is_new_for" interval NOT NULL DEFAULT '7 days'::interval;

ALTER TABLE "usher"."settings" ADD COLUMN "new_mails_per_hour_to_recipient" integer DEFAULT 8;

ALTER TABLE "usher"."settings" ADD COLUMN "new_mails_per_hour_of_sender" integer DEFAULT 1000;

ALTER TABLE "usher"."mail_opt_outs" ALTER COLUMN "organisation_id" DROP NOT NULL;

CREATE TYPE "usher"."mail_judgement" AS ("free" uuid[], "moot" uuid[], "held_by_mailbox" uuid[], "held_by_sender" uuid[]);

CREATE OR REPLACE FUNCTION public.stop_organisation_mail(token text, stop boolean DEFAULT true, everywhere boolean DEFAULT false)
 RETURNS text
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$ select usher.stop_mail($1, $2, $3) $function$;

CREATE OR REPLACE FUNCTION usher.accept_open_invite(invite usher.invites)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_invite usher.invites := accept_open_invite.invite;
  v_user   record;
  v_member public.organisation_members;
begin
  select u.id, lower(normalize(u.email, nfc) collate "und-x-icu") as email, u.email_confirmed_at
  into v_user
  from auth.users u
  where u.id = auth.uid();
  if not found then
    perform usher.fail('unauthenticated');
  end if;
  perform usher.require_person();
  if v_user.email is distinct from v_invite.email then
    perform usher.fail('invite_wrong_email');
  end if;
  if v_user.email_confirmed_at is null then
    perform usher.fail('email_unverified');
  end if;

  -- The whole race is decided here: of all who come at once, one finds the row as it was.
  update usher.invites i
  set status = 'accepted', accepted_at = now(), accepted_by = v_user.id
  where i.id = v_invite.id
    and i.status = 'pending'
    and i.issue = v_invite.issue
    and i.roles = v_invite.roles
    and i.expires_at > clock_timestamp()
  returning i.* into v_invite;
  if not found then
    select i.* into v_invite from usher.invites i where i.id = (accept_open_invite.invite).id;
    perform usher.fail(coalesce(usher.invite_problem(v_invite), 'invite_superseded'));
  end if;
  -- Whoever waited for a row that then stayed as it was had its time compared before the wait.
  if v_invite.expires_at <= clock_timestamp() then
    perform usher.fail('invite_expired');
  end if;

  -- What may have changed since it was sent: the roles, the domains, the way in, the seats, a ban.
  perform usher.require_roles(v_invite.organisation_id, v_invite.roles);
  if exists (
    select from public.organisations o
    where o.id = v_invite.organisation_id
      and cardinality(o.allowed_email_domains) > 0
      and usher.email_domain(v_invite.email) <> all (o.allowed_email_domains))
  then
    perform usher.fail('domain_not_allowed');
  end if;
  perform usher.require_sign_in(v_invite.organisation_id, v_user.id, v_invite.email);
  perform usher.require_free_seat(v_invite.organisation_id);
  v_member := usher.add_member(
    v_invite.organisation_id, v_user.id, v_invite.roles, v_invite.membership_ends_at);

  perform usher.record_event(v_invite.organisation_id, 'invite.accepted', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'accepted', 'user_id', v_user.id, 'roles', v_member.roles)
      || jsonb_strip_nulls(jsonb_build_object('ends_at', v_member.ends_at)));
  -- Not by usher.enqueue_delivery, which would read the invite again.
  insert into public.organisation_deliveries (organisation_id, invite_id, issue, kind, recipient)
  select v_invite.organisation_id, v_invite.id, v_invite.issue, 'invite_accepted', m.email
  from usher.current_members m
  where m.organisation_id = v_invite.organisation_id
    and m.user_id = v_invite.invited_by and m.email is not null;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.calling_account()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return auth.uid();
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_organisation(name text, slug text DEFAULT NULL::text)
 RETURNS public.organisations
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_name         text := usher.clean_line(create_organisation.name, 100);
  v_organisation public.organisations;
begin
  perform usher.require_confirmed_person();
  if v_name is null then
    perform usher.fail('invalid_settings',
      hint => 'The name is one line of 1 to 100 characters, without control characters.');
  end if;
  if create_organisation.slug is not null and not usher.is_slug(create_organisation.slug) then
    perform usher.fail('invalid_slug');
  end if;

  loop
    insert into public.organisations (name, slug)
    values (v_name, coalesce(create_organisation.slug, usher.free_slug(v_name)))
    on conflict on constraint organisations_slug_key do nothing
    returning * into v_organisation;
    exit when found;
    if create_organisation.slug is not null then
      perform usher.fail('slug_taken');
    end if;
    -- Somebody took the free slug at this very moment: look for the next.
  end loop;

  perform usher.add_member(v_organisation.id, auth.uid(), array['owner']);
  perform usher.record_event(v_organisation.id, 'organisation.created', 'organisation',
    v_organisation.id, after => jsonb_build_object('name', v_organisation.name, 'slug', v_organisation.slug));
  return v_organisation;
end
$function$;

CREATE OR REPLACE FUNCTION usher.delay_mails(judgement usher.mail_judgement, settings usher.settings)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_settings usher.settings := delay_mails.settings;
  v_now      timestamptz := clock_timestamp();
  v_since    timestamptz := v_now - v_settings.organisation_is_new_for;
  v_held     uuid[] := (delay_mails.judgement).held_by_mailbox || (delay_mails.judgement).held_by_sender;
  v_mail     record;
  v_line     text;
  v_free_at  timestamptz;
  v_step     interval;
begin
  for v_mail in
    select d.id, d.mailbox, d.organisation_id, d.kind, d.caused_by, d.is_bulk,
      o.created_at > v_since as is_new, d.id = any ((delay_mails.judgement).held_by_sender) as is_by_sender
    from unnest(v_held) with ordinality h (id, n)
    join public.organisation_deliveries d on d.id = h.id
    join public.organisations o on o.id = d.organisation_id
    order by h.n
  loop
    if v_mail.is_by_sender then
      -- Looked at again soon, each at a time of its own: its hour may hold thousands.
      update public.organisation_deliveries d
      set due_at = usher.next_place(format('sender:%s:%s', v_mail.caused_by, v_mail.is_bulk),
        interval '1 hour' / coalesce(
          case when v_mail.is_new then v_settings.new_mails_per_hour_of_sender end, v_settings.mails_per_hour_of_sender),
        v_now + interval '1 minute')
      where d.id = v_mail.id;
      continue;
    end if;

    if v_line is distinct from v_mail.mailbox || v_mail.is_new then
      v_line := v_mail.mailbox || v_mail.is_new;
      v_free_at := coalesce(greatest(
        usher.mailbox_free_at(v_mail.mailbox, v_settings.mails_per_hour_to_recipient, null, v_held),
        case when v_mail.is_new then usher.mailbox_free_at(
          v_mail.mailbox, v_settings.new_mails_per_hour_to_recipient, v_since, v_held) end),
        v_now + interval '1 minute');
      v_step := interval '1 hour' / coalesce(
        case when v_mail.is_new then v_settings.new_mails_per_hour_to_recipient end,
        v_settings.mails_per_hour_to_recipient);
    end if;
    -- One behind the other, by what they are about and by who causes them, and not behind everything that waits
    -- for this mailbox: a thousand notices do not keep the one that matters, nor a stranger's mail anybody else's.
    update public.organisation_deliveries d
    set due_at = greatest(
      usher.next_place(format('mailbox:%s:%s:%s', hashtextextended(v_mail.mailbox, 0), v_mail.organisation_id,
        v_mail.kind), v_step, v_free_at),
      case when v_mail.caused_by is not null then usher.next_place(
        format('mailbox:%s:%s', hashtextextended(v_mail.mailbox, 0), v_mail.caused_by), v_step, v_free_at) end)
    where d.id = v_mail.id;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION usher.delivery_end(delivery public.organisation_deliveries, invite usher.invites)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
      or v_invite.status <> 'pending' or v_invite.expires_at <= statement_timestamp())
      then 'cancelled'
    -- What it lets its reader do is over by then: Supabase Auth's codes live for an hour unless set otherwise.
    when v_delivery.kind = 'auth' and v_delivery.created_at < clock_timestamp() - interval '1 day'
      then 'cancelled'
  end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.delivery_metrics()
 RETURNS TABLE(status text, is_bulk boolean, count bigint, oldest_seconds double precision)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select s.status, d.is_bulk, count(*),
    -- Since it was due, not since it was made: what waits for its next try is not late.
    max(extract(epoch from clock_timestamp() - d.due_at))
      filter (where s.status = 'queued' and d.due_at <= clock_timestamp())::double precision
  from public.organisation_deliveries d
  cross join lateral usher.delivery_status(d.status, d.attempts, d.due_at) s (status)
  group by s.status, d.is_bulk
$function$;

CREATE OR REPLACE FUNCTION usher.delivery_status(status text, attempts integer, due_at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$ select case when $1 = 'queued' and $2 = 0 and $3 > clock_timestamp() then 'delayed' else $1 end $function$;

CREATE OR REPLACE FUNCTION usher.end_undeliverable(delivery public.organisation_deliveries, invite usher.invites)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_invites(invite_ids uuid[], is_bulk boolean)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION usher.is_anonymous()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- By the session, and by the account: a token that was made before says what was true then. A stand-in for
  -- Auth may lack the column.
  return coalesce(auth.jwt() ->> 'is_anonymous', 'false') = 'true' or exists (
    select from auth.users u where u.id = auth.uid() and to_jsonb(u) ->> 'is_anonymous' = 'true');
end
$function$;

CREATE OR REPLACE FUNCTION usher.is_suppressed(email text, mailbox text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return exists (select from usher.suppressed_addresses s where s.email = is_suppressed.email)
    or exists (
      select from usher.suppressed_addresses s
      where s.reason = 'complaint' and usher.mailbox(s.email) = is_suppressed.mailbox);
end
$function$;

CREATE OR REPLACE FUNCTION usher.join_organisation(organisation_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_domain public.organisation_domains;
  v_member public.organisation_members;
  v_email  text;
begin
  perform usher.require_person();
  select d.* into v_domain
  from usher.my_joinable_domains() d where d.organisation_id = join_organisation.organisation_id;
  if not found then
    perform usher.fail('organisation_not_found');
  end if;
  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = v_domain.organisation_id and m.user_id = auth.uid();
  if v_member.status = 'active' then
    perform usher.fail('already_member');
  elsif v_member.status = 'banned' then
    perform usher.fail('member_banned');
  end if;
  select usher.normalise_email(u.email) into v_email from auth.users u where u.id = auth.uid();
  -- Whoever was sent away, whose time was over, or whom a directory has turned off: not back by themselves.
  if v_member.status = 'removed' or v_member.ends_at is not null or exists (
    select from usher.directory_users d
    where d.organisation_id = v_domain.organisation_id and not d.is_active
      and (d.member_id = v_member.id or d.email = v_email))
  then
    v_domain.join_policy := 'ask';
  end if;
  perform usher.require_sign_in(v_domain.organisation_id, auth.uid(), v_email);

  if v_domain.join_policy = 'join' then
    perform usher.require_roles(v_domain.organisation_id, array[v_domain.role]);
    perform usher.require_free_seat(v_domain.organisation_id);
    v_member := usher.add_member(v_domain.organisation_id, auth.uid(), array[v_domain.role]);
    perform usher.record_event(v_domain.organisation_id, 'member.joined', 'user', v_member.user_id,
      after => jsonb_build_object('domain', v_domain.domain, 'roles', v_member.roles));
    return 'joined';
  end if;

  insert into public.organisation_join_requests (organisation_id, user_id, email)
  values (v_domain.organisation_id, auth.uid(), v_email)
  on conflict do nothing;
  if found then
    perform usher.record_event(v_domain.organisation_id, 'join.requested', 'user', auth.uid());
    perform usher.enqueue_join_mail('join_requested', m.organisation_id, m.email,
        jsonb_build_object('requester_email', v_email))
      from usher.current_members m
      where m.organisation_id = v_domain.organisation_id and m.email is not null
        and 'invite.create' in (select usher.permissions_of(m.organisation_id, m.roles));
    perform usher.wake_worker();
  end if;
  return 'requested';
end
$function$;

CREATE OR REPLACE FUNCTION usher.judge_mails(ids uuid[], is_bulk boolean, settings usher.settings)
 RETURNS usher.mail_judgement
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_settings usher.settings := judge_mails.settings;
  v_now      timestamptz := clock_timestamp();
  v_since    timestamptz := v_now - v_settings.organisation_is_new_for;
  v_judged   usher.mail_judgement;
begin
  with mail as materialized (
    select d.id, c.n, d.mailbox, d.caused_by, o.created_at > v_since as is_new,
      -- What a worker had and did not come back with has been counted already, and may be out.
      d.status = 'queued' as is_queued,
      d.status = 'queued' and usher.delivery_end(d, i) is not null as is_moot
    from unnest(judge_mails.ids) with ordinality c (id, n)
    join public.organisation_deliveries d on d.id = c.id
    join public.organisations o on o.id = d.organisation_id
    left join usher.invites i on i.id = d.invite_id
  ),
  counted as materialized (
    select m.* from mail m where m.is_queued and not m.is_moot
  ),
  to_mailbox as materialized (
    select b.mailbox, count(t.organisation_id) as used,
      count(*) filter (where t.is_new) as used_new
    from (select distinct c.mailbox from counted c) b
    left join lateral (
      select d.organisation_id,
        (select o.created_at from public.organisations o where o.id = d.organisation_id) > v_since as is_new
      from public.organisation_deliveries d
      where d.mailbox = b.mailbox and d.taken_at > v_now - interval '1 hour' and d.id <> all (judge_mails.ids)
    ) t on true
    group by b.mailbox
  ),
  -- A sender may have thousands; their organisations are few.
  of_sender as materialized (
    select b.caused_by, sum(t.used) as used,
      sum(t.used) filter (where (
        select o.created_at from public.organisations o where o.id = t.organisation_id) > v_since) as used_new
    from (select distinct c.caused_by from counted c where c.caused_by is not null) b
    cross join lateral (
      select d.organisation_id, count(*) as used
      from public.organisation_deliveries d
      where d.caused_by = b.caused_by
        and d.is_bulk = judge_mails.is_bulk
        and d.taken_at > v_now - interval '1 hour'
      group by d.organisation_id
    ) t
    group by b.caused_by
  ),
  -- One allowance after the other: what the one holds takes no room of the next.
  new_to_mailbox as (
    select c.*, b.used,
      coalesce(not c.is_new or b.used_new + count(*) filter (where c.is_new) over w
        <= v_settings.new_mails_per_hour_to_recipient, true) as fits
    from counted c
    join to_mailbox b on b.mailbox = c.mailbox
    window w as (partition by c.mailbox order by c.n)
  ),
  all_to_mailbox as (
    select c.*,
      c.fits and coalesce(c.used + count(*) filter (where c.fits) over w
        <= v_settings.mails_per_hour_to_recipient, true) as fits_mailbox
    from new_to_mailbox c
    window w as (partition by c.mailbox order by c.n)
  ),
  new_of_sender as (
    select c.*, s.used as used_by_sender,
      c.fits_mailbox and coalesce(not c.is_new or c.caused_by is null
        or coalesce(s.used_new, 0) + count(*) filter (where c.fits_mailbox and c.is_new) over w
        <= v_settings.new_mails_per_hour_of_sender, true) as fits_sender
    from all_to_mailbox c
    left join of_sender s on s.caused_by = c.caused_by
    window w as (partition by c.caused_by order by c.n)
  ),
  all_of_sender as (
    select c.id, c.fits_mailbox,
      c.fits_sender and coalesce(c.caused_by is null
        or coalesce(c.used_by_sender, 0) + count(*) filter (where c.fits_sender) over w
        <= v_settings.mails_per_hour_of_sender, true) as fits_all
    from new_of_sender c
    window w as (partition by c.caused_by order by c.n)
  )
  select
    coalesce(array_agg(m.id order by m.n) filter (where coalesce(a.fits_all, true)), '{}'),
    coalesce(array_agg(m.id) filter (where m.is_moot), '{}'),
    coalesce(array_agg(m.id order by m.n) filter (where not a.fits_mailbox), '{}'),
    coalesce(array_agg(m.id order by m.n) filter (where a.fits_mailbox and not a.fits_all), '{}')
  into v_judged.free, v_judged.moot, v_judged.held_by_mailbox, v_judged.held_by_sender
  from mail m
  left join all_of_sender a on a.id = m.id;
  return v_judged;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lease_deliveries(worker text, batch_size integer DEFAULT 50, lease interval DEFAULT '00:01:00'::interval)
 RETURNS SETOF usher.delivery_lease
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- Not clock_timestamp() in a condition: it changes while an index is read, so that none can be used for it.
  v_now      timestamptz := clock_timestamp();
  v_left     integer := lease_deliveries.batch_size;
  v_leased   integer;
  v_is_bulk  boolean;
  v_settings usher.settings;
  v_given_up public.organisation_deliveries;
begin
  -- A mail that took its workers down with it eight times is not tried a ninth.
  for v_given_up in
    update public.organisation_deliveries d
    set status = 'failed', last_response = 'Given up: no worker came back from sending it.',
      facts = d.facts - 'sealed'
    where d.status = 'sending' and d.due_at <= v_now and d.attempts >= 8
    returning d.*
  loop
    perform usher.mark_bounced(v_given_up);
    perform usher.record_turn(v_given_up, 'delivery.failed');
  end loop;

  -- Somebody sits before a page and waits for the code. No allowance holds it, or whoever floods a mailbox
  -- would keep its owner out; Supabase Auth has limits of its own.
  return query
    update public.organisation_deliveries d
    set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
      leased_by = lease_deliveries.worker, due_at = clock_timestamp() + lease_deliveries.lease
    from (
      select q.id
      from public.organisation_deliveries q
      where q.status in ('queued', 'sending') and not q.is_bulk and q.organisation_id is null and q.due_at <= v_now
      order by q.due_at
      limit v_left
      for update skip locked
    ) due
    where d.id = due.id
    returning d.id, d.fence, d.attempts;
  get diagnostics v_leased = row_count;
  v_left := v_left - v_leased;

  select s.* into strict v_settings from usher.settings s;
  foreach v_is_bulk in array array[false, true] loop
    exit when v_left <= 0;
    return query
      select l.* from usher.lease_in_turn(
        lease_deliveries.worker, v_left, lease_deliveries.lease, v_is_bulk, v_settings) l;
    get diagnostics v_leased = row_count;
    v_left := v_left - v_leased;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lease_in_turn(worker text, wanted integer, lease interval, is_bulk boolean, settings usher.settings)
 RETURNS SETOF usher.delivery_lease
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
declare
  v_now           timestamptz := clock_timestamp();
  v_left          integer := lease_in_turn.wanted;
  -- Of thousands that have to wait, so many are put off in one call: the others stand in nobody's way meanwhile.
  v_looks         integer := lease_in_turn.wanted + 200;
  v_last          uuid;
  v_organisations uuid[];
  v_ids           uuid[];
  v_judged        usher.mail_judgement;
begin
  v_last := coalesce((select t.organisation_id from usher.mail_turns t where t.is_bulk = lease_in_turn.is_bulk),
    '00000000-0000-0000-0000-000000000000');
  while v_left > 0 and v_looks > 0 loop
    v_organisations := usher.organisations_in_turn(lease_in_turn.is_bulk, v_last, v_now, v_left);
    exit when cardinality(v_organisations) = 0;

    -- The first of each, then the second of each. Two workers that counted the mails to a mailbox at once would
    -- each see the room that there is for one: what another has in hand to the same one is left to it.
    select array_agg(x.id order by x.round, x.turn) filter (
      where pg_try_advisory_xact_lock(hashtextextended('usher.mailbox ' || x.mailbox, 0)))
    into v_ids
    from (
      select q.id, q.mailbox, o.turn, row_number() over (partition by o.id order by q.due_at) as round
      from unnest(v_organisations) with ordinality o (id, turn)
      cross join lateral (
        select d.id, d.mailbox, d.due_at
        from public.organisation_deliveries d
        where d.status in ('queued', 'sending') and d.is_bulk = lease_in_turn.is_bulk
          and d.organisation_id = o.id and d.due_at <= v_now
        order by d.due_at
        limit ceil(v_left::numeric / cardinality(v_organisations))
        for update skip locked
      ) q
    ) x;
    v_ids := coalesce(v_ids[1:v_left], '{}');

    v_judged := usher.judge_mails(
      usher.pace_mails(v_ids, lease_in_turn.settings), lease_in_turn.is_bulk, lease_in_turn.settings);
    return query
      with taken as (
        update public.organisation_deliveries d
        set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
          leased_by = lease_in_turn.worker, due_at = clock_timestamp() + lease_in_turn.lease,
          -- What is not to be sent any more counts for nothing: usher.prepare_delivery ends it.
          taken_at = case when d.id <> all (v_judged.moot) then clock_timestamp() end
        where d.id = any (v_judged.free)
        returning d.id, d.fence, d.attempts
      )
      select t.id, t.fence, t.attempts
      from taken t
      order by array_position(v_judged.free, t.id);

    perform usher.delay_mails(v_judged, lease_in_turn.settings);

    -- With nothing to look at, all that was due is with other workers, unless not everybody was asked.
    exit when v_ids = '{}' and cardinality(v_organisations) < v_left;
    v_left := v_left - cardinality(v_judged.free);
    v_looks := v_looks - greatest(cardinality(v_organisations), cardinality(v_ids));
    v_last := v_organisations[cardinality(v_organisations)];
  end loop;

  -- Without waiting for another worker, who writes something as good.
  update usher.mail_turns t
  set organisation_id = v_last
  from (
    select n.is_bulk from usher.mail_turns n where n.is_bulk = lease_in_turn.is_bulk for update skip locked
  ) mine
  where t.is_bulk = mine.is_bulk and t.organisation_id <> v_last;
end
$function$;

CREATE OR REPLACE FUNCTION usher.leave_organisation(organisation_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members := usher.require_member(leave_organisation.organisation_id);
begin
  perform usher.require_person();
  -- Roles may be changing at this moment: who has just become the owner stays.
  select m.* into strict v_member from public.organisation_members m where m.id = v_member.id for update;
  if 'owner' = any (v_member.roles) then
    perform usher.fail('owner_required');
  end if;
  if v_member.status <> 'active' then
    perform usher.fail('organisation_not_found');
  end if;
  return usher.end_membership(v_member.id, 'left', 'member.left', null);
end
$function$;

CREATE OR REPLACE FUNCTION usher.lift_suppression(email text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_email text := usher.normalise_email(lift_suppression.email);
begin
  delete from usher.suppressed_addresses s
  where s.email = v_email or s.reason = 'complaint' and usher.mailbox(s.email) = usher.mailbox(v_email);
  return found;
end
$function$;

CREATE OR REPLACE FUNCTION usher.mailbox(email text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- An address that is nothing but a tag (+a@…) is its own: without it, strangers would share one.
  return regexp_replace(lower(mailbox.email collate "und-x-icu"), '^([^+@]+)\+[^@]*@', '\1@');
end
$function$;

CREATE OR REPLACE FUNCTION usher.mailbox_free_at(mailbox text, allowance integer, since timestamp with time zone, except_ids uuid[])
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select d.taken_at + interval '1 hour'
    from public.organisation_deliveries d
    where d.mailbox = mailbox_free_at.mailbox and d.taken_at > clock_timestamp() - interval '1 hour'
      and d.id <> all (mailbox_free_at.except_ids)
      and case when mailbox_free_at.since is null then d.organisation_id is not null
        else (select o.created_at from public.organisations o where o.id = d.organisation_id) > mailbox_free_at.since end
    order by d.taken_at desc
    offset mailbox_free_at.allowance - 1
    limit 1);
end
$function$;

CREATE OR REPLACE FUNCTION usher.next_place(line text, step interval, not_before timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_at    timestamptz := next_place.not_before;
  v_limit timestamptz := next_place.not_before + interval '1 day';
begin
  -- One worker at a time, or two with lines in another order would wait for each other.
  perform pg_advisory_xact_lock(hashtextextended('usher.mail_pace', 0));
  select greatest(p.next_free_at, v_at) into v_at from usher.mail_pace p where p.line = next_place.line;
  v_at := coalesce(v_at, next_place.not_before);
  if v_at > v_limit then
    -- So far ahead no place is kept: by then it may be moot, and has to be looked at again.
    return v_limit - random() * interval '12 hours';
  end if;
  insert into usher.mail_pace as p (line, next_free_at)
  values (next_place.line, v_at + next_place.step)
  on conflict on constraint mail_pace_pkey do update set next_free_at = excluded.next_free_at;
  return v_at;
end
$function$;

CREATE OR REPLACE FUNCTION usher.organisations_in_turn(is_bulk boolean, after uuid, at timestamp with time zone, how_many integer)
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_due uuid[];
  v_ids uuid[] := '{}';
  v_lap record;
begin
  -- With little to do, who has mails that are due is seen by looking at those, however many wait for later.
  v_due := array(
    select d.organisation_id
    from public.organisation_deliveries d
    where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
      and d.due_at <= organisations_in_turn.at and d.organisation_id is not null
    order by d.due_at
    limit 1000);
  if cardinality(v_due) < 1000 then
    return array(
      select o.id from unnest(v_due) o (id) group by o.id
      order by o.id <= organisations_in_turn.after, o.id
      limit organisations_in_turn.how_many);
  end if;

  -- Otherwise to the end, and then from the beginning to where it began.
  for v_lap in
    select * from (values
      (organisations_in_turn.after, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid),
      ('00000000-0000-0000-0000-000000000000'::uuid, organisations_in_turn.after)) l (after, until)
  loop
    v_ids := v_ids || array(
      -- From one organisation to the next by the index, whatever each has in the queue. Its first mail says
      -- whether it has one that is due.
      with recursive step as (
        (
          select d.organisation_id, d.due_at
          from public.organisation_deliveries d
          where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
            and d.organisation_id > v_lap.after and d.organisation_id <= v_lap.until
          order by d.organisation_id, d.due_at
          limit 1
        )
        union all
        select n.*
        from step s
        cross join lateral (
          select d.organisation_id, d.due_at
          from public.organisation_deliveries d
          where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
            and d.organisation_id > s.organisation_id and d.organisation_id <= v_lap.until
          order by d.organisation_id, d.due_at
          limit 1
        ) n
      )
      select s.organisation_id
      from step s
      where s.due_at <= organisations_in_turn.at
      limit organisations_in_turn.how_many - cardinality(v_ids));
    exit when cardinality(v_ids) >= organisations_in_turn.how_many;
  end loop;
  return v_ids;
end
$function$;

CREATE OR REPLACE FUNCTION usher.pace_mails(ids uuid[], settings usher.settings)
 RETURNS uuid[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_to_domain       interval := interval '1 minute' / (pace_mails.settings).mails_per_minute_to_domain;
  v_of_organisation interval := interval '1 minute' / (pace_mails.settings).mails_per_minute_of_organisation;
  v_now             timestamptz := clock_timestamp();
  v_ids             uuid[] := '{}';
  v_mail            record;
  v_class           text;
  v_domain          text;
  v_due_at          timestamptz;
  v_is_paced        boolean;
begin
  if num_nonnulls(v_to_domain, v_of_organisation) = 0 then
    return pace_mails.ids;
  end if;

  for v_mail in
    select d.* from unnest(pace_mails.ids) with ordinality m (id, n)
    join public.organisation_deliveries d on d.id = m.id
    order by m.n
  loop
    v_due_at := null;
    v_is_paced := true;
    if v_mail.status = 'queued' and not v_mail.is_paced then
      perform pg_advisory_xact_lock(hashtextextended('usher.mail_pace', 0));
      v_class := case when v_mail.is_bulk then 'bulk:' else 'single:' end;
      v_domain := v_class || 'domain:' || usher.email_domain(v_mail.recipient);
      v_is_paced := v_to_domain is null or not exists (
        select from usher.mail_pace p where p.line = v_domain and p.next_free_at > v_now + interval '1 minute');
      v_due_at := case
        when not v_is_paced then usher.next_place(
          v_domain || ':' || v_mail.organisation_id, v_to_domain, v_now + interval '1 minute')
        else greatest(
          case when v_to_domain is not null then usher.next_place(v_domain, v_to_domain, v_now) end,
          case when v_of_organisation is not null then usher.next_place(
            v_class || 'organisation:' || v_mail.organisation_id, v_of_organisation, v_now) end)
      end;
      update public.organisation_deliveries d
      set is_paced = v_is_paced, due_at = greatest(d.due_at, v_due_at)
      where d.id = v_mail.id;
    end if;
    if v_due_at is null or v_due_at <= v_now then
      v_ids := v_ids || v_mail.id;
    end if;
  end loop;
  return v_ids;
end
$function$;

CREATE OR REPLACE FUNCTION usher.purge_auth_mails()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_purged integer;
begin
  delete from public.organisation_deliveries d
  where d.kind = 'auth' and d.created_at < now() - interval '30 days';
  get diagnostics v_purged = row_count;
  -- What is kept of lines at the outbox names addresses and accounts, if only by a hash: no longer than it serves.
  perform pg_advisory_xact_lock(hashtextextended('usher.mail_pace', 0));
  delete from usher.mail_pace p where p.next_free_at < now() - interval '1 hour';
  return v_purged;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_confirmed_person()
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform usher.require_person();
  if not exists (
    select from auth.users u where u.id = auth.uid() and u.email is not null and u.email_confirmed_at is not null)
  then
    perform usher.fail('email_unverified');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_person()
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  elsif usher.is_anonymous() then
    perform usher.fail('permission_denied', hint => 'This account is anonymous. Sign in with an address to do this.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.stop_mail(token text, stop boolean DEFAULT true, everywhere boolean DEFAULT false)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_delivery        public.organisation_deliveries;
  v_organisation_id uuid;
begin
  select d.* into v_delivery
  from public.organisation_deliveries d where d.id = usher.verify_stop_token(stop_mail.token);
  if not found or v_delivery.organisation_id is null then
    perform usher.fail('invite_invalid');
  end if;
  if stop_mail.everywhere is not true then
    v_organisation_id := v_delivery.organisation_id;
  end if;

  if stop_mail.stop then
    insert into usher.mail_opt_outs (organisation_id, email)
    values (v_organisation_id, v_delivery.mailbox)
    on conflict do nothing;
  else
    delete from usher.mail_opt_outs o
    where o.organisation_id is not distinct from v_organisation_id and o.email = v_delivery.mailbox;
  end if;
  -- Of all, the trail of the one whose mail it was says so; that of others would tell them of their absence.
  if found then
    perform usher.record_event(v_delivery.organisation_id,
      case when stop_mail.stop then 'mail.stopped' else 'mail.resumed' end, 'delivery', v_delivery.id,
      actor_kind => 'invitee');
  end if;
  return (select o.name from public.organisations o where o.id = v_delivery.organisation_id);
end
$function$;

-- squawk-ignore adding-serial-primary-key-field
ALTER TABLE "usher"."mail_opt_outs" ADD CONSTRAINT "mail_opt_outs_pkey" PRIMARY KEY (id);

ALTER TABLE "usher"."settings" ADD CONSTRAINT "settings_allowances" CHECK (((mails_per_hour_to_recipient >= 1) AND (mails_per_hour_to_recipient <= 10000) AND (mails_per_hour_of_sender >= 50) AND (mails_per_hour_of_sender <= 1000000) AND (organisation_is_new_for >= '00:00:00'::interval) AND (organisation_is_new_for <= '365 days'::interval) AND (new_mails_per_hour_to_recipient >= 1) AND (new_mails_per_hour_to_recipient <= 10000) AND (new_mails_per_hour_of_sender >= 50) AND (new_mails_per_hour_of_sender <= 1000000)));

CREATE VIEW "usher"."expiring_invites" WITH (security_invoker=true) AS  SELECT i.id,
    i.organisation_id,
    o.name AS organisation,
    i.email,
    i.device_name,
    i.roles,
    m.email AS invited_by_email,
    i.issued_at,
    i.expires_at,
    (i.reminded_issue = i.issue) AS is_reminded,
    d.status AS mail
   FROM (((usher.invites i
     JOIN public.organisations o ON ((o.id = i.organisation_id)))
     LEFT JOIN public.organisation_members m ON (((m.organisation_id = i.organisation_id) AND (m.user_id = i.invited_by))))
     LEFT JOIN LATERAL ( SELECT usher.delivery_status(n.status, n.attempts, n.due_at) AS status
           FROM public.organisation_deliveries n
          WHERE ((n.invite_id = i.id) AND (n.kind = 'invite'::text))
          ORDER BY n.created_at DESC
         LIMIT 1) d ON (true))
  WHERE ((i.status = 'pending'::text) AND ((i.expires_at >= now()) AND (i.expires_at <= (now() + '2 days'::interval))));

CREATE VIEW "usher"."stuck" WITH (security_invoker=true) AS  SELECT ('deliveries '::text || s.problem) AS what,
    count(*) AS how_many,
    min(s.created_at) AS since,
    'select * from usher.stuck_deliveries'::text AS look_at
   FROM usher.stuck_deliveries s
  GROUP BY s.problem
UNION ALL
 SELECT 'invites that expire, not delivered'::text AS what,
    count(*) AS how_many,
    min(e.issued_at) AS since,
    'select * from usher.expiring_invites'::text AS look_at
   FROM usher.expiring_invites e
  WHERE (e.mail = ANY (ARRAY['queued'::text, 'sending'::text, 'failed'::text, 'suppressed'::text]))
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'events that no worker sends to webhooks'::text AS what,
    count(*) AS how_many,
    min(d.created_at) AS since,
    'select * from public.organisation_webhook_deliveries where status in (''queued'', ''sending'')'::text AS look_at
   FROM public.organisation_webhook_deliveries d
  WHERE ((d.status = ANY (ARRAY['queued'::text, 'sending'::text])) AND (d.due_at < (now() - '00:10:00'::interval)))
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'members that no worker tells applications of'::text AS what,
    count(*) AS how_many,
    min(c.due_at) AS since,
    'select * from public.organisation_directory_copies where status = ''waiting'''::text AS look_at
   FROM (public.organisation_directory_copies c
     JOIN public.organisation_directory_endpoints e ON ((e.id = c.endpoint_id)))
  WHERE ((c.status = 'waiting'::text) AND (c.due_at < (now() - '00:10:00'::interval)) AND e.is_enabled AND (e.last_error IS NULL) AND (COALESCE(e.last_success_at, e.created_at) < (now() - '00:10:00'::interval)))
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'applications that no worker compares'::text AS what,
    count(*) AS how_many,
    min(e.reconcile_at) AS since,
    'select * from public.organisation_directory_endpoints where is_enabled order by reconcile_at'::text AS look_at
   FROM public.organisation_directory_endpoints e
  WHERE (e.is_enabled AND (e.last_error IS NULL) AND (e.reconcile_at < (now() - '00:10:00'::interval)))
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'applications that do not answer'::text AS what,
    count(*) AS how_many,
    min(COALESCE(e.last_success_at, e.created_at)) AS since,
    'select * from public.organisation_directory_endpoints where is_enabled and last_error is not null'::text AS look_at
   FROM public.organisation_directory_endpoints e
  WHERE (e.is_enabled AND (e.last_error IS NOT NULL) AND (COALESCE(e.last_success_at, e.created_at) < (now() - '00:10:00'::interval)))
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'events not sealed'::text AS what,
    (sum(u.events))::bigint AS how_many,
    min(u.oldest_at) AS since,
    'select * from usher.unsealed_trails'::text AS look_at
   FROM usher.unsealed_trails u
  WHERE u.is_late
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'signing key is old'::text AS what,
    count(*) AS how_many,
    min(k.created_at) AS since,
    'select usher.rotate_signing_key()'::text AS look_at
   FROM usher.signing_key_states k
  WHERE k.is_due
 HAVING (count(*) > 0);

CREATE INDEX organisation_deliveries_leased ON public.organisation_deliveries USING btree (due_at) WHERE (status = 'sending'::text);

CREATE INDEX organisation_deliveries_turns ON public.organisation_deliveries USING btree (is_bulk, organisation_id, due_at) WHERE (status = ANY (ARRAY['queued'::text, 'sending'::text]));

CREATE UNIQUE INDEX mail_opt_outs_key ON usher.mail_opt_outs USING btree (email, organisation_id) NULLS NOT DISTINCT;

CREATE INDEX mail_opt_outs_organisation_id ON usher.mail_opt_outs USING btree (organisation_id);

CREATE POLICY "mail_turns_nobody" ON "usher"."mail_turns" FOR SELECT TO PUBLIC USING (false);

COMMENT ON COLUMN "public"."organisation_deliveries"."taken_at" IS 'When a worker took it last: from then on it counts against the allowances, unless it was not to be sent any more.';

COMMENT ON COLUMN "usher"."mail_opt_outs"."email" IS 'The mailbox, as usher.mailbox makes it of an address: without a +tag.';

COMMENT ON COLUMN "usher"."mail_opt_outs"."organisation_id" IS 'Null: of all organisations, also of those to come.';

COMMENT ON COLUMN "usher"."settings"."mails_per_hour_of_sender" IS 'How many mails that one account causes go out within an hour, over all its organisations, single ones and bulk
counted apart; what is more goes later. 10,000 is one full batch. Null: as many as there are.';

COMMENT ON COLUMN "usher"."settings"."mails_per_hour_to_recipient" IS 'How many mails go to one mailbox (an address without its +tag) within an hour, of all organisations together; what
is more goes later. Mails of Supabase Auth are not held and not counted. Null: as many as there are.';

COMMENT ON COLUMN "usher"."settings"."new_mails_per_hour_of_sender" IS 'Of mails_per_hour_of_sender, how many may come from new organisations: at least 50. Null: no fewer.';

COMMENT ON COLUMN "usher"."settings"."new_mails_per_hour_to_recipient" IS 'Of mails_per_hour_to_recipient, how many may come from new organisations, all of them together. Null: no fewer.';

COMMENT ON COLUMN "usher"."settings"."organisation_is_new_for" IS 'How long an organisation counts as new, for the two smaller allowances; 0: none does.';

COMMENT ON FUNCTION "public"."accept_organisation_invite"(text) IS 'Accepts an invite: the caller becomes a member with the invite''s roles, in one transaction.

  token  as the mailed link carries it

Returns the membership. Anyone signed in whose confirmed address is the invited one may. Fails with
unauthenticated, permission_denied (an anonymous account), invite_invalid, invite_superseded,
invite_already_accepted, invite_declined, invite_revoked, invite_expired, invite_wrong_email, email_unverified, invalid_role (a role is gone),
domain_not_allowed, sso_required, seat_limit_reached, already_member, member_banned; the invite then stays as it was.';

COMMENT ON FUNCTION "public"."create_organisation"(text, text) IS 'Creates an organisation; the caller becomes its owner.

  name  one line, 1 to 100 characters
  slug  2 to 63 of a-z, 0-9 and single inner hyphens; without it, one is made of the name

Returns the organisation. Anyone signed in with a confirmed address may. Fails with unauthenticated,
permission_denied (an anonymous account), email_unverified, invalid_settings, invalid_slug, slug_taken.';

COMMENT ON FUNCTION "public"."join_organisation"(uuid) IS 'Joins one of list_joinable_organisations, or asks to.

Returns joined, or requested: where the organisation wants to be asked, for whoever was removed, had access with an
end or is turned off by a directory, and when asked before. Fails with unauthenticated, permission_denied (an
anonymous account), organisation_not_found (also where the caller''s address does not open it), sso_required, already_member, member_banned,
seat_limit_reached, invalid_role, role_not_assignable.';

COMMENT ON FUNCTION "public"."leave_organisation"(uuid) IS 'Ends the caller''s own membership. Returns it. Any member may but the owner, who transfers or deletes the
organisation. Fails with unauthenticated, permission_denied (an anonymous account, such as a device''s),
organisation_not_found, owner_required.';

COMMENT ON FUNCTION "public"."stop_organisation_mail"(text, boolean, boolean) IS 'Stops invites and reminders of an organisation, or of all of them, to the mailbox that a mail went to: also to
the same address with another +tag.

  token       as the mail''s link to stop carries it; it is good for nothing else
  stop        false takes it back: of the organisation, or with everywhere what was stopped of all
  everywhere  true: of every organisation, also of those to come; otherwise only the one that sent the mail

Returns the name of the organisation that sent the mail, also when it was stopped before. Whoever holds the link
may, with or without an account. Fails with invite_invalid.';

COMMENT ON FUNCTION "usher"."calling_account"() IS 'The account whose session this is; null for none. As the default of a column, where auth.uid() itself would be
planned, and refused, before a role without any right on the table is told so.';

COMMENT ON FUNCTION "usher"."delay_mails"(usher.mail_judgement, usher.settings) IS 'Lets mails that are more than an allowance become due later, when they stand in turn again: after those that may go
were taken, because what was taken tells when there is room.';

COMMENT ON FUNCTION "usher"."delivery_end"(public.organisation_deliveries, usher.invites) IS 'Why a mail must not go out any more: suppressed, or cancelled when its invite is no longer open or was sent again.
Null when it may go.';

COMMENT ON FUNCTION "usher"."delivery_metrics"() IS 'How many mails are in which status, and for how many seconds the oldest of those due has waited; delayed are those
that an allowance or a pace lets out later. For the worker''s metrics.';

COMMENT ON FUNCTION "usher"."delivery_status"(text, integer, timestamp with time zone) IS 'The status of a mail, and delayed for one that was never tried and is due later: an allowance or a pace of
42_delivery_pace.sql delays it. It is not stuck.';

COMMENT ON FUNCTION "usher"."is_anonymous"() IS 'Whether the caller''s session is one of an anonymous account, which Supabase Auth gives to anyone who asks:
signInAnonymously. Such a session may look, decline and enrol a device, and nothing else.';

COMMENT ON FUNCTION "usher"."is_suppressed"(text, text) IS 'Whether nothing is sent to a normalised address: it is on the list, or its mailbox is, by a complaint.';

COMMENT ON FUNCTION "usher"."judge_mails"(uuid[], boolean, usher.settings) IS 'Which of these mails may go now, by the allowances of their mailboxes and of who caused them. One that was refused
for now is judged again when it is tried again, and counts once.

  ids      mails that are due and locked, all single or all bulk, in the order in which they stand in turn
  is_bulk  which of the two';

COMMENT ON FUNCTION "usher"."lease_deliveries"(text, integer, interval) IS 'Takes mails that are due: those of Supabase Auth first, then single ones before bulk, of each organisation one in
turn. What is more than an allowance or a pace lets out becomes due later instead. For workers.

  worker      a name for the log, such as host and process
  batch_size  how many at most
  lease       after this time without an answer, another worker may take them over

Returns for each its id, the fence to name when answering, and which try this is.';

COMMENT ON FUNCTION "usher"."lease_in_turn"(text, integer, interval, boolean, usher.settings) IS 'Takes mails of organisations that are due, one of each in turn, and puts off what is more than an allowance or a
pace lets out. The part of usher.lease_deliveries that is about single mails, or about bulk.';

COMMENT ON FUNCTION "usher"."lift_suppression"(text) IS 'Lets mails go to an address again, whatever stopped them; for operators. Returns whether it was on the list.
What its owner has stopped, of one organisation or of all, stays stopped.';

COMMENT ON FUNCTION "usher"."mailbox"(text) IS 'Where mails to a normalised address arrive: the address without its +tag, so that ann+1@example.com and
ann+2@example.com are one mailbox. For what is about being left in peace: allowances, stopping mail, complaints.
Who somebody is, is never asked of it.

Source: RFC 5233, subaddressing.';

COMMENT ON FUNCTION "usher"."mailbox_free_at"(text, integer, timestamp with time zone, uuid[]) IS 'When a mailbox has room for one more: null for now, otherwise when the hour of the oldest that counts is over.

  allowance   mails of an hour
  since       counts organisations only that were created later; null: all
  except_ids  mails that are not counted';

COMMENT ON FUNCTION "usher"."next_place"(text, interval, timestamp with time zone) IS 'Takes the next place in a line, not before a time; the one after it is a step later. When a day''s places are
taken, some time within that day, without taking any.';

COMMENT ON FUNCTION "usher"."organisations_in_turn"(boolean, uuid, timestamp with time zone, integer) IS 'The next organisations with mails that are due, from the one after that whose turn it was last, once round.

  is_bulk   whether of bulk mails or of single ones
  after     whose turn it was last
  at        what counts as now
  how_many  at most';

COMMENT ON FUNCTION "usher"."pace_mails"(uuid[], usher.settings) IS 'Gives mails that have come up their places in line, where there is a pace: mails_per_minute_to_domain or
mails_per_minute_of_organisation. Returns those whose place is now, in the same order.';

COMMENT ON FUNCTION "usher"."purge_auth_mails"() IS 'Removes mails of Supabase Auth that are older than 30 days: no trail needs them; and places in line that are past.
For workers. Returns how many mails.';

COMMENT ON FUNCTION "usher"."require_confirmed_person"() IS 'Refuses as usher.require_person does, and with email_unverified an account without a confirmed address.';

COMMENT ON FUNCTION "usher"."require_person"() IS 'Refuses a caller who is nobody in particular: unauthenticated, or permission_denied for an anonymous account. For
every rule by which somebody changes something in their own name.';

COMMENT ON FUNCTION "usher"."stop_mail"(text, boolean, boolean) IS 'The rule behind public.stop_organisation_mail.';

COMMENT ON TABLE "usher"."mail_turns" IS 'Whose turn it was last, among single mails and among bulk. A hint, which two workers may overwrite: it decides where
a round begins, and never who is in it.';

COMMENT ON TYPE "usher"."mail_judgement" IS 'Of mails that are due, in their order: free may be sent now, of which moot will be found to be of no use any more;
the others are more than their mailbox, or who caused them, has room for.';

COMMENT ON VIEW "usher"."expiring_invites" IS 'Pending invites that expire within two days, and what became of their mail: not sent, they cannot be accepted; delayed,
an allowance or a pace lets it out later.';

COMMENT ON VIEW "usher"."stuck" IS 'All that waits for somebody, a line a kind: what, how many, since when, and where to look. Empty is well.';

COMMENT ON VIEW "usher"."stuck_deliveries" IS 'Mails that somebody should look at.

  failed      given up; last_response says what the mail server answered
  in_doubt    given up after a connection was lost twice: it may have arrived
  suppressed  not sent, because the address does not exist
  waiting     due for ten minutes, and no worker has come
  abandoned   a worker took it and did not come back, and no other has come
  retrying    refused three times or more, and tried again

One that an allowance or a pace delays is due later, and so is not among them: usher.delayed_deliveries.
After mending the cause: usher.requeue_deliveries.';

REVOKE ALL ON FUNCTION "public"."stop_organisation_mail"(text, boolean, boolean) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."stop_organisation_mail"(text, boolean, boolean) TO "anon", "authenticated";

GRANT EXECUTE ON FUNCTION "public"."stop_organisation_mail"(text, boolean, boolean) TO "service_role";

REVOKE ALL ON FUNCTION "usher"."calling_account"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."delay_mails"(usher.mail_judgement, usher.settings) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."delivery_end"(public.organisation_deliveries, usher.invites) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."delivery_status"(text, integer, timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_anonymous"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_suppressed"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."judge_mails"(uuid[], boolean, usher.settings) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."lease_in_turn"(text, integer, interval, boolean, usher.settings) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."mailbox"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."mailbox_free_at"(text, integer, timestamp with time zone, uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."next_place"(text, interval, timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."organisations_in_turn"(boolean, uuid, timestamp with time zone, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."pace_mails"(uuid[], usher.settings) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_confirmed_person"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_person"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."stop_mail"(text, boolean, boolean) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."stop_mail"(text, boolean, boolean) TO "anon", "authenticated", "service_role", "usher_worker";

-- squawk-ignore adding-field-with-default
ALTER TABLE "public"."organisation_deliveries" ADD COLUMN "mailbox" text GENERATED ALWAYS AS (usher.mailbox(recipient)) STORED;

COMMENT ON COLUMN "public"."organisation_deliveries"."mailbox" IS 'Where it arrives: recipient without its +tag. Allowances and stopping mail go by it.';

-- squawk-ignore adding-field-with-default
ALTER TABLE "public"."organisation_deliveries" ADD COLUMN "caused_by" uuid DEFAULT usher.calling_account();

CREATE VIEW "usher"."delayed_deliveries" WITH (security_invoker=true) AS  SELECT d.id,
    d.organisation_id,
    o.name AS organisation,
    d.kind,
    d.recipient,
    d.mailbox,
    d.caused_by,
    a.email AS caused_by_email,
    d.is_bulk,
    d.created_at,
    d.due_at
   FROM ((public.organisation_deliveries d
     JOIN public.organisations o ON ((o.id = d.organisation_id)))
     LEFT JOIN public.organisation_members a ON (((a.organisation_id = d.organisation_id) AND (a.user_id = d.caused_by))))
  WHERE (usher.delivery_status(d.status, d.attempts, d.due_at) = 'delayed'::text);

CREATE INDEX organisation_deliveries_caused_by ON public.organisation_deliveries USING btree (caused_by, is_bulk, taken_at DESC) WHERE (taken_at IS NOT NULL);

COMMENT ON COLUMN "public"."organisation_deliveries"."caused_by" IS 'The account whose call caused it; null where nobody was signed in, or the worker did.';

COMMENT ON VIEW "usher"."delayed_deliveries" IS 'Mails that are more than an allowance or a pace of usher.settings lets out, and go by themselves later; due_at is
when each is looked at next. Many to one mailbox, or caused by one account: somebody may be using this project to bomb
somebody else.';

CREATE INDEX organisation_deliveries_mailbox ON public.organisation_deliveries USING btree (mailbox, taken_at DESC) WHERE (taken_at IS NOT NULL);

CREATE INDEX suppressed_addresses_mailbox ON usher.suppressed_addresses USING btree (usher.mailbox(email)) WHERE (reason = 'complaint'::text);

insert into usher.mail_turns (is_bulk, organisation_id)
values (false, '00000000-0000-0000-0000-000000000000'), (true, '00000000-0000-0000-0000-000000000000');

-- Who has stopped mail has stopped it for their mailbox, whatever +tag they were written to with.
insert into usher.mail_opt_outs (organisation_id, email, created_at)
select o.organisation_id, usher.mailbox(o.email), o.created_at
from usher.mail_opt_outs o
where o.email <> usher.mailbox(o.email)
on conflict do nothing;
delete from usher.mail_opt_outs o where o.email <> usher.mailbox(o.email);
