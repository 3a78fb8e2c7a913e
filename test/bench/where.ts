/**
 * Where the time of a call goes: what each function on its way takes by itself, by `track_functions`.
 *
 * @module
 */
import { setTimeout } from 'node:timers/promises'
import { CASES } from './cases.ts'
import { type Bench, side } from './compare.ts'
import { openClients } from './measure.ts'

export interface Part {
  /** A function, without what it calls. Of one in SQL or plpgsql, its statements are part of it. */
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

/** One connection, alone: what is waited for is not part of it. */
export async function measureWhere(
  { sql }: Pick<Bench, 'sql'>,
  url: string,
  name: string,
): Promise<Whereabouts> {
  const which = CASES.find((one) => one.name === name) as (typeof CASES)[number]
  await sql.unsafe(`alter database ${new URL(url).pathname.slice(1)} set track_functions = 'all'`)
  const clients = await openClients(url, 1)
  try {
    for (const count of [50, CALLS]) {
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
    select schemaname || '.' || funcname as name, calls::float8 / ${CALLS} as calls,
      self_time * 1000 / ${CALLS} as own
    from pg_stat_user_functions where calls >= ${CALLS} order by self_time desc`
  const [row] = await sql<{ whole: number }[]>`
    select sum(total_exec_time + total_plan_time) * 1000 / ${CALLS} as whole
    from extensions.pg_stat_statements where position('/* rules */' in query) > 0 and toplevel`
  await sql.unsafe(`alter database ${new URL(url).pathname.slice(1)} reset track_functions`)
  return { call: name, whole: Number(row?.whole), parts: [...parts] }
}
