import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { bytesOfToken, statusesOf } from '../support/invite-tokens.ts'

const tokenOf = (bytes: Uint8Array) => `inv_${Buffer.from(bytes).toString('base64url')}`

describe('a token', () => {
  test('is URL safe, opaque, and 120 characters long', async ({ acme }) => {
    const { token } = await acme.invite()

    expect(token).toMatch(/^inv_[A-Za-z0-9_-]{116}$/)
    expect(bytesOfToken(token)).toHaveLength(87)
  })

  test('differs with each minting, and all of one issue are good', async ({ acme }) => {
    const { invite, token } = await acme.invite()
    const again = await acme.mint(invite.id)

    expect(again).not.toBe(token)
    expect(await statusesOf(acme, [token, again])).toEqual(new Set(['pending']))
  })

  test('is dead when any one of its 696 bits is flipped', async ({ acme }) => {
    const bytes = bytesOfToken((await acme.invite()).token)
    const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const copy = Buffer.from(bytes)
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      return tokenOf(copy)
    })

    expect(await statusesOf(acme, flipped)).toEqual(new Set(['invalid']))
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

    expect(await statusesOf(acme, spoilt)).toEqual(new Set(['invalid']))
  })

  test('is dead when two good ones are mixed', async ({ acme }) => {
    const [one, two] = [
      bytesOfToken((await acme.invite()).token),
      bytesOfToken((await acme.invite()).token),
    ]
    const cuts = [1, 3, 19, 35, 39, 55, 86]
    const mixed = cuts.map((at) => tokenOf(Buffer.concat([one.subarray(0, at), two.subarray(at)])))

    // The first three bytes, version and key, are the same in both: these two are no mixtures.
    expect(await statusesOf(acme, mixed.slice(2))).toEqual(new Set(['invalid']))
  })

  test('is dead when address or roles are changed behind its back', async ({ acme }) => {
    const { invite, token } = await acme.invite()

    await acme.sql`update usher.invites set roles = '{admin}' where id = ${invite.id}`
    expect(await statusesOf(acme, [token])).toEqual(new Set(['invalid']))

    await acme.sql`update usher.invites set roles = '{member}', email = 'thief@example.com' where id = ${invite.id}`
    expect(await statusesOf(acme, [token])).toEqual(new Set(['invalid']))
  })

  test('is dead when it was signed but never minted here', async ({ acme }) => {
    const { invite, token } = await acme.invite()
    await acme.sql`delete from usher.invite_tokens where invite_id = ${invite.id}`

    expect(await statusesOf(acme, [token])).toEqual(new Set(['invalid']))
  })

  test('dies at its own expiry, even when the row is given more time', async ({ acme }) => {
    const { invite } = await acme.invite()
    await acme.sql`update usher.invites set expires_at = now() - interval '1 second' where id = ${invite.id}`
    const token = await acme.mint(invite.id)
    await acme.sql`update usher.invites set expires_at = now() + interval '1 day' where id = ${invite.id}`

    expect(await statusesOf(acme, [token])).toEqual(new Set(['expired']))
  })
})
