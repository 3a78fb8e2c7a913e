/**
 * What the worker does all the time: mails and webhook calls follow from what has happened.
 *
 * @module
 */
import type postgres from 'postgres'

/** Lets all follow that has happened in this database. Returns how many lines of the trail were followed. */
export async function fanOut(sql: postgres.Sql): Promise<number> {
  let total = 0
  for (;;) {
    const [row] = await sql`select followed from usher.fan_out(10000)`
    if (!row?.followed) return total
    total += row.followed
  }
}
