import { createHash, randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { createDatabase } from '../support/database.ts'
import { asWorker } from '../support/worker.ts'

const hash = async (sql: postgres.Sql, email: string): Promise<string> =>
  (await sql`select encode(usher.address_hash(${email}), 'hex') as hash`)[0]?.hash

const someone = () => `someone-${randomUUID().slice(0, 8)}@example.com`

describe('the hash of an address', () => {
  test('is the same each time, and another for any other address', async ({
    database: { sql },
  }) => {
    const email = someone()

    expect(await hash(sql, email)).toBe(await hash(sql, email))
    expect(await hash(sql, `x${email}`)).not.toBe(await hash(sql, email))
  })

  test('is not what anybody could look up in a list of hashed addresses', async ({
    database: { sql },
  }) => {
    const email = someone()

    const plain = createHash('sha256').update(email).digest('hex')
    expect(await hash(sql, email)).toMatch(/^[0-9a-f]{64}$/)
    expect(await hash(sql, email)).not.toBe(plain)
  })

  test('goes by a salt of 256 bits, of which there is one', async ({ database: { sql } }) => {
    const salts = await sql`select octet_length(salt) as bytes from usher.address_salt`

    expect([...salts]).toEqual([{ bytes: 32 }])
    await expect(sql`insert into usher.address_salt default values`).rejects.toMatchObject({
      code: '23505',
    })
  })

  test('is another under another salt', async ({ database: { sql } }) => {
    const other = await createDatabase()
    try {
      const email = someone()
      await other.sql`update usher.address_salt set salt = extensions.gen_random_bytes(32)`

      expect(await hash(other.sql, email)).not.toBe(await hash(sql, email))
    } finally {
      await other.drop()
    }
  })

  test('is made by nobody who comes through the API, nor by the worker, and its salt is not read', async ({
    acme,
  }) => {
    for (const statement of [
      'select * from usher.address_salt',
      `select usher.address_hash('someone@example.com')`,
    ]) {
      for (const who of [acme.anyone, acme.owner, acme.service]) {
        await expect(who.run((tx) => tx.unsafe(statement))).rejects.toMatchObject({ code: '42501' })
      }
      await expect(asWorker(acme, (tx) => tx.unsafe(statement))).rejects.toMatchObject({
        code: '42501',
      })
    }
  })
})
