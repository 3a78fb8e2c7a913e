/**
 * How long chance may try: a number of times in every test run, as long as one likes in `npm run test:fuzz`.
 *
 * @module
 */
const minutes = Number(process.env.USHER_FUZZ_MINUTES ?? 0)
const seed = process.env.USHER_FUZZ_SEED

export interface Budget {
  /** For `fc.assert`. */
  parameters: { numRuns: number; interruptAfterTimeLimit?: number; seed?: number }
  /** For the test that it is in, in milliseconds: room for the attempt under way, and for shrinking. */
  timeout: number
}

/**
 * @param runs - how many attempts a usual test run makes
 * @param share - how many properties the file has, each of which gets its part of the minutes
 */
export function budget(runs: number, share: number): Budget {
  const long = {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: (minutes * 60_000) / share,
  }
  return {
    parameters: {
      ...(minutes > 0 ? long : { numRuns: runs }),
      ...(seed !== undefined && { seed: Number(seed) }),
    },
    timeout: minutes * 60_000 + 120_000,
  }
}
