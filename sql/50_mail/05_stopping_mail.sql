-- Stopping mail: the link at the foot of each mail, which anyone who holds it may follow.

-- The link that stops them: stp_ and the base64url of version, key id, delivery id and HMAC (51 bytes, 68
-- characters). It opens nothing but this, so it may stand in a header that mail programs and servers read.

create function usher.mint_stop_token(delivery_id uuid) returns text
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
comment on function usher.mint_stop_token
  is $$The token with which the recipient of this mail stops more of the same. Never stored; it works for as long as
its signing key is there, 30 days after a rotation at least. Source: RFC 8058 section 3.1.$$;

create function usher.verify_stop_token(token text) returns uuid
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
comment on function usher.verify_stop_token
  is 'The delivery that a stop token was minted for; null when it is none of ours.';

create function usher.stop_mail(
  token text,
  stop boolean default true,
  everywhere boolean default false
) returns text
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
comment on function usher.stop_mail
  is 'The rule behind public.stop_organisation_mail.';
grant execute on function usher.stop_mail to usher_worker;

create function public.stop_organisation_mail(
  token text,
  stop boolean default true,
  everywhere boolean default false
) returns text
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.speak_to_invitee();
  select usher.stop_mail($1, $2, $3);
$$;
comment on function public.stop_organisation_mail
  is $$Stops invites and reminders of an organisation, or of all of them, to the mailbox that a mail went to: also to
the same address with another +tag.

  token       as the mail's link to stop carries it; it is good for nothing else
  stop        false takes it back: of the organisation, or with everywhere what was stopped of all
  everywhere  true: of every organisation, also of those to come; otherwise only the one that sent the mail

Returns the name of the organisation that sent the mail, also when it was stopped before. Whoever holds the link
may, with or without an account. Fails with invite_invalid.$$;
grant execute on function public.stop_organisation_mail to anon, authenticated, service_role;
grant execute on function usher.stop_mail to anon, authenticated, service_role;
