-- Queueing: how a mail comes into the outbox, one or many at once.

create function usher.enqueue_delivery(
  kind text,
  organisation_id uuid,
  recipient text,
  locale text,
  invite_id uuid,
  is_bulk boolean default false
) returns void
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
comment on function usher.enqueue_delivery
  is 'Puts a mail about an invite into the outbox, to go out when this transaction has been committed.';

create function usher.enqueue_invites(
  invite_ids uuid[],
  is_bulk boolean
) returns void
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
comment on function usher.enqueue_invites
  is 'Puts the mails of several new invites into the outbox at once.';

create function usher.enqueue_notice(
  kind text,
  member_id uuid,
  actor_id uuid
) returns void
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
comment on function usher.enqueue_notice
  is $$Puts a mail to a member about their membership into the outbox, with the facts as they are now: what is
written later must not change what the mail says happened.$$;

create function usher.enqueue_join_mail(
  kind text,
  organisation_id uuid,
  recipient text,
  facts jsonb
) returns void
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
comment on function usher.enqueue_join_mail
  is 'Puts a mail about a request to join into the outbox: to an admin, or to the one who asked.';
