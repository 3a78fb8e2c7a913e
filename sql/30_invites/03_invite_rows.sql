-- Invite rows: what is judged of each row of a batch of invites, before any of it is written.

create type public.organisation_invite_result as (
  row_number integer,
  email text,
  status text,
  invite_id uuid,
  error_code text,
  error_details text
);
comment on type public.organisation_invite_result
  is 'What became of one row: created with its id, or failed with a code, and what stood in the way.';

create function usher.invite_lifetime(
  expires_in text,
  organisation_ttl interval
) returns interval
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_lifetime interval := organisation_ttl;
begin
  if length(expires_in) > 100 then
    return null;
  elsif expires_in is not null then
    v_lifetime := expires_in::interval;
  end if;
  return case when usher.is_span(v_lifetime, '1 hour', '30 days') then v_lifetime end;
exception
  when invalid_datetime_format or datetime_field_overflow or interval_field_overflow then
    return null;
end
$$;
comment on function usher.invite_lifetime
  is 'The lifetime asked for, or the organisation''s; null when it is no interval from 1 hour to 30 days.';

create function usher.invite_end(
  lifetime interval,
  membership_ends_at timestamptz
) returns timestamptz
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Whoever accepted after the end of the membership would be no member.
  return least(date_trunc('second', now() + invite_end.lifetime), invite_end.membership_ends_at);
end
$$;
comment on function usher.invite_end
  is 'Until when an invite that is sent now can be answered.';

create function usher.recipient_problems(
  organisation_id uuid,
  emails text[]
) returns table (email text, problem text, invite_id uuid)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Address by address, each by an index: an organisation may have many more members than are asked for.
  return query
    select a.email,
      case
        when cardinality(o.allowed_email_domains) > 0
          and usher.email_domain(a.email) <> all (o.allowed_email_domains) then 'domain_not_allowed'
        else (
          select case when usher.has_sanction(o.id, a.email, 'banned') then 'member_banned'
            when bool_or(m.status = 'active' and coalesce(m.ends_at > statement_timestamp(), true))
            then 'already_member' end
          from public.organisation_members m
          where m.organisation_id = o.id and m.email = a.email)
      end,
      (select i.id from usher.invites i
        where i.organisation_id = o.id and i.email = a.email and i.status = 'pending')
    from (select distinct e as email from unnest(recipient_problems.emails) e) a
    join public.organisations o on o.id = recipient_problems.organisation_id;
end
$$;
comment on function usher.recipient_problems
  is $$For each of these addresses, why it may not be sent an invite of this organisation: domain_not_allowed,
member_banned, already_member; null when it may. invite_id is its open invite, if it has one.$$;

create function usher.require_room_for_invites(
  organisation_id uuid,
  day usher.rate_limits
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_base  record;
  v_limit integer;
  v_open  integer;
begin
  -- Counting tens of thousands for each invite would cost more than all else: they are counted once a day, and what was
  -- made since is added to that. Only where that is too many, they are counted again.
  select l.* into v_base from usher.rate_limits l
  where l.key = 'open_invites:' || require_room_for_invites.organisation_id;
  select l.at_most into strict v_limit from usher.tenant_limits('open invites') l;
  if v_base.window_start = (require_room_for_invites.day).window_start
    and v_base.used + (require_room_for_invites.day).used <= v_limit
  then
    return;
  end if;

  perform usher.require_room('open invites', require_room_for_invites.organisation_id, more => 0);
  select count(*)::integer into v_open
  from usher.invites i
  where i.organisation_id = require_room_for_invites.organisation_id and i.status = 'pending';
  insert into usher.rate_limits as r (key, window_start, used)
  values ('open_invites:' || require_room_for_invites.organisation_id, (require_room_for_invites.day).window_start,
    v_open - (require_room_for_invites.day).used)
  on conflict on constraint rate_limits_pkey do update
  set window_start = excluded.window_start, used = excluded.used;
end
$$;
comment on function usher.require_room_for_invites
  is $$Fails with invalid_settings when an organisation has more open invites than usher.tenant_limits allows, but for
what others are making at this moment. Called once the invites are there.

  day  what usher.take_shared_allowance said of the invites of the day$$;
