import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { bytesOfToken, statusesOf } from '../support/invite-tokens.ts'

describe('signing keys', () => {
  test('after a rotation old links work and new ones are signed anew', async ({ acme }) => {
    const { invite, token: before } = await acme.invite()
    await acme.sql`select usher.rotate_signing_key()`
    const after = await acme.mint(invite.id)

    expect(bytesOfToken(after).readUInt16BE(1)).toBe(bytesOfToken(before).readUInt16BE(1) + 1)
    expect(await statusesOf(acme, [before, after])).toEqual(new Set(['pending']))
  })

  test('a key verifies until its last token has expired, and no longer', async ({ acme }) => {
    const { token } = await acme.invite()
    await acme.sql`select usher.rotate_signing_key()`
    await acme.sql`update usher.signing_keys set retired_at = now() - interval '31 days' where retired_at is not null`

    expect(await statusesOf(acme, [token])).toEqual(new Set(['invalid']))
  })

  test('two first mails at once make one key', async ({ acme }) => {
    await acme.sql`delete from usher.signing_keys`
    const { invite } = await acme.invite()

    await acme.sql`delete from usher.signing_keys`
    const tokens = await Promise.all([acme.mint(invite.id), acme.mint(invite.id)])

    expect(await acme.sql`select id from usher.signing_keys`).toHaveLength(1)
    expect(await statusesOf(acme, tokens)).toEqual(new Set(['pending']))
  })

  test('lie in Vault where the project has one, and not in the table', async ({ acme }) => {
    // The interface of supabase_vault, as its documentation gives it; the extension itself is not
    // among those that come with Postgres.
    await acme.sql.unsafe(`
      create schema vault;
      create table vault.secrets (id uuid primary key default gen_random_uuid(), secret text, name text);
      create view vault.decrypted_secrets as select id, name, secret as decrypted_secret from vault.secrets;
      create function vault.create_secret(new_secret text, new_name text, new_description text)
      returns uuid language sql as
      $$ insert into vault.secrets (secret, name) values ($1, $2) returning id $$;`)
    const [{ id } = {}] = await acme.sql`select usher.rotate_signing_key() as id`
    const { token } = await acme.invite()

    expect(await statusesOf(acme, [token])).toEqual(new Set(['pending']))
    expect(
      await acme.sql`select secret, vault_secret_id is not null as is_in_vault
      from usher.signing_keys where id = ${id}`,
    ).toEqual([{ secret: null, is_in_vault: true }])
    await acme.sql.unsafe('drop schema vault cascade; delete from usher.signing_keys')
  })

  test('nobody who comes through the API reaches keys, nonces or minting', async ({ acme }) => {
    const { invite } = await acme.invite()
    for (const who of [acme.anyone, acme.owner, acme.service]) {
      for (const statement of [
        'select * from usher.signing_keys',
        'select * from usher.invite_tokens',
        `select usher.mint_invite_token('${invite.id}')`,
        'select usher.rotate_signing_key()',
        'select usher.signing_key_secret(1)',
        `select usher.update_settings('{}')`,
        `select usher.prepare_delivery('${invite.id}', 1)`,
      ]) {
        await expect(who.run((tx) => tx.unsafe(statement))).rejects.toMatchObject({ code: '42501' })
      }
    }
  })

  test('a dump of the database holds no live link', async ({ acme }) => {
    const { invite, token } = await acme.invite()
    const nonce = bytesOfToken(token).subarray(19, 35).toString('hex')
    const tables = await acme.sql`select c.oid::regclass::text as name from pg_class c
      where c.relkind = 'r' and c.relnamespace in ('usher'::regnamespace, 'public'::regnamespace)`

    for (const { name } of tables) {
      const [dump] = await acme.sql.unsafe(
        `select coalesce(string_agg(t::text, ''), '') as text from ${name} t`,
      )
      expect(dump?.text).not.toContain(token)
      expect(dump?.text).not.toContain(nonce)
    }
    expect(invite.id).toBeTruthy()
  })
})
