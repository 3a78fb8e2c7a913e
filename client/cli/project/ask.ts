/**
 * The one question of a command.
 *
 * @module
 */
import { createInterface } from 'node:readline/promises'

/** Whether somebody at a terminal says yes; no is the answer of whoever only presses return. */
export async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
  } finally {
    terminal.close()
  }
}
