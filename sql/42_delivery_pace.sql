-- Pace: no more mails a minute to one domain, and of one organisation, than the project's settings allow.
--
-- Each mail gets a place in two lines when it first comes up, its organisation's and its recipient's domain's,
-- and is due at the later of the two. Bulk mails stand in lines of their own, so that a single one does not
-- wait behind ten thousand. This is a leaky bucket: per line one time is kept, that of the next free place.

create table usher.mail_pace (
  line         text primary key,
  next_free_at timestamptz not null
);
comment on table usher.mail_pace is
  'When the next place is free in a line, such as domain:example.com. Old rows may be deleted.';
alter table usher.mail_pace enable row level security;
create policy mail_pace_nobody on usher.mail_pace for select to public using (false);

create function usher.pace_deliveries(batch_size integer default 1000)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_to_domain       integer;
  v_of_organisation integer;
begin
  select s.mails_per_minute_to_domain, s.mails_per_minute_of_organisation
  into strict v_to_domain, v_of_organisation
  from usher.settings s;
  if num_nonnulls(v_to_domain, v_of_organisation) = 0 then
    return false;
  end if;

  with waiting as materialized (
    select d.id, d.is_bulk, d.due_at, d.recipient, d.organisation_id
    from public.organisation_deliveries d
    where d.status = 'queued' and not d.is_paced and d.due_at <= clock_timestamp()
    order by d.is_bulk, d.due_at
    limit pace_deliveries.batch_size
    for update skip locked
  ),
  standing as materialized (
    select w.id, l.line, l.step, row_number() over (partition by l.line order by w.due_at, w.id) as rank
    from waiting w
    cross join lateral (values
      ('domain:' || usher.email_domain(w.recipient), interval '1 minute' / v_to_domain),
      ('organisation:' || w.organisation_id, interval '1 minute' / v_of_organisation)
    ) b (base, step)
    cross join lateral (
      select case when w.is_bulk then 'bulk:' else 'single:' end || b.base, b.step) l (line, step)
    where l.line is not null and l.step is not null
  ),
  line as (
    insert into usher.mail_pace as p (line, next_free_at)
    select s.line, clock_timestamp() + count(*) * min(s.step)
    from standing s
    group by s.line
    -- In one order, so that two workers never wait for each other.
    order by s.line
    on conflict on constraint mail_pace_pkey do update
    set next_free_at = greatest(p.next_free_at, clock_timestamp()) + (excluded.next_free_at - clock_timestamp())
    returning p.line, p.next_free_at
  ),
  place as (
    select s.id, max(l.next_free_at - s.step * (t.total - s.rank + 1)) as at
    from standing s
    join line l on l.line = s.line
    join (select s.line, count(*) as total from standing s group by s.line) t on t.line = s.line
    group by s.id
  )
  update public.organisation_deliveries d
  set is_paced = true, due_at = greatest(d.due_at, p.at)
  from waiting w
  left join place p on p.id = w.id
  where d.id = w.id;
  return true;
end
$$;
comment on function usher.pace_deliveries is
$$Gives mails that have come up their places in line. Called before each lease.

Returns whether there is a pace at all: mails_per_minute_to_domain or mails_per_minute_of_organisation is set.$$;
