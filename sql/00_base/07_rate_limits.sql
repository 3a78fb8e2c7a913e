-- Rate limits: so many of a thing within a time.

create table usher.rate_limits (
  key text primary key,
  window_start timestamptz not null,
  used integer not null
);
comment on table usher.rate_limits
  is 'How much of an allowance is used: one row a thing, such as resends:<invite id>. Old rows may be deleted.';
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
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select jsonb_build_object(
    'RateLimit-Policy', format('"%s";q=%s;w=%s', $1, $2, extract(epoch from $4)::integer),
    'RateLimit', format('"%s";r=%s;t=%s', $1, greatest($3, 0), greatest(1, ceil(extract(epoch from $5))::integer)))
$$;
comment on function usher.rate_limit_headers
  is $$The headers that say how much is left: the allowance of a period, what remains of it, and for how many
seconds. Source: draft-ietf-httpapi-ratelimit-headers.$$;

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
  v_limit   usher.rate_limits;
  v_left    interval;
  v_headers jsonb;
begin
  insert into usher.rate_limits as r (key, window_start, used)
  values (take_allowance.key, now(), take_allowance.amount)
  on conflict on constraint rate_limits_pkey do update
  set
    window_start = case when r.window_start + take_allowance.period <= now() then now() else r.window_start end,
    used = take_allowance.amount
      + case when r.window_start + take_allowance.period <= now() then 0 else r.used end
  returning r.* into v_limit;

  v_left := v_limit.window_start + take_allowance.period - now();
  v_headers := case when take_allowance.is_secret then '{}' else usher.rate_limit_headers(
    split_part(take_allowance.key, ':', 1), take_allowance.allowance,
    take_allowance.allowance - v_limit.used, take_allowance.period, v_left) end;
  if v_limit.used > take_allowance.allowance then
    perform usher.fail_rate_limited(v_left, v_headers);
  elsif not take_allowance.is_secret then
    -- PostgREST's way to set headers of the answer; nobody reads it elsewhere.
    perform set_config('response.headers',
      (select jsonb_agg(jsonb_build_object(h.key, h.value)) from jsonb_each(v_headers) h)::text, true);
  end if;
end
$$;
comment on function usher.take_allowance
  is $$Counts amount against an allowance within a period that starts with the first use, and says in the headers of
the answer what is left, unless that is_secret. Fails with rate_limited when that is more than there is; nothing
is counted then.$$;
