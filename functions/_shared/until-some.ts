/**
 * Waiting for the first of many things under way.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises'

/** Until one of them is done, or for a second: while all of them hang, others become due. */
export async function untilSome(underWay: Iterable<Promise<void>>): Promise<void> {
  const bell = new AbortController()
  const second = wait(1_000, undefined, { signal: bell.signal }).catch(() => {})
  await Promise.race([...underWay, second])
  bell.abort()
}
