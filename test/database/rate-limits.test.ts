import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { asRefusal } from '../support/refusal.ts'

const HOUR = '1 hour'

/** Takes so much of an allowance of three in an hour; answers the headers that PostgREST would send. */
const take = (sql: postgres.Sql, key: string, amount = 1, isSecret = false) =>
  asRefusal(() =>
    sql.begin(async (tx) => {
      await tx`select usher.take_allowance(${key}, ${amount}, 3, ${HOUR}, ${isSecret})`
      const [row] =
        await tx`select nullif(current_setting('response.headers', true), '')::json as headers`
      return Object.assign({}, ...(row?.headers ?? []))
    }),
  )

const newKey = () => `things:${randomUUID()}`

const refused = { code: 'rate_limited', status: 429 }

describe('an allowance of three in an hour', () => {
  test('is three, and the fourth is told when to come again', async ({ database: { sql } }) => {
    const key = newKey()
    for (let i = 0; i < 3; i += 1) await take(sql, key)

    await expect(take(sql, key)).rejects.toMatchObject({
      ...refused,
      details: expect.stringMatching(/^3(600|59\d)$/),
      headers: {
        'retry-after': expect.stringMatching(/^3(600|59\d)$/),
        'ratelimit-policy': '"things";q=3;w=3600',
        ratelimit: expect.stringMatching(/^"things";r=0;t=3(600|59\d)$/),
      },
    })
  })

  test('says with each answer what is left of it', async ({ database: { sql } }) => {
    const key = newKey()

    expect(await take(sql, key)).toEqual({
      'RateLimit-Policy': '"things";q=3;w=3600',
      RateLimit: '"things";r=2;t=3600',
    })
    expect(await take(sql, key, 2)).toMatchObject({
      RateLimit: expect.stringMatching(/^"things";r=0;t=3(600|59\d)$/),
    })
  })

  test('says nothing of what is left where that would tell a secret, but when to come again', async ({
    database: { sql },
  }) => {
    const key = newKey()
    for (let i = 0; i < 3; i += 1) expect(await take(sql, key, 1, true)).toEqual({})

    const { headers } = await take(sql, key, 1, true).catch((error) => error)
    expect(Object.keys(headers)).toEqual(['retry-after'])
  })

  test('does not count what was refused', async ({ database: { sql } }) => {
    const key = newKey()
    await take(sql, key, 2)

    await expect(take(sql, key, 2)).rejects.toMatchObject(refused)
    await take(sql, key, 1)
    await expect(take(sql, key, 1)).rejects.toMatchObject(refused)
  })

  test('is for one thing: what another has used is no part of it', async ({
    database: { sql },
  }) => {
    const key = newKey()
    await take(sql, key, 3)

    expect(await take(sql, newKey(), 3)).toMatchObject({ RateLimit: '"things";r=0;t=3600' })
  })

  test('is whole again an hour after its first use, and not a second before', async ({
    database: { sql },
  }) => {
    const key = newKey()
    const begins = (ago: string) =>
      sql`update usher.rate_limits set window_start = now() - ${ago}::interval where key = ${key}`
    await take(sql, key, 3)

    await begins('59 minutes 57 seconds')
    await expect(take(sql, key)).rejects.toMatchObject({
      ...refused,
      headers: { 'retry-after': expect.stringMatching(/^[123]$/) },
    })
    await begins(HOUR)
    expect(await take(sql, key)).toMatchObject({ RateLimit: '"things";r=2;t=3600' })
  })

  test('has one last part, and of two at once one gets it', async ({ database: { sql } }) => {
    const key = newKey()
    await take(sql, key, 2)

    const outcomes = await Promise.allSettled([take(sql, key), take(sql, key)])

    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('is neither seen, spent nor given back by anyone who comes through the API', async ({
    acme,
  }) => {
    for (const who of [acme.anyone, acme.owner, acme.service]) {
      for (const statement of [
        'select * from usher.rate_limits',
        'delete from usher.rate_limits',
        `select usher.take_allowance('things', 1, 3, '1 hour')`,
      ]) {
        await expect(who.run((tx) => tx.unsafe(statement))).rejects.toMatchObject({ code: '42501' })
      }
    }
  })
})

describe('an allowance that many share, of 400 in an hour', () => {
  const share = (sql: postgres.Sql | postgres.TransactionSql, key: string, amount = 1) =>
    sql<{ used: number }[]>`
      select (t).used from usher.take_shared_allowance(${key}, ${amount}, 400, ${HOUR}) t`
  const used = async (sql: postgres.Sql, key: string) =>
    (await sql`select sum(used)::int as used from usher.rate_limits where key = ${key}`)[0]?.used

  const rest = async (sql: postgres.Sql, key: string) => 400 - (await used(sql, key))

  test('is taken by one while another who takes of it has not come to an end', async ({
    database: { sql },
  }) => {
    const key = newKey()
    await share(sql, key)

    await sql.begin(async (batch) => {
      await share(batch, key, 200)
      for (const amount of [1, 20]) {
        await sql.begin(async (other) => {
          await other`set local lock_timeout = '1s'`
          // What the batch has taken is not there before it is committed.
          expect(await share(other, key, amount)).toEqual([{ used: amount === 1 ? 2 : 22 }])
        })
      }
    })
    expect(await used(sql, key)).toBe(222)
  })

  test.for([
    ['once each', 60, 1],
    ['in transactions that take several times', 12, 8],
  ] as const)(
    'is 400 and not one more, however many take of it at once, %s',
    async ([, callers, times], { database: { sql } }) => {
      const key = newKey()
      const amountOf = (n: number) => (n % 10 === 0 ? 50 : 7)

      const outcomes = await Promise.allSettled(
        Array.from({ length: callers }, (_, n) =>
          asRefusal(() =>
            sql.begin(async (tx) => {
              for (let i = 0; i < times; i += 1) await share(tx, key, amountOf(n))
            }),
          ),
        ),
      )

      const taken = outcomes.map(({ status }, n) =>
        status === 'fulfilled' ? times * amountOf(n) : 0,
      )
      const sum = taken.reduce((one: number, other: number) => one + other, 0)
      expect(sum).toBeLessThanOrEqual(400)
      expect(sum).toBeGreaterThan(200)
      expect(await used(sql, key)).toBe(sum)
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') continue
        // Those who have taken some and wait for more may wait for each other, as with any rows; one call never does.
        if (times > 1 && outcome.reason.code === '40P01') continue
        expect(outcome.reason.code).toBe('rate_limited')
      }
      // What is left can be had, and then no more.
      while ((await rest(sql, key)) > 0) await share(sql, key, Math.min(3, await rest(sql, key)))
      await expect(asRefusal(() => share(sql, key))).rejects.toMatchObject(refused)
    },
  )

  test('follows when it becomes another', async ({ database: { sql } }) => {
    const key = newKey()
    const takeOf = (allowance: number, amount: number) =>
      asRefusal(
        () =>
          sql`select (t).used from usher.take_shared_allowance(${key}, ${amount}, ${allowance}, ${HOUR}) t`,
      )
    expect(await takeOf(10, 8)).toEqual([{ used: 8 }])
    expect(await takeOf(1000, 500)).toEqual([{ used: 508 }])
    await expect(takeOf(400, 1)).rejects.toMatchObject(refused)
    expect(await takeOf(509, 1)).toEqual([{ used: 509 }])
    await expect(takeOf(509, 1)).rejects.toMatchObject(refused)
  })

  test('is whole again when its time is over', async ({ database: { sql } }) => {
    const key = newKey()
    await share(sql, key, 400)
    await expect(asRefusal(() => share(sql, key))).rejects.toMatchObject(refused)

    await sql`update usher.rate_limits set window_start = now() - ${HOUR}::interval where key = ${key}`

    expect(await share(sql, key)).toEqual([{ used: 1 }])
  })

  test.for([
    ['many parts', 400, 20_000],
    ['one', 10, 400],
  ])(
    'is exact where it becomes smaller, and has %s',
    async ([, smaller, larger], { database: { sql } }) => {
      const key = newKey()
      const takeOf = (tx: postgres.TransactionSql, allowance: number, amount: number) =>
        tx`select usher.take_shared_allowance(${key}, ${amount}, ${allowance}, ${HOUR})`
      // All of it in few of the parts that it then has.
      const begun = Number(smaller) - 5
      for (let i = 0; i < begun; i += 1) await sql.begin((tx) => takeOf(tx, Number(larger), 1))

      const clients = await Promise.all(Array.from({ length: 4 }, () => sql.reserve()))
      await Promise.allSettled(
        clients.flatMap((client) => [
          client`begin`,
          client`select usher.take_shared_allowance(${key}, 3, ${Number(smaller)}, ${HOUR})`,
          client`select pg_sleep(0.2)`,
          client`commit`,
        ]),
      )
      for (const client of clients) client.release()

      expect(await used(sql, key)).toBe(begun + 3)
    },
  )

  test('begins a new period with all of its slots, also where one is from the period before', async ({
    database: { sql },
  }) => {
    const key = newKey()
    await sql`insert into usher.rate_limits values (${key}, now() - interval '2 hours', 300)`

    expect(await share(sql, key)).toEqual([{ used: 1 }])

    const [row] =
      await sql`select count(*)::int as slots, count(distinct window_start)::int as periods
      from usher.rate_limits where key = ${key} and window_start > now() - interval '1 hour'`
    expect(row).toEqual({ slots: 20, periods: 1 })
  })

  test('counts what was written down before it had slots', async ({ database: { sql } }) => {
    const key = newKey()
    await sql`insert into usher.rate_limits values (${key}, now() - interval '10 minutes', 399)`

    expect(await share(sql, key)).toEqual([{ used: 400 }])
    await expect(asRefusal(() => share(sql, key))).rejects.toMatchObject(refused)
  })
})
