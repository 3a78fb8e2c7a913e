-- Members: a subject's membership of an organisation, with its roles.
--
-- active ─▶ left │ removed │ banned.   left, removed ─(new invite)─▶ active.   banned ─(unban)─▶ removed.
-- One row a subject and organisation for ever, so that whoever comes back has their history.
-- Reading needs member.read; everyone sees their own memberships.

create table public.organisation_members (
  id              uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations on delete cascade,
  user_id         uuid not null,
  kind            text not null default 'user',
  status          text not null default 'active',
  roles           text[] not null,
  email           text,
  display_name    text,
  joined_at       timestamptz not null default now(),
  ended_at        timestamptz,
  status_reason   text,
  ends_at         timestamptz,
  role_ends       jsonb not null default '{}',
  next_end_at     timestamptz,
  announced_end_at timestamptz,

  constraint organisation_members_subject_key unique (organisation_id, user_id),
  constraint organisation_members_kind check (kind in ('user', 'device')),
  constraint organisation_members_status check (status in ('active', 'banned', 'left', 'removed')),
  constraint organisation_members_ended check ((status = 'active') = (ended_at is null)),
  constraint organisation_members_owner_is_active check (status = 'active' or not 'owner' = any (roles)),
  constraint organisation_members_owner_has_no_end check (next_end_at is null or not 'owner' = any (roles)),
  constraint organisation_members_bounds check (
    length(email) <= 254 and length(display_name) <= 100 and length(status_reason) <= 500
    and cardinality(roles) <= 1000 and octet_length(array_to_string(roles, '')) <= 63000
    and pg_column_size(role_ends) <= 131072
    and ends_at between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z'
    and next_end_at between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z'
    and announced_end_at between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z')
);
comment on table public.organisation_members is
  'Memberships, past ones too. Read with member.read, and one''s own; written by functions only.';
comment on column public.organisation_members.user_id is
  'The account. No foreign key: a ban outlives the account, so that it can be seen and lifted.';
comment on column public.organisation_members.email is
  'The account''s address, kept in step with auth.users, which the API does not show.';
comment on column public.organisation_members.display_name is
  'What the account calls itself; null when it says nothing fit to show.';
comment on column public.organisation_members.status_reason is 'Why they were removed or banned.';
comment on column public.organisation_members.ends_at is
  'When the membership stops counting; null: it has no end. See 19_temporary_access.sql.';
comment on column public.organisation_members.role_ends is
  'When roles stop counting: names of roles to times in ISO 8601. A role that is not among them has no end.';
comment on column public.organisation_members.next_end_at is
  'The first of all these ends. Kept by a trigger, so that whoever has none pays for one comparison only.';
comment on column public.organisation_members.announced_end_at is
  'Which next_end_at the member was told of beforehand.';

create index organisation_members_user_id on public.organisation_members (user_id);
create index organisation_members_next_end_at
  on public.organisation_members (next_end_at) where next_end_at is not null and status = 'active';
create index organisation_members_email on public.organisation_members (organisation_id, email);
create unique index organisation_members_one_owner
  on public.organisation_members (organisation_id) where 'owner' = any (roles);

create function usher.tg_organisation_members__follow_ends()
returns trigger
language plpgsql
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A role that is not held any more has no end either: whoever gets it again gets it as it is given then.
  new.role_ends := coalesce((
    select jsonb_object_agg(e.key, e.value)
    from jsonb_each(new.role_ends) e
    where e.key = any (new.roles)), '{}');
  new.next_end_at := least(new.ends_at, (
    select min(e.value::timestamptz) from jsonb_each_text(new.role_ends) e));
  return new;
end
$$;
comment on function usher.tg_organisation_members__follow_ends is
  'Keeps next_end_at, and forgets the ends of roles that are no longer held.';

create trigger usher_follow_ends
before insert or update of roles, ends_at, role_ends on public.organisation_members
for each row
when (new.ends_at is not null or new.role_ends <> '{}' or new.next_end_at is not null)
execute function usher.tg_organisation_members__follow_ends();

create function usher.counting_roles(roles text[], ends_at timestamptz, role_ends jsonb)
returns text[]
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if counting_roles.ends_at <= statement_timestamp() then
    return '{}'::text[];
  end if;
  return array(
    select r from unnest(counting_roles.roles) r
    where coalesce((counting_roles.role_ends ->> r)::timestamptz > statement_timestamp(), true)
    order by r);
end
$$;
comment on function usher.counting_roles is 'Those of a member''s roles whose end has not come yet.';

create view usher.current_members
with (security_invoker = true)
as
select
  m.id,
  m.organisation_id,
  m.user_id,
  m.kind,
  m.status,
  case when m.next_end_at <= statement_timestamp()
    then usher.counting_roles(m.roles, m.ends_at, m.role_ends) else m.roles end as roles,
  m.email,
  m.display_name,
  m.joined_at,
  m.ended_at,
  m.status_reason,
  m.ends_at,
  m.role_ends,
  m.next_end_at,
  m.announced_end_at
from public.organisation_members m
where m.status = 'active' and (m.ends_at is null or m.ends_at > statement_timestamp());
comment on view usher.current_members is
$$The members of this moment, with the roles that count now: what has come to its end is left out, swept or not.
Every rule asks it, and not the table, which may be up to a minute behind. Its columns are the table's.$$;

create function usher.display_name(user_metadata jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key  text;
  v_name text;
begin
  foreach v_key in array array['display_name', 'full_name', 'name'] loop
    if jsonb_typeof(display_name.user_metadata -> v_key) = 'string' then
      v_name := usher.clean_name(display_name.user_metadata ->> v_key);
      exit when v_name is not null;
    end if;
  end loop;
  return v_name;
end
$$;
comment on function usher.display_name is
$$What a person calls themselves in their sign-up data: display_name, full_name or name, the first that may be shown
(usher.clean_name). They can write anything there: it is shown beside the address, and decides nothing.$$;

create function usher.add_member(
  organisation_id uuid,
  user_id         uuid,
  roles           text[],
  ends_at         timestamptz default null,
  kind            text default 'user'
)
returns public.organisation_members
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_member public.organisation_members;
begin
  -- The unique key decides between two who come at once: one inserts, the other finds the row.
  insert into public.organisation_members as m (organisation_id, user_id, kind, roles, ends_at, email, display_name)
  select add_member.organisation_id, u.id, add_member.kind, add_member.roles, add_member.ends_at,
    usher.normalise_email(u.email), usher.display_name(u.raw_user_meta_data::jsonb)
  from auth.users u
  where u.id = add_member.user_id
  on conflict on constraint organisation_members_subject_key do update
  set status = 'active', kind = excluded.kind, roles = excluded.roles, ends_at = excluded.ends_at, role_ends = '{}', email = excluded.email,
    display_name = excluded.display_name, joined_at = now(), ended_at = null, status_reason = null
  where m.status in ('left', 'removed')
  returning * into v_member;
  if found then
    if usher.has_sanction(v_member.organisation_id, v_member.email, 'banned') then
      perform usher.fail('member_banned');
    end if;
    return v_member;
  end if;

  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = add_member.organisation_id and m.user_id = add_member.user_id;
  if not found then
    perform usher.fail('unauthenticated');
  elsif v_member.status = 'active' and v_member.ends_at <= statement_timestamp() then
    -- The sweep has not come by: the end is written down before the new beginning.
    perform usher.end_access(v_member);
    return usher.add_member(
      add_member.organisation_id, add_member.user_id, add_member.roles, add_member.ends_at, add_member.kind);
  end if;
  perform usher.fail(case v_member.status when 'banned' then 'member_banned' else 'already_member' end);
end
$$;
comment on function usher.add_member is
$$Makes someone an active member with exactly these roles, until ends_at if it says so, or brings back who had
left or was removed.

Fails with already_member, member_banned, and unauthenticated when the account is gone.$$;

create function usher.require_free_seat(organisation_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_seat_limit integer;
begin
  select o.seat_limit into v_seat_limit
  from public.organisations o where o.id = require_free_seat.organisation_id;
  if v_seat_limit is not null and v_seat_limit <= (
    select count(*) from usher.current_members m
    where m.organisation_id = require_free_seat.organisation_id)
  then
    perform usher.fail('seat_limit_reached');
  end if;
end
$$;
comment on function usher.require_free_seat is
$$Fails with seat_limit_reached when the organisation has as many active members as it may. Nobody else takes the
seat until the end of the transaction, if its caller came by usher.lock_for_joining.$$;

create function usher.lock_for_joining(organisation_id uuid, user_id uuid, inviter_id uuid default null)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email      text;
  v_seat_limit integer;
begin
  -- The account first, as whoever deletes it does: it stays until the membership is written.
  select usher.normalise_email(u.email), o.seat_limit into v_email, v_seat_limit
  from auth.users u
  left join public.organisations o on o.id = lock_for_joining.organisation_id
  where u.id = lock_for_joining.user_id
  for key share of u;
  if not found then
    perform usher.fail('unauthenticated');
  end if;

  if v_seat_limit is not null then
    perform usher.lock_organisation(lock_for_joining.organisation_id, 'settings');
  else
    select o.seat_limit into v_seat_limit
    from public.organisations o where o.id = lock_for_joining.organisation_id for share;
    -- Seats were limited at this very moment. A lock is never made stronger: two who did would wait in a circle.
    if v_seat_limit is not null then
      perform usher.fail('try_again', headers => '{"Retry-After": "1"}');
    end if;
  end if;

  perform usher.lock_person(lock_for_joining.organisation_id, v_email);
  -- Whoever comes back has a row already; for anyone else the unique key decides.
  if exists (
    select from public.organisation_members m
    where m.organisation_id = lock_for_joining.organisation_id and m.user_id = lock_for_joining.user_id)
  then
    perform usher.lock_members(
      lock_for_joining.organisation_id, array[lock_for_joining.user_id, lock_for_joining.inviter_id]);
  elsif lock_for_joining.inviter_id is not null then
    -- Shared, because many accept what one has sent.
    perform from public.organisation_members m
    where m.organisation_id = lock_for_joining.organisation_id and m.user_id = lock_for_joining.inviter_id
    for share;
  end if;
end
$$;
comment on function usher.lock_for_joining is
$$Locks, in the order of usher.lock_organisation, what every way of becoming a member relies on: the account, the
organisation (alone, where seats are counted), the address, the memberships of the joining and of the inviting one.

  user_id     who joins
  inviter_id  by whose word; null: by nobody's in particular

Fails with unauthenticated when the account is gone, and with try_again.$$;

create table usher.erased_members (
  member_id uuid primary key references public.organisation_members on delete cascade,
  erased_at timestamptz not null default now()
);
comment on table usher.erased_members is
  'Memberships whose person was forgotten (71_erasure.sql): what the account is called does not come back into them.';
alter table usher.erased_members enable row level security;
create policy erased_members_nobody on usher.erased_members for select to public using (false);

-- Whoever joins again after they were erased gives their address anew.
create function usher.tg_organisation_members__known_again()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from usher.erased_members e where e.member_id = new.id;
  return null;
end
$$;
comment on function usher.tg_organisation_members__known_again is
  'A membership that has an address again follows its account again.';

create trigger usher_known_again
after update of email on public.organisation_members
for each row when (old.email is null and new.email is not null)
execute function usher.tg_organisation_members__known_again();

-- The account behind a membership changes its address or name: show the new one.
create function usher.tg_users__follow_profile()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.organisation_members m
  set email = usher.normalise_email(new.email),
    display_name = usher.display_name(new.raw_user_meta_data::jsonb)
  -- A device goes by the name that it was given.
  where m.user_id = new.id and m.kind = 'user'
    and not exists (select from usher.erased_members e where e.member_id = m.id);
  if old.email is distinct from new.email then
    perform usher.judge_new_address(m, usher.normalise_email(new.email))
      from public.organisation_members m
      where m.user_id = new.id
      order by m.organisation_id;
  end if;
  return null;
end
$$;
comment on function usher.tg_users__follow_profile is
$$Copies address and name of an account to its memberships, but for those that were erased, and asks of the new address
what was asked of the old one.$$;

create trigger usher_follow_profile
after update of email, raw_user_meta_data on auth.users
for each row
when (old.email is distinct from new.email
  or old.raw_user_meta_data::text is distinct from new.raw_user_meta_data::text)
execute function usher.tg_users__follow_profile();

-- Deleting an account deletes its memberships, but not its bans, and never leaves an organisation without its owner.
create function usher.tg_users__end_memberships()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_organisation_id uuid;
begin
  -- The organisations first, in one order, as every change does; then one after the other, with all that hangs on it.
  perform from public.organisations o
  where o.id in (select m.organisation_id from public.organisation_members m where m.user_id = old.id)
  order by o.id
  for key share;
  for v_organisation_id in
    select m.organisation_id from public.organisation_members m where m.user_id = old.id order by m.organisation_id
  loop
    delete from public.organisation_members m
    where m.organisation_id = v_organisation_id and m.user_id = old.id and m.status <> 'banned';
  end loop;
  return old;
end
$$;
comment on function usher.tg_users__end_memberships is
  'Deletes the memberships of an account that is being deleted; a ban stays, so that it holds and can be lifted.';

create trigger usher_end_memberships
before delete on auth.users
for each row execute function usher.tg_users__end_memberships();

create function usher.tg_organisation_members__keep_owner()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- When the organisation itself is deleted, it is gone already, and so may its owner be.
  if exists (select from public.organisations o where o.id = old.organisation_id) then
    perform usher.fail('owner_required', details => old.organisation_id::text);
  end if;
  return old;
end
$$;
comment on function usher.tg_organisation_members__keep_owner is
  'Refuses with owner_required when the row of an owner would go while the organisation stays.';

create trigger usher_keep_owner
before delete on public.organisation_members
for each row when ('owner' = any (old.roles))
execute function usher.tg_organisation_members__keep_owner();
