/**
 * A list that was read, as the pages have it: its rows, and which column is what, which the reader may change.
 *
 * @module
 */
import type { Columns } from '../../../csv/entries.ts'
import type { Matching } from '../../../csv/layout.ts'
import type { ListChoice, ListProblemCode } from '../../../csv/list-problem.ts'
import type { ListRecord } from '../../../csv/records.ts'

/** The most rows that are read. They are sent a part at a time. */
export const MOST_ROWS = 100_000
export const LARGEST_FILE = 20 * 2 ** 20

/** Which of the columns the reader chooses, and sees what was found; the others go by their names. */
export const CHOSEN = [
  'email',
  'roles',
  'message',
  'locale',
  'expiresIn',
  'membershipEndsAt',
] as const
export type Chosen = (typeof CHOSEN)[number]

export interface List {
  /** Rows that are not empty, the one with the names of the columns among them. */
  records: ListRecord[]
  /** The row with the names; where none was found, the first. */
  names: ListRecord | null
  hasHeader: boolean
  matching: Matching
  /** As many as the widest of the first rows has. */
  width: number
  /** What parts its cells; null in a workbook, and where each line is a list of addresses. */
  delimiter: string | null
}

/** Why there is no list. What the page has no words for is said as `broken`. */
export interface Unread {
  code: ListProblemCode | 'empty' | 'too_many' | 'broken'
  /** The ways to read it, where it may be read in several. */
  choices: ListChoice[]
}

/** How the reader wants it read. */
export interface Wanted {
  encoding?: string
  sheet?: string
}

export const columnsOf = ({ names, hasHeader, matching, width }: List): Columns => ({
  header: hasHeader ? names : null,
  isNamed: hasHeader,
  matching,
  width: hasHeader ? (names?.cells.length ?? width) : width,
})

/** How many rows may become invitations. */
export function countRows({ records, names, hasHeader }: List): number {
  if (!hasHeader || !names) return records.length
  return records.length - 1 - records.indexOf(names)
}
