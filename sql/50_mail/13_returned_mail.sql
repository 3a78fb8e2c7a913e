-- Returned mail: a server has taken a mail, could not pass it on, and says so later, by a mail to where the first one
-- came from: a delivery status notification (RFC 3464).
--
-- So each mail comes from an address of its own, bounces+<tag>@…, that says which mail it was (VERP). The tag is the
-- hex of key id, delivery id and 64 bits of an HMAC: who knows it has had this mail in hands, or its server has. It is
-- read in any case of letters, and short enough for the 64 characters that a local part may have (RFC 5321 4.5.3.1.1).
--
-- A report is believed of the recipient of that mail and of nobody else: whoever makes one up can keep mail from
-- themselves.

create function usher.return_tag_hmac(
  key_id integer,
  delivery_id uuid
) returns bytea
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Another version than the tokens of invites and of stopping mail, so that none can be taken for another.
  return substring(extensions.hmac(
    '\x03'::bytea || int2send(return_tag_hmac.key_id::smallint) || uuid_send(return_tag_hmac.delivery_id),
    usher.signing_key_secret(return_tag_hmac.key_id), 'sha256') from 1 for 8);
end
$$;
comment on function usher.return_tag_hmac
  is 'What only this database can say of a key and a mail; null where the key is gone.';

create function usher.mint_return_tag(delivery_id uuid) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_key_id smallint := usher.ensure_signing_key();
begin
  return encode(int2send(v_key_id) || uuid_send(mint_return_tag.delivery_id)
    || usher.return_tag_hmac(v_key_id, mint_return_tag.delivery_id), 'hex');
end
$$;
comment on function usher.mint_return_tag
  is 'What stands in the address that a mail comes from, 52 characters, so that a report to it says which mail it was.
For workers, while they send it. Works for as long as its signing key is there, 30 days after a rotation at least.';
grant execute on function usher.mint_return_tag to usher_worker;

create function usher.verify_return_tag(tag text) returns uuid
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_bytes bytea;
  v_id    uuid;
  v_blind bytea := extensions.gen_random_bytes(32);
begin
  if verify_return_tag.tag is null or length(verify_return_tag.tag) <> 52
    or verify_return_tag.tag !~ '^[0-9a-fA-F]{52}$'
  then
    return null;
  end if;
  v_bytes := decode(verify_return_tag.tag, 'hex');
  v_id := encode(substring(v_bytes from 3 for 16), 'hex')::uuid;
  -- Compared in constant time, as usher.verify_invite_token does. Beyond smallint there is no key.
  if get_byte(v_bytes, 0) < 128 and extensions.hmac(
      usher.return_tag_hmac(get_byte(v_bytes, 0) * 256 + get_byte(v_bytes, 1), v_id), v_blind, 'sha256')
    = extensions.hmac(substring(v_bytes from 19), v_blind, 'sha256')
  then
    return v_id;
  end if;
  return null;
end
$$;
comment on function usher.verify_return_tag
  is 'The delivery that a tag was minted for; null when it is none of ours.';

create function usher.record_mail_report(
  tag text,
  event_id text,
  recipients text[],
  action text,
  about text default null,
  response text default null,
  status_code text default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_id         uuid := usher.verify_return_tag(record_mail_report.tag);
  v_delivery   public.organisation_deliveries;
  v_recipients text[];
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_deliveries d where d.id = v_id), 'exists');
  if record_mail_report.about not in ('address', 'recipient', 'message', 'sender') then
    raise exception 'about is address, recipient, message or sender, not %', record_mail_report.about
      using errcode = 'invalid_parameter_value';
  end if;
  select d.* into v_delivery from public.organisation_deliveries d where d.id = v_id for update;
  if not found or v_delivery.fence = 0 then
    return 'unknown';
  end if;
  -- Late, expanded into a list, or passed to where nothing more is heard: no end of it.
  if record_mail_report.action is null or record_mail_report.action not in ('failed', 'delivered') then
    return 'ignored';
  end if;
  v_recipients := array(
    select usher.normalise_email(left(r, 1000)) from unnest(record_mail_report.recipients) r);
  -- Of somebody who was erased, a hash is left.
  if not (coalesce(v_delivery.recipient = any (v_recipients), false) or exists (
    select from usher.erased_deliveries e
    where e.delivery_id = v_id
      and e.recipient_hash in (select usher.address_hash(r) from unnest(v_recipients) r where r is not null)))
  then
    return 'ignored';
  end if;

  if record_mail_report.action = 'delivered' then
    return usher.record_delivery_event('report', record_mail_report.event_id, 'delivered', v_id);
  end if;
  if coalesce(record_mail_report.about, 'recipient') in ('address', 'recipient') then
    return usher.record_delivery_event('report', record_mail_report.event_id, 'bounced', v_id,
      is_permanent => coalesce(record_mail_report.about = 'address', false),
      response     => record_mail_report.response,
      status_code  => left(record_mail_report.status_code, 20));
  end if;

  -- Said of us or of the mail, by one server on the way: the address is as good as before, and other servers have
  -- nothing to do with it. The mail can be sent again.
  if v_delivery.status not in ('sending', 'sent', 'delivered') then
    return 'ignored';
  end if;
  insert into usher.delivery_events (provider, event_id, delivery_id, kind, occurred_at)
  values ('report', record_mail_report.event_id, v_id, 'bounced', now())
  on conflict do nothing;
  if not found then
    return 'duplicate';
  end if;
  update public.organisation_deliveries d
  set status = 'failed', sent_at = null, delivered_at = null, facts = d.facts - 'sealed',
    last_response = usher.response_to_keep(d, record_mail_report.response),
    last_status_code = left(record_mail_report.status_code, 20)
  where d.id = v_id
  returning d.* into strict v_delivery;
  perform usher.record_turn(v_delivery, 'delivery.failed');
  return 'recorded';
end
$$;
comment on function usher.record_mail_report
  is $$Writes down what a delivery status notification says of one recipient. For the function that takes them, and for
workers that read a mailbox.

  tag          of the address that it came to
  event_id     the same for the same report, however often it comes
  recipients   the recipient as it names them, original and final: one has to be whom the mail was for
  action       failed or delivered; delayed, relayed and expanded change nothing
  about        of whom it speaks, as in usher.fail_delivery. address: it does not exist, and no mail goes there any
               more; recipient, or null: it came back, and shows so on the invite; message or sender: it failed, and can
               be tried again
  response     what the recipient's server said, up to 1,000 characters
  status_code  its enhanced status code (RFC 3463)

Returns recorded, duplicate, unknown (no tag of ours), or ignored. Source: RFC 3464.$$;
grant execute on function usher.record_mail_report to usher_worker;
