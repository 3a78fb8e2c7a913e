-- Running access reviews: start, answer, close.

create function usher.start_access_review(
  organisation_id uuid,
  title text,
  due_at timestamptz
) returns public.organisation_access_reviews
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
  return v_review;
end
$$;
comment on function usher.start_access_review
  is 'The rule behind public.start_organisation_access_review.';

create function public.start_organisation_access_review(
  organisation_id uuid,
  title text,
  due_at timestamptz
) returns public.organisation_access_reviews
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.start_access_review($1, $2, $3) $$;
comment on function public.start_organisation_access_review
  is $$Starts a review: each role of each active member, as it is now, is to be confirmed or withdrawn. Whoever holds
access_review.manage gets a mail.

  title   one line of at most 100 characters, such as "Third quarter"
  due_at  by when it should be done; in the future, by a year at most

Returns the review; what it asks about is in organisation_access_review_items. At most 10 are open at a time, and 20
are started a day. Needs access_review.manage. Fails with unauthenticated, organisation_not_found, permission_denied,
invalid_settings, rate_limited.$$;
grant execute on function public.start_organisation_access_review to authenticated;
grant execute on function usher.start_access_review to authenticated;

create function usher.access_review_for_change(
  review_id uuid
) returns public.organisation_access_reviews
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
comment on function usher.access_review_for_change
  is $$A review, for a caller with access_review.manage there. Fails with unauthenticated, access_review_not_found
(also for another tenant's), permission_denied.$$;

create function usher.lock_open_review(review_id uuid) returns void
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
comment on function usher.lock_open_review
  is $$Locks a review until the transaction ends; fails with access_review_not_open. Members are always locked before
their reviews, so that nobody waits in a circle.$$;

create function usher.answer_review_item(
  item public.organisation_access_review_items,
  decision text,
  reason text
) returns void
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
comment on function usher.answer_review_item
  is $$Writes down the answer to one item, whose member and review its caller has locked, and carries it out. Fails with
invalid_message, access_review_not_open (answered before), permission_denied (one's own right), and as
usher.update_member_roles does.$$;

create function usher.answer_access_review(
  review_id uuid,
  answers jsonb
) returns public.organisation_access_reviews
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
      perform usher.fail('access_review_not_found',
        hint => 'The review does not ask about this.', details => v_answer.item_id);
    end if;
    perform usher.answer_review_item(v_item, v_answer.decision, v_answer.reason);
  end loop;

  perform usher.complete_access_review(v_review.id);
  select r.* into v_review from public.organisation_access_reviews r where r.id = v_review.id;
  return v_review;
end
$$;
comment on function usher.answer_access_review
  is 'The rule behind public.answer_organisation_access_review.';

create function public.answer_organisation_access_review(
  review_id uuid,
  answers jsonb
) returns public.organisation_access_reviews
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.answer_access_review($1, $2) $$;
comment on function public.answer_organisation_access_review
  is $$Confirms or withdraws rights that a review asks about: all of these answers count, or none does. Whoever loses a
role gets a mail; the last answer completes the review.

  answers  1 to 1,000 of {"item_id", "decision", "reason"}: decision is confirm or withdraw; reason is at most
           500 characters, and has to be there to withdraw

Returns the review. Needs access_review.manage, and to withdraw, what update_organisation_member_roles needs. Nobody
answers for their own rights unless nobody else holds access_review.manage. Fails with unauthenticated,
access_review_not_found, permission_denied, access_review_not_open (also for a right already answered; details holds
its id), invalid_settings, invalid_message, owner_required (the owner's right can only be confirmed).$$;
grant execute on function public.answer_organisation_access_review to authenticated;
grant execute on function usher.answer_access_review to authenticated;

create function usher.close_access_review(
  review_id uuid,
  reason text
) returns public.organisation_access_reviews
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
comment on function usher.close_access_review
  is 'The rule behind public.close_organisation_access_review.';

create function public.close_organisation_access_review(
  review_id uuid,
  reason text default null
) returns public.organisation_access_reviews
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.close_access_review($1, $2) $$;
comment on function public.close_organisation_access_review
  is $$Ends a review by hand. Answers that were given stand; rights that nobody answered stay as they are, and the
review says so for good.

  reason  at most 500 characters

Returns the review. Needs access_review.manage. Fails with unauthenticated, access_review_not_found, permission_denied,
access_review_not_open, invalid_message.$$;
grant execute on function public.close_organisation_access_review to authenticated;
grant execute on function usher.close_access_review to authenticated;
