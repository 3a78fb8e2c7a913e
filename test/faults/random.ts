/**
 * Chance that can be had again: the same seed, the same faults.
 *
 * @module
 */

/** Numbers from 0 to 1, below 1. Source: mulberry32, a 32-bit generator by Tommy Ettinger */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The seed of the command line, or a new one; say it, so that the run can be had again. */
export function readSeed(): number {
  const given = process.argv.find((argument) => argument.startsWith('--seed='))
  return given ? Number(given.slice(7)) : Date.now() % 2 ** 31
}
