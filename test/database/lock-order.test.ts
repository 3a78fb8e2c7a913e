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
import { ROUNDS } from '../support/rounds.ts'

const CALLERS: CallerName[] = ['owner', 'admin', 'member', 'stranger', 'outsider', 'anyone']

/** Who may make a call in the scene; accepting is for the invitee. */
async function callerOf(name: string, scene: Scene, args: Record<string, unknown>) {
  if (/^accept_.*invite$/.test(name)) {
    const { token = null, invite_id: id = null } = args as Record<string, string>
    const [invite] = await scene.sql`select email from usher.invites
      where id = coalesce(${id}::uuid, (usher.verify_invite_token(${token})).invite_id)`
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

/** A directory notes when its token was used, while nobody else changes anything in the organisation. */
const ALONE = 'public.organisation_directory_tokens'

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

/** What changes an organisation and is no function of `public`: directories, Auth itself, the worker. */
type Change = (tx: postgres.TransactionSql) => PromiseLike<unknown>
const OTHERS: Record<string, (scene: Scene) => Promise<Change>> = {
  'a User of a directory is changed': async (scene) => {
    const token = await directoryToken(scene)
    const facts = { user_name: scene.member.email, email: scene.member.email, is_active: false }
    const [row] = await scene.sql`select id from public.organisation_members
      where user_id = ${scene.member.userId}`
    return (tx) => tx`select usher.save_directory_user(${token}, ${row?.id}, ${tx.json(facts)})`
  },
  'a User of a directory is deleted': async (scene) => {
    const token = await directoryToken(scene)
    const [row] = await scene.sql`select id from public.organisation_members
      where user_id = ${scene.member.userId}`
    return (tx) => tx`select usher.delete_directory_user(${token}, ${row?.id})`
  },
  'a Group of a directory is changed': async (scene) => {
    const token = await directoryToken(scene)
    const [role] = await scene.sql`select id from public.organisation_roles where name = 'finance'`
    const facts = { display_name: 'finance', members: [] }
    return (tx) => tx`select usher.save_directory_group(${token}, ${role?.id}, ${tx.json(facts)})`
  },
  'a Group of a directory is made and deleted': async (scene) => {
    const token = await directoryToken(scene)
    const facts = { display_name: 'New group', members: [] }
    return async (tx) => {
      const [group] =
        await tx`select usher.save_directory_group(${token}, null, ${tx.json(facts)}) as id`
      await tx`select usher.delete_directory_group(${token}, ${group?.id})`
    }
  },
  'an account is deleted':
    async ({ member }) =>
    (tx) =>
      tx`delete from auth.users where id = ${member.userId}`,
  'an account is made with an invite': async ({ invite }) => {
    const { invite: made, token } = await invite()
    const metadata = { invite_token: token }
    return (tx) => tx`insert into auth.users (id, email, email_confirmed_at, raw_user_meta_data)
      values (gen_random_uuid(), ${made.email}, now(), ${tx.json(metadata)})`
  },
  'one click is started': async ({ invite, sql }) => {
    await sql`select usher.update_settings('{"one_click": "new_addresses"}')`
    const { invite: made } = await invite()
    const [row] = await sql`select usher.mint_invite_token(${made.id}, true) as token`
    return (tx) => tx`select usher.start_one_click(${row?.token})`
  },
  'a domain is confirmed': async ({ owner, id }) => {
    const domain = `c-${id}.example`
    const made = await owner.rpc('create_organisation_domain', { organisation_id: id, domain })
    return (tx) => tx`select usher.confirm_domain(${id}, ${domain}, ${[made.verification]})`
  },
}
const directoryToken = async ({ owner, id }: Scene) =>
  (await owner.rpc('create_organisation_directory_token', { organisation_id: id, name: 'Okta' }))
    .token

/** What the worker does for all at once: it never waits, and takes nothing that others hold. */
const SWEEPS: Record<string, (scene: Scene) => Promise<unknown>> = {
  end_due_access: ({ sql, member }) =>
    sql`update public.organisation_members set ends_at = now() where user_id = ${member.userId}`,
  announce_ending_access: ({ sql, member }) =>
    sql`update public.organisation_members set ends_at = now() + interval '1 hour'
      where user_id = ${member.userId}`,
  expire_due_invites: async ({ inviteIn }) => inviteIn('expired'),
  remind_due_invites: async ({ sql, id, inviteIn }) => {
    const { id: invite } = await inviteIn('pending')
    await sql`update public.organisations set reminder_before = '14 days' where id = ${id}`
    await sql`update usher.invites set issued_at = now() - interval '2 days' where id = ${invite}`
  },
  follow_lost_rights: async ({ owner, id, admin }) => {
    await admin.rpc('create_organisation_invite', {
      organisation_id: id,
      email: 'lost@example.com',
      roles: ['member'],
    })
    await owner.rpc('remove_organisation_member', { organisation_id: id, user_id: admin.userId })
  },
  remind_overdue_reviews: async ({ owner, sql, id }) => {
    const due_at = new Date(Date.now() + 60_000).toISOString()
    const args = { organisation_id: id, title: 'Late', due_at }
    await owner.rpc('start_organisation_access_review', args)
    await sql`update public.organisation_access_reviews set due_at = now() - interval '1 day'
      where organisation_id = ${id}`
  },
}

/** Calls that change nothing of the organisation that its lock is held of. */
const ELSEWHERE = ['create_organisation', 'call_organisation_function_once']

describe('the order of locks', { timeout: 300_000, tags: ['long'] }, () => {
  for (const held of ['public.organisations', 'public.organisation_members', 'usher.invites']) {
    test(`nothing is locked before ${held} that comes after it`, async ({ database, acme }) => {
      const sql = postgres(database.url, { max: 3, onnotice: () => {} })
      onTestFinished(() => sql.end())
      const early: Record<string, string[]> = {}
      const free: string[] = []
      for (const name of [...Object.keys(CALLS), ...Object.keys(OTHERS)]) {
        const { scene, args, caller } = await prepare(acme.sql, name)
        const change = await OTHERS[name]?.(scene)
        const holder = await begin(sql, null)
        await holder.tx.unsafe(
          `select from ${held} where ${held === 'public.organisations' ? 'id' : 'organisation_id'} = $1 for update`,
          [scene.id],
        )
        const waiter = await begin(sql, change ? null : claimsOf(caller))
        const work: Promise<unknown> = (async () =>
          change?.(waiter.tx) ?? callIn(waiter.tx, name, args))()
        work.catch(() => {})
        const outcome = await settled(acme.sql, waiter.pid, work)
        if (outcome === 'waits') {
          const tables = (await tablesAfter(acme.sql, held)).filter(
            (table) => !(table === ALONE && name.includes('of a directory')),
          )
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

describe('the lock of the organisation', { timeout: 300_000, tags: ['long'] }, () => {
  test('is never made stronger, also where seats are counted', async ({ database, acme }) => {
    const sql = postgres(database.url, { max: 3, onnotice: () => {} })
    onTestFinished(() => sql.end())
    await acme.sql`create extension if not exists pgrowlocks with schema extensions`
    const raised: string[] = []
    for (const name of [...Object.keys(CALLS), ...Object.keys(OTHERS)]) {
      const { scene, args, caller } = await prepare(acme.sql, name)
      const change = await OTHERS[name]?.(scene)
      await acme.sql`update public.organisations set seat_limit = 1000 where id = ${scene.id}`
      // Whoever needs it alone waits here, and must not hold it shared meanwhile.
      const holder = await begin(sql, null)
      await holder.tx`select from public.organisations where id = ${scene.id} for share`
      const waiter = await begin(sql, change ? null : claimsOf(caller))
      const work: Promise<unknown> = (async () =>
        change?.(waiter.tx) ?? callIn(waiter.tx, name, args))()
      work.catch(() => {})
      if ((await settled(acme.sql, waiter.pid, work)) === 'waits') {
        const [row] = await acme.sql`select exists (
            select from unnest(l.pids, l.modes) h (pid, mode)
            where h.pid = ${waiter.pid} and h.mode not like '%Key Share') as holds
          from extensions.pgrowlocks('public.organisations') l
          join public.organisations o on o.ctid = l.locked_row
          where o.id = ${scene.id}`
        if (row?.holds) raised.push(name)
      }
      await holder.rollback()
      await work.catch(() => {})
      await waiter.rollback()
    }
    expect(raised).toEqual([])
  })
})

describe('what the worker does for all', () => {
  for (const [name, prepare] of Object.entries(SWEEPS)) {
    test(`${name} leaves an organisation that is being deleted alone, and does it for others`, async ({
      database,
      acme,
    }) => {
      const sql = postgres(database.url, { max: 2, onnotice: () => {} })
      onTestFinished(() => sql.end())
      const [one, two] = [
        await sceneOf(await createAcme(acme.sql)),
        await sceneOf(await createAcme(acme.sql)),
      ]
      for (const scene of [one, two]) await prepare(scene)
      const before = await Promise.all([one.events(), two.events()])
      const mails = async (id: string) =>
        (await acme.sql`select from public.organisation_deliveries where organisation_id = ${id}`)
          .length
      const sent = [await mails(one.id), await mails(two.id)]

      const deleting = await begin(sql, claimsOf(one.owner))
      await callIn(deleting.tx, 'delete_organisation', { organisation_id: one.id })
      const sweep = await begin(sql, null)
      const work = sweep.tx.unsafe(
        `select usher.${name}(${name === 'remind_overdue_reviews' ? '' : 100_000})`,
      )
      expect(await settled(acme.sql, sweep.pid, work)).toBe('done')
      await sweep.commit()

      const done = async (scene: Scene, i: number) =>
        (await scene.events()).length -
        (before[i]?.length ?? 0) +
        (await mails(scene.id)) -
        (sent[i] ?? 0)
      expect(await done(two, 1)).toBeGreaterThan(0)
      expect(await done(one, 0)).toBe(0)
      await deleting.commit()
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
    const shared = Object.fromEntries(Object.keys(own).map((key) => [key, args[key] ?? own[key]]))
    const other = name === destructive ? caller : await callerOf(name, scene, shared)
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

describe('a storm', { timeout: 120_000, tags: ['long'] }, () => {
  test('of all calls at once on one organisation has only answers of the contract', async ({
    database,
    acme,
  }) => {
    const sql = postgres(database.url, { max: 12, onnotice: () => {} })
    onTestFinished(() => sql.end())
    await acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
    const base = await createAcme(sql)
    await base.owner.rpc('update_organisation', {
      organisation_id: base.id,
      changes: { seat_limit: 100_000 },
    })
    const scene = await sceneOf(base)
    const errors = await sql`select code from usher.errors()`
    const codes = new Set(['ok', '42501', ...errors.map((error) => error.code)])
    const names = Object.keys(CALLS).filter((name) => !/delete_organisation$|transfer_/.test(name))
    const unknown: Record<string, string> = {}
    const outcomes: Record<string, number> = {}
    const until = Date.now() + 20_000 * ROUNDS

    // As every way of joining does, with the locks of it.
    const join = async (roles: string[]) => {
      const joined = await scene.person()
      await sql.begin(async (tx) => {
        await tx`select usher.lock_for_joining(${scene.id}, ${joined.userId})`
        await tx`select usher.add_member(${scene.id}, ${joined.userId}, ${roles})`
      })
      return joined
    }
    const worker = async (start: number) => {
      for (let turn = start; Date.now() < until; turn += 7) {
        const others = Object.keys(OTHERS)
        const name =
          turn % 3 === 0
            ? (others[turn % others.length] as string)
            : (names[(turn * 31) % names.length] as string)
        const prepared = await (async () => {
          const fresh = { ...scene, roleless: await join([]), member: await join(['member']) }
          const change = await OTHERS[name]?.(fresh)
          const args = { ...(await CALLS[name]?.(fresh)) }
          const caller = change ? fresh.owner : await callerOf(name, fresh, args)
          return () => (change ? sql.begin((tx) => change(tx)) : caller.rpc(name, args))
          // What others do meanwhile may leave nothing to call it with.
        })().catch(() => null)
        if (!prepared) continue
        const outcome = await prepared().then(
          () => 'ok',
          (error) => (error.code === 'PGRST' ? JSON.parse(error.message).code : error.code),
        )
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
        if (!codes.has(outcome)) unknown[name] = outcome
      }
    }
    await Promise.all([1, 2, 3, 4, 5, 6].map(worker))

    expect(unknown).toEqual({})
    expect(outcomes.ok).toBeGreaterThan(50)
  })
})
