/**
 * `npm run test:faults`: what takes too long for every test run. Says its seed; ends with 1 when a promise
 * was broken.
 *
 * @module
 */
import { runMailFaults } from './mail.ts'
import { readSeed } from './random.ts'

const seed = readSeed()
console.log(`Seed ${seed}: npm run test:faults -- --seed=${seed} has it again.`)

const report = await runMailFaults({
  seed,
  invites: 2_000,
  kills: 50,
  restarts: 2,
  say: (line) => console.log(line),
})
console.log(report)
const isKept =
  report.missing.length === 0 &&
  report.severalIds.length === 0 &&
  report.duplicates <= report.duplicatesAllowed
console.log(isKept ? 'Nothing was lost.' : 'A promise was broken.')
process.exitCode = isKept ? 0 : 1
