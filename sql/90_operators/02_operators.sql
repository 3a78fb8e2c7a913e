-- For operators, who sit in psql as the owner of the database: who has access to what, what is stuck, what
-- was sent, and what auditors ask. docs/sql.md says how to use it. Functions of theirs stand in
-- 07_operator_functions.sql.
--
-- Nothing here can be reached through the API: no role but the owner holds any right on it.

create view usher.access_register
  with (security_invoker = true)
  as
  select
    m.organisation_id,
    o.name as organisation,
    m.user_id,
    m.email,
    m.display_name,
    m.kind,
    h.role,
    array(
      select p.name
      from usher.permissions_of(m.organisation_id, array[h.role]) p (name)
      order by p.name
    ) as permissions,
    coalesce(g.occurred_at, m.joined_at) as since,
    g.event as granted_through,
    g.granted_by,
    a.email as granted_by_email,
    least(m.ends_at, (m.role_ends ->> h.role)::timestamptz) as until
  from usher.current_members m
    join public.organisations o on o.id = m.organisation_id
    left join lateral unnest(m.roles) h (role) on true
    -- The event by which they came to the role the last time.
    left join lateral (
      select
        e.occurred_at,
        e.event,
        coalesce(i.invited_by, e.actor_id) as granted_by
      from public.organisation_audit_events e
        left join usher.invites i on
          i.id
            = case e.event
              when 'invite.accepted' then e.target_id
              when 'device.enrolled' then (e.after ->> 'invite_id')::uuid
            end
      where
        e.organisation_id = m.organisation_id
        and case
          when e.event = 'organisation.created' then
            e.actor_id = m.user_id and h.role = 'owner'
          when e.event = 'invite.accepted' then
            e.after ->> 'user_id' = m.user_id::text
              and e.after -> 'roles' ? h.role
          -- Of two people: the new owner, and the old one, who is an admin from then on.
          when e.event = 'organisation.transferred'
            and e.before ->> 'owner_id' = m.user_id::text then
            h.role = 'admin'
          when e.event in (
            'organisation.transferred',
            'member.roles_updated',
            'member.joined',
            'join.approved',
            'device.enrolled'
          ) then
            e.target_id = m.user_id
              and e.after -> 'roles' ? h.role
              and not coalesce(e.before -> 'roles' ? h.role, false)
          else false
        end
      order by e.occurred_at desc, e.id desc
      limit 1
    ) g on true
    left join public.organisation_members a on
      a.organisation_id = m.organisation_id and a.user_id = g.granted_by;
comment on view usher.access_register
  is $$Who has access to what at this moment: a row for each role of each active member, with what the role
permits, since when they hold it and until when (null: without an end), and who gave it to them. A member without a
role is there with none. Where the trail does not know (purged, or by SQL), since is the day of joining, and nobody has
granted it.

Source: ISO/IEC 27001:2022 A.5.18, review of access rights.$$;

create view usher.stuck_deliveries
  with (security_invoker = true)
  as
  select
    case
      when d.status = 'failed' and d.in_doubt_at is not null then 'in_doubt'
      when d.status in ('failed', 'suppressed') then d.status
      when d.status = 'sending' then 'abandoned'
      when d.attempts = 0 then 'waiting'
      else 'retrying'
    end as problem,
    d.id,
    d.organisation_id,
    o.name as organisation,
    d.kind,
    d.recipient,
    d.attempts,
    d.created_at,
    d.due_at,
    d.in_doubt_at,
    d.last_status_code,
    d.last_response
  from public.organisation_deliveries d
    join public.organisations o on o.id = d.organisation_id
  where
    d.status in ('failed', 'suppressed')
    -- A worker looks every minute, so that ten are a sign of there being none.
    or d.status in ('queued', 'sending')
      and d.due_at < now() - interval '10 minutes'
    or d.status = 'queued' and d.attempts >= 3
    or d.status = 'queued'
      and d.attempts > 0
      and d.created_at < now() - interval '6 hours';
comment on view usher.stuck_deliveries
  is $$Mails that somebody should look at.

  failed      given up; last_response says what the mail server answered
  in_doubt    given up after a connection was lost twice: it may have arrived
  suppressed  not sent, because the address does not exist
  waiting     due for ten minutes, and no worker has come
  abandoned   a worker took it and did not come back, and no other has come
  retrying    refused three times or more, or for six hours, and tried again

One that an allowance or a pace delays is due later, and so is not among them: usher.delayed_deliveries.
After mending the cause: usher.requeue_deliveries.$$;

create view usher.delayed_deliveries
  with (security_invoker = true)
  as
  select
    d.id,
    d.organisation_id,
    o.name as organisation,
    d.kind,
    d.recipient,
    d.mailbox,
    d.caused_by,
    a.email as caused_by_email,
    d.is_bulk,
    d.created_at,
    d.due_at
  from public.organisation_deliveries d
    join public.organisations o on o.id = d.organisation_id
    left join public.organisation_members a on
      a.organisation_id = d.organisation_id and a.user_id = d.caused_by
  where usher.delivery_status(d.status, d.attempts, d.due_at) = 'delayed';
comment on view usher.delayed_deliveries
  is $$Mails that are more than an allowance or a pace of usher.settings lets out, and go by themselves later; due_at is
when each is looked at next. Many to one mailbox, or caused by one account: somebody may be using this project to bomb
somebody else.$$;

create view usher.expiring_invites
  with (security_invoker = true)
  as
  select
    i.id,
    i.organisation_id,
    o.name as organisation,
    i.email,
    i.device_name,
    i.roles,
    m.email as invited_by_email,
    i.issued_at,
    i.expires_at,
    i.reminded_issue = i.issue as is_reminded,
    d.status as mail
  from usher.invites i join public.organisations o on o.id = i.organisation_id
    left join public.organisation_members m on
      m.organisation_id = i.organisation_id and m.user_id = i.invited_by
    left join lateral (
      select usher.delivery_status(n.status, n.attempts, n.due_at) as status
      from public.organisation_deliveries n
      where n.invite_id = i.id and n.kind = 'invite'
      order by n.created_at desc
      limit 1
    ) d on true
  where
    i.status = 'pending'
    and i.expires_at between now() and now() + interval '2 days';
comment on view usher.expiring_invites
  is 'Pending invites that expire within two days, and what became of their mail: not sent, they cannot be accepted;
delayed, an allowance or a pace lets it out later.';

create view usher.unsealed_trails
  with (security_invoker = true)
  as
  select
    e.organisation_id,
    o.name as organisation,
    count(*) as events,
    min(e.occurred_at) as oldest_at,
    min(e.occurred_at) < now() - interval '10 minutes' as is_late
  from public.organisation_audit_events e
    left join public.organisations o on o.id = e.organisation_id
  where not exists(select from usher.sealed_events s where s.event_id = e.id)
  group by e.organisation_id, o.name;
comment on view usher.unsealed_trails
  is $$Events that no seal covers yet, by organisation. A worker seals every minute; is_late after ten: until then,
nothing would tell that one was changed.$$;

create view usher.stuck
  with (security_invoker = true)
  as
  select
    'deliveries ' || s.problem as what,
    count(*) as how_many,
    min(s.created_at) as since,
    'select * from usher.stuck_deliveries' as look_at
  from usher.stuck_deliveries s
  group by s.problem
  union all
  select
    'mail server that refuses us',
    count(*),
    min(t.refused_since),
    'select * from usher.mail_transport'
  from usher.mail_transport t
  where t.refused_since is not null
  having count(*) > 0
  union all
  select
    'invites that expire, not delivered',
    count(*),
    min(e.issued_at),
    'select * from usher.expiring_invites'
  from usher.expiring_invites e
  where e.mail in ('queued', 'sending', 'failed', 'suppressed')
  having count(*) > 0
  union all
  -- A worker looks every second, or is called every minute: ten are a sign of there being none.
  select
    'events that no worker follows',
    count(*),
    min(e.occurred_at),
    'select * from usher.outbox'
  from usher.outbox f
    join public.organisation_audit_events e on e.id = f.event_id
  where f.attempts = 0 and e.occurred_at < now() - interval '10 minutes'
  having count(*) > 0
  union all
  select
    'events that cannot be followed',
    count(*),
    min(e.occurred_at),
    'select * from usher.outbox where attempts > 0'
  from usher.outbox f
    join public.organisation_audit_events e on e.id = f.event_id
  where f.attempts >= 3
  having count(*) > 0
  union all
  select
    'events that no worker sends to webhooks',
    count(*),
    min(d.created_at),
    'select * from public.organisation_webhook_deliveries where status in (''queued'', ''sending'')'
  from public.organisation_webhook_deliveries d
  where
    d.status in ('queued', 'sending')
    and d.due_at < now() - interval '10 minutes'
  having count(*) > 0
  union all
  select
    'members that no worker tells applications of',
    count(*),
    min(c.due_at),
    'select * from public.organisation_directory_copies where status = ''waiting'''
  from public.organisation_directory_copies c
    join public.organisation_directory_endpoints e on e.id = c.endpoint_id
  where
    c.status = 'waiting'
    and c.due_at < now() - interval '10 minutes'
    and e.is_enabled
    and e.last_error is null
    -- Of thousands, the last are told late as well.
    and coalesce(e.last_success_at, e.created_at)
    < now() - interval '10 minutes'
  having count(*) > 0
  union all
  select
    'applications that no worker compares',
    count(*),
    min(e.reconcile_at),
    'select * from public.organisation_directory_endpoints where is_enabled order by reconcile_at'
  from public.organisation_directory_endpoints e
  where
    e.is_enabled
    and e.last_error is null
    and e.reconcile_at < now() - interval '10 minutes'
  having count(*) > 0
  union all
  select
    'applications that do not answer',
    count(*),
    min(coalesce(e.last_success_at, e.created_at)),
    'select * from public.organisation_directory_endpoints where is_enabled and last_error is not null'
  from public.organisation_directory_endpoints e
  where
    e.is_enabled
    and e.last_error is not null
    and coalesce(e.last_success_at, e.created_at)
    < now() - interval '10 minutes'
  having count(*) > 0
  union all
  select
    'events not sealed',
    sum(u.events)::bigint,
    min(u.oldest_at),
    'select * from usher.unsealed_trails'
  from usher.unsealed_trails u
  where u.is_late
  having count(*) > 0
  union all
  select
    'mail templates that cannot be drawn',
    count(*),
    min(t.failed_at),
    'select * from public.organisation_email_templates where failed_at is not null'
  from public.organisation_email_templates t
  where t.failed_at is not null
  having count(*) > 0
  union all
  select
    'upkeep that fails',
    count(*),
    min(f.failing_since),
    'select * from usher.upkeep_failures'
  from usher.upkeep_failures f
  having count(*) > 0
  union all
  select
    'signing key is old',
    count(*),
    min(k.created_at),
    'select usher.rotate_signing_key()'
  from usher.signing_key_states k
  where k.is_due
  having count(*) > 0;
comment on view usher.stuck
  is 'All that waits for somebody, a line a kind: what, how many, since when, and where to look. Empty is well.';

create view usher.sent_mails
  with (security_invoker = true)
  as
  select
    d.sent_at,
    d.organisation_id,
    o.name as organisation,
    d.kind,
    d.recipient,
    d.id as message_id,
    d.provider_message_id,
    d.attempts,
    d.last_response as answer,
    d.invite_id,
    d.member_id
  from public.organisation_deliveries d
    join public.organisations o on o.id = d.organisation_id
  where d.status = 'sent';
comment on view usher.sent_mails
  is $$What a mail server took, when, for whom, and what it answered. message_id is the part of the Message-ID before
the @, to be found in the logs of any mail server on the way.$$;

create view usher.audit_export
  with (security_invoker = true)
  as
  select
    e.organisation_id,
    o.name as organisation,
    e.occurred_at,
    e.id as event_id,
    e.event,
    e.actor_kind,
    e.actor_id,
    a.email as actor_email,
    e.target_kind,
    e.target_id,
    t.email as target_email,
    e.before,
    e.after,
    e.reason,
    e.ip,
    e.user_agent,
    s.seal_number,
    s.position as seal_position,
    encode(s.hash, 'hex') as event_hash,
    encode(s.personal_hash, 'hex') as personal_hash,
    e.claimed_ip
  from public.organisation_audit_events e
    left join public.organisations o on o.id = e.organisation_id
    left join public.organisation_members a on
      a.organisation_id = e.organisation_id and a.user_id = e.actor_id
    left join public.organisation_members t on
      t.organisation_id = e.organisation_id
        and t.user_id = e.target_id
        and e.target_kind = 'user'
    left join usher.sealed_events s on s.event_id = e.id;
comment on view usher.audit_export
  is $$The trail as an auditor wants it: with the addresses that people have today, and with the seal that covers each
line. An address is null for somebody who was erased. Order it by occurred_at, event_id.$$;
