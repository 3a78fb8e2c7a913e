/**
 * Two transactions in each other's way: the database has undone one of them, as a whole, so that it can be tried again.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises'

/** Could not serialise, deadlock, and what rules say when somebody else was quicker. */
const PASSING = ['40001', '40P01', 'try_again']
/** How often in all. */
const TRIES = 4

/** Whether trying again at once is worth it. */
const isPassing = (code: unknown): boolean => PASSING.includes(code as string)

/** Whether the contract's word for it is `try_again`; 55P03: the project's own `lock_timeout`, which took long enough. */
export const isConflict = (code: unknown): boolean => isPassing(code) || code === '55P03'

/**
 * Sends a request of supabase-js, again while it meets others.
 *
 * @param request - sent anew each time that it is awaited, as all of supabase-js are
 */
export async function untilFree<Answer extends { error: { code?: string | null } | null }>(
  request: PromiseLike<Answer>,
): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await request
    if (tries === TRIES || !isPassing(answer.error?.code)) return answer
    // Not all at the same moment, or they meet again.
    await wait(tries * (20 + 60 * Math.random()))
  }
}
