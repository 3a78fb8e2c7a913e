-- The length of a time, written as what it compares as where one of its parts is negative: '1 mon -20 days' is shorter or
-- longer than it says once it is added to a date, and is refused now.
create function pg_temp.whole(value interval) returns interval language sql immutable
as $$
  select case
    when least(extract(year from $1), extract(month from $1), extract(day from $1),
      extract(hour from $1), extract(minute from $1), extract(second from $1)) < 0
    then make_interval(secs => extract(epoch from $1))
    else $1
  end
$$;

-- Rows beyond the bounds that tables have now. An end so far away stands for none to anybody who reads it.
update public.organisation_members m
set ends_at = case when m.ends_at > '9999-12-31T00:00:00Z' then '9999-12-31T00:00:00Z' else m.ends_at end,
  role_ends = coalesce((
    select jsonb_object_agg(e.key, case when e.value::timestamptz > '9999-12-31T00:00:00Z'
      then '9999-12-31T00:00:00Z' else e.value end)
    from jsonb_each_text(m.role_ends) e), '{}')
where m.next_end_at is not null
  and (m.ends_at > '9999-12-31T00:00:00Z' or exists (
    select from jsonb_each_text(m.role_ends) e where e.value::timestamptz > '9999-12-31T00:00:00Z'));
update public.organisation_members m set announced_end_at = null
where m.announced_end_at > '9999-12-31T00:00:00Z';
update usher.invites i
set membership_ends_at = '9999-12-31T00:00:00Z'
where i.membership_ends_at > '9999-12-31T00:00:00Z';
update usher.invites i set lifetime = pg_temp.whole(i.lifetime)
where i.lifetime::text <> pg_temp.whole(i.lifetime)::text;
update public.organisation_sign_in_rules r set max_age = pg_temp.whole(r.max_age)
where r.max_age::text <> pg_temp.whole(r.max_age)::text;
-- Of the domains, what stands beyond is not let in: less is opened by this, never more.
update public.organisations o
set seat_limit = case when o.seat_limit <= 1000000 then o.seat_limit end,
  allowed_email_domains = o.allowed_email_domains[1:1000],
  invite_ttl = pg_temp.whole(o.invite_ttl),
  reminder_before = pg_temp.whole(o.reminder_before),
  audit_retention = case when o.audit_retention > interval '100 years' then interval '100 years'
    else pg_temp.whole(o.audit_retention) end
where o.seat_limit > 1000000 or cardinality(o.allowed_email_domains) > 1000
  or o.audit_retention > interval '100 years'
  or concat_ws(' ', o.invite_ttl, o.reminder_before, o.audit_retention)
    <> concat_ws(' ', pg_temp.whole(o.invite_ttl), pg_temp.whole(o.reminder_before), pg_temp.whole(o.audit_retention));
-- Null stays null, which stands for no limit: least() would make one of it.
update usher.settings s
set resend_cooldown = least(pg_temp.whole(s.resend_cooldown), interval '30 days'),
  resends_per_day = least(s.resends_per_day, 10000),
  invites_per_day = least(s.invites_per_day, 2000000000),
  access_end_notice = least(pg_temp.whole(s.access_end_notice), interval '1 year'),
  one_click_within = pg_temp.whole(s.one_click_within),
  webhook_failing_for = least(pg_temp.whole(s.webhook_failing_for), interval '1 year'),
  webhook_answers_kept_for = least(pg_temp.whole(s.webhook_answers_kept_for), interval '10 years'),
  mails_per_minute_to_domain = case when s.mails_per_minute_to_domain > 1000000
    then 1000000 else s.mails_per_minute_to_domain end,
  mails_per_minute_of_organisation = case when s.mails_per_minute_of_organisation > 1000000
    then 1000000 else s.mails_per_minute_of_organisation end;
-- What another application calls somebody is asked of it again.
update public.organisation_directory_copies c set remote_id = null, status = 'waiting', due_at = now()
where length(c.remote_id) > 1000;
delete from usher.directory_group_copies g where length(g.remote_id) > 1000;

-- Columns that may not be empty, filled before they are closed: few rows, in one transaction. Who made a token has answered for it so far.
alter table public.organisation_directory_tokens add column responsible_id uuid;
update public.organisation_directory_tokens set responsible_id = created_by;
-- squawk-ignore adding-not-nullable-field
alter table public.organisation_directory_tokens alter column responsible_id set not null;

alter table usher.sign_up_invites add column organisation_id uuid;
update usher.sign_up_invites s set organisation_id = i.organisation_id
from usher.invites i
where i.id = s.invite_id;
-- squawk-ignore adding-not-nullable-field
alter table usher.sign_up_invites alter column organisation_id set not null;

-- For a domain answers who claimed or changed it last and is still there, or else the owner. Its id comes first, as in
-- sql/: usher.my_joinable_domains answers rows by the order of the columns.
-- squawk-ignore adding-field-with-default
alter table public.organisation_domains add column id uuid not null default gen_random_uuid();
alter table public.organisation_domains add column responsible_id uuid;
update public.organisation_domains d
set responsible_id = coalesce(
  (select m.user_id from public.organisation_members m
    where m.organisation_id = d.organisation_id and m.status = 'active' and m.user_id = (
      select e.actor_id from public.organisation_audit_events e
      where e.organisation_id = d.organisation_id and e.event in ('domain.claimed', 'domain.updated')
        and e.after ->> 'domain' = d.domain and e.actor_id is not null
      order by e.occurred_at desc limit 1)),
  (select m.user_id from public.organisation_members m
    where m.organisation_id = d.organisation_id and 'owner' = any (m.roles)));

-- At each write of an identity, not only of its data. A stand-in for Auth may lack the table; and whoever may make a
-- trigger on it need not own it, which taking one away would ask for.
do $$
begin
  if to_regclass('auth.identities') is not null then
    create or replace trigger usher_no_secrets
    before insert or update on auth.identities
    for each row execute function usher.tg_identities__no_secrets();
  end if;
end
$$;

drop function pg_temp.whole(interval);

-- Answers to an address whose domain is not ASCII: kept for after.sql, where such addresses get their one spelling.
create temp table answers_elsewhere on commit drop as
select o.id, o.reply_to from public.organisations o where o.reply_to ~ '[^\u0001-\u007f]';
update public.organisations o set reply_to = null from answers_elsewhere a where a.id = o.id;
