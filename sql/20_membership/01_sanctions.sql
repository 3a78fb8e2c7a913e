-- Sanctions: who is banned or was removed, by address, so that it holds without the account as well.
--
-- Accounts can be deleted and made again, and a person can be erased: the hash of the address stays. Kept by a
-- trigger, in step with the status of the membership.

create table usher.sanctions (
  member_id uuid not null,
  organisation_id uuid not null references public.organisations
    on delete cascade,
  address_hash bytea not null,
  status text not null,
  primary key (member_id, address_hash),
  constraint sanctions_status check (status in ('banned', 'removed'))
);
comment on table usher.sanctions
  is 'Addresses of banned and removed members. No foreign key to the membership, which goes with the account.';
comment on column usher.sanctions.address_hash
  is 'usher.sanction_hash: the address itself is not kept, because it may have to be erased.';
create index sanctions_address on usher.sanctions (
  organisation_id,
  address_hash
);
alter table usher.sanctions enable row level security;
create policy sanctions_nobody
  on usher.sanctions
  for select
  to public
  using (false);

create function usher.sanction_hash(
  organisation_id uuid,
  email text
) returns bytea
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return sha256(convert_to(concat_ws(' ', sanction_hash.organisation_id, sanction_hash.email), 'UTF8'));
end
$$;
comment on function usher.sanction_hash
  is 'What a sanction keeps of a normalised address: another hash in each organisation, which nobody can compare.';

create function usher.has_sanction(
  organisation_id uuid,
  email text,
  status text
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
    select from usher.sanctions s
    where s.organisation_id = has_sanction.organisation_id
      and s.address_hash = usher.sanction_hash(has_sanction.organisation_id, has_sanction.email)
      and s.status = has_sanction.status);
end
$$;
comment on function usher.has_sanction
  is 'Whether whoever had this normalised address was banned, or removed and has not come back since.';

create function usher.is_banned(
  organisation_id uuid,
  user_id uuid
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
    select from auth.users u
    where u.id = is_banned.user_id
      and usher.has_sanction(is_banned.organisation_id, usher.normalise_email(u.email), 'banned'));
end
$$;
comment on function usher.is_banned
  is 'Whether the address of an account is banned, whichever account it belonged to then.';

create function usher.tg_organisation_members__keep_sanctions() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if new.status in ('banned', 'removed') then
    update usher.sanctions s set status = new.status where s.member_id = new.id;
    insert into usher.sanctions (member_id, organisation_id, address_hash, status)
    select new.id, new.organisation_id, usher.sanction_hash(new.organisation_id, a.email), new.status
    from usher.addresses_of(new.organisation_id, new.user_id) a (email)
    -- Of an address that they take later, only where it is proved to be theirs: else they could have others banned.
    where tg_op = 'INSERT' or old.status is distinct from new.status
      or usher.has_proven_address(new.user_id) and (select s.auth_confirms_addresses from usher.settings s)
    on conflict do nothing;
  else
    delete from usher.sanctions s where s.member_id = new.id;
    -- Of an address that they take later: what an earlier account of theirs was removed for is over.
    delete from usher.sanctions s
    where s.organisation_id = new.organisation_id and s.status = 'removed'
      and s.address_hash = usher.sanction_hash(new.organisation_id, new.email);
  end if;
  return null;
end
$$;
comment on function usher.tg_organisation_members__keep_sanctions
  is 'Keeps the hashes of addresses of banned and removed members, also of one that they take later and prove.';

create trigger usher_keep_sanctions
  after update of status, email
  on public.organisation_members
  for each row
  when (
    old.status <> new.status
      or old.email is distinct from new.email
      or new.status in ('banned', 'removed')
  )
  execute function usher.tg_organisation_members__keep_sanctions();
create trigger usher_keep_sanctions_of_new
  after insert
  on public.organisation_members
  for each row
  when (new.status in ('banned', 'removed'))
  execute function usher.tg_organisation_members__keep_sanctions();
