-- Metrics of invites: exact, counted from the rows themselves.

create type public.organisation_invite_metrics as (
  created bigint,
  pending bigint,
  accepted bigint,
  declined bigint,
  revoked bigint,
  expired bigint,
  acceptance_rate numeric,
  median_hours_to_accept numeric,
  mails_sent bigint,
  delivery_rate numeric,
  bounce_rate numeric,
  days jsonb
);
comment on type public.organisation_invite_metrics
  is 'Counts and rates of invites over a time, as organisation_invite_metrics returns them.';

create function usher.invite_metrics(
  organisation_id uuid,
  since timestamptz,
  until timestamptz
) returns public.organisation_invite_metrics
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_since   timestamptz := coalesce(invite_metrics.since, now() - interval '30 days');
  v_until   timestamptz := coalesce(invite_metrics.until, now());
  v_metrics public.organisation_invite_metrics;
begin
  perform usher.require_permission(invite_metrics.organisation_id, 'invite.read');
  if v_until <= v_since or v_until - v_since > interval '5 years' then
    perform usher.fail('invalid_settings', hint => 'until lies after since, by at most five years.');
  end if;

  select
    count(*),
    count(*) filter (where i.status = 'pending'),
    count(*) filter (where i.status = 'accepted'),
    count(*) filter (where i.status = 'declined'),
    count(*) filter (where i.status = 'revoked'),
    count(*) filter (where i.status = 'expired'),
    round(count(*) filter (where i.status = 'accepted')::numeric
      / nullif(count(*) filter (where i.status <> 'pending'), 0), 4),
    round(percentile_cont(0.5) within group (
      order by extract(epoch from i.accepted_at - i.created_at) / 3600)::numeric, 2)
  into v_metrics.created, v_metrics.pending, v_metrics.accepted, v_metrics.declined, v_metrics.revoked,
    v_metrics.expired, v_metrics.acceptance_rate, v_metrics.median_hours_to_accept
  from public.organisation_invites i
  where i.organisation_id = invite_metrics.organisation_id
    and i.created_at >= v_since and i.created_at < v_until;

  select
    count(*) filter (where d.sent_at is not null),
    round(count(*) filter (where d.status in ('sent', 'delivered', 'opened', 'complained'))::numeric
      / nullif(count(*), 0), 4),
    round(count(*) filter (where d.status in ('failed', 'suppressed', 'bounced'))::numeric / nullif(count(*), 0), 4)
  into v_metrics.mails_sent, v_metrics.delivery_rate, v_metrics.bounce_rate
  from public.organisation_deliveries d
  where d.organisation_id = invite_metrics.organisation_id
    and d.kind = 'invite' and d.status in ('sent', 'failed', 'suppressed')
    and d.created_at >= v_since and d.created_at < v_until;

  -- What happened on which day, in UTC, of all invites: also of those made before.
  select coalesce(jsonb_agg(jsonb_build_object(
      'day', e.day, 'created', e.created, 'accepted', e.accepted, 'declined', e.declined,
      'revoked', e.revoked, 'expired', e.expired) order by e.day), '[]')
  into v_metrics.days
  from (
    select (h.at at time zone 'UTC')::date as day,
      count(*) filter (where h.what = 'created') as created,
      count(*) filter (where h.what = 'accepted') as accepted,
      count(*) filter (where h.what = 'declined') as declined,
      count(*) filter (where h.what = 'revoked') as revoked,
      count(*) filter (where h.what = 'expired') as expired
    from (
      -- Two ranges of two indexes, invites_newest and invites_ended: what lies before them is not read.
      select 'created' as what, i.created_at as at
      from usher.invites i
      where i.organisation_id = invite_metrics.organisation_id
        and i.created_at >= v_since and i.created_at < v_until
      union all
      select i.status, coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at)
      from public.organisation_invites i
      where i.organisation_id = invite_metrics.organisation_id
        and i.created_at < v_until and i.status <> 'pending'
        and coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at) >= v_since
        and coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at) < v_until
    ) h
    group by 1
  ) e;
  return v_metrics;
end
$$;
comment on function usher.invite_metrics
  is 'The rule behind public.organisation_invite_metrics.';

create function public.organisation_invite_metrics(
  organisation_id uuid,
  since timestamptz default null,
  until timestamptz default null
) returns public.organisation_invite_metrics
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.invite_metrics($1, $2, $3) $$;
comment on function public.organisation_invite_metrics
  is $$How invites fare, exactly, from the rows.

  since, until  the time in which invites were made: from since on, before until; without them, the last 30
                days; at most five years

Returns counts by state as they are now; acceptance_rate, of those no longer pending; the median of hours
from making to accepting; mails sent, and the shares of mails delivered and bounced (0 to 1, null when there
are none); days: for each day in UTC on which something happened, how many were created, accepted, declined,
revoked and expired. Needs invite.read. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings.$$;
grant execute on function public.organisation_invite_metrics to authenticated;
grant execute on function usher.invite_metrics to authenticated;
