/**
 * How a command ends that was refused.
 *
 * @module
 */
import { Refusal } from './project/refusal.ts'

/** Runs it; a refusal is said in words, without a stack, and ends with exit code 1. */
export async function refusing(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    console.error(`\n${error.message}`)
    process.exitCode = 1
  }
}
