/**
 * How long chance may try: a number of times in every test run, as long as one likes in `npm run test:fuzz`.
 *
 * @module
 */
import fc from 'fast-check'

const minutes = Number(process.env.USHER_FUZZ_MINUTES ?? 0)
// The same in every usual run, so that none fails by chance: chance is for the long ones.
const seed = Number(process.env.USHER_FUZZ_SEED ?? 1)

/** For the tests that it is in, in milliseconds: room for the attempts under way, and for shrinking. */
export const TIMEOUT = minutes * 60_000 + 120_000

/**
 * Tries a property; a failure says its seed and the smallest example.
 *
 * @param runs - how many attempts a usual test run makes; at length, they are made again and again
 * @param share - how many properties the file has, each of which gets its part of the minutes
 */
export async function holds<Values>(
  property: fc.IAsyncProperty<Values>,
  { runs, share }: { runs: number; share: number },
): Promise<void> {
  const end = Date.now() + (minutes * 60_000) / share
  let round = 0
  do {
    await fc.assert(property, { numRuns: runs, seed: seed + round })
    round += 1
  } while (Date.now() < end)
}
