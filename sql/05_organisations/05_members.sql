-- Members: a subject's membership of an organisation, with its roles.
--
-- active ─▶ left │ removed │ banned.   left, removed ─(new invite)─▶ active.   banned ─(unban)─▶ removed.
-- One row a subject and organisation for ever, so that whoever comes back has their history.
-- Reading needs member.read; everyone sees their own memberships.

-- One check and not six: see usher.is_sound_invite.
create function usher.is_sound_member(
  kind text,
  status text,
  roles text[],
  email text,
  display_name text,
  status_reason text,
  ended_at timestamptz,
  ends_at timestamptz,
  role_ends jsonb,
  next_end_at timestamptz,
  announced_end_at timestamptz
) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return is_sound_member.kind in ('user', 'device')
    and is_sound_member.status in ('active', 'banned', 'left', 'removed')
    and (is_sound_member.status = 'active') = (is_sound_member.ended_at is null)
    -- The owner is active and has no end.
    and (is_sound_member.status = 'active' and is_sound_member.next_end_at is null
      or not 'owner' = any (is_sound_member.roles))
    and cardinality(is_sound_member.roles) <= 1000
    and octet_length(array_to_string(is_sound_member.roles, '')) <= 63000
    and length(is_sound_member.email) <= 254
    and length(is_sound_member.display_name) <= 100
    and length(is_sound_member.status_reason) <= 500
    and pg_column_size(is_sound_member.role_ends) <= 131072
    and is_sound_member.ends_at
      between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z'
    and is_sound_member.next_end_at
      between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z'
    and is_sound_member.announced_end_at
      between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z';
end
$$;
comment on function usher.is_sound_member
  is 'What holds for every row of public.organisation_members: words, bounds, and what belongs to which status.';

create table public.organisation_members (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  user_id uuid not null,
  kind text not null default 'user',
  status text not null default 'active',
  roles text[] not null,
  email text,
  display_name text,
  joined_at timestamptz not null default now(),
  ended_at timestamptz,
  status_reason text,
  ends_at timestamptz,
  role_ends jsonb not null default '{}',
  next_end_at timestamptz,
  announced_end_at timestamptz,
  constraint organisation_members_subject_key unique (organisation_id, user_id),
  constraint organisation_members_are_sound check (
    usher.is_sound_member(
      kind,
      status,
      roles,
      email,
      display_name,
      status_reason,
      ended_at,
      ends_at,
      role_ends,
      next_end_at,
      announced_end_at
    )
  )
);
comment on table public.organisation_members
  is 'Memberships, past ones too. Read with member.read, and one''s own; written by functions only.';
comment on column public.organisation_members.user_id
  is 'The account. No foreign key: a ban outlives the account, so that it can be seen and lifted.';
comment on column public.organisation_members.email
  is 'The account''s address, kept in step with auth.users, which the API does not show.';
comment on column public.organisation_members.display_name
  is 'What the account calls itself; null when it says nothing fit to show.';
comment on column public.organisation_members.status_reason
  is 'Why they were removed or banned.';
comment on column public.organisation_members.ends_at
  is 'When the membership stops counting; null: it has no end. See 40_administration/06_temporary_access.sql.';
comment on column public.organisation_members.role_ends
  is 'When roles stop counting: names of roles to times in ISO 8601. A role that is not among them has no end.';
comment on column public.organisation_members.next_end_at
  is 'The first of all these ends. Kept by a trigger, so that whoever has none pays for one comparison only.';
comment on column public.organisation_members.announced_end_at
  is 'Which next_end_at the member was told of beforehand.';

create index organisation_members_user_id on public.organisation_members (
  user_id
);
create index organisation_members_next_end_at on public.organisation_members (
  next_end_at
)
  where next_end_at is not null and status = 'active';
create index organisation_members_email on public.organisation_members (
  organisation_id,
  email
);
create unique index organisation_members_one_owner
  on public.organisation_members (organisation_id)
  where 'owner' = any(roles);

create function usher.tg_organisation_members__follow_ends() returns trigger
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
comment on function usher.tg_organisation_members__follow_ends
  is 'Keeps next_end_at, and forgets the ends of roles that are no longer held.';

create trigger usher_follow_ends
  before insert or update of roles, ends_at, role_ends
  on public.organisation_members
  for each row
  when (
    new.ends_at is not null
      or new.role_ends <> '{}'
      or new.next_end_at is not null
  )
  execute function usher.tg_organisation_members__follow_ends();

create function usher.counting_roles(
  roles text[],
  ends_at timestamptz,
  role_ends jsonb
) returns text[]
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
comment on function usher.counting_roles
  is 'Those of a member''s roles whose end has not come yet.';

create view usher.current_members
  with (security_invoker = true)
  as
  select
    m.id,
    m.organisation_id,
    m.user_id,
    m.kind,
    m.status,
    case
      when m.next_end_at <= statement_timestamp() then
        usher.counting_roles(m.roles, m.ends_at, m.role_ends)
      else m.roles
    end as roles,
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
  where
    m.status = 'active'
    and (m.ends_at is null or m.ends_at > statement_timestamp());
comment on view usher.current_members
  is $$The members of this moment, with the roles that count now: what has come to its end is left out, swept or not.
Every rule asks it, and not the table, which may be up to a minute behind. Its columns are the table's.$$;

create function usher.tg_organisation_members__keep_owner() returns trigger
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
comment on function usher.tg_organisation_members__keep_owner
  is 'Refuses with owner_required when the row of an owner would go while the organisation stays.';

create trigger usher_keep_owner
  before delete
  on public.organisation_members
  for each row
  when ('owner' = any(old.roles))
  execute function usher.tg_organisation_members__keep_owner();

create function usher.addresses_of(
  organisation_id uuid,
  user_id uuid
) returns setof text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select usher.normalise_email(u.email) from auth.users u
    where u.id = addresses_of.user_id and usher.normalise_email(u.email) is not null
    union
    select m.email from public.organisation_members m
    where m.organisation_id = addresses_of.organisation_id and m.user_id = addresses_of.user_id
      and m.email is not null
    order by 1;
end
$$;
comment on function usher.addresses_of
  is 'By which addresses a member, or a former one, is known: that of the account, and that of the membership.';
