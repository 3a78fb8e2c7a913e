-- Signing keys: what the tokens in mailed links are signed with. They never leave the database.

create table usher.signing_keys (
  id smallint primary key,
  secret bytea,
  vault_secret_id uuid,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  constraint signing_keys_one_place check (
    num_nonnulls(secret, vault_secret_id) = 1
  )
);
comment on table usher.signing_keys
  is 'Keys that sign tokens. The one not retired signs; retired ones verify until their last token has expired.';
comment on column usher.signing_keys.secret
  is '32 bytes, only where the project has no Vault.';
comment on column usher.signing_keys.vault_secret_id
  is 'Where it lies in vault.secrets, as hex.';

create unique index signing_keys_one_signs on usher.signing_keys ((true))
  where retired_at is null;

alter table usher.signing_keys enable row level security;
create policy signing_keys_nobody
  on usher.signing_keys
  for select
  to public
  using (false);

create function usher.rotate_signing_key() returns smallint
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_secret   bytea := extensions.gen_random_bytes(32);
  v_id       smallint;
  v_vault_id uuid;
begin
  lock table usher.signing_keys in share row exclusive mode;
  select (coalesce(max(k.id), 0) + 1)::smallint into v_id from usher.signing_keys k;

  if to_regclass('vault.decrypted_secrets') is not null then
    execute 'select vault.create_secret($1, $2, $3)' into v_vault_id
      using encode(v_secret, 'hex'), 'usher_signing_key_' || v_id, 'Signs the links of invites (Usher).';
    v_secret := null;
  end if;

  update usher.signing_keys k set retired_at = now() where k.retired_at is null;
  insert into usher.signing_keys (id, secret, vault_secret_id) values (v_id, v_secret, v_vault_id);
  return v_id;
end
$$;
comment on function usher.rotate_signing_key
  is $$Makes a new signing key, in Vault where the project has one, and retires the one that signed so far. Links
that are out keep working until they expire. For operators.

Returns the id of the new key.$$;

create function usher.ensure_signing_key() returns smallint
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_id smallint;
begin
  select k.id into v_id from usher.signing_keys k where k.retired_at is null;
  if found then
    return v_id;
  end if;

  -- Two first mails at once: the second waits here and finds the key of the first.
  lock table usher.signing_keys in share row exclusive mode;
  select k.id into v_id from usher.signing_keys k where k.retired_at is null;
  return coalesce(v_id, usher.rotate_signing_key());
end
$$;
comment on function usher.ensure_signing_key
  is 'The id of the key that signs; makes the first one when there is none yet.';

-- The first one is there from the beginning: made in the middle of something else, it would let everybody wait.
select usher.ensure_signing_key();

create function usher.signing_key_secret(key_id integer) returns bytea
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_key    usher.signing_keys;
  v_secret text;
begin
  -- No token outlives its key's retirement by more than the longest lifetime, 30 days.
  select k.* into v_key
  from usher.signing_keys k
  where k.id = signing_key_secret.key_id
    and (k.retired_at is null or k.retired_at > statement_timestamp() - interval '30 days');
  if not found or v_key.secret is not null then
    return v_key.secret;
  end if;

  execute 'select s.decrypted_secret from vault.decrypted_secrets s where s.id = $1'
    into v_secret using v_key.vault_secret_id;
  return decode(v_secret, 'hex');
end
$$;
comment on function usher.signing_key_secret
  is 'The 32 bytes of a key that still signs or verifies; null for any other.';

create view usher.signing_key_states
  with (security_invoker = true)
  as
  select
    k.id,
    case
      when k.retired_at is null then 'signs'
      when k.retired_at > now() - interval '30 days' then 'verifies'
      else 'dead'
    end as state,
    case when k.secret is null then 'vault' else 'table' end as kept_in,
    k.created_at,
    k.retired_at,
    k.retired_at + interval '30 days' as verifies_until,
    k.retired_at is null and k.created_at < now() - interval '1 year' as is_due
  from usher.signing_keys k;
comment on view usher.signing_key_states
  is $$The keys that sign links, without the keys: which one signs, which still verify and until when, and whether it
is time for usher.rotate_signing_key.

Source: NIST SP 800-57 part 1 rev. 5, table 1: a symmetric authentication key signs for at most two years. Half
of that leaves time.$$;
