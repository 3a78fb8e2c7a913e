/**
 * The races and the random operations of `npm test`, at length.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import type { FaultOptions, FaultReport } from './report.ts'

const FILES = ['test/database/races.test.ts', 'test/database/states.property.test.ts']

/** @param options.rounds - how many times as many as in `npm test` */
export async function runRaces({
  seed,
  rounds,
}: FaultOptions & { rounds: number }): Promise<FaultReport> {
  const child = spawn('vitest', ['run', ...FILES], {
    stdio: 'inherit',
    env: { ...process.env, USHER_FAULT_ROUNDS: String(rounds), USHER_FAULT_SEED: String(seed) },
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  return { broken: code === 0 ? [] : ['a test failed; see above'], figures: { rounds } }
}
