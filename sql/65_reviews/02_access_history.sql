-- The history of access: who held which role from when to when, by whom, through what and why.
--
-- The trail tells it. Beside it stands what is true now: where the two do not agree, because somebody worked
-- by SQL or the trail was purged, the right is there all the same and says that it is not explained.

create type usher.access_change as (
  event_id uuid,
  occurred_at timestamptz,
  user_id uuid,
  role text,
  change text,
  through text,
  actor_kind text,
  actor_id uuid,
  reason text
);
comment on type usher.access_change
  is 'A role given to somebody, or taken from them.';

create function usher.access_changes(
  organisation_id uuid
) returns setof usher.access_change
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    with touched as (
      select e.id, e.occurred_at, e.event, e.actor_kind, coalesce(i.invited_by, e.actor_id) as actor_id,
        coalesce(e.reason, i.message) as reason, t.user_id, t.had, t.has
      from public.organisation_audit_events e
      left join usher.invites i on i.id = case e.event
        when 'invite.accepted' then e.target_id
        when 'device.enrolled' then (e.after ->> 'invite_id')::uuid
      end
      cross join lateral (
        select e.actor_id, '[]'::jsonb, '["owner"]'::jsonb where e.event = 'organisation.created'
        union all
        select (e.after ->> 'user_id')::uuid, '[]', e.after -> 'roles' where e.event = 'invite.accepted'
        union all
        -- Of two people: the new owner stands below, with all others.
        select (e.before ->> 'owner_id')::uuid, '["owner"]', '["admin"]' where e.event = 'organisation.transferred'
        union all
        -- Whoever has gone, or is banned, keeps their roles in name only.
        select e.target_id,
          case when coalesce(e.before ->> 'status', 'active') = 'active' then e.before -> 'roles' end,
          case when coalesce(e.after ->> 'status', 'active') = 'active' then e.after -> 'roles' end
        where e.target_kind = 'user' and (e.before ? 'roles' or e.after ? 'roles')
      ) t (user_id, had, has)
      where e.organisation_id = access_changes.organisation_id
    ), changed as (
      select t.*, r.role, 'granted' as change
      from touched t
      cross join jsonb_array_elements_text(coalesce(t.has, '[]')) r (role)
      where not coalesce(t.had ? r.role, false)
      union all
      select t.*, r.role, 'withdrawn'
      from touched t
      cross join jsonb_array_elements_text(coalesce(t.had, '[]')) r (role)
      where not coalesce(t.has ? r.role, false)
    )
    select c.id, c.occurred_at, c.user_id, c.role, c.change, c.event, c.actor_kind, c.actor_id,
      coalesce(c.reason, a.reason)
    from changed c
    -- By a review: why is what the reviewer wrote, just before.
    left join lateral (
      select i.reason
      from public.organisation_access_review_items i
      where i.organisation_id = access_changes.organisation_id and i.user_id = c.user_id and i.role = c.role
        and i.decision = 'withdrawn' and c.change = 'withdrawn' and c.event = 'member.roles_updated'
        and i.decided_at between c.occurred_at - interval '10 seconds' and c.occurred_at
      order by i.decided_at desc
      limit 1
    ) a on true;
end
$$;
comment on function usher.access_changes
  is $$Every role that was given or taken away in an organisation, as the trail tells it, in no order. Whoever invited
somebody has given the roles; the message of the invite is why.$$;

create type usher.access_right as (
  user_id uuid,
  role text,
  is_held boolean,
  is_explained boolean,
  granted_at timestamptz,
  granted_through text,
  granted_by uuid,
  granted_event_id uuid,
  grant_reason text,
  ends_at timestamptz,
  ended_at timestamptz,
  ended_through text,
  ended_by uuid,
  ended_event_id uuid,
  end_reason text
);
comment on type usher.access_right
  is 'A role that somebody held, or holds, for one stretch of time.';

create function usher.access_rights(
  organisation_id uuid
) returns setof usher.access_right
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    with steps as (
      select c.*,
        row_number() over w as step,
        count(*) over (partition by c.user_id, c.role) as steps,
        lead(c.change) over w as next_change,
        lead(c.occurred_at) over w as next_at,
        lead(c.through) over w as next_through,
        lead(c.actor_id) over w as next_by,
        lead(c.event_id) over w as next_event_id,
        lead(c.reason) over w as next_reason
      from usher.access_changes(access_rights.organisation_id) c
      window w as (partition by c.user_id, c.role order by c.occurred_at, c.event_id)
    ), held as (
      select m.user_id, r.role, m.joined_at,
        least(m.ends_at, (m.role_ends ->> r.role)::timestamptz) as ends_at,
        -- Over, though the sweep has not come by.
        coalesce(least(m.ends_at, (m.role_ends ->> r.role)::timestamptz) <= statement_timestamp(), false) as is_over
      from public.organisation_members m
      cross join unnest(m.roles) r (role)
      where m.organisation_id = access_rights.organisation_id and m.status = 'active'
    )
    select s.user_id, s.role,
      s.step = s.steps and h.user_id is not null and not h.is_over,
      -- A right that is gone, and nothing tells how.
      coalesce(s.next_change = 'withdrawn', h.user_id is not null),
      s.occurred_at, s.through, s.actor_id, s.event_id, s.reason,
      case when s.step = s.steps then h.ends_at end,
      coalesce(s.next_at, case when h.is_over then h.ends_at end, m.ended_at),
      case when s.next_change = 'withdrawn' then s.next_through end,
      case when s.next_change = 'withdrawn' then s.next_by end,
      case when s.next_change = 'withdrawn' then s.next_event_id end,
      case when s.next_change = 'withdrawn' then s.next_reason end
    from steps s
    left join held h on h.user_id = s.user_id and h.role = s.role
    left join public.organisation_members m
      on m.organisation_id = access_rights.organisation_id and m.user_id = s.user_id
    where s.change = 'granted'
    union all
    -- A right that is there, and nothing tells how it came.
    select h.user_id, h.role, not h.is_over, false, h.joined_at, null, null, null, null, h.ends_at,
      case when h.is_over then h.ends_at end, null, null, null, null
    from held h
    where not exists (
      select from steps s
      where s.user_id = h.user_id and s.role = h.role and s.step = s.steps and s.change = 'granted');
end
$$;
comment on function usher.access_rights
  is $$Who holds which role, and who held it: a row for each stretch of time, in no order.

  is_held       now
  is_explained  false: it came or went in a way that the trail does not tell; then granted_at is the day of
                joining, and ended_at null where nobody knows
  ends_at       when it will end by itself, for access that is temporary$$;
