-- Directory tokens: what an identity provider calls us with, and as whom it then acts.
--
-- A token opens one organisation and nothing else. It carries the rights of whoever answers for it, asked anew with
-- each request. It is 256 random bits; only its SHA-256 is kept. How tokens are made, revoked and used stands in
-- 45_directories/01_directory_access.sql.

create function usher.acts_as_directory() returns boolean
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return coalesce(current_setting('usher.directory', true), '') <> '';
end
$$;
comment on function usher.acts_as_directory
  is 'Whether the transaction acts as a directory: usher.open_directory has noted its token.';
create table public.organisation_directory_tokens (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  name text not null,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_by uuid,
  responsible_id uuid not null,
  stops_at timestamptz,
  carried_roles text[] not null default '{}',
  constraint organisation_directory_tokens_bounds check (
    length(name) <= 100
      and expires_at
        between timestamptz '2000-01-01T00:00:00Z'
        and timestamptz '9999-12-31T23:59:59.999999Z'
  )
);
comment on table public.organisation_directory_tokens
  is 'Tokens of identity providers, without the secret. Read with directory.manage; written by functions only.';
comment on column public.organisation_directory_tokens.created_by
  is 'Who made it; no foreign key, because it outlives the account.';
comment on column public.organisation_directory_tokens.responsible_id
  is 'Who answers for it, and whose rights it carries.';
comment on column public.organisation_directory_tokens.stops_at
  is 'When it stops unless somebody takes it over, because who answers for it has lost the right; null: it does not.';
comment on column public.organisation_directory_tokens.carried_roles
  is 'Until stops_at it goes on with these roles, which they had without an end when they lost the right.';
comment on column public.organisation_directory_tokens.expires_at
  is 'Null: it does not end by itself.';
comment on column public.organisation_directory_tokens.last_used_at
  is 'To the minute; null: never.';

create index organisation_directory_tokens_organisation_id
  on public.organisation_directory_tokens (organisation_id, created_at desc);

alter table public.organisation_directory_tokens enable row level security;
grant select on public.organisation_directory_tokens to authenticated, service_role;

create table usher.directory_token_hashes (
  hash bytea primary key,
  token_id uuid not null unique references public.organisation_directory_tokens
    on delete cascade
);
comment on table usher.directory_token_hashes
  is 'The SHA-256 of each directory token; the token itself is kept nowhere.';
alter table usher.directory_token_hashes enable row level security;
create policy directory_token_hashes_nobody
  on usher.directory_token_hashes
  for select
  to public
  using (false);

create function usher.directory_membership(
  organisation_id uuid
) returns public.organisation_members
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_token  public.organisation_directory_tokens;
  v_member public.organisation_members;
begin
  select t.* into v_token
  from public.organisation_directory_tokens t
  where t.id::text = current_setting('usher.directory', true)
    and t.organisation_id = directory_membership.organisation_id
    and t.responsible_id = auth.uid()
    and t.stops_at > statement_timestamp();
  if found then
    v_member.id := v_token.id;
    v_member.organisation_id := v_token.organisation_id;
    v_member.user_id := v_token.responsible_id;
    v_member.kind := 'user';
    v_member.status := 'active';
    v_member.roles := v_token.carried_roles;
    v_member.role_ends := '{}';
  end if;
  return v_member;
end
$$;
comment on function usher.directory_membership
  is $$What a directory acts with while its token goes on without whoever answered for it: their user id, and the
roles that they had; null for any other token.$$;
