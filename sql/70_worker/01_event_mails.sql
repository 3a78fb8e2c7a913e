-- Mails that follow from what happened: which line of the trail is told to whom, in which words.
--
-- What a mail says is taken from the line itself, so that what is written later does not change what it says
-- happened; names and addresses are as they are when it is queued, within a second.

create type usher.event_mail as (
  event_id uuid,
  kind text,
  recipient text,
  locale text,
  invite_id uuid,
  issue integer,
  member_id uuid,
  facts jsonb
);
comment on type usher.event_mail
  is 'A mail that follows from a line of the trail; its columns are those of organisation_deliveries.';

create function usher.invite_mails(
  lines public.organisation_audit_events[]
) returns setof usher.event_mail
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select e.id, case e.event when 'invite.reminded' then 'invite_reminder' else 'invite' end,
      i.email, i.locale, i.id, coalesce((e.after ->> 'issue')::integer, 1), null::uuid, '{}'::jsonb
    from unnest(invite_mails.lines) e
    join usher.invites i on i.id = e.target_id and i.kind = 'user'
    where e.event in ('invite.created', 'invite.resent', 'invite.roles_updated', 'invite.reminded')
      and not usher.is_erased_address(i.email)
    union all
    -- To who invited them.
    select e.id, case e.event
        when 'invite.accepted' then 'invite_accepted'
        when 'invite.expired' then 'invite_expired'
        when 'device.enrolled' then 'device_enrolled'
      end, m.email, null, i.id, i.issue, null, '{}'
    from unnest(invite_mails.lines) e
    join usher.invites i
      on i.id = case e.event when 'device.enrolled' then (e.after ->> 'invite_id')::uuid else e.target_id end
    join usher.current_members m on m.organisation_id = i.organisation_id and m.user_id = i.invited_by
    where m.email is not null and usher.is_erased_address(i.email) is not true
      and (e.event in ('invite.accepted', 'device.enrolled')
        -- Whoever lets one expire by hand knows.
        or e.event = 'invite.expired' and e.actor_kind = 'worker' and (
          select o.expiry_mail from public.organisations o where o.id = e.organisation_id));
end
$$;
comment on function usher.invite_mails
  is 'What is mailed to invitees, and to who invited them.';

create function usher.notices_to_members(
  lines public.organisation_audit_events[]
) returns setof usher.event_mail
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select n.event_id, n.kind, m.email, null::text, null::uuid, null::integer, m.id,
      case when n.kind in ('access_ending', 'access_ended') then n.facts
        else n.facts || jsonb_build_object(
          'actor_name', a.display_name, 'actor_email', a.email,
          'owner_name', coalesce(o.display_name, o.email))
      end
    from (
      select e.id as event_id, e.organisation_id, e.actor_id, e.target_id as user_id,
        (e.after ->> 'owner_id')::uuid as owner_id, case e.event
          when 'member.roles_updated' then
            case e.actor_kind when 'user' then 'member_roles_updated' when 'worker' then 'access_ended' end
          -- A device that was removed by a rule has no reader.
          when 'member.removed' then case when e.actor_kind <> 'worker' then 'member_removed' end
          when 'member.banned' then 'member_banned'
          when 'join.approved' then 'join_approved'
          when 'member.access_ending' then 'access_ending'
          when 'member.access_ended' then 'access_ended'
          when 'organisation.transferred' then 'ownership_transferred'
        end as kind,
        case
          when e.event = 'member.access_ending' then e.after
          when e.event = 'member.access_ended' then jsonb_build_object(
            'roles', e.before -> 'roles', 'is_membership', true, 'ends_at', e.before -> 'ends_at')
          when e.event = 'member.roles_updated' and e.actor_kind = 'worker' then jsonb_build_object(
            'roles', (
              select jsonb_agg(r order by r) from jsonb_array_elements_text(e.before -> 'roles') r
              where not e.after -> 'roles' ? r),
            'is_membership', false, 'ends_at', e.before -> 'ends_at')
          when e.event in ('member.removed', 'member.banned') then jsonb_build_object('roles', e.before -> 'roles')
          else jsonb_build_object('roles', e.after -> 'roles')
        end as facts
      from unnest(notices_to_members.lines) e
      union all
      -- The old owner hears of it as well.
      select e.id, e.organisation_id, e.actor_id, (e.before ->> 'owner_id')::uuid, (e.after ->> 'owner_id')::uuid,
        'ownership_transferred', jsonb_build_object('roles', e.after -> 'former_owner_roles')
      from unnest(notices_to_members.lines) e
      where e.event = 'organisation.transferred'
    ) n
    join public.organisation_members m
      on m.organisation_id = n.organisation_id and m.user_id = n.user_id
    left join public.organisation_members a on a.organisation_id = n.organisation_id and a.user_id = n.actor_id
    left join public.organisation_members o
      on o.organisation_id = n.organisation_id
      and case when n.owner_id is null then 'owner' = any (o.roles) else o.user_id = n.owner_id end
    where n.kind is not null and m.email is not null and m.kind = 'user';
end
$$;
comment on function usher.notices_to_members
  is 'What is mailed to members about their own membership.';

create function usher.notices_to_admins(
  lines public.organisation_audit_events[]
) returns setof usher.event_mail
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    with kinds (event, kind, permissions, is_of_members) as (values
      ('invite.declined', 'invite_declined', '{invite.create}'::text[], false),
      ('invite.resend_requested', 'invite_resend_requested', '{invite.resend}', false),
      ('join.requested', 'join_requested', '{invite.create}', false),
      ('webhook.disabled', 'webhook_disabled', '{webhook.manage}', false),
      ('invites.inviter_lost_right', 'invites_lost_right', '{invite.create}', true),
      ('credentials.responsible_lost_right', 'credentials_lost_right',
        '{organisation.update,directory.manage}', true),
      ('access_review.started', 'access_review_started', '{access_review.manage}', true),
      ('access_review.overdue', 'access_review_overdue', '{access_review.manage}', true)
    ),
    asked as materialized (
      select e.*, k.kind, k.permissions, k.is_of_members
      from unnest(notices_to_admins.lines) e
      join kinds k on k.event = e.event
      -- A new link went to the invitee by itself.
      where e.after -> 'is_sent' is distinct from 'true'
    ),
    -- Once for each set of roles, and not for each member and line.
    held as materialized (
      select r.organisation_id, r.roles, array(select usher.permissions_of(r.organisation_id, r.roles)) as permissions
      from (
        select distinct m.organisation_id, m.roles
        from usher.current_members m
        where m.organisation_id in (select a.organisation_id from asked a)
      ) r
    )
    select a.id, a.kind, m.email, null::text, i.id, i.issue, case when a.is_of_members then m.id end,
      case a.kind
        when 'join_requested' then jsonb_build_object('requester_email', q.email)
        when 'webhook_disabled' then jsonb_build_object('webhook', a.after -> 'host')
        when 'invites_lost_right' then jsonb_build_object(
          'count', a.after -> 'count', 'person_name', p.display_name, 'person_email', p.email)
        when 'credentials_lost_right' then jsonb_build_object(
          'names', a.after -> 'credentials', 'ends_at', a.after -> 'stops_at',
          'person_name', p.display_name, 'person_email', p.email)
        when 'access_review_started' then usher.review_facts(a.target_id)
        when 'access_review_overdue' then usher.review_facts(a.target_id)
        else '{}'
      end
    from asked a
    join held h on h.organisation_id = a.organisation_id and h.permissions && a.permissions
    join usher.current_members m
      on m.organisation_id = h.organisation_id and m.roles = h.roles and m.email is not null
    left join usher.invites i on a.target_kind = 'invite' and i.id = a.target_id
    left join public.organisation_members p on p.organisation_id = a.organisation_id and p.user_id = a.target_id
    left join lateral (
      select r.email
      from public.organisation_join_requests r
      where a.kind = 'join_requested' and r.organisation_id = a.organisation_id and r.user_id = a.target_id
      order by r.created_at desc
      limit 1
    ) q on true
    where (m.kind = 'user' or not a.is_of_members)
      -- Nobody is told of who was forgotten meanwhile.
      and usher.is_erased_address(i.email) is not true
      and (a.kind <> 'join_requested' or not usher.is_erased_address(q.email));
end
$$;
comment on function usher.notices_to_admins
  is 'What is mailed to everybody who may do something about it.';

create function usher.other_notices(
  lines public.organisation_audit_events[]
) returns setof usher.event_mail
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select e.id, 'join_declined', r.email, null::text, null::uuid, null::integer, null::uuid, jsonb_build_object(
      'actor_name', m.display_name, 'actor_email', m.email, 'reason', e.reason)
    from unnest(other_notices.lines) e
    join public.organisation_join_requests r on r.id = (e.after ->> 'request_id')::uuid
    left join public.organisation_members m on m.organisation_id = e.organisation_id and m.user_id = e.actor_id
    where e.event = 'join.declined' and not usher.is_erased_address(r.email);
end
$$;
comment on function usher.other_notices
  is 'What is mailed to people who are not members: that their request to join was declined.';

create function usher.queue_mails(
  lines public.organisation_audit_events[],
  bulk_ids uuid[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into public.organisation_deliveries (
    organisation_id, event_id, invite_id, issue, member_id, kind, recipient, locale, facts, is_bulk, caused_by)
  select e.organisation_id, q.event_id, q.invite_id, q.issue, q.member_id, q.kind, q.recipient, q.locale, q.facts,
    e.id = any (queue_mails.bulk_ids), e.actor_id
  from (
    select q.* from usher.invite_mails(queue_mails.lines) q
    union all select q.* from usher.notices_to_members(queue_mails.lines) q
    union all select q.* from usher.notices_to_admins(queue_mails.lines) q
    union all select q.* from usher.other_notices(queue_mails.lines) q
  ) q
  join unnest(queue_mails.lines) e on e.id = q.event_id
  where exists (select from public.organisations o where o.id = e.organisation_id)
  -- Two members may have one address: an account with a password, and one of single sign-on.
  on conflict (event_id, kind, recipient) where event_id is not null do nothing;
end
$$;
comment on function usher.queue_mails
  is 'Queues the mails that follow from lines of the trail; bulk_ids: of those that stand behind single ones.';
