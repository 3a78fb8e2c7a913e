/**
 * Where the parts that run in this process say what they have to say.
 *
 * @module
 */
import { appendFileSync } from 'node:fs'
import { format } from 'node:util'

/**
 * Sends warnings and errors that libraries print to a file: REST prints a stack for each refusal,
 * which is an answer and no error. What the stack itself reports goes to the terminal as before.
 */
export function logTo(file: string): void {
  const write = (...values: unknown[]) =>
    appendFileSync(file, `${new Date().toISOString()} ${format(...values)}\n`)
  console.error = write
  console.warn = write
}
