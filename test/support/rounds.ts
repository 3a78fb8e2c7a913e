/**
 * How long tests of chance go on: once in `npm test`, and more often in `npm run test:faults -- races`.
 *
 * @module
 */

export const ROUNDS = Number(process.env.USHER_FAULT_ROUNDS || 1)

/** Null: a new one each time. */
export const SEED = process.env.USHER_FAULT_SEED ? Number(process.env.USHER_FAULT_SEED) : null
