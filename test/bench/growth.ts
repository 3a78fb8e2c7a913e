/**
 * How a call's cost grows with what is stored: databases of several sizes in one server, asked in turn.
 *
 * @module
 */
import type { Case } from './cases.ts'
import { type Bench, side } from './compare.ts'
import { median } from './measure.ts'

export const SIZES = [1_000, 100_000, 1_000_000]

const CONNECTIONS = 8

/** One entry a size, in the order of `SIZES`. */
export interface Growth {
  name: string
  /** Milliseconds: the median of all calls. */
  medians: number[]
  /** Time for the same number of calls, as a multiple of the smallest size's: the median of the rounds. */
  multiples: number[]
  spreads: [number, number][]
}

/** The first round only warms up. */
export async function measureGrowth(
  benches: Bench[],
  which: Case,
  rounds: number,
): Promise<Growth> {
  const latencies: number[][] = benches.map(() => [])
  const elapsed: number[][] = benches.map(() => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [n, { sql, clients }] of benches.entries()) {
      const { rules } = await which.prepare(sql, Math.max(which.calls, CONNECTIONS))
      const block = await clients.run(CONNECTIONS, side(which, 'rules', rules))
      if (round > 0) {
        elapsed[n]?.push(block.elapsed)
        latencies[n]?.push(...block.latencies)
      }
      if (which.cleanUp) {
        for (const statement of which.cleanUp.split(';')) await sql.unsafe(statement)
      }
    }
  }
  const smallest = elapsed[0] ?? []
  const multiples = elapsed.map((times) => times.map((time, n) => time / (smallest[n] ?? 1)))
  return {
    name: which.name,
    medians: latencies.map((times) => median(times)),
    multiples: multiples.map((all) => median(all)),
    spreads: multiples.map((all) => [Math.min(...all), Math.max(...all)]),
  }
}
