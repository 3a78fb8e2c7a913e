/**
 * Isolation by exhaustion: every table and view, every operation, every kind of caller; every function of
 * `usher`; and every function of `public` that takes an id, with ids of somebody else. All are read from the
 * catalogue: what has no expectation fails.
 */
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { test as base, createAcme } from '../support/acme.ts'
import { CALLS, type Scene, sceneOf } from '../support/matrix-calls.ts'
import { fanOut } from '../support/outbox.ts'
import { Caller } from '../support/people.ts'
import { CALLERS } from '../support/permission-matrix.ts'
import { hasToSee, type Known, type ReaderName, TABLES, USHER_FUNCTIONS } from '../support/reach.ts'
import type { Refusal } from '../support/refusal.ts'

const READERS = [...Object.keys(CALLERS), 'worker'] as ReaderName[]
const API_ROLES = ['anon', 'authenticated', 'service_role', 'usher_worker']

interface World {
  callers: Record<ReaderName, Caller>
  known: Known
}

/** Everything that an organisation can have, so that seeing nothing means something. */
async function furnish(scene: Scene, owner: Caller, id: string) {
  const of = { organisation_id: id }
  for (const name of ['auditor', 'bookkeeper']) {
    await owner.rpc('create_organisation_role', { ...of, name, permissions: ['audit.read'] })
  }
  const roles = ['auditor', 'bookkeeper']
  await owner.rpc('create_organisation_role_exclusion', { ...of, name: 'Apart', roles })
  const template = { ...of, kind: 'invite', locale: 'en', subject: 'Hello' }
  await owner.rpc('create_organisation_email_template', template)
  await owner.rpc('create_organisation_domain', { ...of, domain: 'furnished.example' })
  await owner.rpc('update_organisation_sign_in_rule', { ...of, changes: { level: 'aal2' } })
  const { webhook_id } = await owner.rpc('create_organisation_webhook', {
    ...of,
    url: 'https://hooks.example.com/',
  })
  await owner.rpc('test_organisation_webhook', { webhook_id })
  await owner.rpc('create_organisation_directory_token', { ...of, name: 'Okta' })
  const target = { ...of, name: 'Tickets', url: 'https://tickets.example/scim', token: 'secret' }
  await owner.rpc('create_organisation_directory_endpoint', target)
  const invite = { ...of, email: 'furnished@example.com', roles: ['member'] }
  await owner.rpc('create_organisation_invite', invite)
  const due_at = new Date(Date.now() + 86_400_000).toISOString()
  await owner.rpc('start_organisation_access_review', { ...of, title: 'Yearly', due_at })
  // One of somebody who asks, and one of the stranger, who may see their own.
  for (const { userId, email } of [await scene.person(), scene.stranger]) {
    await scene.sql`insert into public.organisation_join_requests (organisation_id, user_id, email)
      values (${id}, ${userId}, ${email})`
  }
}

const test = base
  .extend('scene', ({ acme }) => sceneOf(acme))
  .extend('world', { scope: 'file' }, async ({ database }): Promise<World> => {
    const scene = await sceneOf(await createAcme(database.sql))
    await furnish(scene, scene.owner, scene.id)
    await furnish(scene, scene.outsider, scene.otherId)
    await fanOut(database.sql)
    const worker = new Caller(database.sql, 'usher_worker')
    const callers = Object.fromEntries(
      READERS.map((name) => [name, name === 'worker' ? worker : scene[name]]),
    ) as Record<ReaderName, Caller>
    const userIds = Object.fromEntries(READERS.map((name) => [name, callers[name].userId]))
    return {
      callers,
      known: { id: scene.id, otherId: scene.otherId, userIds: userIds as Known['userIds'] },
    }
  })

/** What a statement comes to for a caller: rows, or the refusal. Leaves nothing behind. */
async function attempt(caller: Caller, statement: string): Promise<string | object[]> {
  const undo = new Error('undo')
  let rows: object[] = []
  return caller
    .run(async (tx) => {
      rows = [...(await tx.unsafe(statement))]
      throw undo
    })
    .catch((error: Refusal) =>
      error === (undo as Error) ? rows : `${error.code} ${error.message}`,
    )
}

const REFUSED = expect.stringMatching(/^42501 permission denied for (table|view) /)
const REFUSED_OR_NO_TABLE = expect.stringMatching(
  /^(42501 permission denied for view |55000 cannot \w+ (into |from )?view |42809 .*is not a table)/,
)

describe('no table and no view is without an expectation', () => {
  test('and none is expected that is not there', async ({ database }) => {
    const rows = await database.sql`select n.nspname || '.' || c.relname as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('public', 'usher') and c.relkind in ('r', 'v', 'm', 'p', 'f', 'S')`

    expect(rows.map((row) => row.name).sort()).toEqual(Object.keys(TABLES).sort())
  })
})

/** Sequences are no tables: they are asked for apart. */
const isTable = (name: string) => !name.endsWith('_seq')

describe('what is seen of', () => {
  test.for(Object.entries(TABLES).filter(([name]) => isTable(name)))(
    '%s',
    async ([table, reach], { world, database }) => {
      const all = await database.sql.unsafe(`select to_jsonb(r) as row from ${table} r`)
      const rows = all.map(({ row }) => row)
      if (reach) {
        const tenants = rows.map((row) => row[reach.tenant])
        expect(tenants).toEqual(expect.arrayContaining([world.known.id, world.known.otherId]))
      }

      for (const name of READERS) {
        const seen = await attempt(world.callers[name], `select to_jsonb(r) as row from ${table} r`)
        if (!reach || name === 'anyone' || name === 'worker') {
          expect([name, seen]).toEqual([name, REFUSED])
          continue
        }
        const expected = rows.filter((row) => hasToSee(name, row, reach, world.known))
        const sorted = (list: object[]) => list.map((row) => JSON.stringify(row)).sort()
        expect([name, sorted((seen as { row: object }[]).map(({ row }) => row))]).toEqual([
          name,
          sorted(expected),
        ])
      }
    },
  )
})

describe('a sequence', () => {
  test.for(Object.keys(TABLES).filter((name) => !isTable(name)))(
    '%s is read and moved by nobody',
    async (name, { world }) => {
      for (const reader of READERS) {
        for (const statement of [`select last_value from ${name}`, `select nextval('${name}')`]) {
          const outcome = await attempt(world.callers[reader], statement)
          expect([reader, String(outcome)]).toEqual([reader, expect.stringMatching(/^42501 /)])
        }
      }
    },
  )
})

describe('nobody writes', () => {
  const statements = {
    insert: (table: string) => `insert into ${table} default values`,
    update: (table: string, column: string) => `update ${table} set ${column} = ${column}`,
    delete: (table: string) => `delete from ${table}`,
    truncate: (table: string) => `truncate ${table} cascade`,
  }
  const cases = Object.keys(TABLES)
    .filter(isTable)
    .flatMap((table) =>
      Object.entries(statements).map(([operation, write]) => [table, operation, write] as const),
    )
  test.for(cases)('%s by %s', async ([table, _operation, write], { world, database }) => {
    const [column] = await database.sql`select a.attname as name, c.relkind as kind
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where a.attrelid = ${table}::regclass and a.attnum = 1`
    // Some views cannot be written at all, which Postgres says before it asks who wants to.
    const refusal = column?.kind === 'v' ? REFUSED_OR_NO_TABLE : REFUSED

    for (const name of READERS) {
      const outcome = await attempt(world.callers[name], write(table, column?.name))
      expect([name, outcome]).toEqual([name, refusal])
    }
  })

  test('a single column either', async ({ database }) => {
    const rows = await database.sql`select c.oid::regclass, r.rolname
      from pg_class c cross join pg_roles r
      where c.relnamespace in ('public'::regnamespace, 'usher'::regnamespace)
        and c.relkind in ('r', 'v', 'm', 'p', 'f') and r.rolname = any (${API_ROLES})
        and has_any_column_privilege(r.oid, c.oid, 'insert, update, references')`

    expect([...rows]).toEqual([])
  })
})

describe('the functions of usher', () => {
  test('can be executed by those who are listed, and nobody else', async ({ database }) => {
    const rows = await database.sql`select p.proname as name,
        string_agg(r.rolname, ', ' order by r.rolname) as roles
      from pg_proc p
      join pg_roles r on r.rolname = any (${API_ROLES}) and has_function_privilege(r.oid, p.oid, 'execute')
      where p.pronamespace = 'usher'::regnamespace
      group by p.oid, p.proname`

    expect(Object.fromEntries(rows.map(({ name, roles }) => [name, roles]))).toEqual(
      USHER_FUNCTIONS,
    )
  })
})

/** Ids that the sensible call of a function leaves out. */
const OTHER_IDS: Record<string, (scene: Scene) => Promise<string>> = {
  cursor: async ({ inviteIn }) => (await inviteIn('pending')).id,
  template_id: async (scene) =>
    (await CALLS.delete_organisation_email_template?.(scene))?.template_id as string,
  delivery_id: async (scene) => {
    const { webhook_id } = (await CALLS.test_organisation_webhook?.(scene)) ?? {}
    return (await scene.owner.rpc('test_organisation_webhook', { webhook_id })).id
  },
}

/** What a call comes to, without the ids that it was made with, and how often it looked into which table. */
async function answerTo(caller: Caller, name: string, args: Record<string, unknown>) {
  const list = Object.keys(args).map((key, i) => `${key} => $${i + 1}`)
  const statement = `select to_jsonb(r) as body from public.${name}(${list.join(', ')}) r`
  const work: Record<string, number> = {}
  let answer = ''
  await caller.run(async (tx) => {
    // Counters of this transaction, which a refusal does not take back.
    const looks =
      () => tx`select relname as name, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) as scans
      from pg_stat_xact_user_tables`
    const before = new Map((await looks()).map((row) => [row.name, Number(row.scans)]))
    answer = await tx
      .savepoint(async (nested) => {
        const rows = await nested.unsafe(statement, Object.values(args) as never[])
        return JSON.stringify([...rows])
      })
      .catch((error: { code: string; message: string; detail?: string; hint?: string }) =>
        [error.code, error.message, error.detail, error.hint].join(' '),
      )
    for (const row of await looks()) {
      const count = Number(row.scans) - (before.get(row.name) ?? 0)
      if (count > 0) work[row.name] = count
    }
  })
  for (const value of Object.values(args)) answer = answer.replaceAll(String(value), '<given>')
  return { answer, scans: Object.values(work).reduce((sum, count) => sum + count, 0) }
}

const isUuid = (value: unknown) => /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(String(value))

describe('ids of another organisation are answered like ids of nothing', () => {
  const names = Object.keys(CALLS).sort()

  test.for(names)('%s', async (name, { scene }) => {
    const parameters = await scene.sql`select a.name
      from pg_proc p cross join unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[]) a (name, type)
      where p.oid = to_regproc(${`public.${name}`}) and a.type = 'uuid'::regtype`
    const ids = parameters.map((row) => row.name as string)
    if (ids.length === 0) return

    const admin = await scene.person()
    await scene.sql`select usher.add_member(${scene.otherId}, ${admin.userId}, array['admin'])`
    const args = (await CALLS[name]?.(scene)) ?? {}
    for (const id of ids) args[id] ??= await OTHER_IDS[id]?.(scene)
    expect(ids.filter((id) => !isUuid(args[id]))).toEqual([])
    const withNothing = (kept: Record<string, unknown>) => ({
      ...args,
      ...Object.fromEntries(ids.map((id) => [id, randomUUID()])),
      ...kept,
    })

    // All of it somebody else's; and somebody else's things in an organisation of one's own.
    const own = { organisation_id: scene.otherId }
    for (const kept of ids.includes('organisation_id') && ids.length > 1 ? [{}, own] : [{}]) {
      // Once for nothing: the first call in a session plans, and looks into more.
      await answerTo(admin, name, withNothing(kept))
      const foreign = await answerTo(admin, name, { ...args, ...kept })
      const absent = await answerTo(admin, name, withNothing(kept))

      expect(foreign.answer).toBe(absent.answer)
      // One look more finds the row, a second whether the caller is a member there; nothing beyond that.
      expect(Math.abs(foreign.scans - absent.scans)).toBeLessThanOrEqual(2)
    }
  })

  test('call_organisation_function_once, whatever it is around', async ({ scene }) => {
    const around = (organisationId: string) => ({
      idempotency_key: randomUUID(),
      function_name: 'create_organisation_invite',
      arguments: {
        organisation_id: organisationId,
        email: 'someone@example.com',
        roles: ['member'],
      },
    })
    const [foreign, absent] = await Promise.all(
      [scene.id, randomUUID()].map((id) =>
        scene.outsider.rpc('call_organisation_function_once', around(id)).catch((error) => error),
      ),
    )

    expect(foreign.code).toBe('organisation_not_found')
    expect(foreign).toEqual(absent)
  })

  test('a template of another organisation in a row of many invites', async ({ scene }) => {
    const foreign = await OTHER_IDS.template_id?.(scene)
    const outcomes = await scene.outsider.rpc('create_organisation_invites', {
      organisation_id: scene.otherId,
      invites: [foreign, randomUUID()].map((id, i) => ({
        email: `row-${i}@example.com`,
        roles: ['member'],
        template_id: id as string,
      })),
    })

    const [one, other] = outcomes.map(({ status, error_code, error_details }: Row) => ({
      status,
      error_code,
      error_details,
    }))
    expect(one).toEqual(other)
    expect(one.status).toBe('failed')
  })
})

type Row = Record<string, unknown>
