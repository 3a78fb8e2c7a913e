/**
 * What can go wrong on somebody's machine, said in one sentence.
 *
 * @module
 */
import { inspect } from 'node:util'

/** Its message is all that the user is shown: what is wrong, and what to do. */
export class Problem extends Error {
  override readonly name = 'Problem'
}

/** Shows what went wrong and ends the process with status 1. */
export function end(error: unknown): never {
  const text =
    error instanceof Problem
      ? error.message
      : `This ended for a reason that nobody foresaw:\n${inspect(error)}`
  process.stderr.write(`\n${text}\n`)
  process.exit(1)
}
