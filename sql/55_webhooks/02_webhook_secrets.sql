-- Secrets of webhooks: what a receiver verifies with.
--
-- Each endpoint has its own, which is shown once, when it is made or rotated. After a rotation the old one signs
-- beside the new one for a while, so that no receiver misses an event.
--
-- Source: Standard Webhooks, signature scheme.

create table usher.webhook_secrets (
  id uuid primary key default gen_random_uuid(),
  webhook_id uuid not null references public.organisation_webhooks
    on delete cascade,
  secret bytea,
  vault_secret_id uuid,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  constraint webhook_secrets_one_place check (
    num_nonnulls(secret, vault_secret_id) = 1
  )
);
comment on table usher.webhook_secrets
  is 'What signs for an endpoint: one without an end, and those that it has replaced, until their end.';
comment on column usher.webhook_secrets.secret
  is '32 bytes, only where the project has no Vault.';
comment on column usher.webhook_secrets.vault_secret_id
  is 'Where it lies in vault.secrets, as whsec_….';

create unique index webhook_secrets_one_stays on usher.webhook_secrets (
  webhook_id
)
  where expires_at is null;
create index webhook_secrets_webhook_id on usher.webhook_secrets (webhook_id);

alter table usher.webhook_secrets enable row level security;
create policy webhook_secrets_nobody
  on usher.webhook_secrets
  for select
  to public
  using (false);

create function usher.tg_webhook_secrets__leave_vault() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if old.vault_secret_id is not null then
    execute 'delete from vault.secrets where id = $1' using old.vault_secret_id;
  end if;
  return null;
end
$$;
comment on function usher.tg_webhook_secrets__leave_vault
  is 'Takes a secret out of Vault when its endpoint is done with it.';

create trigger usher_leave_vault
  after delete
  on usher.webhook_secrets
  for each row
  execute function usher.tg_webhook_secrets__leave_vault();

create function usher.add_webhook_secret(
  webhook public.organisation_webhooks
) returns public.organisation_webhook_secret
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook  public.organisation_webhooks := add_webhook_secret.webhook;
  -- 192 to 512 bits, says the specification.
  v_secret   bytea := extensions.gen_random_bytes(32);
  v_text     text := 'whsec_' || encode(v_secret, 'base64');
  v_id       uuid := gen_random_uuid();
  v_vault_id uuid;
begin
  if to_regclass('vault.decrypted_secrets') is not null then
    execute 'select vault.create_secret($1, $2, $3)' into v_vault_id
      using v_text, 'usher_webhook_secret_' || v_id, 'Signs what a webhook is sent (Usher).';
    v_secret := null;
  end if;
  insert into usher.webhook_secrets (id, webhook_id, secret, vault_secret_id)
  values (v_id, v_webhook.id, v_secret, v_vault_id);
  return row(v_webhook.id, v_webhook.organisation_id, v_text, (
    select max(s.expires_at) from usher.webhook_secrets s where s.webhook_id = v_webhook.id
  ))::public.organisation_webhook_secret;
end
$$;
comment on function usher.add_webhook_secret
  is 'Makes a secret for an endpoint, in Vault where the project has one; answers it, as nothing else ever will.';

create function usher.webhook_signatures(
  webhook_id uuid,
  content text
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_row        usher.webhook_secrets;
  v_secret     text;
  v_signatures text[] := '{}'::text[];
begin
  for v_row in
    select s.* from usher.webhook_secrets s
    where s.webhook_id = webhook_signatures.webhook_id
      and (s.expires_at is null or s.expires_at > clock_timestamp())
    order by s.created_at desc
  loop
    if v_row.secret is null then
      execute 'select s.decrypted_secret from vault.decrypted_secrets s where s.id = $1'
        into v_secret using v_row.vault_secret_id;
      if v_secret is null then
        return null;
      end if;
      v_row.secret := decode(substring(v_secret from 7), 'base64');
    end if;
    v_signatures := v_signatures || ('v1,' || encode(extensions.hmac(
      convert_to(webhook_signatures.content, 'UTF8'), v_row.secret, 'sha256'), 'base64'));
  end loop;
  return array_to_string(v_signatures, ' ');
end
$$;
comment on function usher.webhook_signatures
  is $$The header webhook-signature: HMAC-SHA-256 by each secret that still signs, the newest first. Made here, so
that no secret leaves the database. Null when Vault has lost one of them.$$;

create function usher.rotate_webhook_secret(
  webhook_id uuid,
  keep_old_for interval
) returns public.organisation_webhook_secret
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks := usher.webhook_for_change(rotate_webhook_secret.webhook_id);
  v_keep    interval := coalesce(rotate_webhook_secret.keep_old_for, interval '1 day');
  v_secret  public.organisation_webhook_secret;
begin
  if not usher.is_span(v_keep, '0', '7 days') then
    perform usher.fail('invalid_settings', hint => 'keep_old_for is from 0 to 7 days.');
  end if;
  -- Each that still signs is one more signature in the header.
  perform usher.take_allowance('webhook-rotations:' || v_webhook.id, 1, 10, interval '1 day');

  update usher.webhook_secrets s
  set expires_at = least(s.expires_at, clock_timestamp() + v_keep)
  where s.webhook_id = v_webhook.id;
  delete from usher.webhook_secrets s
  where s.webhook_id = v_webhook.id and s.expires_at <= clock_timestamp();
  v_secret := usher.add_webhook_secret(v_webhook);
  perform usher.record_event(v_webhook.organisation_id, 'webhook.secret_rotated', 'webhook', v_webhook.id,
    after => jsonb_build_object('old_secrets_end', v_secret.old_secrets_end));
  return v_secret;
end
$$;
comment on function usher.rotate_webhook_secret
  is 'The rule behind public.rotate_organisation_webhook_secret.';

create function public.rotate_organisation_webhook_secret(
  webhook_id uuid,
  keep_old_for interval default null
) returns public.organisation_webhook_secret
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.rotate_webhook_secret($1, $2) $$;
comment on function public.rotate_organisation_webhook_secret
  is $$Makes a new secret for an endpoint. Older ones sign beside it for a while, so that receivers can change over
without missing an event. At most ten times a day.

  keep_old_for  how long older ones go on signing: 0, for one that has become known, to 7 days; without it,
                1 day. Also ends those of an earlier rotation that would have gone on longer

Returns the secret, shown this once. Needs webhook.manage. Fails with unauthenticated, webhook_not_found,
permission_denied, invalid_settings, rate_limited.$$;
grant execute on function public.rotate_organisation_webhook_secret to authenticated;
grant execute on function usher.rotate_webhook_secret to authenticated;
