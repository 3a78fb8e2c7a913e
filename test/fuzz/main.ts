/**
 * `npm run test:fuzz`: the properties of every test run, at length.
 *
 *   npm run test:fuzz                             each file for a minute
 *   npm run test:fuzz -- --minutes=5              for five
 *   npm run test:fuzz -- --minutes=5 --seed=1234  the same attempts again
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { readSeed } from '../faults/random.ts'

const FILES = [
  'test/fuzz',
  'test/functions/api-openapi.test.ts',
  'test/functions/graphql-limits.test.ts',
]

const seed = readSeed()
const given = process.argv.find((argument) => argument.startsWith('--minutes='))
const minutes = Number(given?.slice(10) ?? 1)
if (!(minutes > 0)) throw new Error('--minutes is a number above 0.')

console.log(
  `Seed ${seed}: npm run test:fuzz -- --minutes=${minutes} --seed=${seed} tries the same.`,
)
const { status } = spawnSync('vitest', ['run', ...FILES], {
  stdio: 'inherit',
  env: { ...process.env, USHER_FUZZ_SEED: String(seed), USHER_FUZZ_MINUTES: String(minutes) },
})
process.exitCode = status ?? 1
