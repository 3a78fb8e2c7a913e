/**
 * The interface of supabase_vault, as its documentation gives it; the extension itself is not to be had without
 * Supabase's image.
 *
 * @module
 */
import type postgres from 'postgres'
import { onTestFinished } from 'vitest'

/** Gives the database a Vault until the test is over. */
export async function haveVault(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(`
    create schema vault;
    create table vault.secrets (id uuid primary key default gen_random_uuid(), secret text, name text unique);
    create view vault.decrypted_secrets as select id, name, secret as decrypted_secret from vault.secrets;
    create function vault.create_secret(new_secret text, new_name text, new_description text)
    returns uuid language sql as
    $$ insert into vault.secrets (secret, name) values ($1, $2) returning id $$;`)
  onTestFinished(async () => {
    await sql.unsafe('drop schema vault cascade')
  })
}
