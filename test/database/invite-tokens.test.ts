import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'

const bytesOf = (token: string) => Buffer.from(token.slice('inv_'.length), 'base64url')
const tokenOf = (bytes: Uint8Array) => `inv_${Buffer.from(bytes).toString('base64url')}`

/** The statuses that many tokens get, asked in one statement. */
async function statuses(acme: Organisation, tokens: string[]): Promise<Set<string>> {
  const rows = await acme.anyone.run(
    (tx) => tx`select distinct (public.validate_organisation_invite(t)).status
      from unnest(${tokens}::text[]) t`,
  )
  return new Set(rows.map((row) => row.status))
}

describe('a token', () => {
  test('is URL safe, opaque, and 120 characters long', async ({ acme }) => {
    const { token } = await acme.invite()

    expect(token).toMatch(/^inv_[A-Za-z0-9_-]{116}$/)
    expect(bytesOf(token)).toHaveLength(87)
  })

  test('differs with each minting, and all of one issue are good', async ({ acme }) => {
    const { invite, token } = await acme.invite()
    const again = await acme.mint(invite.id)

    expect(again).not.toBe(token)
    expect(await statuses(acme, [token, again])).toEqual(new Set(['pending']))
  })

  test('is dead when any one of its 696 bits is flipped', async ({ acme }) => {
    const bytes = bytesOf((await acme.invite()).token)
    const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const copy = Buffer.from(bytes)
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      return tokenOf(copy)
    })

    expect(await statuses(acme, flipped)).toEqual(new Set(['invalid']))
  })

  test('is dead when cut short, lengthened, or put in another case', async ({ acme }) => {
    const { token } = await acme.invite()
    const spoilt = [
      ...Array.from({ length: token.length }, (_, length) => token.slice(0, length)),
      `${token}A`,
      ` ${token}`,
      `${token}\n`,
      token.toUpperCase(),
      token.replace('inv_', ''),
    ]

    expect(await statuses(acme, spoilt)).toEqual(new Set(['invalid']))
  })

  test('is dead when two good ones are mixed', async ({ acme }) => {
    const [one, two] = [bytesOf((await acme.invite()).token), bytesOf((await acme.invite()).token)]
    const cuts = [1, 3, 19, 35, 39, 55, 86]
    const mixed = cuts.map((at) => tokenOf(Buffer.concat([one.subarray(0, at), two.subarray(at)])))

    // The first three bytes, version and key, are the same in both: these two are no mixtures.
    expect(await statuses(acme, mixed.slice(2))).toEqual(new Set(['invalid']))
  })

  test('is dead when address or roles are changed behind its back', async ({ acme }) => {
    const { invite, token } = await acme.invite()

    await acme.sql`update usher.invites set roles = '{admin}' where id = ${invite.id}`
    expect(await statuses(acme, [token])).toEqual(new Set(['invalid']))

    await acme.sql`update usher.invites set roles = '{member}', email = 'thief@example.com' where id = ${invite.id}`
    expect(await statuses(acme, [token])).toEqual(new Set(['invalid']))
  })

  test('is dead when it was signed but never minted here', async ({ acme }) => {
    const { invite, token } = await acme.invite()
    await acme.sql`delete from usher.invite_tokens where invite_id = ${invite.id}`

    expect(await statuses(acme, [token])).toEqual(new Set(['invalid']))
  })

  test('dies at its own expiry, even when the row is given more time', async ({ acme }) => {
    const { invite } = await acme.invite()
    await acme.sql`update usher.invites set expires_at = now() - interval '1 second' where id = ${invite.id}`
    const token = await acme.mint(invite.id)
    await acme.sql`update usher.invites set expires_at = now() + interval '1 day' where id = ${invite.id}`

    expect(await statuses(acme, [token])).toEqual(new Set(['expired']))
  })
})

describe('signing keys', () => {
  test('after a rotation old links work and new ones are signed anew', async ({ acme }) => {
    const { invite, token: before } = await acme.invite()
    await acme.sql`select usher.rotate_signing_key()`
    const after = await acme.mint(invite.id)

    expect(bytesOf(after).readUInt16BE(1)).toBe(bytesOf(before).readUInt16BE(1) + 1)
    expect(await statuses(acme, [before, after])).toEqual(new Set(['pending']))
  })

  test('a key verifies until its last token has expired, and no longer', async ({ acme }) => {
    const { token } = await acme.invite()
    await acme.sql`select usher.rotate_signing_key()`
    await acme.sql`update usher.signing_keys set retired_at = now() - interval '31 days' where retired_at is not null`

    expect(await statuses(acme, [token])).toEqual(new Set(['invalid']))
  })

  test('two first mails at once make one key', async ({ acme }) => {
    await acme.sql`delete from usher.signing_keys`
    const { invite } = await acme.invite()

    await acme.sql`delete from usher.signing_keys`
    const tokens = await Promise.all([acme.mint(invite.id), acme.mint(invite.id)])

    expect(await acme.sql`select id from usher.signing_keys`).toHaveLength(1)
    expect(await statuses(acme, tokens)).toEqual(new Set(['pending']))
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

    expect(await statuses(acme, [token])).toEqual(new Set(['pending']))
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
    const nonce = bytesOf(token).subarray(19, 35).toString('hex')
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
