/**
 * From what has happened to what follows: the outbox of the database.
 *
 * @module
 */
import type postgres from 'postgres'

/**
 * How many lines of the trail go in one transaction: what somebody waits for comes up after that of a bulk that is under
 * way, however many webhooks hear of it.
 */
export const BATCH = 250
/** Milliseconds for which a change may go on after it has its place in the outbox: hosted projects end it after 8,000. */
const LAG = 10_000
const QUERY_CANCELED = '57014'
/** Milliseconds after which it lets what was queued go out first: what happens meanwhile is followed the next time. */
const PATIENCE = 10_000
/** Milliseconds after which all is looked through again, for changes that went on for longer. */
const FROM_START = 30_000

/**
 * Makes the function that writes the mails and webhook calls which follow from what has happened, until nothing is
 * left. It remembers where to begin, so that rows that are gone cost nothing.
 *
 * @returns how many lines of the trail were followed; what it is given is called after each transaction that did any
 */
export function outboxOf(sql: postgres.Sql): (onFollowed?: () => void) => Promise<number> {
  let begin = '0'
  let mark = { id: '0', at: 0 }
  let startedOver = 0

  return async (onFollowed = () => {}) => {
    const now = Date.now()
    const isFromStart = now - startedOver >= FROM_START
    const after = isFromStart ? '0' : begin
    let total = 0
    let size = BATCH
    let followed = 0
    do {
      const rows = await sql<{ followed: number; newest: string }[]>`
        select f.followed, f.newest_id as newest from usher.fan_out(${size}, ${after}) f`.catch(
        (error: { code?: string }) => {
          // More than the database gives a statement time for: fewer, until it is one.
          if (error.code !== QUERY_CANCELED || size === 1) throw error
          return null
        },
      )
      if (!rows) {
        size = Math.ceil(size / 10)
        followed = size
        continue
      }
      const [row] = rows
      followed = row?.followed ?? 0
      total += followed
      if (followed > 0) onFollowed()
      if (now - mark.at >= LAG) {
        begin = mark.id
        mark = { id: row?.newest ?? '0', at: now }
      }
      // One that is held, or fails, is put off: the others go on.
    } while (followed > 0 && Date.now() - now < PATIENCE)
    if (isFromStart) startedOver = now
    return total
  }
}
