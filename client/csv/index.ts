/**
 * Invites out of a CSV file: `usher/csv`. Needs `csv-parse`.
 *
 * @module
 */
export { type CsvOptions, type CsvSource, readInvites } from './read-invites.ts'
