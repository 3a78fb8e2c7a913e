/**
 * What the doctor has found out about one thing.
 *
 * @module
 */

export interface Finding {
  /** What was looked at, such as `grants`. */
  check: string
  /** `unseen`: it cannot be told from here. Only an error makes the exit code 1. */
  level: 'well' | 'unseen' | 'warning' | 'error'
  message: string
  /** What to do about it, often a command; null where nothing is. */
  repair: string | null
}

/** Makes the findings of one check. */
export function findingsOf(check: string) {
  const finding =
    (level: Finding['level']) =>
    (message: string, repair: string | null = null): Finding => ({ check, level, message, repair })
  return {
    well: finding('well'),
    unseen: finding('unseen'),
    warning: finding('warning'),
    error: finding('error'),
  }
}
