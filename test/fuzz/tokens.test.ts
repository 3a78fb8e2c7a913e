/**
 * No token but one that was sent opens anything, and it opens only what it was sent for.
 *
 * @module-tag long
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { test as base, createAcme, type Organisation } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { holds, TIMEOUT } from './budget.ts'
import { storable } from './storable.ts'

/** Version, key, invite, nonce, expiry, fingerprint, MAC: where each ends, in bytes. */
const INVITE_FIELDS = [1, 3, 19, 35, 39, 55, 87]
const BUDGET = { runs: 100, share: 3 }

const bytesOf = (token: string) => Buffer.from(token.slice(4), 'base64url')
const tokenOf = (prefix: string, bytes: Buffer) => prefix + bytes.toString('base64url')

interface Links {
  acme: Organisation
  /** Of two invites of one organisation, of another organisation's, and one that an older key has signed. */
  invites: string[]
  stops: string[]
}

const test = base.extend('links', { scope: 'file' }, async ({ database }): Promise<Links> => {
  const acme = await createAcme(database.sql)
  const other = await createAcme(database.sql)
  const older = (await acme.invite()).token
  await database.sql`select usher.rotate_signing_key()`
  const sent = [await acme.invite(), await acme.invite(), await other.invite()]
  await fanOut(database.sql)
  const stops = await database.sql`select usher.mint_stop_token(id) as token
    from public.organisation_deliveries where kind = 'invite' limit 2`
  return {
    acme,
    invites: [older, ...sent.map(({ token }) => token)],
    stops: stops.map((row) => row.token),
  }
})

/** How many of a long list are shown at the doors that change something; the check before them sees all. */
const AT_THE_DOORS = 40

/** What the tokens have opened: has to be nothing. */
async function opened({ acme }: Links, tokens: string[]): Promise<unknown[]> {
  const stored = tokens.map(storable)
  const states = await acme.anyone.run(
    (tx) => tx`select v.status || ' ' || v.reason as state from unnest(${stored}::text[]) t (token)
      cross join lateral public.validate_organisation_invite(t.token) v`,
  )
  const known = await acme.sql`select t.token from unnest(${stored}::text[]) t (token)
    where usher.verify_stop_token(t.token) is not null`
  const step = Math.ceil(stored.length / AT_THE_DOORS)
  const refusals = await Promise.all(
    stored
      .filter((_, i) => i % step === 0)
      .flatMap((token) => [
        acme.stranger.rpc('accept_organisation_invite', { token }).catch(({ code }) => code),
        acme.anyone.rpc('decline_organisation_invite', { token }).catch(({ code }) => code),
        acme.anyone.rpc('stop_organisation_mail', { token }).catch(({ code }) => code),
      ]),
  )
  return [
    ...states.map(({ state }) => state).filter((state) => state !== 'invalid invite_invalid'),
    ...(states.length === stored.length ? [] : ['no answer']),
    ...known,
    ...refusals.filter((code) => code !== 'invite_invalid'),
  ]
}

const flipped = (token: string, bit: number) => {
  const bytes = bytesOf(token)
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return tokenOf(token.slice(0, 4), bytes)
}

describe('a token is good as a whole or not at all', () => {
  test('the ones that were sent are, each at its own door', async ({ links }) => {
    for (const token of links.invites) {
      expect(await links.acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
        status: 'pending',
      })
    }
    for (const token of links.stops) {
      expect(await links.acme.anyone.rpc('stop_organisation_mail', { token })).toMatch(/./)
    }
  })

  test('with any one bit flipped it is none', { timeout: 60_000 }, async ({ links }) => {
    for (const token of [links.invites[0] ?? '', links.stops[0] ?? '']) {
      const tokens = Array.from({ length: bytesOf(token).length * 8 }, (_, bit) =>
        flipped(token, bit),
      )
      expect(new Set(tokens).size).toBe(tokens.length)
      expect(await opened(links, tokens)).toEqual([])
    }
  })

  test('cut off anywhere it is none', async ({ links }) => {
    for (const token of [links.invites[0] ?? '', links.stops[0] ?? '']) {
      const lengths = Array.from({ length: token.length }, (_, i) => i)
      const tokens = lengths.flatMap((i) => [token.slice(0, i), token.slice(i + 1)])
      expect(await opened(links, tokens)).toEqual([])
    }
  })

  test('a token to stop mails is not taken for a link, nor the other way round', async ({
    links,
  }) => {
    const [invite = '', stop = ''] = [links.invites[1], links.stops[0]]
    const [inviteBytes, stopBytes] = [bytesOf(invite), bytesOf(stop)]
    const tokens = [
      `stp_${invite.slice(4)}`,
      `inv_${stop.slice(4)}`,
      // Of the right length for the other door, and with the other's version.
      tokenOf('stp_', inviteBytes.subarray(0, 51)),
      tokenOf('inv_', Buffer.concat([stopBytes, stopBytes]).subarray(0, 87)),
      tokenOf('stp_', Buffer.concat([Buffer.of(2), inviteBytes.subarray(1, 51)])),
      tokenOf(
        'inv_',
        Buffer.concat([Buffer.of(1), stopBytes.subarray(1), stopBytes.subarray(0, 36)]),
      ),
    ]
    expect(await opened(links, tokens)).toEqual([])
    await expect(
      links.acme.anyone.rpc('stop_organisation_mail', { token: invite }),
    ).rejects.toMatchObject({
      code: 'invite_invalid',
    })
    expect(
      await links.acme.anyone.rpc('validate_organisation_invite', { token: stop }),
    ).toMatchObject({ status: 'invalid' })
  })

  test('parts of several good ones make none', { timeout: TIMEOUT }, async ({ links }) => {
    const pick = fc.nat({ max: links.invites.length - 1 })
    const mixture = fc.oneof(
      // Field by field, so that each stays whole.
      fc
        .array(pick, { minLength: 7, maxLength: 7 })
        .map((from) =>
          Buffer.concat(
            from.map((i, field) =>
              bytesOf(links.invites[i] ?? '').subarray(
                INVITE_FIELDS[field - 1] ?? 0,
                INVITE_FIELDS[field],
              ),
            ),
          ),
        ),
      // Cut at any byte.
      fc
        .tuple(pick, pick, fc.nat({ max: 87 }))
        .map(([one, two, at]) =>
          Buffer.concat([
            bytesOf(links.invites[one] ?? '').subarray(0, at),
            bytesOf(links.invites[two] ?? '').subarray(at),
          ]),
        ),
    )
    await holds(
      fc.asyncProperty(mixture, async (bytes) => {
        const token = tokenOf('inv_', bytes)
        fc.pre(!links.invites.includes(token))
        expect(await opened(links, [token])).toEqual([])
      }),
      BUDGET,
    )
  })

  test('changed as text, as mail programs and people change it, it is none', {
    timeout: TIMEOUT,
  }, async ({ links }) => {
    const character = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
      fc.constantFrom('=', '+', '/', '-', '_', ' ', '\n', '.', '%2B', '\u0391', '\uff21', 'inv_'),
    )
    const changed = fc
      .tuple(fc.constantFrom(...links.invites, ...links.stops), fc.nat({ max: 130 }), character)
      .chain(([token, at, text]) =>
        fc.constantFrom(
          token.slice(0, at) + text + token.slice(at),
          token.slice(0, at) + text + token.slice(at + 1),
          token.toUpperCase(),
          token.toLowerCase(),
          token.replaceAll('-', '+').replaceAll('_', '/'),
          token + text,
          text + token,
          text,
        ),
      )
    await holds(
      fc.asyncProperty(changed, async (token) => {
        fc.pre(![...links.invites, ...links.stops].includes(storable(token)))
        expect(await opened(links, [token])).toEqual([])
      }),
      BUDGET,
    )
  })
})

describe('who knows how a token is made cannot make one', () => {
  /** The payload of an invite's token, as its layout says, and a MAC under any key. */
  const forge = (payload: Buffer, key: Buffer) =>
    tokenOf('inv_', Buffer.concat([payload, createHmac('sha256', key).update(payload).digest()]))

  test('under a key of their own, whatever id they give it', { timeout: TIMEOUT }, async ({
    links,
  }) => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 64 }).map((key) => Buffer.from(key))
    await holds(
      fc.asyncProperty(
        fc.constantFrom(...links.invites),
        bytes,
        fc.nat({ max: 65_535 }),
        async (token, key, keyId) => {
          const payload = Buffer.from(bytesOf(token).subarray(0, 55))
          const own = forge(payload, key)
          payload.writeUInt16BE(keyId, 1)
          expect(await opened(links, [own, forge(payload, key)])).toEqual([])
        },
      ),
      BUDGET,
    )
  })

  test('under the true key neither, because nobody has sent it', async ({ links }) => {
    const { acme } = links
    const payload = Buffer.from(bytesOf(links.invites[1] ?? '').subarray(0, 55))
    const [row] = await acme.sql`select usher.signing_key_secret(${payload.readUInt16BE(1)}) as key`
    const genuine = forge(payload, row?.key)
    expect(genuine).toBe(links.invites[1])

    randomBytes(16).copy(payload, 19)
    const otherNonce = forge(payload, row?.key)
    Buffer.from(randomUUID().replaceAll('-', ''), 'hex').copy(payload, 3)
    expect(await opened(links, [otherNonce, forge(payload, row?.key)])).toEqual([])
  })

  test('a link with another lifetime or other roles is none, though the key has signed it', async ({
    links,
  }) => {
    const { acme } = links
    const of = (change: (payload: Buffer) => void, key: Buffer) => {
      const payload = Buffer.from(bytesOf(links.invites[1] ?? '').subarray(0, 55))
      change(payload)
      return forge(payload, key)
    }
    const keyId = bytesOf(links.invites[1] ?? '').readUInt16BE(1)
    const [row] = await acme.sql`select usher.signing_key_secret(${keyId}) as key`
    const otherRoles = of((payload) => randomBytes(16).copy(payload, 39), row?.key)
    const ended = of((payload) => payload.writeUInt32BE(1, 35), row?.key)

    expect(await opened(links, [otherRoles])).toEqual([])
    expect(await acme.anyone.rpc('validate_organisation_invite', { token: ended })).toMatchObject({
      reason: 'invite_expired',
    })
  })

  test('a link of another organisation leads there and nowhere else', async ({ links }) => {
    const { acme } = links
    const { invite, token } = await (await createAcme(acme.sql)).invite()
    await expect(acme.stranger.rpc('accept_organisation_invite', { token })).rejects.toMatchObject({
      code: 'invite_wrong_email',
    })

    const invitee = await acme.person(invite.email)
    const member = await invitee.rpc('accept_organisation_invite', { token })
    const memberships = await invitee.rpc('list_my_organisations')
    expect(memberships.map(({ id }: { id: string }) => id)).toEqual([member.organisation_id])
    expect(member.organisation_id).not.toBe(acme.id)
  })
})
