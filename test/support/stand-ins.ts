/**
 * Parts of a Supabase project that the local stack and the tests do without, as their documentation gives them: for
 * what takes them where they are.
 *
 * @module
 */

/** The interface of supabase_vault; the extension itself is not to be had without Supabase's image. */
export const VAULT = `
  create schema vault;
  create table vault.secrets (id uuid primary key default gen_random_uuid(), secret text, name text unique);
  create view vault.decrypted_secrets as select id, name, secret as decrypted_secret from vault.secrets;
  create function vault.create_secret(new_secret text, new_name text, new_description text)
  returns uuid language sql as
  $$ insert into vault.secrets (secret, name) values ($1, $2) returning id $$;`

/** Auth's table of SAML domains. */
export const SSO_DOMAINS = `
  create table if not exists auth.sso_domains (sso_provider_id uuid, domain text)`
