-- Members: a subject's membership of an organisation, with its roles.
--
-- active ─▶ left │ removed │ banned.   left, removed ─(new invite)─▶ active.   banned ─(unban)─▶ removed.
-- One row a subject and organisation for ever, so that whoever comes back has their history.
-- Reading needs member.read; everyone sees their own memberships.

create table public.organisation_members (
  id              uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations on delete cascade,
  user_id         uuid not null references auth.users on delete cascade,
  kind            text not null default 'user',
  status          text not null default 'active',
  roles           text[] not null,
  email           text,
  display_name    text,
  joined_at       timestamptz not null default now(),
  ended_at        timestamptz,
  status_reason   text,

  constraint organisation_members_subject_key unique (organisation_id, user_id),
  constraint organisation_members_kind check (kind in ('user', 'device')),
  constraint organisation_members_status check (status in ('active', 'banned', 'left', 'removed')),
  constraint organisation_members_ended check ((status = 'active') = (ended_at is null)),
  constraint organisation_members_owner_is_active check (status = 'active' or not 'owner' = any (roles))
);
comment on table public.organisation_members is
  'Memberships, past ones too. Read with member.read, and one''s own; written by functions only.';
comment on column public.organisation_members.email is
  'The account''s address, kept in step with auth.users, which the API does not show.';
comment on column public.organisation_members.display_name is
  'What the account calls itself; null when it says nothing fit to show.';
comment on column public.organisation_members.status_reason is 'Why they were removed or banned.';

create index organisation_members_user_id on public.organisation_members (user_id);
create index organisation_members_email on public.organisation_members (organisation_id, email);
create unique index organisation_members_one_owner
  on public.organisation_members (organisation_id) where 'owner' = any (roles);

create function usher.display_name(user_metadata jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return coalesce(
    usher.clean_line(display_name.user_metadata ->> 'display_name', 100),
    usher.clean_line(display_name.user_metadata ->> 'full_name', 100),
    usher.clean_line(display_name.user_metadata ->> 'name', 100));
end
$$;
comment on function usher.display_name is
$$What a person calls themselves in their sign-up data, if it is one line of at most 100 characters.
They can write anything there: it is shown beside the address, and decides nothing.$$;

create function usher.add_member(organisation_id uuid, user_id uuid, roles text[])
returns public.organisation_members
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_member public.organisation_members;
begin
  -- The unique key decides between two who come at once: one inserts, the other finds the row.
  insert into public.organisation_members as m (organisation_id, user_id, roles, email, display_name)
  select add_member.organisation_id, u.id, add_member.roles,
    usher.normalise_email(u.email), usher.display_name(u.raw_user_meta_data::jsonb)
  from auth.users u
  where u.id = add_member.user_id
  on conflict on constraint organisation_members_subject_key do update
  set status = 'active', roles = excluded.roles, email = excluded.email,
    display_name = excluded.display_name, joined_at = now(), ended_at = null, status_reason = null
  where m.status in ('left', 'removed')
  returning * into v_member;
  if found then
    return v_member;
  end if;

  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = add_member.organisation_id and m.user_id = add_member.user_id;
  if not found then
    perform usher.fail('unauthenticated');
  end if;
  perform usher.fail(case v_member.status when 'banned' then 'member_banned' else 'already_member' end);
end
$$;
comment on function usher.add_member is
$$Makes someone an active member with exactly these roles, or brings back who had left or was removed.

Fails with already_member, member_banned, and unauthenticated when the account is gone.$$;

create function usher.require_free_seat(organisation_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_seat_limit integer;
begin
  select o.seat_limit into v_seat_limit
  from public.organisations o where o.id = require_free_seat.organisation_id;
  if v_seat_limit is null then
    return;
  end if;

  -- Only where seats are counted do those who join wait for each other.
  select o.seat_limit into v_seat_limit
  from public.organisations o where o.id = require_free_seat.organisation_id
  for no key update;
  if v_seat_limit <= (
    select count(*) from public.organisation_members m
    where m.organisation_id = require_free_seat.organisation_id and m.status = 'active')
  then
    perform usher.fail('seat_limit_reached');
  end if;
end
$$;
comment on function usher.require_free_seat is
$$Fails with seat_limit_reached when the organisation has as many active members as it may. Until the end
of the transaction nobody else takes the seat.$$;

-- The account behind a membership changes its address or name: show the new one.
create function usher.tg_users__follow_profile()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.organisation_members m
  set email = usher.normalise_email(new.email),
    display_name = usher.display_name(new.raw_user_meta_data::jsonb)
  -- A device goes by the name that it was given.
  where m.user_id = new.id and m.kind = 'user';
  return null;
end
$$;
comment on function usher.tg_users__follow_profile is 'Copies address and name of an account to its memberships.';

create trigger usher_follow_profile
after update of email, raw_user_meta_data on auth.users
for each row
when (old.email is distinct from new.email
  or old.raw_user_meta_data::text is distinct from new.raw_user_meta_data::text)
execute function usher.tg_users__follow_profile();

-- Deleting an account deletes its memberships, but never leaves an organisation without its owner.
create function usher.tg_organisation_members__keep_owner()
returns trigger
language plpgsql
security definer
set search_path = ''
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
