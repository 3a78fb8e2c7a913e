-- Profiles: what a membership knows of its account, kept in step with Supabase Auth.
--
-- A membership keeps address and name of the account, so that those who may read members need not read accounts.
-- A changed address is judged as if its owner came in anew. Deleting an account ends its memberships.

create function usher.display_name(user_metadata jsonb) returns text
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
comment on function usher.display_name
  is $$What a person calls themselves in their sign-up data: display_name, full_name or name, the first that may be
shown (usher.clean_name). They can write anything there: it is shown beside the address, and decides nothing.$$;

create table usher.erased_members (
  member_id uuid primary key references public.organisation_members
    on delete cascade,
  erased_at timestamptz not null default now()
);
comment on table usher.erased_members
  is $$Memberships whose person was forgotten (90_operators/06_erasure.sql): what the account is called does not come
back into them.$$;
alter table usher.erased_members enable row level security;
create policy erased_members_nobody
  on usher.erased_members
  for select
  to public
  using (false);

-- Whoever joins again after they were erased gives their address anew.
create function usher.tg_organisation_members__known_again() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  delete from usher.erased_members e where e.member_id = new.id;
  return null;
end
$$;
comment on function usher.tg_organisation_members__known_again
  is 'Lets a membership whose address was erased, and that has one again, follow its account again.';

create trigger usher_known_again
  after update of email
  on public.organisation_members
  for each row
  when (old.email is null and new.email is not null)
  execute function usher.tg_organisation_members__known_again();

-- The account behind a membership changes its address or name: show the new one.
create function usher.tg_users__follow_profile() returns trigger
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
comment on function usher.tg_users__follow_profile
  is $$Copies address and name of an account to its memberships, but for those that were erased. A ban, and which
domains an organisation lets in, hold for the new address as well.$$;

create trigger usher_follow_profile
  after update of email, raw_user_meta_data
  on auth.users
  for each row
  when (
    old.email is distinct from new.email
      or old.raw_user_meta_data::text
        is distinct from new.raw_user_meta_data::text
  )
  execute function usher.tg_users__follow_profile();

-- Deleting an account deletes its memberships, but not its bans, and never leaves an organisation without its owner.
create function usher.tg_users__end_memberships() returns trigger
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
comment on function usher.tg_users__end_memberships
  is 'Deletes the memberships of an account that is being deleted; a ban stays, so that it holds and can be lifted.';

create trigger usher_end_memberships
  before delete
  on auth.users
  for each row
  execute function usher.tg_users__end_memberships();

create function usher.judge_new_address(
  member public.organisation_members,
  email text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := judge_new_address.member;
begin
  if v_member.status = 'banned' then
    -- Of a device, and of somebody who was erased, the membership shows no address that could be followed.
    insert into usher.sanctions (member_id, organisation_id, address_hash, status)
    select v_member.id, v_member.organisation_id,
      usher.sanction_hash(v_member.organisation_id, judge_new_address.email), 'banned'
    where judge_new_address.email is not null and usher.has_proven_address(v_member.user_id)
      and (select s.auth_confirms_addresses from usher.settings s)
    on conflict do nothing;
  elsif v_member.status = 'active' and v_member.kind = 'device' and judge_new_address.email is not null
    and (
      usher.has_sanction(v_member.organisation_id, judge_new_address.email, 'banned')
      or exists (
        select from public.organisations o
        where o.id = v_member.organisation_id and cardinality(o.allowed_email_domains) > 0
          and usher.email_domain(judge_new_address.email) <> all (o.allowed_email_domains))
      or usher.lacks_identity(v_member.organisation_id, v_member.user_id, judge_new_address.email))
  then
    -- A device without an address was let in by its code alone; with one, it is somebody's account.
    perform usher.end_membership(v_member.id, 'removed', 'member.removed',
      'The account of the device took an address that the organisation does not take.', 'worker');
  end if;
end
$$;
comment on function usher.judge_new_address
  is $$Follows an account that takes another address: a ban holds for it, once it is proved; a device that takes one
which the organisation would not have let in is a member no more.$$;
