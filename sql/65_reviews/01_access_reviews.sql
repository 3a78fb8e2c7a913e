-- Access reviews: campaigns in which every right is confirmed or withdrawn.
--
-- open ─▶ completed (every right is answered) │ closed (by hand, with what was left open).
-- Each role of each active member is an item: who holds what, since when, given by whom. Nobody answers for
-- their own rights, unless nobody else could. To withdraw is to take the role away by the ordinary rule.
-- Reading needs access_review.manage or audit.read.
--
-- Sources: Implementing Regulation (EU) 2024/2690, annex 11.2.3 (rights are reviewed at planned intervals and
-- the results documented); ISO/IEC 27001:2022 A.5.18.

create table public.organisation_access_reviews (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  title text not null,
  status text not null default 'open',
  due_at timestamptz not null,
  started_at timestamptz not null default now(),
  started_by uuid,
  ended_at timestamptz,
  closed_by uuid,
  closed_reason text,
  reminded_at timestamptz,
  constraint organisation_access_reviews_title check (
    usher.clean_line(title, 100) = title
  ),
  constraint organisation_access_reviews_status check (
    status in ('open', 'completed', 'closed')
  ),
  constraint organisation_access_reviews_ended check (
    (status = 'open') = (ended_at is null)
  ),
  constraint organisation_access_reviews_closed check (
    status = 'closed' or closed_reason is null
  ),
  constraint organisation_access_reviews_bounds check (
    length(title) <= 100
      and length(closed_reason) <= 500
      and due_at
        between timestamptz '2000-01-01T00:00:00Z'
        and timestamptz '9999-12-31T23:59:59.999999Z'
  )
);
comment on table public.organisation_access_reviews
  is 'Reviews of who may do what. Read with access_review.manage or audit.read; written by functions only.';
comment on column public.organisation_access_reviews.due_at
  is 'By when it should be done; a later answer counts as well.';
comment on column public.organisation_access_reviews.started_by
  is 'Who started it; no foreign key, because it outlives the account. Null: an operator.';
comment on column public.organisation_access_reviews.ended_at
  is 'When the last right was answered, or when it was closed by hand.';
comment on column public.organisation_access_reviews.reminded_at
  is 'When reviewers were told that it is overdue; once.';

create index organisation_access_reviews_newest
  on public.organisation_access_reviews (
  organisation_id,
  started_at desc,
  id desc
);
create index organisation_access_reviews_open
  on public.organisation_access_reviews (due_at)
  where status = 'open';

create table public.organisation_access_review_items (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  review_id uuid not null references public.organisation_access_reviews
    on delete cascade,
  user_id uuid not null,
  role text not null,
  granted_at timestamptz not null,
  granted_by uuid,
  decision text,
  reason text,
  decided_at timestamptz,
  decided_by uuid,
  constraint organisation_access_review_items_right unique (
    review_id,
    user_id,
    role
  ),
  constraint organisation_access_review_items_decision check (
    decision in ('confirmed', 'withdrawn', 'lapsed')
  ),
  constraint organisation_access_review_items_decided check (
    (decision is null) = (decided_at is null)
  ),
  constraint organisation_access_review_items_withdrawn_for_a_reason check (
    decision is distinct from 'withdrawn' or reason is not null
  ),
  constraint organisation_access_review_items_bounds check (
    length(role) <= 63 and length(reason) <= 500
  )
);
comment on table public.organisation_access_review_items
  is 'The rights that a review asks about, one a row. Read with access_review.manage or audit.read.';
comment on column public.organisation_access_review_items.user_id
  is 'Who held the role when the review started; no foreign key, because it outlives the account.';
comment on column public.organisation_access_review_items.granted_by
  is 'Who gave it to them; null where the trail does not say.';
comment on column public.organisation_access_review_items.decision
  is 'confirmed; withdrawn: the reviewer took the role away; lapsed: it went before anybody answered; null: open.';

create index organisation_access_review_items_organisation_id
  on public.organisation_access_review_items (organisation_id);
create index organisation_access_review_items_open
  on public.organisation_access_review_items (organisation_id, user_id)
  where decision is null;

alter table public.organisation_access_reviews enable row level security;
create policy organisation_access_reviews_select
  on public.organisation_access_reviews
  for select
  to authenticated
  using (
    organisation_id in (
        select usher.organisations_where('access_review.manage')
      )
      or organisation_id in (select usher.organisations_where('audit.read'))
  );
grant select on public.organisation_access_reviews to authenticated, service_role;

alter table public.organisation_access_review_items enable row level security;
create policy organisation_access_review_items_select
  on public.organisation_access_review_items
  for select
  to authenticated
  using (
    organisation_id in (
        select usher.organisations_where('access_review.manage')
      )
      or organisation_id in (select usher.organisations_where('audit.read'))
  );
grant select on public.organisation_access_review_items to authenticated, service_role;

create function usher.reviewers(
  organisation_id uuid
) returns setof public.organisation_members
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select m.*
    from usher.current_members m
    where m.organisation_id = reviewers.organisation_id
      and usher.permits(m.organisation_id, m.roles, 'access_review.manage');
end
$$;
comment on function usher.reviewers
  is 'The active members who may answer a review: those with access_review.manage.';

create function usher.complete_access_review(review_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_review public.organisation_access_reviews;
begin
  update public.organisation_access_reviews r
  set status = 'completed', ended_at = now()
  where r.id = complete_access_review.review_id and r.status = 'open'
    and not exists (
      select from public.organisation_access_review_items i where i.review_id = r.id and i.decision is null)
  returning r.* into v_review;
  if found then
    perform usher.record_event(v_review.organisation_id, 'access_review.completed', 'access_review', v_review.id,
      after => usher.review_results(v_review.id));
  end if;
end
$$;
comment on function usher.complete_access_review
  is 'Ends a review, which its caller has locked, once nothing in it is open any more.';

create function usher.review_results(review_id uuid) returns jsonb
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select jsonb_build_object(
    'confirmed', count(*) filter (where i.decision = 'confirmed'),
    'withdrawn', count(*) filter (where i.decision = 'withdrawn'),
    'lapsed',    count(*) filter (where i.decision = 'lapsed'),
    'open',      count(*) filter (where i.decision is null))
  from public.organisation_access_review_items i
  where i.review_id = review_results.review_id
$$;
comment on function usher.review_results
  is 'How many rights of a review were answered in which way.';

-- A right that goes while a review is open, in whichever way, needs no answer any more.
create function usher.tg_organisation_members__lapse_review_items() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_review_id uuid;
begin
  -- When the organisation itself is deleted, its reviews go as well.
  if tg_op = 'DELETE' and not exists (select from public.organisations o where o.id = old.organisation_id) then
    return null;
  end if;
  for v_review_id in
    select distinct i.review_id
    from public.organisation_access_review_items i
    join public.organisation_access_reviews r on r.id = i.review_id and r.status = 'open'
    where i.organisation_id = old.organisation_id and i.user_id = old.user_id and i.decision is null
    order by i.review_id
  loop
    perform from public.organisation_access_reviews r where r.id = v_review_id for update;
    update public.organisation_access_review_items i
    set decision = 'lapsed', decided_at = now()
    where i.review_id = v_review_id and i.user_id = old.user_id and i.decision is null
      and (tg_op = 'DELETE' or new.status <> 'active' or i.role <> all (new.roles));
    perform usher.complete_access_review(v_review_id);
  end loop;
  return null;
end
$$;
comment on function usher.tg_organisation_members__lapse_review_items
  is 'Takes rights that are gone out of what open reviews still ask about.';

create trigger usher_lapse_review_items
  after update of roles, status
  on public.organisation_members
  for each row
  when (old.roles is distinct from new.roles or old.status <> new.status)
  execute function usher.tg_organisation_members__lapse_review_items();

create trigger usher_lapse_review_items_of_deleted
  after delete
  on public.organisation_members
  for each row
  execute function usher.tg_organisation_members__lapse_review_items();

create function usher.review_facts(review_id uuid) returns jsonb
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select jsonb_build_object('review', r.title, 'review_id', r.id, 'due_at', r.due_at,
    'actor_name', a.display_name, 'actor_email', a.email)
  from public.organisation_access_reviews r
  left join public.organisation_members a
    on a.organisation_id = r.organisation_id and a.user_id = r.started_by
  where r.id = review_facts.review_id
$$;
comment on function usher.review_facts is 'What mails say of a review.';

create function usher.remind_overdue_reviews_of(
  organisation_id uuid,
  ids uuid[],
  batch_size integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_review   public.organisation_access_reviews;
  v_reminded integer := 0;
begin
  for v_review in
    update public.organisation_access_reviews r
    set reminded_at = now()
    where r.id = any (remind_overdue_reviews_of.ids)
      and r.organisation_id = remind_overdue_reviews_of.organisation_id
      and r.status = 'open' and r.reminded_at is null
    returning r.*
  loop
    update public.organisation_access_reviews r set reminded_at = now() where r.id = v_review.id;
    perform usher.record_event(v_review.organisation_id, 'access_review.overdue', 'access_review', v_review.id,
      after => usher.review_results(v_review.id), actor_kind => 'worker');
    v_reminded := v_reminded + 1;
  end loop;
  return v_reminded;
end
$$;
comment on function usher.remind_overdue_reviews_of
  is 'usher.remind_overdue_reviews for these reviews of one organisation.';

create function usher.remind_overdue_reviews(
  batch_size integer default 1000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('remind_overdue_reviews', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select r.organisation_id, r.id, r.due_at,
        row_number() over (partition by r.organisation_id order by r.due_at) as turn
      from public.organisation_access_reviews r
      where r.status = 'open' and r.due_at < now() and r.reminded_at is null
        and r.organisation_id not in (select usher.resting_organisations('remind_overdue_reviews'))
    ) d
    order by d.turn, d.due_at
    limit remind_overdue_reviews.batch_size));
end
$$;
comment on function usher.remind_overdue_reviews
  is $$Tells reviewers, once, of reviews that are past their day. For workers, now and then. Returns how many reviews
there were.$$;
grant execute on function usher.remind_overdue_reviews to usher_worker;
