/**
 * Whether what waits for a worker moves.
 *
 * @module
 */
import type postgres from 'postgres'
import { type Finding, findingsOf } from './finding.ts'

const { well, warning, error } = findingsOf('queue')

export async function checkQueue(sql: postgres.Sql): Promise<Finding[]> {
  const rows = await sql<{ what: string; how_many: string; since: Date; look_at: string }[]>`
    select * from usher.stuck where what <> 'signing key is old' order by what`
  if (rows.length === 0) return [well('Nothing is stuck.')]
  // What waits for a worker that does not come holds everybody up; the rest is a mail or a chore.
  const isHeldUp = (what: string) => /waiting|abandoned|not sealed|no worker|refuses us/.test(what)
  return rows.map(({ what, how_many, since, look_at }) =>
    (isHeldUp(what) ? error : warning)(
      `${how_many} ${what}, since ${since.toISOString()}.`,
      `${look_at}; docs/sql.md says what helps.`,
    ),
  )
}
