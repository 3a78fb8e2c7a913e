-- Addresses that get no mail: those that do not exist, whose owner complained, or who asked one
-- organisation, or all of them, to stop.
--
-- The first two hold for the whole project, because they are about the address and about the sender's good
-- name. The third is about invites only: who is a member still hears what happens to their own membership.
--
-- What a person wants, a complaint or a stop, holds for their mailbox, whatever +tag is written behind its name.
-- That an address does not exist is told of the address as it was written: where tags mean nothing, ann+1@ may
-- not exist while ann@ does.

create function usher.suppress_address(
  email text,
  reason text,
  status_code text default null
) returns void
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
comment on function usher.suppress_address
  is 'Puts an address on the list of those that nothing is sent to: bounce, complaint or operator.';

create function usher.suppress_recipient(
  delivery public.organisation_deliveries,
  reason text,
  status_code text default null
) returns void
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
comment on function usher.suppress_recipient
  is 'usher.suppress_address, for whom a mail went to; by a hash, where they were erased since.';

create function usher.is_suppressed(email text, mailbox text) returns boolean
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
comment on function usher.is_suppressed
  is 'Whether nothing is sent to a normalised address: it is on the list, or its mailbox is, by a complaint.';

create function usher.lift_suppression(email text) returns boolean
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
comment on function usher.lift_suppression
  is $$Lets mails go to an address again, whatever stopped them; for operators. Returns whether it was on the list.
What its owner has stopped, of one organisation or of all, stays stopped.$$;

create function usher.lift_mail_suppression(
  organisation_id uuid,
  email text
) returns boolean
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
comment on function usher.lift_mail_suppression
  is 'The rule behind public.lift_organisation_mail_suppression.';

create function public.lift_organisation_mail_suppression(
  organisation_id uuid,
  email text
) returns boolean
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.lift_mail_suppression($1, $2) $$;
comment on function public.lift_organisation_mail_suppression
  is $$Lets mails go again to an address that a mail server said does not exist: for a mailbox that was made since.

  email  one that a mail of this organisation came back from

Returns whether it was stopped for that. Complaints, and what its owner has stopped, stay. Needs invite.resend;
50 a day. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_email, rate_limited.$$;
grant execute on function public.lift_organisation_mail_suppression to authenticated;
grant execute on function usher.lift_mail_suppression to authenticated;
