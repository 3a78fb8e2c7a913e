-- Retrying: an admin has a mail tried again that has failed or was suppressed.

create function usher.retry_delivery(
  delivery_id uuid
) returns public.organisation_deliveries
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
  return v_delivery;
end
$$;
comment on function usher.retry_delivery
  is 'The rule behind public.retry_organisation_delivery.';

create function public.retry_organisation_delivery(
  delivery_id uuid
) returns public.organisation_deliveries
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.retry_delivery($1) $$;
comment on function public.retry_organisation_delivery
  is $$Tries a mail anew that has failed or was suppressed, from its first try on. One for an invite that is no
longer open is cancelled when its turn comes, and one to an address that still gets no mail is suppressed again:
lift_organisation_mail_suppression comes first.

  delivery_id  a row of organisation_deliveries

Returns the delivery. Needs invite.resend. Fails with unauthenticated, delivery_not_found,
permission_denied, invite_not_pending (it has not failed; details: its status).$$;
grant execute on function public.retry_organisation_delivery to authenticated;
grant execute on function usher.retry_delivery to authenticated;
