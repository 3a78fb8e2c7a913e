-- Evidence: what an auditor is given about a period, in one snapshot, and the trail with what proves it whole.
--
-- client/evidence/ makes a package of it, for the console's button and for the operator's command alike.
-- To ask for it needs audit.read, is itself in the trail, and seals the trail first. Addresses are there only
-- for those who may see them anyway: of members with member.read, of invites and mails with invite.read.
--
-- Sources: Implementing Regulation (EU) 2024/2690, annex 3.2 (logs) and 11 (access); ISO 8601 for times.

create function usher.seal_trail(organisation_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  while usher.seal_events(seal_trail.organisation_id, 10000) > 0 loop
  end loop;
end
$$;
comment on function usher.seal_trail
  is 'Seals all of an organisation''s events that have no seal yet.';

create function usher.evidence_tables(
  organisation_id uuid,
  since timestamptz,
  until timestamptz,
  with_people boolean,
  with_invites boolean
) returns json
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  as $$
declare
  v_id     uuid        := evidence_tables.organisation_id;
  v_since  timestamptz := evidence_tables.since;
  v_until  timestamptz := evidence_tables.until;
  v_tables json;
begin
  with people as (
    select m.user_id, m.kind, case when evidence_tables.with_people then m.display_name end as display_name,
      case when evidence_tables.with_people then m.email end as email
    from public.organisation_members m where m.organisation_id = v_id
  ), rights as (
    select r.*,
      r.granted_at < v_until
      and case when r.ended_at is null then r.is_held else r.ended_at >= v_until end as is_held_then
    from usher.access_rights(v_id) r
    where r.granted_at < v_until and (r.ended_at is null or r.ended_at >= v_since)
  ), members as (
    select m.user_id, m.roles from usher.current_members m where m.organisation_id = v_id
  )
  select json_build_object(
    'rights', (
      select coalesce(json_agg(x order by x.email, x.user_id, x.role, x.granted_at), '[]') from (
        select r.user_id, p.kind, p.display_name as name, p.email, r.role, r.is_held_then as is_held,
          r.granted_at, r.granted_through, r.granted_by, g.email as granted_by_email,
          -- Of an invite, it is what the invite said.
          case when evidence_tables.with_invites
            or r.granted_through not in ('invite.accepted', 'device.enrolled') then r.grant_reason end as grant_reason,
          r.ends_at,
          r.ended_at, r.ended_through, r.ended_by, e.email as ended_by_email, r.end_reason, r.is_explained,
          r.granted_event_id, r.ended_event_id
        from rights r
        left join people p on p.user_id = r.user_id
        left join people g on g.user_id = r.granted_by
        left join people e on e.user_id = r.ended_by) x),
    'changes', (
      select coalesce(json_agg(x order by x.occurred_at, x.event_id, x.change, x.role), '[]') from (
        select c.occurred_at, c.event_id, c.change, c.user_id, p.email, c.role, c.through, c.actor_kind, c.actor_id,
          a.email as actor_email,
          case when evidence_tables.with_invites
            or c.through not in ('invite.accepted', 'device.enrolled') then c.reason end as reason,
          c.ends
        from (
          select h.*, null::jsonb as ends from usher.access_changes(v_id) h
          union all
          select e.id, e.occurred_at, e.target_id, null, 'end_changed', e.event,
            e.actor_kind, e.actor_id, e.reason, e.after
          from public.organisation_audit_events e
          where e.organisation_id = v_id and e.event = 'member.ends_updated'
        ) c
        left join people p on p.user_id = c.user_id
        left join people a on a.user_id = c.actor_id
        where c.occurred_at >= v_since and c.occurred_at < v_until) x),
    'invites', (
      select coalesce(json_agg(x order by x.created_at, x.id), '[]') from (
        select i.id, i.kind,
          case when evidence_tables.with_invites then coalesce(i.email, i.device_name) end as invitee,
          i.roles, i.status, i.created_at, i.invited_by, p.email as invited_by_email,
          case when evidence_tables.with_invites then i.message end as message, i.expires_at, i.resend_count,
          i.accepted_at, i.accepted_by, i.declined_at,
          case when evidence_tables.with_invites then i.declined_reason end as declined_reason,
          i.revoked_at, i.revoked_by, i.revoked_reason, d.status as mail
        from public.organisation_invites i
        left join people p on p.user_id = i.invited_by
        left join lateral (
          select n.status
          from public.organisation_deliveries n
          where n.invite_id = i.id and n.kind = 'invite'
          order by n.created_at desc
          limit 1
        ) d on true
        where i.organisation_id = v_id and i.created_at < v_until
          and coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at) >= v_since) x),
    'roles', (
      select coalesce(json_agg(x order by x.is_built_in desc, x.name), '[]') from (
        select r.name, r.description, r.organisation_id is null as is_built_in, r.permissions, r.inherits,
          (select count(*) from members m where r.name = any (m.roles)) as holders, r.created_at
        from public.organisation_roles r
        where r.organisation_id is null or r.organisation_id = v_id) x),
    'reviews', (
      select coalesce(json_agg(x order by x.started_at, x.id), '[]') from (
        select r.id, r.title, r.status, r.started_at, r.started_by, s.email as started_by_email, r.due_at, r.ended_at,
          r.closed_by, c.email as closed_by_email, r.closed_reason, n.confirmed, n.withdrawn, n.lapsed, n.open
        from public.organisation_access_reviews r
        cross join jsonb_to_record(usher.review_results(r.id))
          n (confirmed integer, withdrawn integer, lapsed integer, open integer)
        left join people s on s.user_id = r.started_by
        left join people c on c.user_id = r.closed_by
        where r.organisation_id = v_id and r.started_at < v_until and coalesce(r.ended_at, now()) >= v_since) x),
    'review_items', (
      select coalesce(json_agg(x order by x.review_id, x.email, x.user_id, x.role), '[]') from (
        select i.review_id, i.id, i.user_id, p.email, i.role, i.granted_at, i.granted_by, i.decision, i.reason,
          i.decided_at, i.decided_by, d.email as decided_by_email
        from public.organisation_access_review_items i
        join public.organisation_access_reviews r on r.id = i.review_id
        left join people p on p.user_id = i.user_id
        left join people d on d.user_id = i.decided_by
        where r.organisation_id = v_id and r.started_at < v_until and coalesce(r.ended_at, now()) >= v_since) x),
    'exclusions', (
      select coalesce(json_agg(x order by x.name), '[]') from (
        select e.name, e.roles, e.cardinality, (
          select count(*) from members m
          where e.cardinality <= (
            select count(*) from usher.roles_with_inherited(v_id, m.roles) h (name) where h.name = any (e.roles))
        ) as violations
        from public.organisation_role_exclusions e where e.organisation_id = v_id) x),
    'duty_findings', (
      select coalesce(json_agg(x order by x.finding, x.email, x.user_id, x.at), '[]') from (
        select 'excluded_roles_held' as finding, e.name as exclusion, m.user_id, p.email, h.roles,
          null::timestamptz as at
        from public.organisation_role_exclusions e
        cross join members m
        cross join lateral (
          select array_agg(r.name order by r.name) as roles
          from usher.roles_with_inherited(v_id, m.roles) r (name) where r.name = any (e.roles)
        ) h
        left join people p on p.user_id = m.user_id
        where e.organisation_id = v_id and cardinality(h.roles) >= e.cardinality
        union all
        -- Founding and joining by a domain are nobody's decision about themselves.
        select 'granted_to_oneself', null, r.user_id, p.email, array[r.role], r.granted_at
        from rights r
        left join people p on p.user_id = r.user_id
        where r.granted_by = r.user_id and r.granted_through not in ('organisation.created', 'member.joined')
        union all
        select 'reviewed_by_oneself', null, i.user_id, p.email, array[i.role], i.decided_at
        from public.organisation_access_review_items i
        left join people p on p.user_id = i.user_id
        where i.organisation_id = v_id and i.decided_by = i.user_id
          and i.decided_at >= v_since and i.decided_at < v_until) x),
    'signing_keys', (
      select coalesce(json_agg(x order by x.id), '[]') from (
        select k.id, k.state, k.kept_in, k.created_at, k.retired_at, k.verifies_until, k.is_due
        from usher.signing_key_states k
        where k.created_at < v_until and (k.retired_at is null or k.verifies_until >= v_since)) x),
    'deliveries', (
      select coalesce(json_agg(x order by x.created_at, x.id), '[]') from (
        select d.id, d.kind, d.status, case when evidence_tables.with_invites then d.recipient end as recipient,
          d.invite_id, d.attempts, d.created_at, d.sent_at, d.delivered_at, d.opened_at, d.bounced_at, d.complained_at,
          d.last_status_code,
          case when evidence_tables.with_invites then d.last_response end as last_response,
          d.provider_message_id
        from public.organisation_deliveries d
        where d.organisation_id = v_id and d.created_at >= v_since and d.created_at < v_until) x),
    'delivery_counts', (
      select coalesce(json_agg(x order by x.kind, x.status), '[]') from (
        select d.kind, d.status, count(*) as mails
        from public.organisation_deliveries d
        where d.organisation_id = v_id and d.created_at >= v_since and d.created_at < v_until
        group by d.kind, d.status) x),
    -- Those who did something, or had something done to them: the trail itself names no one.
    'people', (
      select coalesce(json_agg(x order by x.user_id), '[]') from (
        select p.user_id, p.kind, p.display_name as name, p.email from people p) x)
  ) into v_tables;
  return v_tables;
end
$$;
comment on function usher.evidence_tables
  is $$The registers of an evidence package, at one moment. with_people and with_invites: whether names and addresses
of members are in it, and addresses and words of invites and mails.$$;

create function usher.evidence_trail(
  organisation_id uuid,
  since timestamptz,
  until timestamptz
) returns json
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  as $$
declare
  v_first integer;
  v_last  integer;
begin
  -- By the events themselves; of those whose time is over, by the times of their seal.
  select min(n.number), max(n.number) into v_first, v_last
  from (
    select s.seal_number as number
    from public.organisation_audit_events e
    join usher.sealed_events s on s.event_id = e.id
    where e.organisation_id = evidence_trail.organisation_id
      and e.occurred_at >= evidence_trail.since and e.occurred_at < evidence_trail.until
    union all
    select a.number
    from usher.audit_seals a
    where a.organisation_id = evidence_trail.organisation_id and a.purged_at is not null
      and a.last_event_at >= evidence_trail.since and a.first_event_at < evidence_trail.until
  ) n;

  return json_build_object(
    'first_seal', v_first,
    'last_seal', v_last,
    'head_seal', (
      select max(a.number) from usher.audit_seals a where a.organisation_id = evidence_trail.organisation_id),
    'seals', (
      select coalesce(json_agg(x order by x.number), '[]') from (
        select a.number, a.events, a.sealed_at, a.first_event_at, a.last_event_at, a.purged_at,
          encode(a.hash, 'hex') as hash
        from usher.audit_seals a
        -- And the one before, which the first is chained to.
        where a.organisation_id = evidence_trail.organisation_id and a.number >= v_first - 1) x));
end
$$;
comment on function usher.evidence_trail
  is $$The seals of the events of a period, and all later ones: first_seal to last_seal cover it, head_seal is the
newest; seals begins one before the first.$$;

create function usher.collect_evidence(
  organisation_id uuid,
  since timestamptz,
  until timestamptz,
  with_people boolean default true,
  with_invites boolean default true
) returns json
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set intervalstyle = 'iso_8601'
  as $$
declare
  v_organisation public.organisations;
  v_until        timestamptz := least(collect_evidence.until, now());
begin
  select o.* into v_organisation from public.organisations o where o.id = collect_evidence.organisation_id;
  if not found then
    perform usher.fail('organisation_not_found');
  end if;
  if collect_evidence.since is null or v_until is null or collect_evidence.since >= v_until then
    perform usher.fail('invalid_settings', hint => 'since is before until, and in the past.');
  end if;
  -- Whoever is given evidence stands in it, and all that it tells of is under a seal.
  perform usher.record_event(v_organisation.id, 'evidence.exported', 'organisation', v_organisation.id,
    after => jsonb_build_object('since', collect_evidence.since, 'until', v_until));
  perform usher.seal_trail(v_organisation.id);

  return (
    -- One statement, so that all of it is of one moment.
    select json_build_object(
      'organisation', json_build_object(
        'id', v_organisation.id, 'name', v_organisation.name, 'slug', v_organisation.slug,
        'created_at', v_organisation.created_at, 'audit_retention', v_organisation.audit_retention),
      'since', collect_evidence.since,
      'until', v_until,
      'collected_at', now(),
      'has_member_addresses', collect_evidence.with_people,
      'has_invite_addresses', collect_evidence.with_invites,
      'trail', usher.evidence_trail(v_organisation.id, collect_evidence.since, v_until),
      'tables', usher.evidence_tables(v_organisation.id, collect_evidence.since, v_until,
        collect_evidence.with_people, collect_evidence.with_invites)));
end
$$;
comment on function usher.collect_evidence
  is $$All of a package of evidence but the events themselves, whoever asks. For operators, and for
usher.export_evidence. Fails with organisation_not_found, invalid_settings.

  since, until  the period: from the first on, before the second; until is at most now$$;

create function usher.export_evidence(
  organisation_id uuid,
  since timestamptz,
  until timestamptz
) returns json
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.require_permission(export_evidence.organisation_id, 'audit.read', 'share');
  return usher.collect_evidence(export_evidence.organisation_id, export_evidence.since, export_evidence.until,
    usher.has_permission(export_evidence.organisation_id, 'member.read'),
    usher.has_permission(export_evidence.organisation_id, 'invite.read'));
end
$$;
comment on function usher.export_evidence
  is 'The rule behind public.export_organisation_evidence.';

create function public.export_organisation_evidence(
  organisation_id uuid,
  since timestamptz,
  until timestamptz default now()
) returns json
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.export_evidence($1, $2, $3) $$;
comment on function public.export_organisation_evidence
  is $$The registers for an auditor, all of one moment, and the seals of the trail; its events come from
list_organisation_evidence_events. The export is itself recorded, and the trail is sealed by it.

  since, until  the period: from the first on, before the second; until is at most now

Returns organisation, since, until, collected_at, trail (first_seal, last_seal, head_seal, seals) and tables: rights,
changes, invites, roles, reviews, review_items, exclusions, duty_findings, signing_keys, deliveries,
delivery_counts, people. Addresses of members are null without member.read, those of invites and mails without
invite.read. Needs audit.read. Fails with unauthenticated, organisation_not_found, permission_denied,
invalid_settings.$$;
grant execute on function public.export_organisation_evidence to authenticated;
grant execute on function usher.export_evidence to authenticated;
