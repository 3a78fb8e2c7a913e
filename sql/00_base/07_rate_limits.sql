-- Rate limits: so many of a thing within a time.

create table usher.rate_limits (
  key text not null,
  window_start timestamptz not null,
  used integer not null,
  slot smallint not null default 0,
  primary key (key, slot),
  constraint rate_limits_slot check (slot between 0 and 15)
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
period is over, or has not begun.$$;

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
  v_slots  constant integer := 16;
  v_most   constant integer := 20;
  -- As much as others may be taking at this moment, which nobody sees before they commit.
  v_unseen constant integer := (v_slots - 1) * v_most;
  v_taken  usher.rate_limits := usher.allowance_used(take_shared_allowance.key, take_shared_allowance.period);
begin
  if take_shared_allowance.amount <= v_most
    and v_taken.used + take_shared_allowance.amount + v_unseen <= take_shared_allowance.allowance
  then
    update usher.rate_limits r
    set used = r.used + take_shared_allowance.amount
    where r.key = take_shared_allowance.key and r.slot = (
      select s.slot from usher.rate_limits s
      where s.key = take_shared_allowance.key
      order by s.slot
      limit 1
      for update skip locked);
    if found then
      -- Seen anew, now that no more than the other slots can change.
      v_taken := usher.allowance_used(take_shared_allowance.key, take_shared_allowance.period);
      if v_taken.used + v_unseen > take_shared_allowance.allowance then
        perform usher.fail('try_again', headers => '{"Retry-After": "1"}');
      end if;
      perform usher.answer_allowance(v_taken, take_shared_allowance.allowance, take_shared_allowance.period);
      return v_taken;
    end if;
  end if;

  -- Many at once, near the end of it, or the first: alone, so that it is exact.
  if v_taken.slot is distinct from v_slots then
    insert into usher.rate_limits (key, window_start, used, slot)
    select take_shared_allowance.key, coalesce(v_taken.window_start, now()), 0, s
    from generate_series(0, v_slots - 1) s
    order by s
    on conflict on constraint rate_limits_pkey do nothing;
  end if;
  perform from usher.rate_limits r where r.key = take_shared_allowance.key order by r.slot for update;
  v_taken := usher.allowance_used(take_shared_allowance.key, take_shared_allowance.period);
  if v_taken.slot is distinct from v_slots then
    update usher.rate_limits r set window_start = now(), used = 0 where r.key = take_shared_allowance.key;
  end if;
  update usher.rate_limits r set used = r.used + take_shared_allowance.amount
  where r.key = take_shared_allowance.key and r.slot = 0;
  v_taken := usher.allowance_used(take_shared_allowance.key, take_shared_allowance.period);
  perform usher.answer_allowance(v_taken, take_shared_allowance.allowance, take_shared_allowance.period);
  return v_taken;
end
$$;
comment on function usher.take_shared_allowance
  is $$usher.take_allowance where many take a little of one allowance at once, as all who invite in an organisation do:
what is used is kept in 16 slots, and whoever takes at most 20 writes the first that nobody else is writing. Whoever
takes more, or what may be the last of it, waits for the others, and is waited for; so it is as exact as one row.

Returns what is used now, as usher.allowance_used does. Fails with rate_limited, and with try_again where others took
what was left at the very moment.$$;
