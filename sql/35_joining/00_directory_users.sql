-- Directory users: whom an identity provider has named, and what its groups give them.
--
-- What joining and roles have to know of a directory. What it sends and is told stands in
-- 45_directories/02_scim_users.sql.

create function usher.folded_user_name(user_name text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return coalesce(usher.normalise_email(folded_user_name.user_name), lower(folded_user_name.user_name));
end
$$;
comment on function usher.folded_user_name
  is $$A userName as it is compared: case does not matter (RFC 7643 section 4.1.1), nor how the domain of an address is
spelt.$$;

create table usher.directory_users (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  user_name text not null,
  external_id text,
  email text not null,
  is_active boolean not null default false,
  roles text[] not null default '{member}',
  attributes jsonb not null default '{}',
  member_id uuid unique references public.organisation_members on delete cascade,
  invite_id uuid references usher.invites on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  role_ends jsonb not null default '{}',
  constraint directory_users_bounds check (
    pg_column_size(role_ends) <= 16384
      and length(user_name) <= 254
      and length(external_id) <= 254
      and length(email) <= 254
      and cardinality(roles) <= 1000
      and octet_length(array_to_string(roles, '')) <= 63000
      and pg_column_size(attributes) <= 16384
  )
);
comment on table usher.directory_users
  is 'Whom a directory has named: one row a person and organisation.';
comment on column usher.directory_users.id
  is 'The id by SCIM: of a member whom the directory took over, that of the membership.';
comment on column usher.directory_users.is_active
  is 'What the directory said last.';
comment on column usher.directory_users.roles
  is 'What its groups give: held once they are a member, and again when they come back.';
comment on column usher.directory_users.attributes
  is 'What else it says of them, to be given back to it; decides nothing. At most 16 kB.';

comment on column usher.directory_users.role_ends
  is 'Until when those of roles are given that somebody gave through the directory whose own right has an end.';

create unique index directory_users_user_name on usher.directory_users (
  organisation_id,
  usher.folded_user_name(user_name)
);
create unique index directory_users_email on usher.directory_users (
  organisation_id,
  email
);
create index directory_users_external_id on usher.directory_users (
  organisation_id,
  external_id
);
create index directory_users_invite_id on usher.directory_users (invite_id);

alter table usher.directory_users enable row level security;
create policy directory_users_nobody
  on usher.directory_users
  for select
  to public
  using (false);
