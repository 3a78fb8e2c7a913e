-- Ending an invite from our side: an admin revokes it, or its time runs out.

create function usher.end_invite(
  invite_id uuid,
  reason text,
  actor_kind text default null,
  revoked_by uuid default auth.uid()
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites;
begin
  update usher.invites i
  set status = 'revoked', revoked_at = now(), revoked_by = end_invite.revoked_by, revoked_reason = end_invite.reason
  where i.id = end_invite.invite_id
  returning i.* into strict v_invite;

  perform usher.record_event(v_invite.organisation_id, 'invite.revoked', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'revoked'),
    reason => v_invite.revoked_reason,
    actor_kind => end_invite.actor_kind);
end
$$;
comment on function usher.end_invite
  is 'Revokes an invite that its caller has checked, with the event.';

create function usher.lock_open_invites(
  organisation_id uuid,
  email text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform from usher.invites i
  where i.organisation_id = lock_open_invites.organisation_id and i.email = lock_open_invites.email
    and i.status = 'pending'
  order by i.id
  for update;
end
$$;
comment on function usher.lock_open_invites
  is 'Locks what an address has open in an organisation, in the order of its ids.';

create function usher.revoke_invites_to(
  organisation_id uuid,
  email text,
  reason text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.lock_open_invites(revoke_invites_to.organisation_id, revoke_invites_to.email);
  perform usher.end_invite(i.id, revoke_invites_to.reason)
    from usher.invites i
    where i.organisation_id = revoke_invites_to.organisation_id and i.email = revoke_invites_to.email
      and i.status = 'pending';
end
$$;
comment on function usher.revoke_invites_to
  is 'Withdraws what an address has open in an organisation, for a reason that stands in the trail.';

create function usher.revoke_invite(
  invite_id uuid,
  reason text default null
) returns public.organisation_invites
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites := usher.invite_for_change(revoke_invite.invite_id, 'invite.revoke');
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  if revoke_invite.reason is not null and usher.clean_text(revoke_invite.reason, 500) is null then
    perform usher.fail('invalid_message', hint => 'A reason is plain text of at most 500 characters.');
  end if;

  perform usher.end_invite(v_invite.id, nullif(usher.clean_text(revoke_invite.reason, 500), ''));
  return usher.invite_view(v_invite.id);
end
$$;
comment on function usher.revoke_invite
  is 'The rule behind public.revoke_organisation_invite.';

create function public.revoke_organisation_invite(
  invite_id uuid,
  reason text default null
) returns public.organisation_invites
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.revoke_invite($1, $2) $$;
comment on function public.revoke_organisation_invite
  is $$Withdraws a pending invite for good; its link stops working at once.

  invite_id  the invite
  reason     at most 500 characters; for the audit trail, never shown to the invitee

Returns the invite. Needs invite.revoke. Fails with unauthenticated, invite_not_found (also for another
tenant's), permission_denied, invite_not_pending, invalid_message.$$;
grant execute on function public.revoke_organisation_invite to authenticated;
grant execute on function usher.revoke_invite to authenticated;

create function usher.expire_invite(
  invite_id uuid
) returns public.organisation_invites
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites := usher.invite_for_change(expire_invite.invite_id, 'invite.revoke');
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;

  update usher.invites i
  set status = 'expired', expires_at = least(i.expires_at, clock_timestamp())
  where i.id = v_invite.id;
  perform usher.record_event(v_invite.organisation_id, 'invite.expired', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending', 'expires_at', v_invite.expires_at),
    after  => jsonb_build_object('status', 'expired'));
  return usher.invite_view(v_invite.id);
end
$$;
comment on function usher.expire_invite
  is 'The rule behind public.expire_organisation_invite.';

create function public.expire_organisation_invite(
  invite_id uuid
) returns public.organisation_invites
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.expire_invite($1) $$;
comment on function public.expire_organisation_invite
  is $$Lets a pending invite expire now. Unlike a revoked one, it can be sent again.

Returns the invite. Needs invite.revoke. Fails with unauthenticated, invite_not_found,
permission_denied, invite_not_pending.$$;
grant execute on function public.expire_organisation_invite to authenticated;
grant execute on function usher.expire_invite to authenticated;

create function usher.record_expiry(invites usher.invites[]) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.record_event(i.organisation_id, 'invite.expired', 'invite', i.id,
      before     => jsonb_build_object('status', 'pending', 'expires_at', i.expires_at),
      after      => jsonb_build_object('status', 'expired'),
      actor_kind => 'worker', is_bulk => true)
    from unnest(record_expiry.invites) i;
end
$$;
comment on function usher.record_expiry
  is 'Writes the events of invites that have just expired.';

create function usher.expire_overdue_invites(
  organisation_id uuid,
  emails text[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_expired usher.invites[];
begin
  -- Of few addresses, there is rarely one: looking costs less than beginning to write.
  -- Address by address, which offset 0 makes sure of: a planner that expects few open invites reads all of them.
  if cardinality(expire_overdue_invites.emails) <= 20 and not exists (
    select from unnest(expire_overdue_invites.emails) e (email)
    cross join lateral (
      select i.expires_at from usher.invites i
      where i.organisation_id = expire_overdue_invites.organisation_id and i.email = e.email and i.status = 'pending'
      offset 0
    ) i
    where i.expires_at <= statement_timestamp())
  then
    return;
  end if;
  with overdue as materialized (
    select i.id
    -- A join, because it can only be done address by address; for = any, whole indexes were read.
    from unnest(expire_overdue_invites.emails) e (email)
    join usher.invites i on i.email = e.email
    where i.organisation_id = expire_overdue_invites.organisation_id
      and i.status = 'pending'
      and i.expires_at <= statement_timestamp()
    order by i.id
    for update of i
  ),
  expired as (
    update usher.invites i set status = 'expired'
    from overdue o where i.id = o.id and i.status = 'pending'
    returning i
  )
  select array_agg(e.i) into v_expired from expired e;
  if v_expired is not null then
    perform usher.record_expiry(v_expired);
  end if;
end
$$;
comment on function usher.expire_overdue_invites
  is 'Writes down that the invites of these addresses that are past their time have expired.';

create function usher.remind_due_invites_of(
  organisation_id uuid,
  ids uuid[],
  batch_size integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_reminded usher.invites[];
begin
  with due as (
    select i.id
    from usher.invites i
    where i.id = any (remind_due_invites_of.ids) and i.organisation_id = remind_due_invites_of.organisation_id
      -- It may have been answered, or brought to mind, since it was found to be due.
      and i.status = 'pending' and i.reminded_issue < i.issue and i.expires_at > statement_timestamp()
    for update skip locked
  ),
  reminded as (
    update usher.invites i set reminded_issue = i.issue from due d where i.id = d.id
    returning i
  )
  select array_agg(r.i) into v_reminded from reminded r;

  perform usher.record_event(i.organisation_id, 'invite.reminded', 'invite', i.id,
      after => jsonb_build_object('issue', i.issue), actor_kind => 'worker', is_bulk => true)
    from unnest(v_reminded) i;
  return coalesce(cardinality(v_reminded), 0);
end
$$;
comment on function usher.remind_due_invites_of
  is 'usher.remind_due_invites for these invites of one organisation.';

create function usher.remind_due_invites(
  batch_size integer default 1000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('remind_due_invites', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select i.organisation_id, i.id, i.expires_at,
        row_number() over (partition by i.organisation_id order by i.expires_at) as turn
      from usher.invites i
      join public.organisations o on o.id = i.organisation_id
      where i.status = 'pending' and i.kind = 'user'
        and i.reminded_issue < i.issue
        and i.expires_at > statement_timestamp()
        and o.reminder_before is not null
        and i.expires_at <= statement_timestamp() + least(o.reminder_before, interval '14 days')
        -- Not on the day of the mail itself: what has just come needs no bringing to mind.
        and i.issued_at < statement_timestamp() - interval '1 day'
        and i.organisation_id not in (select usher.resting_organisations('remind_due_invites'))
    ) d
    order by d.turn, d.expires_at
    limit remind_due_invites.batch_size));
end
$$;
comment on function usher.remind_due_invites
  is $$Brings unanswered invites to mind before they end, once an issue, where the organisation wants it
(reminder_before). For workers, every minute. Returns how many.$$;
grant execute on function usher.remind_due_invites to usher_worker;

create function usher.expire_due_invites_of(
  organisation_id uuid,
  ids uuid[],
  batch_size integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_expired usher.invites[];
begin
  with due as (
    select i.id
    from usher.invites i
    where i.id = any (expire_due_invites_of.ids) and i.organisation_id = expire_due_invites_of.organisation_id
      and i.status = 'pending' and i.expires_at <= statement_timestamp()
    order by i.expires_at
    -- One that is being answered or sent again at this moment is left to the next sweep.
    for update skip locked
  ),
  expired as (
    update usher.invites i set status = 'expired' from due d where i.id = d.id
    returning i
  )
  select array_agg(e.i) into v_expired from expired e;
  perform usher.record_expiry(v_expired);
  return coalesce(cardinality(v_expired), 0);
end
$$;
comment on function usher.expire_due_invites_of
  is 'usher.expire_due_invites for these invites of one organisation.';

create function usher.expire_due_invites(
  batch_size integer default 1000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('expire_due_invites', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select i.organisation_id, i.id, i.expires_at,
        row_number() over (partition by i.organisation_id order by i.expires_at) as turn
      from usher.invites i
      where i.status = 'pending' and i.expires_at <= statement_timestamp()
        and i.organisation_id not in (select usher.resting_organisations('expire_due_invites'))
    ) d
    order by d.turn, d.expires_at
    limit expire_due_invites.batch_size));
end
$$;
comment on function usher.expire_due_invites
  is $$The sweep: writes down that invites past their time have expired, oldest first. They read as expired before
it, too; the sweep adds the event, and the mail where the organisation wants it. For workers, every minute.

Returns how many; call again when it is as many as batch_size.$$;
grant execute on function usher.expire_due_invites to usher_worker;
