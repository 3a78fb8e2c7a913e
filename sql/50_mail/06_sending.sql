-- Sending: what a worker gets to send a mail, and what it says of the outcome.
--
-- Each lease carries a fence: a worker that was only asleep cannot send or record any more.

create function usher.record_turn(
  delivery public.organisation_deliveries,
  event text
) returns void
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
comment on function usher.record_turn
  is 'Adds what became of a mail to the trail of its organisation: which mail and what, never to whom.';

create function usher.mark_bounced(
  delivery public.organisation_deliveries
) returns void
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
comment on function usher.mark_bounced
  is 'Shows on an invite that its mail did not arrive, unless it has been sent again since.';

create type usher.delivery_lease as (
  delivery_id uuid,
  fence bigint,
  attempts integer
);
comment on type usher.delivery_lease
  is 'A delivery that a worker may send now, and the fence to name with it.';

create function usher.prepare_delivery(
  delivery_id uuid,
  fence bigint
) returns jsonb
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
    select d.organisation_id from public.organisation_deliveries d
    where d.id = prepare_delivery.delivery_id), 'exists');
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
comment on function usher.prepare_delivery
  is $$All that a leased mail needs, read at this moment, with a token of its own. For workers, just before
sending.

Null when it is not to be sent any more: the fence is old, its invite is no longer open or was sent again
(the delivery is then cancelled), or the address gets no mail (it is then suppressed).$$;
grant execute on function usher.prepare_delivery to usher_worker;

create function usher.delivery_end(
  delivery public.organisation_deliveries,
  invite usher.invites
) returns text
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
comment on function usher.delivery_end
  is $$Why a mail must no longer go out: suppressed, or cancelled when its invite is no longer open or was sent again.
Null when it may go.$$;

create function usher.end_undeliverable(
  delivery public.organisation_deliveries,
  invite usher.invites
) returns boolean
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
comment on function usher.end_undeliverable
  is 'Ends a delivery that must not go out any more, cancelled or suppressed. Returns whether it did.';

create function usher.complete_delivery(
  delivery_id uuid,
  fence bigint,
  response text,
  provider_message_id text default null
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery public.organisation_deliveries;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_deliveries d
    where d.id = complete_delivery.delivery_id), 'exists');
  update public.organisation_deliveries d
  set status = 'sent', sent_at = clock_timestamp(),
    last_response = usher.response_to_keep(d, complete_delivery.response),
    last_status_code = null, provider_message_id = complete_delivery.provider_message_id,
    facts = d.facts - 'sealed'
  where d.id = complete_delivery.delivery_id
    and d.fence = complete_delivery.fence
    and d.status = 'sending'
  returning d.* into v_delivery;
  if not found then
    return false;
  end if;
  perform usher.note_taken();
  perform usher.record_turn(v_delivery, 'delivery.sent');
  return true;
end
$$;
comment on function usher.complete_delivery
  is $$Writes down that a mail server took a mail. For workers.

  response             what it answered, kept to 1,000 characters
  provider_message_id  the provider's own id, to match its webhooks

False when the fence is old: another worker has taken over, and what it says counts.$$;
grant execute on function usher.complete_delivery to usher_worker;

create function usher.fail_delivery(
  delivery_id uuid,
  fence bigint,
  failure text,
  response text default null,
  status_code text default null,
  about text default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery public.organisation_deliveries;
  -- Where nothing is said of it, a refusal for good is of the recipient.
  v_about    text := coalesce(fail_delivery.about, case when fail_delivery.failure = 'permanent' then
    case when fail_delivery.status_code = '5.1.1' then 'address' else 'recipient' end end);
  v_is_ours  boolean;
  v_tries    integer;
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
  if fail_delivery.about not in ('address', 'recipient', 'message', 'sender') then
    raise exception 'about is address, recipient, message or sender, not %', fail_delivery.about
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

  v_tries := v_delivery.attempts;
  -- What is ours to mend counts no tries, so that none is lost over it; after a month it is nobody's any more.
  v_is_ours := coalesce(v_about = 'sender', false) and fail_delivery.failure = 'temporary'
    and v_delivery.created_at > clock_timestamp() - interval '30 days';
  v_is_final := fail_delivery.failure = 'permanent'
    or fail_delivery.failure = 'in_doubt' and v_delivery.in_doubt_at is not null
    or v_delivery.attempts >= 8 and not v_is_ours;

  update public.organisation_deliveries d
  set status = case when v_is_final then 'failed' else 'queued' end,
    -- A fifth more or less, so that what failed together does not come back together.
    due_at = clock_timestamp() + case when v_is_ours then interval '15 minutes' else v_delays[least(d.attempts, 7)] end
      * (0.8 + 0.4 * random()),
    attempts = case when v_is_ours then greatest(d.attempts - 1, 1) else d.attempts end,
    in_doubt_at = case when fail_delivery.failure = 'in_doubt' then clock_timestamp() else d.in_doubt_at end,
    last_response = usher.response_to_keep(d, fail_delivery.response),
    last_status_code = fail_delivery.status_code,
    facts = case when v_is_final then d.facts - 'sealed' else d.facts end
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;

  if v_about = 'sender' then
    perform usher.note_refusal(v_delivery.last_response, v_delivery.last_status_code);
  end if;
  if fail_delivery.failure = 'permanent' and v_about = 'address' then
    perform usher.suppress_recipient(v_delivery, 'bounce', fail_delivery.status_code);
  end if;
  if v_is_final and v_about in ('address', 'recipient') then
    perform usher.mark_bounced(v_delivery);
  end if;
  -- The trail hears of the first of those that count no tries.
  if v_is_final or not v_is_ours or v_tries = 1 then
    perform usher.record_turn(v_delivery,
      case when v_is_final then 'delivery.failed' else 'delivery.deferred' end);
  end if;
  return v_delivery.status;
end
$$;
comment on function usher.fail_delivery
  is $$Writes down that a mail was not taken, and decides whether it is tried again. For workers.

  failure      temporary: again later, at most eight times in all; permanent: never again; in_doubt: the
               connection was lost after the mail had gone out, so at most one more try
  response     what the mail server answered, kept to 1,000 characters
  status_code  its enhanced status code (RFC 3463)
  about        of whom it speaks. address: it does not exist, and no mail goes there any more; recipient: takes none;
               message: this mail; sender: us, so that no try counts, and three in a row stop all mail for a while
               (02_mail_transport.sql); null: of nobody, and of the recipient where it is for good

Shows on an invite as bounced only where it is of the recipient or their address. Returns the delivery's status,
queued or failed; null when the fence is old. Waiting times grow from a minute to a day, a fifth more or less.
Source: RFC 5321 section 4.5.4.1.$$;
grant execute on function usher.fail_delivery to usher_worker;
