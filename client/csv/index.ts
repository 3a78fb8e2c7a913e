/**
 * Invites out of a list: `usher/csv`. Needs `csv-parse`; for some files `read-excel-file` or `chardet`.
 *
 * @module
 */
export { type CsvOptions, type CsvSource, readInvites } from './read-invites.ts'
