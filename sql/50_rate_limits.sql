-- Rate limits: so many of a thing within a time.

create table usher.rate_limits (
  key          text primary key,
  window_start timestamptz not null,
  used         integer not null
);
comment on table usher.rate_limits is
  'How much of an allowance is used: one row a thing, such as resends:<invite id>. Old rows may be deleted.';
alter table usher.rate_limits enable row level security;
create policy rate_limits_nobody on usher.rate_limits for select to public using (false);

create function usher.fail_rate_limited(wait interval)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_seconds text := greatest(1, ceil(extract(epoch from fail_rate_limited.wait)))::integer::text;
begin
  perform usher.fail('rate_limited',
    details => v_seconds, headers => jsonb_build_object('Retry-After', v_seconds));
end
$$;
comment on function usher.fail_rate_limited is
  'Refuses with rate_limited; Retry-After, and details, say how many seconds to wait, at least one.';

create function usher.take_allowance(key text, amount integer, allowance integer, period interval)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_limit usher.rate_limits;
begin
  insert into usher.rate_limits as r (key, window_start, used)
  values (take_allowance.key, now(), take_allowance.amount)
  on conflict on constraint rate_limits_pkey do update
  set
    window_start = case when r.window_start + take_allowance.period <= now() then now() else r.window_start end,
    used = take_allowance.amount
      + case when r.window_start + take_allowance.period <= now() then 0 else r.used end
  returning r.* into v_limit;

  if v_limit.used > take_allowance.allowance then
    perform usher.fail_rate_limited(v_limit.window_start + take_allowance.period - now());
  end if;
end
$$;
comment on function usher.take_allowance is
$$Counts amount against an allowance within a period that starts with the first use. Fails with
rate_limited when that is more than there is; nothing is counted then.$$;
