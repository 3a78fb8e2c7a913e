-- Hashes of addresses: what is remembered of an address that is erased.

create table usher.address_salt (
  is_only_row boolean primary key default true,
  salt bytea not null default extensions.gen_random_bytes(32),
  constraint address_salt_one_row check (is_only_row)
);
comment on table usher.address_salt
  is 'What addresses are hashed with: of erased people who want no mail, and in the names of lines at the outbox.';
alter table usher.address_salt enable row level security;
create policy address_salt_nobody
  on usher.address_salt
  for select
  to public
  using (false);
insert into usher.address_salt default values;

create function usher.address_hash(email text) returns bytea
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return (select sha256(s.salt || convert_to(address_hash.email, 'UTF8')) from usher.address_salt s);
end
$$;
comment on function usher.address_hash
  is $$The salted SHA-256 of an address. Whoever has the whole database can try addresses against it: it hides them from
reading, not from asking.$$;

create function usher.is_erased_address(email text) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return is_erased_address.email like 'erased@%.invalid';
end
$$;
comment on function usher.is_erased_address
  is 'Whether this stands where the address of somebody was who was forgotten. Null for none.';
