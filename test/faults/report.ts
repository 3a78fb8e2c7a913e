/**
 * What a run says of itself.
 *
 * @module
 */

export interface FaultOptions {
  seed: number
  say?: (line: string) => void
}

export interface FaultReport {
  /** Promises that were not kept, each in words; none: all were. */
  broken: string[]
  /** Why it could not run here; then nothing else is said. */
  skipped?: string
  /** What happened, and how often: a run in which nothing went wrong has proved nothing. */
  figures: Record<string, number>
}

/** Notes a broken promise down, with at most so many of the cases that broke it. */
export function check(broken: string[], promise: string, cases: readonly unknown[]): void {
  if (cases.length === 0) return
  broken.push(`${promise}: ${cases.length}, such as ${JSON.stringify(cases.slice(0, 3))}`)
}
