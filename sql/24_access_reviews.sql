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
  id              uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations on delete cascade,
  title           text not null,
  status          text not null default 'open',
  due_at          timestamptz not null,
  started_at      timestamptz not null default now(),
  started_by      uuid,
  ended_at        timestamptz,
  closed_by       uuid,
  closed_reason   text,
  reminded_at     timestamptz,

  constraint organisation_access_reviews_title check (usher.clean_line(title, 100) = title),
  constraint organisation_access_reviews_status check (status in ('open', 'completed', 'closed')),
  constraint organisation_access_reviews_ended check ((status = 'open') = (ended_at is null)),
  constraint organisation_access_reviews_closed check (status = 'closed' or closed_reason is null),
  constraint organisation_access_reviews_bounds check (
    length(title) <= 100 and length(closed_reason) <= 500
    and due_at between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z')
);
comment on table public.organisation_access_reviews is
  'Reviews of who may do what. Read with access_review.manage or audit.read; written by functions only.';
comment on column public.organisation_access_reviews.due_at is
  'By when it should be done; a later answer counts as well.';
comment on column public.organisation_access_reviews.started_by is
  'Who started it; no foreign key, because it outlives the account. Null: an operator.';
comment on column public.organisation_access_reviews.ended_at is
  'When the last right was answered, or when it was closed by hand.';
comment on column public.organisation_access_reviews.reminded_at is
  'When reviewers were told that it is overdue; once.';

create index organisation_access_reviews_newest
  on public.organisation_access_reviews (organisation_id, started_at desc, id desc);
create index organisation_access_reviews_open on public.organisation_access_reviews (due_at) where status = 'open';

create table public.organisation_access_review_items (
  id              uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations on delete cascade,
  review_id       uuid not null references public.organisation_access_reviews on delete cascade,
  user_id         uuid not null,
  role            text not null,
  granted_at      timestamptz not null,
  granted_by      uuid,
  decision        text,
  reason          text,
  decided_at      timestamptz,
  decided_by      uuid,

  constraint organisation_access_review_items_right unique (review_id, user_id, role),
  constraint organisation_access_review_items_decision
    check (decision in ('confirmed', 'withdrawn', 'lapsed')),
  constraint organisation_access_review_items_decided check ((decision is null) = (decided_at is null)),
  constraint organisation_access_review_items_withdrawn_for_a_reason
    check (decision is distinct from 'withdrawn' or reason is not null),
  constraint organisation_access_review_items_bounds check (
    length(role) <= 63 and length(reason) <= 500)
);
comment on table public.organisation_access_review_items is
  'The rights that a review asks about, one a row. Read with access_review.manage or audit.read.';
comment on column public.organisation_access_review_items.user_id is
  'Who held the role when the review started; no foreign key, because it outlives the account.';
comment on column public.organisation_access_review_items.granted_by is
  'Who gave it to them; null where the trail does not say.';
comment on column public.organisation_access_review_items.decision is
  'confirmed; withdrawn: the reviewer took the role away; lapsed: it went before anybody answered; null: open.';

create index organisation_access_review_items_organisation_id
  on public.organisation_access_review_items (organisation_id);
create index organisation_access_review_items_open
  on public.organisation_access_review_items (organisation_id, user_id) where decision is null;

alter table public.organisation_access_reviews enable row level security;
create policy organisation_access_reviews_select on public.organisation_access_reviews
  for select to authenticated
  using (
    organisation_id in (select usher.organisations_where('access_review.manage'))
    or organisation_id in (select usher.organisations_where('audit.read')));
grant select on public.organisation_access_reviews to authenticated, service_role;

alter table public.organisation_access_review_items enable row level security;
create policy organisation_access_review_items_select on public.organisation_access_review_items
  for select to authenticated
  using (
    organisation_id in (select usher.organisations_where('access_review.manage'))
    or organisation_id in (select usher.organisations_where('audit.read')));
grant select on public.organisation_access_review_items to authenticated, service_role;

create function usher.reviewers(organisation_id uuid)
returns setof public.organisation_members
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
      and 'access_review.manage' in (select usher.permissions_of(m.organisation_id, m.roles));
end
$$;
comment on function usher.reviewers is 'The active members who may answer a review: those with access_review.manage.';

create function usher.start_access_review(organisation_id uuid, title text, due_at timestamptz)
returns public.organisation_access_reviews
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(start_access_review.organisation_id, 'access_review.manage', 'settings');
  v_review public.organisation_access_reviews;
  v_items  integer;
begin
  if usher.clean_name(start_access_review.title) is null then
    perform usher.fail('invalid_settings',
      hint => 'A title is one line of 1 to 100 characters that can be seen, without addresses and links.');
  end if;
  if start_access_review.due_at is null
    or start_access_review.due_at not between now() and now() + interval '1 year'
  then
    perform usher.fail('invalid_settings', hint => 'due_at is in the future, by a year at most.');
  end if;

  -- Each asks about every right of every member, and mails every reviewer.
  perform usher.require_room('open access reviews', v_actor.organisation_id);
  perform usher.take_allowance('access_reviews:' || v_actor.organisation_id, 1, 20, interval '1 day');

  insert into public.organisation_access_reviews (organisation_id, title, due_at, started_by)
  values (v_actor.organisation_id, usher.clean_name(start_access_review.title),
    start_access_review.due_at, v_actor.user_id)
  returning * into v_review;
  insert into public.organisation_access_review_items (
    organisation_id, review_id, user_id, role, granted_at, granted_by)
  select v_review.organisation_id, v_review.id, r.user_id, r.role, r.granted_at, r.granted_by
  from usher.access_rights(v_review.organisation_id) r
  where r.is_held;
  get diagnostics v_items = row_count;

  perform usher.record_event(v_review.organisation_id, 'access_review.started', 'access_review', v_review.id,
    after => jsonb_build_object('title', v_review.title, 'due_at', v_review.due_at, 'items', v_items));
  perform usher.enqueue_review_mail('access_review_started', v_review);
  return v_review;
end
$$;
comment on function usher.start_access_review is 'The rule behind public.start_organisation_access_review.';

create function public.start_organisation_access_review(organisation_id uuid, title text, due_at timestamptz)
returns public.organisation_access_reviews
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.start_access_review($1, $2, $3) $$;
comment on function public.start_organisation_access_review is
$$Starts a review: each role of each active member, as it is now, is to be confirmed or withdrawn. Whoever holds
access_review.manage gets a mail.

  title   one line of at most 100 characters, such as "Third quarter"
  due_at  by when it should be done; in the future, by a year at most

Returns the review; what it asks about is in organisation_access_review_items. At most 10 are open at a time, and 20
are started a day. Needs access_review.manage. Fails with unauthenticated, organisation_not_found, permission_denied,
invalid_settings, rate_limited.$$;
grant execute on function public.start_organisation_access_review to authenticated;
grant execute on function usher.start_access_review to authenticated;

create function usher.access_review_for_change(review_id uuid)
returns public.organisation_access_reviews
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_review public.organisation_access_reviews;
begin
  perform usher.require_permission((
    select r.organisation_id from public.organisation_access_reviews r where r.id = access_review_for_change.review_id),
    'access_review.manage', 'share', 'access_review_not_found');
  select r.* into v_review
  from public.organisation_access_reviews r where r.id = access_review_for_change.review_id;
  if not found then
    perform usher.fail('access_review_not_found');
  end if;
  return v_review;
end
$$;
comment on function usher.access_review_for_change is
$$A review, for a caller with access_review.manage in its organisation. Fails with unauthenticated, access_review_not_found
(also for another tenant's), permission_denied.$$;

create function usher.lock_open_review(review_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_status text;
begin
  -- All that are open, in one order: to withdraw makes rights lapse in the others.
  perform from public.organisation_access_reviews r
  where r.status = 'open' and r.organisation_id = (
    select o.organisation_id from public.organisation_access_reviews o where o.id = lock_open_review.review_id)
  order by r.id
  for update;
  select r.status into v_status
  from public.organisation_access_reviews r where r.id = lock_open_review.review_id for update;
  if v_status is distinct from 'open' then
    perform usher.fail('access_review_not_open', details => v_status);
  end if;
end
$$;
comment on function usher.lock_open_review is
$$Locks a review until the end of the transaction; fails with access_review_not_open. Members are always locked before
their reviews, so that nobody waits in a circle.$$;

create function usher.complete_access_review(review_id uuid)
returns void
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
comment on function usher.complete_access_review is
  'Ends a review, which its caller has locked, once nothing in it is open any more.';

create function usher.review_results(review_id uuid)
returns jsonb
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
comment on function usher.review_results is 'How many rights of a review were answered in which way.';

create function usher.answer_review_item(
  item public.organisation_access_review_items, decision text, reason text
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_item   public.organisation_access_review_items := answer_review_item.item;
  v_reason text := nullif(usher.clean_text(answer_review_item.reason, 500), '');
  v_roles  text[];
begin
  if answer_review_item.reason is not null and usher.clean_text(answer_review_item.reason, 500) is null
    or answer_review_item.decision = 'withdraw' and v_reason is null
  then
    perform usher.fail('invalid_message', details => v_item.id::text,
      hint => 'A reason is plain text of at most 500 characters; to withdraw, one is needed.');
  end if;
  if v_item.decision is not null then
    perform usher.fail('access_review_not_open', hint => 'This right has been answered.', details => v_item.id::text);
  end if;
  if v_item.user_id = auth.uid()
    and exists (select from usher.reviewers(v_item.organisation_id) m where m.user_id <> v_item.user_id)
  then
    perform usher.fail('permission_denied', details => v_item.id::text,
      hint => 'Nobody reviews their own rights: ask another who holds access_review.manage.');
  end if;

  -- Gone at the very moment at which the review was started, or over, though the sweep has not come by.
  if not exists (
    select from usher.current_members m
    where m.organisation_id = v_item.organisation_id and m.user_id = v_item.user_id
      and v_item.role = any (m.roles))
  then
    update public.organisation_access_review_items i
    set decision = 'lapsed', decided_at = clock_timestamp() where i.id = v_item.id;
    return;
  end if;

  -- Before the role goes, so that it goes by this answer and does not lapse.
  update public.organisation_access_review_items i
  set decision = case answer_review_item.decision when 'confirm' then 'confirmed' else 'withdrawn' end,
    reason = v_reason, decided_at = clock_timestamp(), decided_by = auth.uid()
  where i.id = v_item.id
  returning i.* into v_item;
  perform usher.record_event(v_item.organisation_id, 'access_review.' || v_item.decision, 'user', v_item.user_id,
    after  => jsonb_build_object('review_id', v_item.review_id, 'item_id', v_item.id, 'role', v_item.role),
    reason => v_item.reason);
  if v_item.decision = 'withdrawn' then
    select array_remove(m.roles, v_item.role) into v_roles
    from public.organisation_members m
    where m.organisation_id = v_item.organisation_id and m.user_id = v_item.user_id;
    perform usher.update_member_roles(v_item.organisation_id, v_item.user_id, v_roles);
  end if;
end
$$;
comment on function usher.answer_review_item is
$$Writes down the answer to one item, whose member and review its caller has locked, and carries it out. Fails with
invalid_message, access_review_not_open (answered before), permission_denied (one's own right), and as
usher.update_member_roles does.$$;

create function usher.answer_access_review(review_id uuid, answers jsonb)
returns public.organisation_access_reviews
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_review public.organisation_access_reviews := usher.access_review_for_change(answer_access_review.review_id);
  v_answer record;
  v_item   public.organisation_access_review_items;
begin
  if jsonb_typeof(answer_access_review.answers) is distinct from 'array'
    or jsonb_array_length(answer_access_review.answers) not between 1 and 1000
  then
    perform usher.fail('invalid_settings', hint => 'answers is an array of 1 to 1,000 answers.');
  end if;
  perform usher.lock_members(v_review.organisation_id, array(
    select auth.uid()
    union
    select i.user_id
    from jsonb_array_elements(answer_access_review.answers) a
    join public.organisation_access_review_items i
      on i.review_id = v_review.id and i.id::text = a ->> 'item_id'));
  perform usher.lock_open_review(v_review.id);

  for v_answer in
    select a.item ->> 'item_id' as item_id, a.item ->> 'decision' as decision, a.item ->> 'reason' as reason
    from jsonb_array_elements(answer_access_review.answers) with ordinality a (item, position)
    order by a.position
  loop
    if v_answer.decision is null or v_answer.decision not in ('confirm', 'withdraw') then
      perform usher.fail('invalid_settings', hint => 'decision is confirm or withdraw.', details => v_answer.item_id);
    end if;
    select i.* into v_item
    from public.organisation_access_review_items i
    where i.review_id = v_review.id and i.id::text = v_answer.item_id;
    if not found then
      perform usher.fail('access_review_not_found', hint => 'The review does not ask about this.', details => v_answer.item_id);
    end if;
    perform usher.answer_review_item(v_item, v_answer.decision, v_answer.reason);
  end loop;

  perform usher.complete_access_review(v_review.id);
  select r.* into v_review from public.organisation_access_reviews r where r.id = v_review.id;
  return v_review;
end
$$;
comment on function usher.answer_access_review is 'The rule behind public.answer_organisation_access_review.';

create function public.answer_organisation_access_review(review_id uuid, answers jsonb)
returns public.organisation_access_reviews
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.answer_access_review($1, $2) $$;
comment on function public.answer_organisation_access_review is
$$Confirms or withdraws rights that a review asks about: all of these answers count, or none does. Whoever loses a
role gets a mail; the last answer completes the review.

  answers  1 to 1,000 of {"item_id", "decision", "reason"}: decision is confirm or withdraw; reason is at most
           500 characters, and has to be there to withdraw

Returns the review. Needs access_review.manage, and to withdraw, what update_organisation_member_roles needs. Nobody
answers for their own rights unless nobody else holds access_review.manage. Fails with unauthenticated,
access_review_not_found, permission_denied, access_review_not_open (also for a right that has been answered; details holds
its id), invalid_settings, invalid_message, owner_required (the owner's right can only be confirmed).$$;
grant execute on function public.answer_organisation_access_review to authenticated;
grant execute on function usher.answer_access_review to authenticated;

create function usher.close_access_review(review_id uuid, reason text)
returns public.organisation_access_reviews
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_review public.organisation_access_reviews := usher.access_review_for_change(close_access_review.review_id);
begin
  if close_access_review.reason is not null and usher.clean_text(close_access_review.reason, 500) is null then
    perform usher.fail('invalid_message', hint => 'A reason is plain text of at most 500 characters.');
  end if;
  perform usher.lock_open_review(v_review.id);
  update public.organisation_access_reviews r
  set status = 'closed', ended_at = now(), closed_by = auth.uid(),
    closed_reason = nullif(usher.clean_text(close_access_review.reason, 500), '')
  where r.id = v_review.id
  returning r.* into v_review;
  perform usher.record_event(v_review.organisation_id, 'access_review.closed', 'access_review', v_review.id,
    after => usher.review_results(v_review.id), reason => v_review.closed_reason);
  return v_review;
end
$$;
comment on function usher.close_access_review is 'The rule behind public.close_organisation_access_review.';

create function public.close_organisation_access_review(review_id uuid, reason text default null)
returns public.organisation_access_reviews
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.close_access_review($1, $2) $$;
comment on function public.close_organisation_access_review is
$$Ends a review by hand. Answers that were given stand; rights that nobody answered stay as they are, and the
review says so for good.

  reason  at most 500 characters

Returns the review. Needs access_review.manage. Fails with unauthenticated, access_review_not_found, permission_denied,
access_review_not_open, invalid_message.$$;
grant execute on function public.close_organisation_access_review to authenticated;
grant execute on function usher.close_access_review to authenticated;

-- A right that goes while a review is open, in whichever way, needs no answer any more.
create function usher.tg_organisation_members__lapse_review_items()
returns trigger
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
comment on function usher.tg_organisation_members__lapse_review_items is
  'Takes rights that are gone out of what open reviews still ask about.';

create trigger usher_lapse_review_items
after update of roles, status on public.organisation_members
for each row when (old.roles is distinct from new.roles or old.status <> new.status)
execute function usher.tg_organisation_members__lapse_review_items();

create trigger usher_lapse_review_items_of_deleted
after delete on public.organisation_members
for each row execute function usher.tg_organisation_members__lapse_review_items();

create function usher.enqueue_review_mail(kind text, review public.organisation_access_reviews)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.organisation_deliveries (organisation_id, member_id, kind, recipient, facts)
  select m.organisation_id, m.id, enqueue_review_mail.kind, m.email, jsonb_build_object(
    'review', (enqueue_review_mail.review).title,
    'review_id', (enqueue_review_mail.review).id,
    'due_at', (enqueue_review_mail.review).due_at,
    'actor_name', a.display_name, 'actor_email', a.email)
  from usher.reviewers((enqueue_review_mail.review).organisation_id) m
  left join public.organisation_members a
    on a.organisation_id = m.organisation_id and a.user_id = (enqueue_review_mail.review).started_by
  where m.email is not null and m.kind = 'user';
  perform usher.wake_worker();
end
$$;
comment on function usher.enqueue_review_mail is
  'Puts a mail about a review into the outbox, to everybody who may answer it.';

create function usher.remind_overdue_reviews_of(organisation_id uuid, ids uuid[], batch_size integer)
returns integer
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
    perform usher.enqueue_review_mail('access_review_overdue', v_review);
    v_reminded := v_reminded + 1;
  end loop;
  return v_reminded;
end
$$;
comment on function usher.remind_overdue_reviews_of is 'usher.remind_overdue_reviews for these reviews of one organisation.';

create function usher.remind_overdue_reviews(batch_size integer default 1000)
returns integer
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
comment on function usher.remind_overdue_reviews is
$$Tells reviewers, once, of reviews that are past their day. For workers, now and then. Returns how many reviews
there were.$$;
grant execute on function usher.remind_overdue_reviews to usher_worker;
