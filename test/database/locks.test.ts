/** A tenant's transaction that is held open keeps nobody else waiting: no lock is wider than an organisation. */
import postgres from 'postgres'
import { describe, expect } from 'vitest'
import { test as base, createAcme } from '../support/acme.ts'
import { HEADERS } from '../support/calls.ts'
import { begin, settled } from '../support/locks.ts'
import { CALLS, scenesOf } from '../support/matrix-calls.ts'
import { type CallerName, MATRIX } from '../support/permission-matrix.ts'

const test = base.extend('scenes', { scope: 'file' }, ({ database }) => scenesOf(database.sql))

/** Whose lock is wider, and why nobody waits for it. */
const WIDER: Record<string, string> = {
  run_upkeep:
    'workers among themselves, a step and organisation each, and whoever does not get it goes on',
  rotate_signing_key: 'operators only; nobody else may call it',
  next_place: 'workers among themselves, while they give places in line',
  purge_auth_mails_of: 'workers among themselves; mails of Auth belong to no organisation',
  pace_mails: 'workers among themselves, while they give places in line',
  lease_in_turn: 'workers among themselves, a mailbox each, and whoever does not get it goes on',
  ensure_signing_key: 'only while there is no key at all; the migrations make one',
}

describe('locks', () => {
  test('name the organisation or the caller whom they are about', async ({ database: { sql } }) => {
    const rows = await sql<{ name: string; body: string }[]>`
      select proname as name, prosrc as body from pg_proc
      where pronamespace in ('usher'::regnamespace, 'public'::regnamespace)
        and prosrc ~* '(advisory|lock +table)'`
    const narrow: string[] = []
    for (const { name, body } of rows) {
      if (WIDER[name]) continue
      expect(body, name).not.toMatch(/lock +table/i)
      // Whatever stands up to the end of the statement: what is locked is said there.
      const calls = [
        ...body.matchAll(/pg_(?:try_)?advisory\w*\([^;]*;|pg_(?:try_)?advisory[^;]*?then/g),
      ]
      expect(calls.length, name).toBeGreaterThan(0)
      for (const [call] of calls) {
        // To the end of the transaction; of 64 bits, so that two organisations do not meet by chance.
        expect(call, name).toMatch(/^pg_(?:try_)?advisory_xact_lock/)
        expect(call, name).toMatch(/hashtextextended/)
        expect(call, name).toMatch(/organisation_id|auth\.uid\(\)/)
      }
      narrow.push(name)
    }

    expect(narrow).toEqual(expect.arrayContaining(['seal_events', 'lock_person']))
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(WIDER)))
    const [keys] = await sql`select count(*)::int as n from usher.signing_keys`
    expect(keys?.n).toBeGreaterThan(0)
  })

  test('of whatever call is held open, nobody of another organisation waits, nor the seals', async ({
    database,
    scenes,
  }) => {
    const held = postgres(database.url, { max: 1, onnotice: () => {} })
    const others = postgres(database.url, { max: 1, onnotice: () => {} })
    const call = async (sql: postgres.Sql, name: string, sub: string | null, args: object) => {
      const claims = JSON.stringify({ role: 'authenticated', sub })
      await sql`select set_config('role', 'authenticated', true),
        set_config('request.jwt.claims', ${claims}, true),
        set_config('request.headers', ${JSON.stringify(HEADERS)}, true)`
      const list = Object.keys(args).map((key, i) => `${key} => $${i + 1}`)
      await sql.unsafe(
        `select * from public.${name}(${list.join(', ')})`,
        Object.values(args) as never[],
      )
    }
    const done: string[] = []
    try {
      for (const name of Object.keys(CALLS)) {
        const outcomes = Object.entries(MATRIX[name] ?? {}) as [CallerName, string][]
        const caller = outcomes.findLast(([, outcome]) => outcome === 'ok')?.[0]
        if (!caller) continue
        const [one, two] = [await scenes(name, caller), await scenes(name, caller)]
        const third = await createAcme(database.sql)

        await held`begin`
        await call(held, name, one.scene[caller].userId, one.args)
        await others`begin`
        await others`set local lock_timeout = '2s'`
        if (one.scene.id !== two.scene.id) {
          // Who wants the very slug that somebody is just taking has to hear whether they have it.
          const args = JSON.parse(
            JSON.stringify(two.args).replace('"name":"New"', '"name":"Newer"'),
          )
          const error = await call(others, name, two.scene[caller].userId, args).catch(
            (cause: Error) => cause.message,
          )
          expect(error, name).toBeUndefined()
        }
        await others`reset role`
        await others`select usher.seal_audit_trail()`
        const [sealed] = await others`select count(*)::int as n from usher.sealed_events
          where organisation_id = ${third.id}`
        await others`commit`
        await held`rollback`

        expect(sealed?.n, name).toBeGreaterThan(0)
        done.push(name)
      }
    } finally {
      await Promise.all([held.end({ timeout: 1 }), others.end({ timeout: 1 })])
    }

    expect(done).toEqual(expect.arrayContaining(['export_organisation_evidence']))
    expect(done.length).toBeGreaterThan(60)
  }, 60_000)

  test('an export that is held open keeps only its own trail from being sealed', async ({
    acme,
  }) => {
    const other = await createAcme(acme.sql)
    const held = await acme.sql.reserve()
    try {
      await held`begin`
      await held`select usher.collect_evidence(${acme.id}, '2020-01-01', now())`
      await acme.sql`select usher.seal_audit_trail()`
      const sealed = await acme.sql`select organisation_id from usher.audit_seals
        where organisation_id in (${acme.id}, ${other.id})`
      expect(sealed).toEqual([{ organisation_id: other.id }])
    } finally {
      await held`rollback`
      held.release()
    }
    await acme.sql`select usher.seal_audit_trail()`
    expect(
      await acme.sql`select from usher.audit_seals where organisation_id = ${acme.id}`,
    ).toHaveLength(1)
  })
})

/** Of each strength, those that wait while another holds it in the same organisation. */
const WAITS = {
  exists: ['delete'],
  share: ['settings', 'delete'],
  settings: ['share', 'settings', 'delete'],
  delete: ['exists', 'share', 'settings', 'delete'],
}

/** Whether a statement waits while another transaction holds what the first one takes. */
async function waits(sql: postgres.Sql, first: string, second: string) {
  const held = await begin(sql, null)
  const other = await begin(sql, null)
  await held.tx.unsafe(first)
  const work = other.tx.unsafe(second).execute()
  const how = await settled(sql, other.pid, work)
  await held.rollback()
  await work
  await other.rollback()
  return how === 'waits'
}

describe('the lock of an organisation', () => {
  test.for(Object.entries(WAITS))(
    '%s lets wait %j, and no others',
    async ([held, waiting], { acme }) => {
      const lock = (how: string, id = acme.id) =>
        `select usher.lock_organisation('${id}', '${how}')`

      for (const wanted of Object.keys(WAITS)) {
        expect([wanted, await waits(acme.sql, lock(held), lock(wanted))]).toEqual([
          wanted,
          waiting.includes(wanted),
        ])
        expect(await waits(acme.sql, lock(held), lock(wanted, acme.otherId))).toBe(false)
      }
    },
  )

  test('is of one of these strengths', async ({ acme }) => {
    await expect(
      acme.sql`select usher.lock_organisation(${acme.id}, 'strong')`,
    ).rejects.toMatchObject({ code: '20000' })
  })
})

describe('the lock of a person', () => {
  test('is of one address in one organisation, whether or not it has an account', async ({
    acme,
  }) => {
    const lock = (email: string, id = acme.id) => `select usher.lock_person('${id}', '${email}')`
    const first = lock('ann@example.com')

    expect(await waits(acme.sql, first, lock('ann@example.com'))).toBe(true)
    expect(await waits(acme.sql, first, lock('bob@example.com'))).toBe(false)
    expect(await waits(acme.sql, first, lock('ann@example.com', acme.otherId))).toBe(false)
  })
})

describe('the lock of members', () => {
  test('is of their memberships here, past ones too, and lets others be read and written', async ({
    acme,
  }) => {
    const former = await acme.join(['member'], 'left')
    await acme.sql`select usher.add_member(${acme.otherId}, ${acme.admin.userId}, '{member}')`
    const lock = (people: { userId: string }[], id = acme.id) =>
      `select usher.lock_members('${id}', '{${people.map(({ userId }) => userId)}}')`
    const first = lock([acme.admin, former])

    expect(await waits(acme.sql, first, lock([acme.member, acme.admin]))).toBe(true)
    expect(await waits(acme.sql, first, lock([former]))).toBe(true)
    expect(await waits(acme.sql, first, lock([acme.member]))).toBe(false)
    expect(await waits(acme.sql, first, lock([acme.admin], acme.otherId))).toBe(false)
  })
})
