-- Addresses that get no mail: those that do not exist, whose owner complained, or who asked one
-- organisation, or all of them, to stop.
--
-- The first two hold for the whole project, because they are about the address and about the sender's good
-- name. The third is about invites only: who is a member still hears what happens to their own membership.
--
-- What a person wants, a complaint or a stop, holds for their mailbox, whatever +tag is written behind its name.
-- That an address does not exist is told of the address as it was written: where tags mean nothing, ann+1@ may
-- not exist while ann@ does.

create table usher.suppressed_addresses (
  email       text primary key,
  reason      text not null default 'bounce',
  status_code text,
  created_at  timestamptz not null default now(),

  constraint suppressed_addresses_reason check (reason in ('bounce', 'complaint', 'operator'))
);
comment on table usher.suppressed_addresses is
  'Addresses that nothing is sent to. usher.lift_suppression takes one off.';
comment on column usher.suppressed_addresses.reason is
  'bounce: a mail server said that it does not exist; complaint: its owner called a mail spam; operator: by hand.';
comment on column usher.suppressed_addresses.status_code is 'What the mail server said, such as 5.1.1 (RFC 3463).';
create index suppressed_addresses_mailbox
  on usher.suppressed_addresses (usher.mailbox(email)) where reason = 'complaint';
alter table usher.suppressed_addresses enable row level security;
create policy suppressed_addresses_nobody on usher.suppressed_addresses for select to public using (false);

create table usher.mail_opt_outs (
  id              uuid primary key default gen_random_uuid(),
  organisation_id uuid references public.organisations on delete cascade,
  email           text not null,
  created_at      timestamptz not null default now(),

  constraint mail_opt_outs_bounds check (length(email) <= 254)
);
comment on table usher.mail_opt_outs is
  'Who has stopped invites and reminders of which organisation; only they start them again.';
comment on column usher.mail_opt_outs.organisation_id is 'Null: of all organisations, also of those to come.';
comment on column usher.mail_opt_outs.email is 'The mailbox, as usher.mailbox makes it of an address: without a +tag.';
create unique index mail_opt_outs_key
  on usher.mail_opt_outs (email, organisation_id) nulls not distinct;
create index mail_opt_outs_organisation_id on usher.mail_opt_outs (organisation_id);
alter table usher.mail_opt_outs enable row level security;
create policy mail_opt_outs_nobody on usher.mail_opt_outs for select to public using (false);

create function usher.suppress_address(email text, reason text, status_code text default null)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into usher.suppressed_addresses as s (email, reason, status_code)
  values ($1, $2, $3)
  on conflict on constraint suppressed_addresses_pkey do update
  -- A complaint weighs more than a bounce: it says that the mail came, and was not wanted.
  set reason = excluded.reason, status_code = excluded.status_code
  where s.reason = 'bounce' and excluded.reason <> 'bounce'
$$;
comment on function usher.suppress_address is
  'Puts an address on the list of those that nothing is sent to: bounce, complaint or operator.';

create function usher.suppress_recipient(
  delivery public.organisation_deliveries, reason text, status_code text default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivery public.organisation_deliveries := suppress_recipient.delivery;
begin
  if v_delivery.recipient = usher.erased_recipient(v_delivery.id) then
    perform usher.keep_late_suppression(v_delivery.id, suppress_recipient.reason, suppress_recipient.status_code);
  else
    perform usher.suppress_address(v_delivery.recipient, suppress_recipient.reason, suppress_recipient.status_code);
  end if;
end
$$;
comment on function usher.suppress_recipient is
  'usher.suppress_address, for whom a mail went to; by a hash, where they were erased since.';

create function usher.is_suppressed(email text, mailbox text)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (select from usher.suppressed_addresses s where s.email = is_suppressed.email)
    or exists (
      select from usher.suppressed_addresses s
      where s.reason = 'complaint' and usher.mailbox(s.email) = is_suppressed.mailbox);
end
$$;
comment on function usher.is_suppressed is
  'Whether nothing is sent to a normalised address: it is on the list, or its mailbox is, by a complaint.';

create function usher.lift_suppression(email text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.lift_suppression is
$$Lets mails go to an address again, whatever stopped them; for operators. Returns whether it was on the list.
What its owner has stopped, of one organisation or of all, stays stopped.$$;

create function usher.lift_mail_suppression(organisation_id uuid, email text)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_member public.organisation_members :=
    usher.require_permission(lift_mail_suppression.organisation_id, 'invite.resend', 'share');
  v_email  text := usher.normalise_email(lift_mail_suppression.email);
begin
  if v_email is null then
    perform usher.fail('invalid_email');
  end if;
  -- Only where this organisation has met it, so that nobody can ask which addresses are on the list.
  delete from usher.suppressed_addresses s
  where s.email = v_email and s.reason = 'bounce'
    and exists (
      select from public.organisation_deliveries d
      where d.organisation_id = v_member.organisation_id and d.recipient = v_email
        and d.status in ('failed', 'bounced', 'suppressed'));
  if not found then
    return false;
  end if;
  perform usher.take_allowance('lifted:' || v_member.organisation_id, 1, 50, interval '1 day');
  perform usher.record_event(v_member.organisation_id, 'mail.suppression_lifted', 'organisation',
    v_member.organisation_id);
  return true;
end
$$;
comment on function usher.lift_mail_suppression is 'The rule behind public.lift_organisation_mail_suppression.';

create function public.lift_organisation_mail_suppression(organisation_id uuid, email text)
returns boolean
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.lift_mail_suppression($1, $2) $$;
comment on function public.lift_organisation_mail_suppression is
$$Lets mails go again to an address that a mail server said does not exist: for a mailbox that was made since.

  email  one that a mail of this organisation came back from

Returns whether it was stopped for that. Complaints, and what its owner has stopped, stay. Needs invite.resend;
50 a day. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_email, rate_limited.$$;
grant execute on function public.lift_organisation_mail_suppression to authenticated;
grant execute on function usher.lift_mail_suppression to authenticated;

-- The link that stops them: stp_ and the base64url of version, key id, delivery id and HMAC (51 bytes, 68
-- characters). It opens nothing but this, so it may stand in a header that mail programs and servers read.

create function usher.mint_stop_token(delivery_id uuid)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key_id  smallint := usher.ensure_signing_key();
  -- Another version than a token of an invite, so that neither can be taken for the other.
  v_payload bytea := '\x02'::bytea || int2send(v_key_id) || uuid_send(mint_stop_token.delivery_id);
begin
  return 'stp_' || translate(
    encode(v_payload || extensions.hmac(v_payload, usher.signing_key_secret(v_key_id), 'sha256'), 'base64'),
    e'+/\n', '-_');
end
$$;
comment on function usher.mint_stop_token is
$$The token with which the recipient of this mail stops more of the same. Never stored; it works for as long as
its signing key is there, 30 days after a rotation at least. Source: RFC 8058 section 3.1.$$;

create function usher.verify_stop_token(token text)
returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bytes  bytea;
  v_secret bytea;
  v_blind  bytea := extensions.gen_random_bytes(32);
begin
  if verify_stop_token.token is null or length(verify_stop_token.token) <> 72
    or verify_stop_token.token !~ '^stp_[A-Za-z0-9_-]+$'
  then
    return null;
  end if;
  v_bytes := decode(translate(substring(verify_stop_token.token from 5), '-_', '+/'), 'base64');
  v_secret := usher.signing_key_secret(get_byte(v_bytes, 1) * 256 + get_byte(v_bytes, 2));
  -- Compared in constant time, as usher.verify_invite_token does.
  if get_byte(v_bytes, 0) <> 2 or v_secret is null
    or extensions.hmac(extensions.hmac(substring(v_bytes from 1 for 19), v_secret, 'sha256'), v_blind, 'sha256')
      <> extensions.hmac(substring(v_bytes from 20), v_blind, 'sha256')
  then
    return null;
  end if;
  return encode(substring(v_bytes from 4 for 16), 'hex')::uuid;
end
$$;
comment on function usher.verify_stop_token is 'The delivery that a stop token was minted for; null when it is none of ours.';

create function usher.stop_mail(token text, stop boolean default true, everywhere boolean default false)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.stop_mail is 'The rule behind public.stop_organisation_mail.';
grant execute on function usher.stop_mail to usher_worker;

create function public.stop_organisation_mail(token text, stop boolean default true, everywhere boolean default false)
returns text
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select usher.speak_to_invitee();
  select usher.stop_mail($1, $2, $3);
$$;
comment on function public.stop_organisation_mail is
$$Stops invites and reminders of an organisation, or of all of them, to the mailbox that a mail went to: also to
the same address with another +tag.

  token       as the mail's link to stop carries it; it is good for nothing else
  stop        false takes it back: of the organisation, or with everywhere what was stopped of all
  everywhere  true: of every organisation, also of those to come; otherwise only the one that sent the mail

Returns the name of the organisation that sent the mail, also when it was stopped before. Whoever holds the link
may, with or without an account. Fails with invite_invalid.$$;
grant execute on function public.stop_organisation_mail to anon, authenticated, service_role;
grant execute on function usher.stop_mail to anon, authenticated, service_role;
