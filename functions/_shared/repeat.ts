/**
 * Work that is done again and again.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises'
import { logTrouble } from './log.ts'

export interface RepeatOptions {
  /** Milliseconds between one turn and the next. */
  every: number
  /** Ends it, once the turn that runs has ended. */
  stop: AbortSignal
  /** Its `ring` event starts the next turn at once; one that comes during a turn is not lost. */
  bell?: EventTarget
}

/**
 * Does it now, and then every so often. After trouble it waits 2, 4, 8 … seconds, at most 30, and says
 * so on the error output. Never throws.
 */
export async function repeat(
  work: () => Promise<void>,
  { every, stop, bell }: RepeatOptions,
): Promise<void> {
  let trouble = 0
  while (!stop.aborted) {
    const turn = new AbortController()
    const wake = () => turn.abort()
    stop.addEventListener('abort', wake, { once: true })
    bell?.addEventListener('ring', wake, { once: true })
    try {
      await work()
      trouble = 0
    } catch (error) {
      trouble += 1
      logTrouble('work.trouble', { times: trouble, error })
    }
    const pause = trouble === 0 ? every : Math.min(1_000 * 2 ** trouble, 30_000)
    await wait(pause, undefined, { signal: turn.signal }).catch(() => {})
    stop.removeEventListener('abort', wake)
    bell?.removeEventListener('ring', wake)
  }
}
