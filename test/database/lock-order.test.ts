/**
 * Every change takes its locks in one order: the organisation, the person, members, invites, whatever else. So two
 * changes wait for each other, and never in a circle; and what one takes away, the other finds gone in words.
 */
import postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { createAcme, test } from '../support/acme.ts'
import { begin, callIn, settled } from '../support/locks.ts'
import { CALLS, type Scene, sceneOf } from '../support/matrix-calls.ts'
import { type CallerName, MATRIX } from '../support/permission-matrix.ts'

const CALLERS: CallerName[] = ['owner', 'admin', 'member', 'stranger', 'outsider', 'anyone']

/** Who may make a call in the scene; accepting is for the invitee. */
async function callerOf(name: string, scene: Scene, args: Record<string, unknown>) {
  if (/^accept_.*invite$/.test(name)) {
    const [invite] = await scene.sql`select email from usher.invites
      where organisation_id = ${scene.id} order by created_at desc limit 1`
    return scene.person(invite?.email)
  }
  if (name === 'join_organisation') {
    await scene.sql`insert into public.organisation_domains
      (organisation_id, domain, verification, verified_at, join_policy)
      values (${args.organisation_id as string}, ${`d-${scene.id}.example`}, 'x', now(), 'join')`
    return scene.person(`new@d-${scene.id}.example`)
  }
  if (name === 'enrol_organisation_device') return scene.stranger
  const who = CALLERS.find((caller) => MATRIX[name]?.[caller] === 'ok')
  return who ? (scene[who as keyof Scene] as Scene['owner']) : scene.owner
}

async function prepare(sql: postgres.Sql, name: string) {
  await sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
  const scene = await sceneOf(await createAcme(sql))
  const args = { ...(await CALLS[name]?.(scene)) }
  return { scene, args, caller: await callerOf(name, scene, args) }
}

const claimsOf = (caller: Scene['anyone']) => ({
  role: caller.role,
  ...(caller.userId && { sub: caller.userId }),
})

/** Tables whose rows belong to an organisation, by their place in the order of locks. */
async function tablesAfter(sql: postgres.Sql, last: string | null) {
  const order = ['public.organisations', 'public.organisation_members', 'usher.invites']
  const rows = await sql`select c.oid::regclass::text as name
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'organisation_id'
    where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'usher'::regnamespace)`
  const names = rows.map((row) => (row.name.includes('.') ? row.name : `public.${row.name}`))
  const before = last === null ? [] : order.slice(0, order.indexOf(last) + 1)
  return names.filter(
    (table) => !before.includes(table) && table !== 'public.organisation_audit_events',
  )
}

/** Of these tables, those with rows of the organisation that somebody else has locked. */
async function lockedTables(sql: postgres.Sql, tables: string[], organisationId: string) {
  const locked = []
  for (const table of tables) {
    const [row] = await sql.unsafe(
      `select (select count(*) from ${table} where organisation_id = $1)::int as total,
        (select count(*) from (
          select from ${table} where organisation_id = $1 for update skip locked) free)::int as free`,
      [organisationId],
    )
    if (row?.total !== row?.free) locked.push(table)
  }
  return locked
}

/** Calls that change nothing of the organisation that its lock is held of. */
const ELSEWHERE = ['create_organisation', 'call_organisation_function_once']

describe('the order of locks', { timeout: 120_000 }, () => {
  for (const held of ['public.organisations', 'public.organisation_members', 'usher.invites']) {
    test(`nothing is locked before ${held} that comes after it`, async ({ database, acme }) => {
      const sql = postgres(database.url, { max: 3, onnotice: () => {} })
      onTestFinished(() => sql.end())
      const early: Record<string, string[]> = {}
      const free: string[] = []
      for (const name of Object.keys(CALLS)) {
        const { scene, args, caller } = await prepare(acme.sql, name)
        const holder = await begin(sql, null)
        await holder.tx.unsafe(
          `select from ${held} where ${held === 'public.organisations' ? 'id' : 'organisation_id'} = $1 for update`,
          [scene.id],
        )
        const waiter = await begin(sql, claimsOf(caller))
        const work = callIn(waiter.tx, name, args)
        work.catch(() => {})
        const outcome = await settled(acme.sql, waiter.pid, work)
        if (outcome === 'waits') {
          const tables = await tablesAfter(acme.sql, held)
          const locked = await lockedTables(acme.sql, tables, scene.id)
          if (locked.length > 0) early[name] = locked
        } else if (held === 'public.organisations') {
          const [row] =
            await waiter.tx`select pg_current_xact_id_if_assigned() is not null as wrote`
          if (row?.wrote && !ELSEWHERE.includes(name)) free.push(name)
        }
        await holder.rollback()
        await work.catch(() => {})
        await waiter.rollback()
      }
      expect(early).toEqual({})
      // What writes without having waited does not lock the organisation at all.
      expect(free).toEqual([])
    })
  }
})

/** What takes something away, and from whom the others then ask for it. */
const DESTRUCTIVE = Object.keys(CALLS).filter((name) =>
  /^(delete|remove|ban|leave|transfer|revoke|close|decline|expire|accept)_/.test(name),
)

async function outcomeBeside(
  database: { url: string },
  admin: postgres.Sql,
  destructive: string,
  name: string,
) {
  const sql = postgres(database.url, { max: 2, onnotice: () => {} })
  try {
    const { scene, args, caller } = await prepare(admin, destructive)
    // The same things for both calls, and the same people.
    const own = { ...(await CALLS[name]?.(scene)) }
    const other = await callerOf(name, scene, own)
    const shared = Object.fromEntries(Object.keys(own).map((key) => [key, args[key] ?? own[key]]))
    const first = await begin(sql, claimsOf(caller))
    await callIn(first.tx, destructive, args)
    const second = await begin(sql, claimsOf(other))
    const work = callIn(second.tx, name, shared).then(
      () => 'ok',
      (error) => (error.code === 'PGRST' ? JSON.parse(error.message).code : error.code),
    )
    await settled(admin, second.pid, work)
    await first.commit()
    const outcome = await work
    await (outcome === 'ok' ? second.commit() : second.rollback())
    return outcome as string
  } finally {
    await sql.end()
  }
}

describe('beside a call that takes something away', { timeout: 600_000 }, () => {
  const pairs = (names: string[]) => async (database: { url: string }, sql: postgres.Sql) => {
    const errors = await sql`select code from usher.errors()`
    const codes = new Set(['ok', ...errors.map((error) => error.code)])
    const raw: Record<string, string> = {}
    for (const destructive of names) {
      for (const name of Object.keys(CALLS)) {
        const outcome = await outcomeBeside(database, sql, destructive, name)
        // Who is not granted a call is refused by Postgres before anything else.
        if (!codes.has(outcome)) raw[`${destructive} ${name}`] = outcome
      }
    }
    return raw
  }

  test('all others answer in the words of the contract: delete_organisation', async ({
    database,
    acme,
  }) => {
    expect(await pairs(['delete_organisation'])(database, acme.sql)).toEqual({})
  })

  for (const destructive of DESTRUCTIVE.filter((name) => name !== 'delete_organisation')) {
    test(`all others answer in the words of the contract: ${destructive}`, {
      tags: ['long'],
    }, async ({ database, acme }) => {
      expect(await pairs([destructive])(database, acme.sql)).toEqual({})
    })
  }
})
