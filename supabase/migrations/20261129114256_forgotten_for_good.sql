-- Who is forgotten stays so, however they are written, and what they want of us by a mail from before still holds.

set local check_function_bodies = off;

CREATE TABLE "usher"."erased_deliveries" ("delivery_id" uuid NOT NULL, "recipient_hash" bytea NOT NULL, "mailbox_hash" bytea NOT NULL, CONSTRAINT "erased_deliveries_pkey" PRIMARY KEY (delivery_id));

ALTER TABLE "usher"."erased_deliveries" ENABLE ROW LEVEL SECURITY;

CREATE OR REPLACE FUNCTION usher.bring_back_stops(recipients text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- In most projects nobody was erased who had stopped anything.
  if not exists (select from usher.erased_stops) then
    return;
  end if;
  -- The address is here again, because somebody has entered it again: then what it wants is, too. Also the one
  -- without its tag, which a stop may be kept for.
  with known as materialized (
    select distinct k.email
    from unnest(bring_back_stops.recipients) r
    cross join lateral (values (r), (usher.mailbox(r))) k (email)
  ), back as (
    delete from usher.erased_stops s
    using known k
    where s.hash = usher.address_hash(k.email)
    returning s.place, s.kept || jsonb_build_object('email', k.email) as stop
  ), opt_outs as (
    insert into usher.mail_opt_outs
    select (jsonb_populate_record(null::usher.mail_opt_outs, b.stop)).* from back b where b.place = 'mail_opt_outs'
    on conflict do nothing
  )
  insert into usher.suppressed_addresses as a
  select (jsonb_populate_record(null::usher.suppressed_addresses, b.stop)).*
  from (
    -- Of several, what weighs most, as in usher.suppress_address.
    select distinct on (k.stop ->> 'email') k.stop
    from back k
    where k.place = 'suppressed_addresses'
    order by k.stop ->> 'email', k.stop ->> 'reason' = 'bounce'
  ) b
  on conflict on constraint suppressed_addresses_pkey do update
  set reason = excluded.reason, status_code = excluded.status_code
  where a.reason = 'bounce' and excluded.reason <> 'bounce';
end
$function$;

CREATE OR REPLACE FUNCTION usher.complete_delivery(delivery_id uuid, fence bigint, response text, provider_message_id text DEFAULT NULL::text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
  v_hash     text;
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
      -- Salted: whoever reads the names of lines is not told whose mailbox is full.
      v_hash := encode(usher.address_hash(v_mail.mailbox), 'hex');
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
      usher.next_place(format('mailbox:%s:%s:%s', v_hash, v_mail.organisation_id, v_mail.kind), v_step, v_free_at),
      case when v_mail.caused_by is not null then usher.next_place(
        format('mailbox:%s:%s', v_hash, v_mail.caused_by), v_step, v_free_at) end)
    where d.id = v_mail.id;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION usher.erase_traces(traces usher.person_traces)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_traces usher.person_traces := erase_traces.traces;
begin
  -- Every organisation that knows them, alone: nothing of theirs changes while they are forgotten.
  perform usher.lock_organisation(o.id, 'settings')
    from (
      select unnest(v_traces.organisation_ids) as id
      union
      select i.organisation_id from usher.invites i where i.id = any (v_traces.invite_ids)
      union
      select d.organisation_id from public.organisation_deliveries d
      where d.id = any (v_traces.delivery_ids) and d.organisation_id is not null
      order by 1
    ) o;
  -- Their open invites end, so that no mail goes out any more.
  perform usher.end_invite(i.id, null)
    from usher.invites i
    where i.status = 'pending' and i.email = any (v_traces.emails)
    order by i.id;
  -- Stops are kept by the mailbox, whatever the tag.
  perform usher.keep_stops(array(
    select e from unnest(v_traces.emails) e union select usher.mailbox(e) from unnest(v_traces.emails) e));

  -- Their mails are out there, with a link to stop more, and servers that may yet answer.
  insert into usher.erased_deliveries (delivery_id, recipient_hash, mailbox_hash)
  select d.id, usher.address_hash(d.recipient), usher.address_hash(d.mailbox)
  from public.organisation_deliveries d
  where (d.recipient = any (v_traces.emails) or d.member_id = any (v_traces.member_ids))
    and d.recipient <> usher.erased_recipient(d.id)
  on conflict on constraint erased_deliveries_pkey do nothing;

  -- In the words of RFC 2606, an address that can never be anyone's.
  update public.organisation_deliveries d
  set recipient = usher.erased_recipient(d.id), facts = '{}', last_response = null,
    status = case when d.status in ('queued', 'sending') then 'cancelled' else d.status end
  where d.recipient = any (v_traces.emails) or d.member_id = any (v_traces.member_ids);
  -- To others, about them: whoever acted is nobody in particular, and news of an invite has lost what it tells.
  update public.organisation_deliveries d
  set facts = d.facts
    || case when d.facts ->> 'actor_email' = any (v_traces.emails)
      then '{"actor_email": null, "actor_name": null}'::jsonb else '{}' end
    || case when d.facts ->> 'owner_name' = any (v_traces.names) then '{"owner_name": null}'::jsonb else '{}' end,
    status = case when d.status in ('queued', 'sending')
      and (d.invite_id = any (v_traces.invite_ids) or d.facts ->> 'requester_email' = any (v_traces.emails))
      then 'cancelled' else d.status end
  where d.organisation_id = any (v_traces.organisation_ids)
    and (d.invite_id = any (v_traces.invite_ids) or d.facts ->> 'requester_email' = any (v_traces.emails)
      or d.facts ->> 'actor_email' = any (v_traces.emails) or d.facts ->> 'owner_name' = any (v_traces.names));
  update usher.invites i
  set email = 'erased@' || i.id || '.invalid', message = null, declined_reason = null, revoked_reason = null,
    metadata = '{}'
  where i.id = any (v_traces.invite_ids) and i.kind = 'user';
  update public.organisation_join_requests r
  set email = 'erased@' || r.id || '.invalid', reason = null
  where r.user_id = any (v_traces.user_ids) or r.email = any (v_traces.emails);
  update public.organisation_access_review_items i
  set reason = case when i.decision = 'withdrawn' then '-' end
  where i.user_id = any (v_traces.user_ids) and i.reason is not null;
  update public.organisations o set reply_to = null where o.reply_to = any (v_traces.emails);
  delete from usher.sign_up_invites s
  where s.user_id = any (v_traces.user_ids) or s.invite_id = any (v_traces.invite_ids);
  delete from usher.idempotency_keys k where k.user_id = any (v_traces.user_ids);
  delete from usher.directory_users d
  where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids);

  perform usher.erase_from_trail(v_traces);

  perform usher.record_event(m.organisation_id, 'person.erased', 'user', m.user_id)
    from public.organisation_members m where m.id = any (v_traces.member_ids);
  -- Who never had an account here is known to others by the invite alone.
  perform usher.record_event(i.organisation_id, 'person.erased', 'invite', i.id)
    from usher.invites i
    where i.id = any (v_traces.invite_ids) and not exists (
      select from public.organisation_members m
      where m.organisation_id = i.organisation_id and m.id = any (v_traces.member_ids));
  update public.organisation_members m
  set email = null, display_name = null, status_reason = null
  where m.id = any (v_traces.member_ids);
  insert into usher.erased_members (member_id) select unnest(v_traces.member_ids)
  on conflict on constraint erased_members_pkey do nothing;
  perform usher.redact_everywhere(v_traces);
end
$function$;

CREATE OR REPLACE FUNCTION usher.erased_recipient(delivery_id uuid)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$ select 'erased@' || $1 || '.invalid' $function$;

CREATE OR REPLACE FUNCTION usher.fail_delivery(delivery_id uuid, fence bigint, failure text, response text DEFAULT NULL::text, status_code text DEFAULT NULL::text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION usher.is_reserved_slug(slug text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select $1 in (
    -- Pages and hosts that a project has itself, or will have.
    'about', 'account', 'accounts', 'admin', 'administrator', 'api', 'app', 'assets', 'auth', 'billing', 'blog', 'cdn',
    'console', 'dashboard', 'docs', 'download', 'functions', 'graphql', 'help', 'invite', 'join', 'localhost', 'login',
    'logout', 'mcp', 'new', 'oauth', 'organisations', 'public', 'register', 'rest', 'root', 'scim', 'security',
    'settings', 'sign-in', 'sign-out', 'sign-up', 'signin', 'signup', 'sso', 'staff', 'static', 'status', 'stop-mail',
    'storage', 'support', 'system', 'usher', 'www',
    -- Names of hosts that mail programs and browsers look for by themselves.
    'autoconfig', 'autodiscover', 'ftp', 'imap', 'isatap', 'mail', 'mta-sts', 'mx', 'ns', 'ns1', 'ns2', 'pop', 'pop3',
    'smtp', 'webmail', 'wpad',
    -- Mailboxes that stand for whoever runs a domain (RFC 2142, and what CAs write to).
    'abuse', 'hostmaster', 'info', 'noc', 'no-reply', 'noreply', 'postmaster', 'webmaster',
    -- What a path says of whoever reads it, or of nothing, and steps on the way in.
    'callback', 'me', 'null', 'owner', 'payments', 'secure', 'undefined', 'verify')
    -- Further ones of a kind: www1, api-v1, admins. Few digits, so that usher.free_slug finds one that is not.
    or $1 ~ '^(admin|api|app|auth|cdn|mail|mx|ns|smtp|static|www)s?-?v?[0-9]{0,3}$'
$function$;

CREATE OR REPLACE FUNCTION usher.keep_late_stop(delivery_id uuid, organisation_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into usher.erased_stops (hash, place, organisation_id, kept)
  select e.mailbox_hash, 'mail_opt_outs', keep_late_stop.organisation_id, jsonb_build_object(
    'id', gen_random_uuid(), 'organisation_id', keep_late_stop.organisation_id, 'created_at', now())
  from usher.erased_deliveries e
  where e.delivery_id = keep_late_stop.delivery_id
    and not exists (
      select from usher.erased_stops s
      where s.hash = e.mailbox_hash and s.place = 'mail_opt_outs'
        and s.organisation_id is not distinct from keep_late_stop.organisation_id)
    -- Somebody may have entered the address again meanwhile.
    and not exists (
      select from usher.mail_opt_outs o
      where o.organisation_id is not distinct from keep_late_stop.organisation_id
        and usher.address_hash(o.email) = e.mailbox_hash);
  return found;
end
$function$;

CREATE OR REPLACE FUNCTION usher.keep_late_suppression(delivery_id uuid, reason text, status_code text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into usher.erased_stops (hash, place, kept)
  select k.hash, 'suppressed_addresses', jsonb_build_object(
    'reason', keep_late_suppression.reason, 'status_code', keep_late_suppression.status_code, 'created_at', now())
  from usher.erased_deliveries e
  cross join lateral (
    select case keep_late_suppression.reason when 'complaint' then e.mailbox_hash else e.recipient_hash end as hash) k
  where e.delivery_id = keep_late_suppression.delivery_id and not exists (
    select from usher.erased_stops s
    where s.hash = k.hash and s.place = 'suppressed_addresses' and s.kept ->> 'reason' = keep_late_suppression.reason);
end
$function$;

CREATE OR REPLACE FUNCTION usher.keep_stops(emails text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  with gone as (
    delete from usher.mail_opt_outs o where o.email = any (keep_stops.emails) returning o.*
  )
  insert into usher.erased_stops (hash, place, organisation_id, kept)
  select usher.address_hash(g.email), 'mail_opt_outs', g.organisation_id, to_jsonb(g) - 'email' from gone g;
  with gone as (
    delete from usher.suppressed_addresses s where s.email = any (keep_stops.emails) returning s.*
  )
  insert into usher.erased_stops (hash, place, kept)
  -- A complaint holds for the mailbox, whatever tag comes next.
  select usher.address_hash(case g.reason when 'complaint' then usher.mailbox(g.email) else g.email end),
    'suppressed_addresses', to_jsonb(g) - 'email'
  from gone g;
end
$function$;

CREATE OR REPLACE FUNCTION usher.kept_at_erasure()
 RETURNS TABLE(place text, what text, reason text)
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  values
    ('public.organisation_audit_events.before', 'all', 'Sealed. Of an address only its domain comes in; a name may stand there.'),
    ('public.organisation_audit_events.after', 'all', 'Sealed. Of an address only its domain comes in; a name may stand there.'),
    ('public.organisation_audit_events.event', 'all', 'A word of ours.'),
    ('public.organisation_audit_events.target_kind', 'all', 'A word of ours.'),
    ('usher.directory_endpoint_tokens.token', 'all', 'The key of another system, which a change would break.'),
    ('usher.idempotency_keys.result', 'all', 'Encrypted under a key that is kept nowhere; gone within a day.'),
    ('public.organisations.name', 'names', 'What an organisation is called is the organisation''s.'),
    ('public.organisations.sender_name', 'names', 'What an organisation is called is the organisation''s.'),
    ('public.organisation_members.display_name', 'names', 'Of another member who is called the same.'),
    ('usher.directory_users.user_name', 'names', 'Of another member who is called the same.'),
    ('usher.directory_users.attributes', 'names', 'Of another member who is called the same.')
$function$;

CREATE OR REPLACE FUNCTION usher.label_to_ascii(label text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_points integer[] := array(
    select ascii(c.letter) from regexp_split_to_table(label_to_ascii.label, '') with ordinality c (letter, n) order by c.n);
  v_count  integer := cardinality(v_points);
  v_ascii  text := regexp_replace(label_to_ascii.label, '[^\u0001-\u007f]', '', 'g');
  v_basic  integer := length(v_ascii);
  v_done   integer := v_basic;
  v_next   bigint := 128::bigint;
  v_delta  bigint := 0::bigint;
  v_bias   integer := 72;
  v_least  bigint;
  v_point  integer;
  v_q      bigint;
  v_k      integer;
  v_t      integer;
begin
  if v_done = v_count then
    return label_to_ascii.label;
  end if;
  v_ascii := 'xn--' || v_ascii || case when v_basic > 0 then '-' else '' end;
  while v_done < v_count loop
    v_least := (select min(p)::bigint from unnest(v_points) p where p >= v_next);
    v_delta := v_delta + (v_least - v_next) * (v_done + 1);
    v_next := v_least;
    foreach v_point in array v_points loop
      if v_point < v_next then
        v_delta := v_delta + 1;
      elsif v_point = v_next then
        v_q := v_delta;
        v_k := 36;
        loop
          v_t := least(greatest(v_k - v_bias, 1), 26);
          exit when v_q < v_t;
          v_ascii := v_ascii || substr('abcdefghijklmnopqrstuvwxyz0123456789', (v_t + (v_q - v_t) % (36 - v_t))::integer + 1, 1);
          v_q := (v_q - v_t) / (36 - v_t);
          v_k := v_k + 36;
        end loop;
        v_ascii := v_ascii || substr('abcdefghijklmnopqrstuvwxyz0123456789', v_q::integer + 1, 1);
        v_bias := usher.punycode_bias(v_delta, v_done + 1, v_done = v_basic);
        v_delta := 0;
        v_done := v_done + 1;
      end if;
    end loop;
    v_delta := v_delta + 1;
    v_next := v_next + 1;
  end loop;
  return v_ascii;
end
$function$;

CREATE OR REPLACE FUNCTION usher.label_to_unicode(label text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_basic text := coalesce(substring(label_to_unicode.label from '^xn--(.*)-[^-]*$'), '');
  v_rest  text := substring(label_to_unicode.label from '^xn--(?:.*-)?([^-]*)$');
  v_text  text := v_basic;
  v_next  bigint := 128::bigint;
  v_i     bigint := 0::bigint;
  v_bias  integer := 72;
  v_from  bigint;
  v_w     bigint;
  v_k     integer;
  v_t     integer;
  v_digit bigint;
  v_count integer;
begin
  if v_rest is null or length(label_to_unicode.label) > 63 then
    return label_to_unicode.label;
  end if;
  while v_rest <> '' loop
    v_from := v_i;
    v_w := 1;
    v_k := 36;
    loop
      v_digit := (position(left(v_rest, 1) in 'abcdefghijklmnopqrstuvwxyz0123456789') - 1)::bigint;
      -- Not punycode, or of no letter that there is.
      if v_rest = '' or v_digit < 0 or v_w > 100000000 then
        return label_to_unicode.label;
      end if;
      v_rest := substr(v_rest, 2);
      v_i := v_i + v_digit * v_w;
      v_t := least(greatest(v_k - v_bias, 1), 26);
      exit when v_digit < v_t;
      v_w := v_w * (36 - v_t);
      v_k := v_k + 36;
    end loop;
    v_count := length(v_text) + 1;
    v_bias := usher.punycode_bias(v_i - v_from, v_count, v_from = 0);
    v_next := v_next + v_i / v_count;
    v_i := v_i % v_count;
    if v_next > 1114111 or v_next between 55296 and 57343 then
      return label_to_unicode.label;
    end if;
    v_text := left(v_text, v_i::integer) || chr(v_next::integer) || substr(v_text, v_i::integer + 1);
    v_i := v_i + 1;
  end loop;
  return v_text;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lift_erased_stop(hash bytea, organisation_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  delete from usher.erased_stops s
  where s.hash = lift_erased_stop.hash and s.place = 'mail_opt_outs'
    and s.organisation_id is not distinct from lift_erased_stop.organisation_id;
  return found;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lift_suppression(email text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_email  text := usher.normalise_email(lift_suppression.email);
  v_lifted integer;
  v_erased integer;
begin
  delete from usher.suppressed_addresses s
  where s.email = v_email or s.reason = 'complaint' and usher.mailbox(s.email) = usher.mailbox(v_email);
  get diagnostics v_lifted = row_count;
  delete from usher.erased_stops s
  where s.place = 'suppressed_addresses' and (s.hash = usher.address_hash(v_email)
    or s.kept ->> 'reason' = 'complaint' and s.hash = usher.address_hash(usher.mailbox(v_email)));
  get diagnostics v_erased = row_count;
  return v_lifted + v_erased > 0;
end
$function$;

CREATE OR REPLACE FUNCTION usher.percent_pattern(letter text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$ select regexp_replace(encode(convert_to($1, 'UTF8'), 'hex'), '(..)', '%(?:25)*\1', 'g') $function$;

CREATE OR REPLACE FUNCTION usher.person_traces(user_ids uuid[], email text)
 RETURNS usher.person_traces
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_traces usher.person_traces;
begin
  v_traces.user_ids := person_traces.user_ids;
  v_traces.member_ids := array(
    select m.id from public.organisation_members m where m.user_id = any (v_traces.user_ids));
  v_traces.emails := array(
    select person_traces.email
    union
    select u.email from auth.users u where u.id = any (v_traces.user_ids)
    union
    select usher.normalise_email(u.email) from auth.users u where u.id = any (v_traces.user_ids)
    union
    select m.email from public.organisation_members m where m.id = any (v_traces.member_ids)
    union
    select r.email from public.organisation_join_requests r where r.user_id = any (v_traces.user_ids)
    union
    select i.email from usher.invites i where i.accepted_by = any (v_traces.user_ids)
    union
    select d.email from usher.directory_users d where d.member_id = any (v_traces.member_ids));
  v_traces.emails := array(select distinct s from unnest(v_traces.emails) e cross join lateral unnest(usher.spellings(e)) s);
  -- An address of theirs from before may be somebody else's today.
  v_traces.emails := array(
    select e from unnest(v_traces.emails) e
    where position('@' in e) > 1 and e not like 'erased@%.invalid'
      and (e = person_traces.email or not exists (
        select from auth.users u
        where usher.normalise_email(u.email) = e and u.id <> all (v_traces.user_ids))));
  v_traces.invite_ids := array(
    select i.id from usher.invites i
    where i.email = any (v_traces.emails) or i.accepted_by = any (v_traces.user_ids));
  v_traces.delivery_ids := array(
    select d.id from public.organisation_deliveries d
    where d.recipient = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
      or d.invite_id = any (v_traces.invite_ids)
    union
    -- What they did by a link in a mail, after they were erased the last time.
    select e.delivery_id from usher.erased_deliveries e
    where e.recipient_hash = any (array(select usher.address_hash(a) from unnest(v_traces.emails) a)));
  v_traces.organisation_ids := array(
    select m.organisation_id from public.organisation_members m where m.id = any (v_traces.member_ids)
    union
    select i.organisation_id from usher.invites i where i.id = any (v_traces.invite_ids)
    union
    select r.organisation_id from public.organisation_join_requests r
    where r.user_id = any (v_traces.user_ids) or r.email = any (v_traces.emails)
    union
    select d.organisation_id from usher.directory_users d
    where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
    union
    select d.organisation_id from public.organisation_deliveries d
    where d.recipient = any (v_traces.emails) and d.organisation_id is not null);
  v_traces.names := array(
    select n.name
    from (
      select m.display_name from public.organisation_members m where m.id = any (v_traces.member_ids)
      union
      select k.value #>> '{}'
      from auth.users u
      cross join lateral jsonb_each(
        case jsonb_typeof(u.raw_user_meta_data::jsonb) when 'object' then u.raw_user_meta_data::jsonb end) k
      where u.id = any (v_traces.user_ids) and k.key in ('display_name', 'full_name', 'name')
        and jsonb_typeof(k.value) = 'string'
      union
      select coalesce(d.attributes ->> 'displayName', d.attributes #>> '{name,formatted}')
      from usher.directory_users d
      where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
      union
      select d.facts ->> 'actor_name'
      from public.organisation_deliveries d where d.facts ->> 'actor_email' = any (v_traces.emails)
    ) n (name)
    where btrim(n.name) <> '');
  return v_traces;
end
$function$;

CREATE OR REPLACE FUNCTION usher.prepare_delivery(delivery_id uuid, fence bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION usher.punycode_bias(delta bigint, points integer, is_first boolean)
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_delta bigint := punycode_bias.delta / case when punycode_bias.is_first then 700 else 2 end;
  v_k     integer := 0;
begin
  v_delta := v_delta + v_delta / punycode_bias.points;
  while v_delta > 455 loop
    v_delta := v_delta / 35;
    v_k := v_k + 36;
  end loop;
  return (v_k + 36 * v_delta / (v_delta + 38))::integer;
end
$function$;

CREATE OR REPLACE FUNCTION usher.purge_auth_mails_of(organisation_id uuid, ids uuid[], batch_size integer)
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
  -- What is kept of lines at the outbox names addresses, if only by a salted hash, and accounts: no longer than it serves.
  perform pg_advisory_xact_lock(hashtextextended('usher.mail_pace', 0));
  delete from usher.mail_pace p where p.next_free_at < now() - interval '1 hour';
  return v_purged;
end
$function$;

CREATE OR REPLACE FUNCTION usher.record_delivery_event(provider text, event_id text, kind text, delivery_id uuid DEFAULT NULL::uuid, provider_message_id text DEFAULT NULL::text, occurred_at timestamp with time zone DEFAULT NULL::timestamp with time zone, is_permanent boolean DEFAULT false, response text DEFAULT NULL::text, status_code text DEFAULT NULL::text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION usher.redact_everywhere(traces usher.person_traces)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_traces  usher.person_traces := redact_everywhere.traces;
  v_words   record;
  v_known   text[];
  v_instead text;
  v_column  record;
begin
  select * into v_words from usher.searched_words(v_traces);
  -- Of the kind that columns of addresses, names and titles take, and never longer than what it stands for. Not the
  -- same each time, so that two who are erased do not become one where names are unique.
  v_instead := left('erased-' || encode(extensions.gen_random_bytes(2), 'hex'),
    (select min(length(regexp_replace(w collate "und-x-icu", '[[:space:]]+', ' ', 'g')))
      from unnest(v_words.emails || v_words.names) w));

  for v_column in
    select t.id as table_id, n.nspname || '.' || c.relname as table_name, a.attname as name,
      coalesce(nullif(y.typbasetype, 0), y.oid)::regtype::text as type, k.what as kept,
      exists (
        select from pg_catalog.pg_attribute o
        where o.attrelid = t.id and o.attname = 'organisation_id' and not o.attisdropped) as is_of_organisation
    from usher.own_tables() t (id)
    join pg_catalog.pg_class c on c.oid = t.id
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a
      on a.attrelid = t.id and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    join pg_catalog.pg_type y on y.oid = a.atttypid
    left join usher.kept_at_erasure() k on k.place = n.nspname || '.' || c.relname || '.' || a.attname
    where t.id <> 'public.organisation_audit_events'::regclass
      and k.what is distinct from 'all'
      and coalesce(nullif(y.typbasetype, 0), y.oid)::regtype::text in (
        'text', 'character varying', 'citext', 'extensions.citext', 'character', 'text[]', 'character varying[]', 'json',
        'jsonb')
    order by t.id::text, a.attnum
  loop
    for v_known in
      select w.words
      from (values (v_words.emails, false), (v_words.names, true)) w (words, are_names)
      where cardinality(w.words) > 0
        and (not w.are_names or v_column.kept is null and v_column.is_of_organisation)
    loop
      execute format(
        case
          when v_column.type like 'json%' then
            'update %1$s t set %2$I = usher.redact(t.%2$I::jsonb, $2, $3)::%3$s
            where t.%2$I::text collate "und-x-icu" ~* $1'
          when v_column.type like '%[]' then
            'update %1$s t set %2$I = array(
              select usher.redact(e.value, $2, $3) from unnest(t.%2$I) with ordinality e (value, n) order by e.n)
            where array_to_string(t.%2$I, '' '') collate "und-x-icu" ~* $1'
          else 'update %1$s t set %2$I = usher.redact(t.%2$I::text, $2, $3)
            where t.%2$I::text collate "und-x-icu" ~* $1'
        end || case when v_known = v_words.names then ' and t.organisation_id = any ($4)' else '' end,
        v_column.table_name, v_column.name, v_column.type)
      using usher.words_pattern(v_known, false), usher.words_pattern(v_known, true), v_instead, v_traces.organisation_ids;
    end loop;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION usher.report_traces(traces usher.person_traces)
 RETURNS TABLE(place text, data jsonb)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_traces usher.person_traces := report_traces.traces;
  v_words  record;
  v_known  text;
  v_names  text;
  v_table  regclass;
  v_mailboxes text[] := array(select usher.mailbox(e) from unnest((report_traces.traces).emails) e);
begin
  select * into v_words from usher.searched_words(v_traces);
  v_known := usher.words_pattern(v_words.emails
    || (v_traces.user_ids || v_traces.member_ids || v_traces.invite_ids)::text[], false);
  v_names := usher.words_pattern(v_words.names, false);

  for v_table in select usher.own_tables() loop
    -- What opens something is no data of a person, and a report is handed out.
    return query execute format(
      $query$
        select %1$L, r.data - $4
        from %1$s t
        cross join lateral (select to_jsonb(t) as data) r
        where r.data::text collate "und-x-icu" ~* $1
          or r.data ->> %2$L = any ($3::text[]) and r.data::text collate "und-x-icu" ~* $2
      $query$,
      case when position('.' in v_table::text) = 0 then 'public.' || v_table::text else v_table::text end,
      case when v_table = 'public.organisations'::regclass then 'id' else 'organisation_id' end)
    using v_known, v_names, v_traces.organisation_ids, array(
      select a.attname from pg_catalog.pg_attribute a
      where a.attrelid = v_table and (a.atttypid = 'bytea'::regtype or a.attname in ('token', 'secret')));
  end loop;

  -- What they want is kept for their mailbox, whatever tag they said it with.
  return query
    select 'usher.mail_opt_outs', to_jsonb(o)
    from usher.mail_opt_outs o
    where o.email = any (v_mailboxes) and o.email <> all (v_traces.emails)
    union all
    select 'usher.suppressed_addresses', to_jsonb(s)
    from usher.suppressed_addresses s
    where s.reason = 'complaint' and usher.mailbox(s.email) = any (v_mailboxes) and s.email <> all (v_traces.emails);

  return query
    select 'auth.users', to_jsonb(u) - array['encrypted_password', 'confirmation_token', 'recovery_token',
      'email_change_token_new', 'email_change_token_current', 'phone_change_token', 'reauthentication_token']
    from auth.users u where u.id = any (v_traces.user_ids);
  -- Auth's own table, which a stand-in for Auth may lack.
  if to_regclass('auth.identities') is not null then
    return query
      select 'auth.identities', to_jsonb(d) from auth.identities d where d.user_id = any (v_traces.user_ids);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.response_to_keep(delivery public.organisation_deliveries, response text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$ select case when ($1).recipient <> usher.erased_recipient(($1).id) then left($2, 1000) end $function$;

CREATE OR REPLACE FUNCTION usher.searched_words(traces usher.person_traces)
 RETURNS TABLE(emails text[], names text[])
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select (searched_words.traces).emails,
    -- A name of one word is a word as well: Max, Will, Ann. Where it stands by itself it is found otherwise.
    array(
      select n.name
      from unnest((searched_words.traces).names) t
      cross join lateral (
        select regexp_replace(t collate "und-x-icu", '^[[:space:]\u00a0]+|[[:space:]\u00a0]+$', '', 'g') as name) n
      where n.name ~ '[[:space:]\u00a0]' collate "und-x-icu")
$function$;

CREATE OR REPLACE FUNCTION usher.spellings(email text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select array(
    select $1
    union
    select split_part($1, '@', 1) || '@' || f.domain
    from (
      select string_agg(usher.label_to_ascii(l.label), '.' order by l.n), string_agg(usher.label_to_unicode(l.label), '.' order by l.n)
      from regexp_split_to_table(split_part($1, '@', 2), '\.') with ordinality l (label, n)
    ) s (in_ascii, in_unicode)
    cross join lateral (values (s.in_ascii), (s.in_unicode)) f (domain)
    where position('@' in $1) > 0)
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
  v_is_erased       boolean;
  v_is_news         boolean;
  v_hash            bytea;
begin
  select d.* into v_delivery
  from public.organisation_deliveries d where d.id = usher.verify_stop_token(stop_mail.token);
  perform usher.lock_organisation(v_delivery.organisation_id, 'share');
  select d.* into v_delivery from public.organisation_deliveries d where d.id = v_delivery.id;
  if not found or v_delivery.organisation_id is null then
    perform usher.fail('invite_invalid');
  end if;
  v_is_erased := v_delivery.recipient = usher.erased_recipient(v_delivery.id);
  v_hash := case when v_is_erased
    then (select e.mailbox_hash from usher.erased_deliveries e where e.delivery_id = v_delivery.id)
    else usher.address_hash(v_delivery.mailbox) end;
  -- Erased by a version that kept nothing of whom it went to: then nothing can be promised.
  if v_is_erased and v_hash is null then
    perform usher.fail('invite_invalid');
  end if;
  if stop_mail.everywhere is not true then
    v_organisation_id := v_delivery.organisation_id;
  end if;

  if stop_mail.stop and v_is_erased then
    v_is_news := usher.keep_late_stop(v_delivery.id, v_organisation_id);
  elsif stop_mail.stop then
    insert into usher.mail_opt_outs (organisation_id, email)
    values (v_organisation_id, v_delivery.mailbox)
    on conflict do nothing;
    v_is_news := found;
  else
    -- The address may have been erased, or entered again, since it was stopped.
    delete from usher.mail_opt_outs o
    where o.organisation_id is not distinct from v_organisation_id
      and case when v_is_erased then usher.address_hash(o.email) = v_hash else o.email = v_delivery.mailbox end;
    v_is_news := found;
    v_is_news := usher.lift_erased_stop(v_hash, v_organisation_id) or v_is_news;
  end if;
  -- Of all, the trail of the one whose mail it was says so; that of others would tell them of their absence.
  if v_is_news then
    perform usher.record_event(v_delivery.organisation_id,
      case when stop_mail.stop then 'mail.stopped' else 'mail.resumed' end, 'delivery', v_delivery.id,
      actor_kind => 'invitee');
  end if;
  return (select o.name from public.organisations o where o.id = v_delivery.organisation_id);
end
$function$;

CREATE OR REPLACE FUNCTION usher.suppress_recipient(delivery public.organisation_deliveries, reason text, status_code text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_delivery public.organisation_deliveries := suppress_recipient.delivery;
begin
  if v_delivery.recipient = usher.erased_recipient(v_delivery.id) then
    perform usher.keep_late_suppression(v_delivery.id, suppress_recipient.reason, suppress_recipient.status_code);
  else
    perform usher.suppress_address(v_delivery.recipient, suppress_recipient.reason, suppress_recipient.status_code);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_deliveries__bring_back_stops()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform usher.bring_back_stops(array(select d.recipient from new_deliveries d));
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.without_addresses(value jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Most lines have none, and looking for the sign is all that they cost.
  if without_addresses.value::text !~ '[@\uff20\ufe6b]|%(?:25)*40' then
    return without_addresses.value;
  end if;
  -- A name before the sign may hold all that RFC 5321 lets stand in a dot-atom: o'brien, a/b, c=d. So what is written
  -- up against one goes with it, but for the beginning of a URL, up to what it says of a thing.
  return usher.redact(without_addresses.value,
    '(://[[:alnum:].-]+(?::[0-9]+)?(?:/[^[:space:]"@<>(),;:?]*)?\?(?:[^[:space:]"@<>(),;:=&]+=[^[:space:]"@<>(),;:=&]*&)*'
    || '[^[:space:]"@<>(),;:=&%]+=)?[^[:space:]"@\uff20\ufe6b<>(),;:]+(?:[@\uff20\ufe6b]|%(?:25)*40)([[:alnum:]%-]+\.)',
    '\1…@\2');
end
$function$;

CREATE OR REPLACE FUNCTION usher.word_pattern(word text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select string_agg(case
    when p.part ~ '[[:space:]\u00a0]' collate "und-x-icu"
      then '(?:[[:space:]\u00a0]|\\[nrt]|\+|%(?:25)*(?:20|09|0a|0d|c2%(?:25)*a0))+'
    when p.part ~ '[a-zA-Z0-9_~-]' then p.part
    when p.part = '.' then '\.'
    when p.part = '"' then '(?:\\?"|%(?:25)*22)'
    when p.part = '\' then '(?:\\{1,2}|%(?:25)*5c)'
    when ascii(p.part) < 128 then '(?:\' || p.part || '|' || usher.percent_pattern(p.part) || ')'
    else '(?:' || p.part || '|' || usher.percent_pattern(lower(p.part collate "und-x-icu")) || '|'
      || usher.percent_pattern(upper(p.part collate "und-x-icu")) || ')'
  end, '' order by w.n)
  from regexp_matches($1 collate "und-x-icu", '[[:space:]\u00a0]+|.', 'g') with ordinality w (match, n)
  cross join lateral (select w.match[1] as part) p
$function$;

CREATE OR REPLACE FUNCTION usher.words_pattern(words text[], is_whole boolean)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_any text;
begin
  select string_agg(usher.word_pattern(w), '|' order by length(w) desc)
  into v_any
  from unnest(words_pattern.words) w;
  -- Of joanne@example.com, anne@example.com is no part; nor of anne@example.com.au.
  return case when words_pattern.is_whole
    -- In a URL, what is before may be encoded as well, and a plus sign be a blank.
    then '(?:(?<![[:alnum:]._%+-])|(?<=%(?:[013-46-9a-f][[:xdigit:]]|2[0-46-9acf]|5[0-9a-e]))'
      || '|(?<=\+)(?=[^@[:space:]]+%(?:25)*40))(?:' || v_any || ')(?![[:alnum:]_-]|\.[[:alnum:]])' else v_any end;
end
$function$;

ALTER TABLE "usher"."erased_deliveries" ADD CONSTRAINT "erased_deliveries_delivery_id_fkey" FOREIGN KEY (delivery_id) REFERENCES public.organisation_deliveries(id) ON DELETE CASCADE;

CREATE INDEX erased_deliveries_recipient_hash ON usher.erased_deliveries USING btree (recipient_hash);

CREATE POLICY "erased_deliveries_nobody" ON "usher"."erased_deliveries" FOR SELECT TO PUBLIC USING (false);

COMMENT ON COLUMN "usher"."erased_deliveries"."mailbox_hash" IS 'Of the address without its +tag.';

COMMENT ON FUNCTION "usher"."address_hash"(text) IS 'The salted SHA-256 of an address. Whoever has the whole database can try addresses against it: it hides them from
reading, not from asking.';

COMMENT ON FUNCTION "usher"."bring_back_stops"(text[]) IS 'What stopped mail to these normalised addresses before they were erased, or by a mail of before, stops it again.';

COMMENT ON FUNCTION "usher"."erased_recipient"(uuid) IS 'What stands in the place of a mail''s recipient who was erased (71_erasure.sql).';

COMMENT ON FUNCTION "usher"."keep_late_stop"(uuid, uuid) IS 'Stops mail, of an organisation or (null) of all, to whom a mail went who was erased since. Returns whether it was not
stopped before.';

COMMENT ON FUNCTION "usher"."keep_late_suppression"(uuid, text, text) IS 'usher.suppress_address, for a mail whose recipient was erased before it came back or was complained about.';

COMMENT ON FUNCTION "usher"."label_to_ascii"(text) IS 'A label of a normalised domain as the DNS writes it: xn--…, or as it is where it is ASCII. RFC 3492 section 6.3.';

COMMENT ON FUNCTION "usher"."label_to_unicode"(text) IS 'A label of a normalised domain as people write it; as it is where it is no punycode. RFC 3492 section 6.2.';

COMMENT ON FUNCTION "usher"."lift_erased_stop"(bytea, uuid) IS 'Takes back a stop that is kept by the hash of its mailbox. Returns whether there was one.';

COMMENT ON FUNCTION "usher"."percent_pattern"(text) IS 'A pattern that finds a character in its percent-encoded form (RFC 3986 section 2.1).';

COMMENT ON FUNCTION "usher"."punycode_bias"(bigint, integer, boolean) IS 'RFC 3492 section 6.1.';

COMMENT ON FUNCTION "usher"."record_delivery_event"(text, text, text, uuid, text, timestamp with time zone, boolean, text, text) IS 'Writes down what a mail provider tells of a mail. For the function that takes its webhooks and has checked
that they are genuine.

  provider             such as resend; with event_id, what tells a repetition
  event_id             the provider''s own id of the event, or one made of what it tells
  kind                 delivered, opened, bounced or complained
  delivery_id          which mail, when the provider was given our id
  provider_message_id  which mail, otherwise
  occurred_at          when, by the provider''s clock; null: now
  is_permanent         of a bounce: whether the address will never take mail; it is then suppressed
  response             of a bounce: what the recipient''s server said, kept to 1,000 characters; nothing once they are erased
  status_code          of a bounce: its enhanced status code (RFC 3463)

Returns recorded, duplicate (told before), unknown (no mail of ours), or ignored (opened, where the organisation
does not track that). The worst that is known is the status: complained, bounced, opened, delivered, sent.';

COMMENT ON FUNCTION "usher"."response_to_keep"(public.organisation_deliveries, text) IS 'What is kept of a mail server''s answer: 1,000 characters. Of a mail whose recipient was erased, nothing: answers
repeat the address.';

COMMENT ON FUNCTION "usher"."searched_words"(usher.person_traces) IS 'What of a person is looked for in texts: addresses, and names of two words or more.';

COMMENT ON FUNCTION "usher"."spellings"(text) IS 'An address as it may be written: its domain in its own letters, and in the ASCII of the DNS.';

COMMENT ON FUNCTION "usher"."suppress_recipient"(public.organisation_deliveries, text, text) IS 'usher.suppress_address, for whom a mail went to; by a hash, where they were erased since.';

COMMENT ON FUNCTION "usher"."without_addresses"(jsonb) IS 'What a line of the trail may say of a change: of mail addresses in it, also percent-encoded ones, only the domain.
Lines are sealed, so that an address in one could never be forgotten.';

COMMENT ON FUNCTION "usher"."word_pattern"(text) IS 'A pattern that finds an address or a name as it is written, in JSON, and percent-encoded in a URL, also more than once;
whatever blanks, or line breaks, are between its words.';

COMMENT ON TABLE "usher"."address_salt" IS 'What addresses are hashed with: of who is erased and still wants no mail, and in the names of lines at the outbox.';

COMMENT ON TABLE "usher"."erased_deliveries" IS 'Mails to people who were erased since: a salted hash of whom they went to, so that a stop, a complaint or a bounce that
comes of them later still holds for the mailbox.';

REVOKE ALL ON FUNCTION "usher"."bring_back_stops"(text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."erased_recipient"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."keep_late_stop"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."keep_late_suppression"(uuid, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."label_to_ascii"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."label_to_unicode"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."lift_erased_stop"(bytea, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."percent_pattern"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."punycode_bias"(bigint, integer, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."response_to_keep"(public.organisation_deliveries, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."spellings"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."suppress_recipient"(public.organisation_deliveries, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."word_pattern"(text) FROM PUBLIC;

insert into usher.address_salt default values on conflict do nothing;

-- What was stored for an address that stands for nobody stops nothing, and answers of servers repeated the real one.
delete from usher.mail_opt_outs o where o.email ~ '^erased@[0-9a-f-]{36}\.invalid$';
delete from usher.suppressed_addresses s where s.email ~ '^erased@[0-9a-f-]{36}\.invalid$';
update public.organisation_deliveries d set last_response = null
where d.recipient = usher.erased_recipient(d.id) and d.last_response is not null;
-- A complaint that is kept by a hash of an address with a tag stays as it is: the mailbox cannot be told from it.

-- These lines were named by a hash without salt. Whoever waits in one keeps the time that it was given.
delete from usher.mail_pace p where p.line like 'mailbox:%';
