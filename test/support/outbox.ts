/**
 * What the worker does all the time: mails and webhook calls follow from what has happened.
 *
 * @module
 */
import type postgres from 'postgres'

/** Lets all follow that has happened in this database. Returns how many lines of the trail were followed. */
export async function fanOut(sql: postgres.Sql): Promise<number> {
  // A database as the first migrations made it has none: there, a change writes all that follows itself.
  const [made] = await sql`select to_regproc('usher.fan_out') is not null as is_there`
  let total = 0
  while (made?.is_there) {
    const [row] = await sql`select followed from usher.fan_out(10000)`
    if (!row?.followed) return total
    total += row.followed
  }
  return total
}
