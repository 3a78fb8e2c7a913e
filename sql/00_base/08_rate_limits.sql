-- Rate limits: so many of a thing within a time.

create table usher.rate_limits (
  key text not null,
  window_start timestamptz not null,
  used integer not null,
  slot smallint not null default 0,
  primary key (key, slot),
  constraint rate_limits_slot check (slot between 0 and 31)
);
comment on table usher.rate_limits
  is 'How much of an allowance is used: a thing, such as resends:<invite id>. Old rows may be deleted.';
comment on column usher.rate_limits.slot
  is 'Of an allowance that many share, which part of what is used: see usher.take_shared_allowance. Else 0.';
alter table usher.rate_limits enable row level security;
create policy rate_limits_nobody
  on usher.rate_limits
  for select
  to public
  using (false);

create function usher.fail_rate_limited(
  wait interval,
  headers jsonb default '{}'
) returns void
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_seconds text := greatest(1, ceil(extract(epoch from fail_rate_limited.wait)))::integer::text;
begin
  perform usher.fail('rate_limited', details => v_seconds,
    headers => fail_rate_limited.headers || jsonb_build_object('Retry-After', v_seconds));
end
$$;
comment on function usher.fail_rate_limited
  is 'Refuses with rate_limited; Retry-After, and details, say how many seconds to wait, at least one.';

create function usher.rate_limit_headers(
  policy text,
  allowance integer,
  remaining integer,
  period interval,
  reset interval
) returns jsonb
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return jsonb_build_object(
    'RateLimit-Policy', format('"%s";q=%s;w=%s', rate_limit_headers.policy, rate_limit_headers.allowance,
      extract(epoch from rate_limit_headers.period)::integer),
    'RateLimit', format('"%s";r=%s;t=%s', rate_limit_headers.policy, greatest(rate_limit_headers.remaining, 0),
      greatest(1, ceil(extract(epoch from rate_limit_headers.reset))::integer)));
end
$$;
comment on function usher.rate_limit_headers
  is $$The headers that say how much is left: the allowance of a period, what remains of it, and for how many
seconds. Source: draft-ietf-httpapi-ratelimit-headers.$$;

create function usher.answer_allowance(
  taken usher.rate_limits,
  allowance integer,
  period interval,
  is_secret boolean default false
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_left    interval := (answer_allowance.taken).window_start + answer_allowance.period - now();
  v_headers jsonb := case when answer_allowance.is_secret then '{}' else usher.rate_limit_headers(
    split_part((answer_allowance.taken).key, ':', 1), answer_allowance.allowance,
    answer_allowance.allowance - (answer_allowance.taken).used, answer_allowance.period, v_left) end;
begin
  if (answer_allowance.taken).used > answer_allowance.allowance then
    perform usher.fail_rate_limited(v_left, v_headers);
  elsif not answer_allowance.is_secret then
    -- PostgREST's way to set headers of the answer; nobody reads it elsewhere.
    perform set_config('response.headers',
      (select jsonb_agg(jsonb_build_object(h.key, h.value)) from jsonb_each(v_headers) h)::text, true);
  end if;
end
$$;
comment on function usher.answer_allowance
  is $$Says in the headers of the answer what is left of an allowance, unless that is_secret; fails with rate_limited
when more is taken than there is.$$;

create function usher.take_allowance(
  key text,
  amount integer,
  allowance integer,
  period interval,
  is_secret boolean default false
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_taken usher.rate_limits;
begin
  insert into usher.rate_limits as r (key, window_start, used)
  values (take_allowance.key, now(), take_allowance.amount)
  on conflict on constraint rate_limits_pkey do update
  set
    window_start = case when r.window_start + take_allowance.period <= now() then now() else r.window_start end,
    used = take_allowance.amount
      + case when r.window_start + take_allowance.period <= now() then 0 else r.used end
  returning r.* into v_taken;
  perform usher.answer_allowance(v_taken, take_allowance.allowance, take_allowance.period, take_allowance.is_secret);
end
$$;
comment on function usher.take_allowance
  is $$Counts amount against an allowance within a period that starts with the first use, and says in the headers of
the answer what is left, unless that is_secret. Fails with rate_limited when that is more than there is; nothing
is counted then. Two who take of one allowance wait for each other: see usher.take_shared_allowance.$$;

create function usher.allowance_used(
  key text,
  period interval
) returns usher.rate_limits
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_used usher.rate_limits;
begin
  select r.key, min(r.window_start), sum(r.used), count(*) into v_used
  from usher.rate_limits r
  where r.key = allowance_used.key and r.window_start + allowance_used.period > now()
  group by r.key;
  return v_used;
end
$$;
comment on function usher.allowance_used
  is $$What is used of a shared allowance in all of its slots, and in slot how many of them there are; null where its
period is over, or has not begun. See usher.take_shared_allowance.$$;

create function usher.slot_allowance(
  slot smallint,
  allowance integer,
  slots integer
) returns integer
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return case
    when slot_allowance.slot >= slot_allowance.slots then 0
    when slot_allowance.slot = 0
      then slot_allowance.allowance / slot_allowance.slots + slot_allowance.allowance % slot_allowance.slots
    else slot_allowance.allowance / slot_allowance.slots
  end;
end
$$;
comment on function usher.slot_allowance
  is 'The part of a shared allowance that is in one of its slots: all alike, and what is left over in the first.';

create function usher.take_from_slots(
  key text,
  amount integer,
  allowance integer,
  slots integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rest  integer := take_from_slots.amount;
  v_taken integer;
begin
  while v_rest > 0 loop
    -- Found once, and then written: within the update, it would be looked for anew for each row.
    with found as materialized (
      select l.slot,
        least(v_rest, usher.slot_allowance(l.slot, take_from_slots.allowance, take_from_slots.slots) - l.used) as taken
      from usher.rate_limits l
      where l.key = take_from_slots.key
        and l.used < usher.slot_allowance(l.slot, take_from_slots.allowance, take_from_slots.slots)
      -- Little is taken from the front and much from the back, so that they do not meet.
      order by case when take_from_slots.amount > 20 then - l.slot else l.slot end
      limit 1
      for update skip locked
    )
    update usher.rate_limits r
    set used = r.used + s.taken
    from found s
    where r.key = take_from_slots.key and r.slot = s.slot
    returning s.taken into v_taken;
    exit when not found;
    v_rest := v_rest - v_taken;
  end loop;
  return v_rest;
end
$$;
comment on function usher.take_from_slots
  is $$Takes what it can of an allowance that is parted among slots, out of those that nobody else is writing. Returns
what is still to be taken.$$;

create function usher.take_shared_allowance(
  key text,
  amount integer,
  allowance integer,
  period interval
) returns usher.rate_limits
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- Small ones are not worth parting.
  v_slots constant integer := least(32, greatest(1, take_shared_allowance.allowance / 20));
  v_used  usher.rate_limits := usher.allowance_used(take_shared_allowance.key, take_shared_allowance.period);
  v_rest  integer := take_shared_allowance.amount;
begin
  -- The first of a period, or of a larger allowance than before.
  if coalesce(v_used.slot, 0) < v_slots then
    insert into usher.rate_limits (key, window_start, used, slot)
    select take_shared_allowance.key, coalesce(v_used.window_start, now()), 0, s
    from generate_series(0, v_slots - 1) s
    order by s
    on conflict on constraint rate_limits_pkey do nothing;
    perform from usher.rate_limits r where r.key = take_shared_allowance.key order by r.slot for update;
    v_used := usher.allowance_used(take_shared_allowance.key, take_shared_allowance.period);
    update usher.rate_limits r
    set window_start = coalesce(v_used.window_start, now()), used = 0
    where r.key = take_shared_allowance.key and r.window_start + take_shared_allowance.period <= now();
  end if;

  -- Where it was larger before, some may hold more than their part, and what the others have is not theirs to give.
  if not exists (
    select from usher.rate_limits r
    where r.key = take_shared_allowance.key
      and r.used > usher.slot_allowance(r.slot, take_shared_allowance.allowance, v_slots))
  then
    -- Of one, nothing can be kept while waiting for the rest, and nothing has to be given back.
    if v_rest = 1 then
      v_rest := usher.take_from_slots(take_shared_allowance.key, 1, take_shared_allowance.allowance, v_slots);
    else
    begin
      v_rest := usher.take_from_slots(take_shared_allowance.key, v_rest, take_shared_allowance.allowance, v_slots);
      if v_rest between 1 and take_shared_allowance.amount - 1 then
        raise sqlstate 'UPART';
      end if;
    exception
      -- Given back: two who keep what they have and wait for the rest would wait for each other.
      when sqlstate 'UPART' then
        v_rest := take_shared_allowance.amount;
    end;
    end if;
  end if;
  if v_rest > 0 then
    -- Those that are left are being written: near the end of it, and of a small one always, one waits for the other.
    perform from usher.rate_limits r where r.key = take_shared_allowance.key order by r.slot for update;
    v_rest := usher.take_from_slots(take_shared_allowance.key, v_rest, take_shared_allowance.allowance, v_slots);
  end if;
  v_used := usher.allowance_used(take_shared_allowance.key, take_shared_allowance.period);
  v_used.used := v_used.used + v_rest;
  perform usher.answer_allowance(v_used, take_shared_allowance.allowance, take_shared_allowance.period);
  return v_used;
end
$$;
comment on function usher.take_shared_allowance
  is $$usher.take_allowance where many take of one allowance at once, as all who invite in an organisation do: it is
parted among up to 32 slots, and each takes out of those that nobody else is writing. Only for what may be the last of
it, one waits for the other. As exact as one row.

Returns what is used now, as usher.allowance_used does. Fails with rate_limited.$$;
