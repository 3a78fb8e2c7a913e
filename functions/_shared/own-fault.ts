/**
 * Whose fault it is when the database says no.
 *
 * @module
 */

/** Connections, a database that only reads, deadlocks, no room, locks, shutdown, files, and faults of Postgres itself (its appendix A). */
const OF_THE_DATABASE = /^(08|25|40|53|55|57|58|XX)/

/**
 * Whether the database is well, and has refused what this one call was about: the row of one organisation, which
 * is then left alone while those of the others go on.
 */
export function isOwnFault(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'PostgresError') return false
  return !OF_THE_DATABASE.test((error as { code?: string }).code ?? '')
}
