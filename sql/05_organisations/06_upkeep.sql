-- Upkeep: what workers do from time to time for all organisations, each organisation on its own.
--
-- A step is a function that workers call every minute. It finds what is due, of each organisation one before the
-- second of any, and hands it over organisation by organisation to the function of the same name that ends in _of.
-- What fails there is undone for that one organisation, written down here, and tried again after a while; the others
-- go on. So it is with an organisation that is locked at that moment.

create table usher.upkeep_failures (
  id uuid primary key default gen_random_uuid(),
  step text not null,
  organisation_id uuid,
  failing_since timestamptz not null default now(),
  failed_at timestamptz not null default now(),
  times integer not null default 1,
  retry_at timestamptz not null default now(),
  error text not null,
  constraint upkeep_failures_key unique nulls not distinct (
    step,
    organisation_id
  )
);
comment on table usher.upkeep_failures
  is $$What upkeep could not do, for whom, and why: a line goes when the step has been done, or a day after the last
failure. usher.stuck shows them. No foreign key, because a trail outlives its organisation.$$;
comment on column usher.upkeep_failures.organisation_id
  is 'Null: the step is about no single organisation.';
comment on column usher.upkeep_failures.retry_at
  is 'The organisation is left out of the step until then: a minute, two, four … an hour.';
comment on column usher.upkeep_failures.error
  is 'SQLSTATE and message, without the values of the row.';
alter table usher.upkeep_failures enable row level security;
create policy upkeep_failures_nobody
  on usher.upkeep_failures
  for select
  to public
  using (false);

create type usher.upkeep_item as (
  organisation_id uuid,
  id uuid
);
comment on type usher.upkeep_item
  is 'What is due in a step: a thing of an organisation; without an id, the organisation as a whole.';

create function usher.resting_organisations(step text) returns setof uuid
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select f.organisation_id from usher.upkeep_failures f
    where f.step = resting_organisations.step and f.organisation_id is not null and f.retry_at > now();
end
$$;
comment on function usher.resting_organisations
  is 'For whom a step has failed, and whose next try is not due yet.';

create function usher.run_upkeep(
  step text,
  items usher.upkeep_item[],
  batch_size integer default null
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  -- Whoever holds an organisation locked holds up this much of the upkeep of the others.
  set lock_timeout = '500ms'
  as $$
declare
  v_tenant record;
  v_state  text;
  v_error  text;
  v_count  integer;
  v_total  integer := 0;
begin
  -- Of an organisation for which nothing is due any more.
  delete from usher.upkeep_failures f
  where f.ctid = any (array(
    select o.ctid from usher.upkeep_failures o
    where o.step = run_upkeep.step and o.failed_at < now() - interval '1 day'
    for update skip locked));

  for v_tenant in
    select i.organisation_id, array_agg(i.id order by i.n) as ids
    from unnest(run_upkeep.items) with ordinality i (organisation_id, id, n)
    group by i.organisation_id
    order by min(i.n)
  loop
    -- Another worker is at it.
    continue when not pg_try_advisory_xact_lock(
      hashtextextended('usher upkeep ' || concat_ws(' ', run_upkeep.step, v_tenant.organisation_id), 0));
    -- The organisation first, as in every change; one that is being deleted needs no upkeep. A trail outlives its own.
    perform from public.organisations o where o.id = v_tenant.organisation_id for key share skip locked;
    continue when not found and exists (
      select from public.organisations o where o.id = v_tenant.organisation_id);
    begin
      execute format('select usher.%I($1, $2, $3)', run_upkeep.step || '_of')
      into strict v_count
      using v_tenant.organisation_id, v_tenant.ids, run_upkeep.batch_size;
      v_total := v_total + v_count;
      delete from usher.upkeep_failures f
      where f.step = run_upkeep.step and f.organisation_id is not distinct from v_tenant.organisation_id;
    exception
      when others then
        get stacked diagnostics v_state = returned_sqlstate, v_error = message_text;
        raise warning 'Upkeep % failed for organisation %: % %',
          run_upkeep.step, v_tenant.organisation_id, v_state, v_error;
        insert into usher.upkeep_failures as f (step, organisation_id, retry_at, error)
        values (run_upkeep.step, v_tenant.organisation_id,
          now() + case when v_state <> '55P03' then interval '1 minute' else interval '0' end,
          left(v_state || ' ' || v_error, 500))
        on conflict on constraint upkeep_failures_key do update
        set failed_at = now(), times = f.times + 1, error = excluded.error,
          -- One that was only locked is looked at the next time.
          retry_at = case when v_state = '55P03' then now()
            else now() + least(interval '1 hour', interval '1 minute' * 2 ^ least(f.times, 6)) end;
    end;
  end loop;
  return v_total;
end
$$;
comment on function usher.run_upkeep
  is $$Does what is due in a step, organisation by organisation, by the function that is called as the step with _of
at the end: (organisation_id, ids, batch_size), which returns how much it did. What fails, or has to wait for a lock
for longer than half a second, is undone for that organisation alone and noted in usher.upkeep_failures.

  step        the function that was called, such as expire_due_invites
  items       what is due, in the order in which it is to be done; none of whoever is resting
  batch_size  handed on

Returns how much was done in all.$$;
