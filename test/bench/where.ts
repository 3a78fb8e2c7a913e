/**
 * Where the time of a call goes: what each function on its way takes by itself, by `track_functions`.
 *
 * @module
 */
import { setTimeout } from 'node:timers/promises'
import { CASES, type Case } from './cases.ts'
import { type Bench, side } from './compare.ts'
import { openClients } from './measure.ts'

export interface Part {
  /** In Markdown: a function, without what it calls; of one in SQL or plpgsql, its statements are part of it. */
  name: string
  calls: number
  /** Microseconds a call, in the function itself. */
  own: number
}

export interface Whereabouts {
  call: string
  /** Microseconds a call in the server, planning included, while functions are timed, which slows them down. */
  whole: number
  parts: Part[]
}

const CALLS = 400
/** Of calls that leave much behind. */
const FEW = 2

const caseOf = (name: string) => CASES.find((one) => one.name === name) as Case

/** One connection, alone: what is waited for is not part of it. */
export async function measureWhere(
  { sql }: Pick<Bench, 'sql'>,
  url: string,
  name: string,
): Promise<Whereabouts> {
  const which = caseOf(name)
  const calls = which.cleanUp ? FEW : CALLS
  await sql.unsafe(`alter database ${new URL(url).pathname.slice(1)} set track_functions = 'all'`)
  const clients = await openClients(url, 1)
  try {
    for (const count of which.cleanUp ? [calls] : [50, calls]) {
      const { rules } = await which.prepare(sql, count)
      await setTimeout(1_500)
      await sql`select pg_stat_reset(), extensions.pg_stat_statements_reset()`
      await clients.run(1, side(which, 'rules', rules))
    }
  } finally {
    await clients.close()
  }
  // What a connection has counted is there once it is gone.
  await setTimeout(1_500)
  const parts = await sql<Part[]>`
    select schemaname || '.' || funcname as name, calls::float8 / ${calls} as calls,
      self_time * 1000 / ${calls} as own
    from pg_stat_user_functions where calls >= ${calls} order by self_time desc`
  const [row] = await sql<{ whole: number }[]>`
    select sum(total_exec_time + total_plan_time) * 1000 / ${calls} as whole
    from extensions.pg_stat_statements where position('/* rules */' in query) > 0 and toplevel`
  await sql.unsafe(`alter database ${new URL(url).pathname.slice(1)} reset track_functions`)
  for (const statement of which.cleanUp?.split(';') ?? []) await sql.unsafe(statement)
  const named = parts.map((part) => ({ ...part, name: `\`${part.name}\`` }))
  return { call: name, whole: Number(row?.whole), parts: named }
}

/**
 * What is on the tables that a call writes, and what each kind of it takes: the floor is measured, then triggers,
 * foreign keys, checks and indexes are taken off one after the other. The database is good for nothing afterwards.
 */
export async function measureRows(
  { sql }: Pick<Bench, 'sql'>,
  url: string,
  name: string,
): Promise<Whereabouts> {
  const which = caseOf(name)
  const steps: [string, string][] = [
    ['all of it', ''],
    ['triggers', `select format('alter table %s disable trigger user', t) as ddl from written t`],
    ['foreign keys', constraints('f')],
    ['checks', constraints('c')],
    [
      'indexes but primary keys',
      `select format('drop index %s', i.indexrelid::regclass) as ddl
      from written t join pg_index i on i.indrelid = t
      where not exists (select from pg_constraint c where c.conindid = i.indexrelid)`,
    ],
  ]
  const clients = await openClients(url, 1)
  const times: number[] = []
  try {
    for (const [, removal] of steps) {
      const statements = removal ? await sql.unsafe(`${WRITTEN} ${removal}`) : []
      for (const { ddl } of statements) await sql.unsafe(ddl)
      for (const count of [50, CALLS]) {
        const { floor } = await which.prepare(sql, count)
        await sql`select extensions.pg_stat_statements_reset()`
        await clients.run(1, side(which, 'floor', floor))
      }
      const [row] = await sql<{ whole: number }[]>`
        select sum(total_exec_time + total_plan_time) * 1000 / ${CALLS} as whole
        from extensions.pg_stat_statements where position('/* floor */' in query) > 0 and toplevel`
      times.push(Number(row?.whole))
    }
  } finally {
    await clients.close()
  }
  const [whole = 0] = times
  const parts = steps.slice(1).map(([part], n) => ({
    name: part,
    calls: 1,
    own: (times[n] ?? 0) - (times[n + 1] ?? 0),
  }))
  return { call: `${name}: its rows alone`, whole, parts }
}

/** What accepting writes. */
const WRITTEN = `with written (t) as (
  select unnest('{usher.invites,public.organisation_members,public.organisation_audit_events,usher.outbox}'::regclass[]))`

const constraints = (kind: 'f' | 'c') =>
  `select format('alter table %s drop constraint %I', t, c.conname) as ddl
  from written t join pg_constraint c on c.conrelid = t and c.contype = '${kind}'`
