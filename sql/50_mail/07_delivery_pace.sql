-- Allowances and pace: how many mails go to one mailbox, from one sender, to one domain, in a time.
--
-- Allowances keep people from being bombed, and are always on. One counts what went to a mailbox, of all
-- organisations together; one what one account caused, in all of its organisations. Smaller ones count the
-- same of organisations that are new, so that an account with many of them gains nothing by it, and whatever
-- they send, an older organisation's mail still finds room. What is too much becomes due later, and then stands
-- in turn again. Nobody is told: who floods a mailbox would learn when to stop. Counting is done when a worker
-- looks, from what workers have taken, so that no caller waits for another at a counter.
--
-- A pace is for mail servers that take only so much, and off until it is set. Each mail gets a place in two lines
-- when it first comes up, its organisation's and its recipient's domain's, and is due at the later of the two. Bulk
-- mails stand in lines of their own. This is a leaky bucket: per line one time is kept, that of the next free place.
-- Places with a domain are given for the next minute only, and beyond it each organisation waits in a line of its
-- own: so nobody's thousands are before somebody's one.

create table usher.mail_pace (
  line text primary key,
  next_free_at timestamptz not null
);
comment on table usher.mail_pace
  is 'When the next place is free in a line, such as domain:example.com. Old rows may be deleted.';
alter table usher.mail_pace enable row level security;
create policy mail_pace_nobody
  on usher.mail_pace
  for select
  to public
  using (false);

create function usher.next_place(
  line text,
  step interval,
  not_before timestamptz
) returns timestamptz
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_at    timestamptz := next_place.not_before;
  v_limit timestamptz := next_place.not_before + interval '1 day';
begin
  -- One worker at a time, or two with lines in another order would wait for each other.
  perform pg_advisory_xact_lock(hashtextextended('usher.mail_pace', 0));
  select greatest(p.next_free_at, v_at) into v_at from usher.mail_pace p where p.line = next_place.line;
  v_at := coalesce(v_at, next_place.not_before);
  if v_at > v_limit then
    -- So far ahead no place is kept: by then it may be moot, and has to be looked at again.
    return v_limit - random() * interval '12 hours';
  end if;
  insert into usher.mail_pace as p (line, next_free_at)
  values (next_place.line, v_at + next_place.step)
  on conflict on constraint mail_pace_pkey do update set next_free_at = excluded.next_free_at;
  return v_at;
end
$$;
comment on function usher.next_place
  is $$Takes the next place in a line, not before a time; the one after it is a step later. When a day's places are
taken, some time within that day, without taking any.$$;

create function usher.mailbox_free_at(
  mailbox text,
  allowance integer,
  since timestamptz,
  except_ids uuid[]
) returns timestamptz
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return (
    select d.taken_at + interval '1 hour'
    from public.organisation_deliveries d
    where d.mailbox = mailbox_free_at.mailbox and d.taken_at > clock_timestamp() - interval '1 hour'
      and d.id <> all (mailbox_free_at.except_ids)
      and case when mailbox_free_at.since is null then d.organisation_id is not null
        else (
          select o.created_at from public.organisations o where o.id = d.organisation_id
        ) > mailbox_free_at.since end
    order by d.taken_at desc
    offset mailbox_free_at.allowance - 1
    limit 1);
end
$$;
comment on function usher.mailbox_free_at
  is $$When a mailbox has room for one more: null for now, otherwise when the hour of the oldest that counts is over.

  allowance   mails of an hour
  since       counts organisations only that were created later; null: all
  except_ids  mails that are not counted$$;

create function usher.pace_mails(
  ids uuid[],
  settings usher.settings
) returns uuid[]
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_to_domain       interval := interval '1 minute' / (pace_mails.settings).mails_per_minute_to_domain;
  v_of_organisation interval := interval '1 minute' / (pace_mails.settings).mails_per_minute_of_organisation;
  v_now             timestamptz := clock_timestamp();
  v_ids             uuid[] := array[]::uuid[];
  v_mail            record;
  v_class           text;
  v_domain          text;
  v_due_at          timestamptz;
  v_is_paced        boolean;
begin
  if num_nonnulls(v_to_domain, v_of_organisation) = 0 then
    return pace_mails.ids;
  end if;

  for v_mail in
    select d.* from unnest(pace_mails.ids) with ordinality m (id, n)
    join public.organisation_deliveries d on d.id = m.id
    order by m.n
  loop
    v_due_at := null;
    v_is_paced := true;
    if v_mail.status = 'queued' and not v_mail.is_paced then
      perform pg_advisory_xact_lock(hashtextextended('usher.mail_pace', 0));
      v_class := case when v_mail.is_bulk then 'bulk:' else 'single:' end;
      v_domain := v_class || 'domain:' || usher.email_domain(v_mail.recipient);
      v_is_paced := v_to_domain is null or not exists (
        select from usher.mail_pace p where p.line = v_domain and p.next_free_at > v_now + interval '1 minute');
      v_due_at := case
        when not v_is_paced then usher.next_place(
          v_domain || ':' || v_mail.organisation_id, v_to_domain, v_now + interval '1 minute')
        else greatest(
          case when v_to_domain is not null then usher.next_place(v_domain, v_to_domain, v_now) end,
          case when v_of_organisation is not null then usher.next_place(
            v_class || 'organisation:' || v_mail.organisation_id, v_of_organisation, v_now) end)
      end;
      update public.organisation_deliveries d
      set is_paced = v_is_paced, due_at = greatest(d.due_at, v_due_at)
      where d.id = v_mail.id;
    end if;
    if v_due_at is null or v_due_at <= v_now then
      v_ids := v_ids || v_mail.id;
    end if;
  end loop;
  return v_ids;
end
$$;
comment on function usher.pace_mails
  is $$Gives mails that have come up their places in line, where there is a pace: mails_per_minute_to_domain or
mails_per_minute_of_organisation. Returns those whose place is now, in the same order.$$;

create type usher.mail_judgement as (
  free uuid[],
  moot uuid[],
  held_by_mailbox uuid[],
  held_by_sender uuid[]
);
comment on type usher.mail_judgement
  is 'Of mails that are due, in their order: free may be sent now, of which moot will be found to be of no use any more;
the others are more than their mailbox, or who caused them, has room for.';

create function usher.judge_mails(
  ids uuid[],
  is_bulk boolean,
  settings usher.settings
) returns usher.mail_judgement
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_settings usher.settings := judge_mails.settings;
  v_now      timestamptz := clock_timestamp();
  v_since    timestamptz := v_now - v_settings.organisation_is_new_for;
  v_judged   usher.mail_judgement;
begin
  with mail as materialized (
    select d.id, c.n, d.mailbox, d.caused_by, o.created_at > v_since as is_new,
      -- What a worker had and did not come back with has been counted already, and may be out.
      d.status = 'queued' as is_queued,
      d.status = 'queued' and usher.delivery_end(d, i) is not null as is_moot
    from unnest(judge_mails.ids) with ordinality c (id, n)
    join public.organisation_deliveries d on d.id = c.id
    join public.organisations o on o.id = d.organisation_id
    left join usher.invites i on i.id = d.invite_id
  ),
  counted as materialized (
    select m.* from mail m where m.is_queued and not m.is_moot
  ),
  to_mailbox as materialized (
    select b.mailbox, count(t.organisation_id) as used,
      count(*) filter (where t.is_new) as used_new
    from (select distinct c.mailbox from counted c) b
    left join lateral (
      select d.organisation_id,
        (select o.created_at from public.organisations o where o.id = d.organisation_id) > v_since as is_new
      from public.organisation_deliveries d
      where d.mailbox = b.mailbox and d.taken_at > v_now - interval '1 hour' and d.id <> all (judge_mails.ids)
    ) t on true
    group by b.mailbox
  ),
  -- A sender may have thousands; their organisations are few.
  of_sender as materialized (
    select b.caused_by, sum(t.used) as used,
      sum(t.used) filter (where (
        select o.created_at from public.organisations o where o.id = t.organisation_id) > v_since) as used_new
    from (select distinct c.caused_by from counted c where c.caused_by is not null) b
    cross join lateral (
      select d.organisation_id, count(*) as used
      from public.organisation_deliveries d
      where d.caused_by = b.caused_by
        and d.is_bulk = judge_mails.is_bulk
        and d.taken_at > v_now - interval '1 hour'
      group by d.organisation_id
    ) t
    group by b.caused_by
  ),
  -- One allowance after the other: what the one holds takes no room of the next.
  new_to_mailbox as (
    select c.*, b.used,
      coalesce(not c.is_new or b.used_new + count(*) filter (where c.is_new) over w
        <= v_settings.new_mails_per_hour_to_recipient, true) as fits
    from counted c
    join to_mailbox b on b.mailbox = c.mailbox
    window w as (partition by c.mailbox order by c.n)
  ),
  all_to_mailbox as (
    select c.*,
      c.fits and coalesce(c.used + count(*) filter (where c.fits) over w
        <= v_settings.mails_per_hour_to_recipient, true) as fits_mailbox
    from new_to_mailbox c
    window w as (partition by c.mailbox order by c.n)
  ),
  new_of_sender as (
    select c.*, s.used as used_by_sender,
      c.fits_mailbox and coalesce(not c.is_new or c.caused_by is null
        or coalesce(s.used_new, 0) + count(*) filter (where c.fits_mailbox and c.is_new) over w
        <= v_settings.new_mails_per_hour_of_sender, true) as fits_sender
    from all_to_mailbox c
    left join of_sender s on s.caused_by = c.caused_by
    window w as (partition by c.caused_by order by c.n)
  ),
  all_of_sender as (
    select c.id, c.fits_mailbox,
      c.fits_sender and coalesce(c.caused_by is null
        or coalesce(c.used_by_sender, 0) + count(*) filter (where c.fits_sender) over w
        <= v_settings.mails_per_hour_of_sender, true) as fits_all
    from new_of_sender c
    window w as (partition by c.caused_by order by c.n)
  )
  select
    coalesce(array_agg(m.id order by m.n) filter (where coalesce(a.fits_all, true)), '{}'),
    coalesce(array_agg(m.id) filter (where m.is_moot), '{}'),
    coalesce(array_agg(m.id order by m.n) filter (where not a.fits_mailbox), '{}'),
    coalesce(array_agg(m.id order by m.n) filter (where a.fits_mailbox and not a.fits_all), '{}')
  into v_judged.free, v_judged.moot, v_judged.held_by_mailbox, v_judged.held_by_sender
  from mail m
  left join all_of_sender a on a.id = m.id;
  return v_judged;
end
$$;
comment on function usher.judge_mails
  is $$Which of these mails may go now, by the allowances of their mailboxes and of who caused them. One refused
for now is judged again when it is tried again, and counts once.

  ids      mails that are due and locked, all single or all bulk, in the order in which they stand in turn
  is_bulk  which of the two$$;

create function usher.delay_mails(
  judgement usher.mail_judgement,
  settings usher.settings
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_settings usher.settings := delay_mails.settings;
  v_now      timestamptz := clock_timestamp();
  v_since    timestamptz := v_now - v_settings.organisation_is_new_for;
  v_held     uuid[] := (delay_mails.judgement).held_by_mailbox || (delay_mails.judgement).held_by_sender;
  v_mail     record;
  v_line     text;
  v_hash     text;
  v_free_at  timestamptz;
  v_step     interval;
begin
  for v_mail in
    select d.id, d.mailbox, d.organisation_id, d.kind, d.caused_by, d.is_bulk,
      o.created_at > v_since as is_new, d.id = any ((delay_mails.judgement).held_by_sender) as is_by_sender
    from unnest(v_held) with ordinality h (id, n)
    join public.organisation_deliveries d on d.id = h.id
    join public.organisations o on o.id = d.organisation_id
    order by h.n
  loop
    if v_mail.is_by_sender then
      -- Looked at again soon, each at a time of its own: its hour may hold thousands.
      update public.organisation_deliveries d
      set due_at = usher.next_place(format('sender:%s:%s', v_mail.caused_by, v_mail.is_bulk),
        interval '1 hour' / coalesce(
          case when v_mail.is_new then v_settings.new_mails_per_hour_of_sender end,
          v_settings.mails_per_hour_of_sender),
        v_now + interval '1 minute')
      where d.id = v_mail.id;
      continue;
    end if;

    if v_line is distinct from v_mail.mailbox || v_mail.is_new then
      v_line := v_mail.mailbox || v_mail.is_new;
      -- Salted: whoever reads the names of lines is not told whose mailbox is full.
      v_hash := encode(usher.address_hash(v_mail.mailbox), 'hex');
      v_free_at := coalesce(greatest(
        usher.mailbox_free_at(v_mail.mailbox, v_settings.mails_per_hour_to_recipient, null, v_held),
        case when v_mail.is_new then usher.mailbox_free_at(
          v_mail.mailbox, v_settings.new_mails_per_hour_to_recipient, v_since, v_held) end),
        v_now + interval '1 minute');
      v_step := interval '1 hour' / coalesce(
        case when v_mail.is_new then v_settings.new_mails_per_hour_to_recipient end,
        v_settings.mails_per_hour_to_recipient);
    end if;
    -- One behind the other, by what they are about and by who causes them, and not behind everything that waits
    -- for this mailbox: a thousand notices do not keep the one that matters, nor a stranger's mail anybody else's.
    update public.organisation_deliveries d
    set due_at = greatest(
      usher.next_place(format('mailbox:%s:%s:%s', v_hash, v_mail.organisation_id, v_mail.kind), v_step, v_free_at),
      case when v_mail.caused_by is not null then usher.next_place(
        format('mailbox:%s:%s', v_hash, v_mail.caused_by), v_step, v_free_at) end)
    where d.id = v_mail.id;
  end loop;
end
$$;
comment on function usher.delay_mails
  is $$Lets mails beyond an allowance become due later, when they stand in turn again: after those that may go
were taken, because what was taken tells when there is room.$$;
