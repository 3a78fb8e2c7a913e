/**
 * Work that is done again and again.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises'
import { logTrouble } from './log.ts'

export interface RepeatOptions {
  /** Milliseconds between one turn and the next, where the turn itself does not say it. */
  every: number
  /** Ends it, once the turn that runs has ended. */
  stop: AbortSignal
  /** Its `ring` event starts the next turn at once; one that comes during a turn is not lost. */
  bell?: EventTarget
}

/**
 * Does it now, and then every so often, or after as many milliseconds as a turn answers. After trouble it waits 2, 4,
 * 8 … seconds, at most 30, and says so on the error output. Never throws.
 */
export async function repeat(
  work: () => Promise<unknown>,
  { every, stop, bell }: RepeatOptions,
): Promise<void> {
  let trouble = 0
  while (!stop.aborted) {
    const turn = new AbortController()
    const wake = () => turn.abort()
    stop.addEventListener('abort', wake, { once: true })
    bell?.addEventListener('ring', wake, { once: true })
    let pause = every
    try {
      const answer = await work()
      if (typeof answer === 'number') pause = answer
      trouble = 0
    } catch (error) {
      trouble += 1
      logTrouble('work.trouble', { times: trouble, error })
    }
    if (trouble > 0) pause = Math.min(1_000 * 2 ** trouble, 30_000)
    await wait(pause, undefined, { signal: turn.signal }).catch(() => {})
    stop.removeEventListener('abort', wake)
    bell?.removeEventListener('ring', wake)
  }
}
