-- Directory endpoints: other applications that are told, by SCIM 2.0, who is a member and with which roles.
--
-- An organisation names an endpoint and gives the token that opens it. Its members become Users there, its roles
-- Groups. What is sent, and when, stands in 04_directory_changes.sql. Managing them needs directory.manage.
--
-- The token lies in Vault where the project has it. Nobody reads it back: it is only given to the worker.

create table public.organisation_directory_endpoints (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  name text not null,
  url text not null,
  is_enabled boolean not null default true,
  features jsonb,
  failures integer not null default 0,
  retry_at timestamptz,
  last_error text,
  last_success_at timestamptz,
  reconcile_at timestamptz not null default now(),
  reconciled_at timestamptz,
  drift integer,
  fence bigint not null default 0,
  leased_at timestamptz,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  constraint organisation_directory_endpoints_bounds check (
    length(name) <= 100 and length(url) <= 2000
  )
);
comment on table public.organisation_directory_endpoints
  is 'SCIM servers of other applications, without their tokens. Read with directory.manage; written by functions only.';
comment on column public.organisation_directory_endpoints.features
  is 'What its /ServiceProviderConfig says: {"patch": true, "filter": true}, and whether it has groups; null:
not asked yet.';
comment on column public.organisation_directory_endpoints.retry_at
  is 'Nothing is sent there before this time, because it did not answer; null: nothing is wrong with it.';
comment on column public.organisation_directory_endpoints.reconcile_at
  is 'When it is compared as a whole the next time: once a day, or as soon as somebody asks for it.';
comment on column public.organisation_directory_endpoints.drift
  is 'How many members were found to be other than they should, the last time that it was compared.';
comment on column public.organisation_directory_endpoints.fence
  is 'Goes up with each lease; older holders are refused.';

create index organisation_directory_endpoints_organisation_id
  on public.organisation_directory_endpoints (organisation_id);
create index organisation_directory_endpoints_due
  on public.organisation_directory_endpoints (reconcile_at)
  where is_enabled;

alter table public.organisation_directory_endpoints enable row level security;
create policy organisation_directory_endpoints_select
  on public.organisation_directory_endpoints
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('directory.manage'))
  );
grant select on public.organisation_directory_endpoints to authenticated, service_role;

create table usher.directory_endpoint_tokens (
  endpoint_id uuid primary key
    references public.organisation_directory_endpoints on delete cascade,
  token text,
  vault_secret_id uuid,
  constraint directory_endpoint_tokens_one_place check (
    num_nonnulls(token, vault_secret_id) = 1
  ),
  constraint directory_endpoint_tokens_bounds check (length(token) <= 4000)
);
comment on table usher.directory_endpoint_tokens is 'What opens each endpoint.';
comment on column usher.directory_endpoint_tokens.token
  is 'Only where the project has no Vault.';
comment on column usher.directory_endpoint_tokens.vault_secret_id
  is 'Where it lies in vault.secrets.';
alter table usher.directory_endpoint_tokens enable row level security;
create policy directory_endpoint_tokens_nobody
  on usher.directory_endpoint_tokens
  for select
  to public
  using (false);

-- However it goes, with its endpoint or with the whole organisation: Vault forgets it as well.
create function usher.tg_directory_endpoint_tokens__forget() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  execute 'delete from vault.secrets s where s.id = $1' using old.vault_secret_id;
  return null;
end
$$;
comment on function usher.tg_directory_endpoint_tokens__forget
  is 'Deletes what opened an endpoint from Vault.';

create trigger usher_forget
  after delete
  on usher.directory_endpoint_tokens
  for each row
  when (old.vault_secret_id is not null)
  execute function usher.tg_directory_endpoint_tokens__forget();

create function usher.keep_endpoint_token(
  endpoint_id uuid,
  token text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_vault_id uuid;
begin
  if keep_endpoint_token.token is null
    or length(keep_endpoint_token.token) not between 1 and 4000 or keep_endpoint_token.token !~ '^[!-~]+$'
  then
    perform usher.fail('invalid_settings', hint => 'A token is 1 to 4,000 characters of ASCII, without spaces.');
  end if;
  delete from usher.directory_endpoint_tokens t where t.endpoint_id = keep_endpoint_token.endpoint_id;
  if to_regclass('vault.decrypted_secrets') is not null then
    execute 'select vault.create_secret($1, $2, $3)' into v_vault_id
      using keep_endpoint_token.token, 'usher_directory_endpoint_' || keep_endpoint_token.endpoint_id,
        'Opens a directory endpoint (Usher).';
  end if;
  insert into usher.directory_endpoint_tokens (endpoint_id, token, vault_secret_id)
  values (keep_endpoint_token.endpoint_id,
    case when v_vault_id is null then keep_endpoint_token.token end, v_vault_id);
end
$$;
comment on function usher.keep_endpoint_token
  is 'Puts away what opens an endpoint, in the place of what did so far. Fails with invalid_settings.';

create function usher.endpoint_token(endpoint_id uuid) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_kept  usher.directory_endpoint_tokens;
  v_token text;
begin
  select t.* into v_kept from usher.directory_endpoint_tokens t where t.endpoint_id = endpoint_token.endpoint_id;
  if v_kept.vault_secret_id is null then
    return v_kept.token;
  end if;
  execute 'select s.decrypted_secret from vault.decrypted_secrets s where s.id = $1'
    into v_token using v_kept.vault_secret_id;
  return v_token;
end
$$;
comment on function usher.endpoint_token
  is 'What opens an endpoint; null when Vault has lost it.';
