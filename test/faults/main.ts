/**
 * `npm run test:faults`: what takes too long for every test run, one after the other. Says its seed; ends with 1
 * when a promise was broken.
 *
 *   npm run test:faults                             all of it
 *   npm run test:faults -- accepts clock            these only
 *   npm run test:faults -- accepts --seed=1234      the same again
 *
 * @module
 */
import { runAcceptFaults } from './accepts.ts'
import { runClockFaults } from './clock.ts'
import { runConnectionFaults } from './connection.ts'
import { runDiskFaults } from './disk.ts'
import { reportMailFaults } from './mail.ts'
import { runOutboxFaults } from './outbox.ts'
import { runPoolerFaults } from './pooler.ts'
import { runRaces } from './races.ts'
import { readSeed } from './random.ts'
import type { FaultOptions, FaultReport } from './report.ts'

const RUNS: Record<string, (options: FaultOptions) => Promise<FaultReport>> = {
  accepts: (options) => runAcceptFaults({ ...options, kills: 50 }),
  connection: (options) => runConnectionFaults({ ...options, people: 300 }),
  races: (options) => runRaces({ ...options, rounds: 10 }),
  clock: (options) => runClockFaults({ ...options, rounds: 300 }),
  disk: (options) => runDiskFaults({ ...options, invites: 500 }),
  pooler: (options) => runPoolerFaults({ ...options, people: 200 }),
  outbox: (options) => runOutboxFaults({ ...options, changes: 2_000, kills: 50 }),
  mail: (options) => reportMailFaults({ ...options, invites: 2_000, kills: 50, restarts: 2 }),
}

const seed = readSeed()
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const unknown = names.filter((name) => !(name in RUNS))
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}. There are ${Object.keys(RUNS).join(', ')}.`)
  process.exit(1)
}

for (const [name, run] of Object.entries(RUNS)) {
  if (names.length > 0 && !names.includes(name)) continue
  console.log(
    `\n${name}, seed ${seed}: npm run test:faults -- ${name} --seed=${seed} has it again.`,
  )
  const { broken, skipped, figures } = await run({ seed, say: (line) => console.log(line) })
  if (skipped) {
    console.log(`Skipped: ${skipped}`)
    continue
  }
  console.log(figures)
  for (const promise of broken) console.error(`Broken: ${promise}`)
  console.log(broken.length === 0 ? 'All promises were kept.' : 'A promise was broken.')
  if (broken.length > 0) process.exitCode = 1
}
