/**
 * What has happened and must be written down.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises'
import { isOwnFault } from './own-fault.ts'

/**
 * Writes down what became of something that was sent, through a restart of the database of up to 25 seconds:
 * what has gone out and is not written down goes out twice. What is refused for its own sake is not tried again.
 */
export async function insist<Answer>(write: () => Promise<Answer>): Promise<Answer> {
  for (let pause = 100; ; pause *= 2) {
    try {
      return await write()
    } catch (error) {
      if (pause > 12_800 || isOwnFault(error)) throw error
      await wait(pause)
    }
  }
}
