/**
 * Which row of a list names its columns, and which column is what: by the names, and by what stands below them.
 *
 * @module
 */
import { addressesIn, holdsAddresses } from './addresses.ts'
import {
  BY_SOUND,
  FIELDS,
  type Field,
  formsOf,
  isOtherAddress,
  isOtherName,
  normalise,
  rankOf,
} from './column-names.ts'
import { ListProblem } from './list-problem.ts'
import type { ListRecord } from './records.ts'

/** Which column holds what, from 0; null where none does. */
export type Matching = Record<Field, number | null>

export interface Layout {
  /** The row with the names of the columns; null where there is none. */
  header: ListRecord | null
  /** Whether some name in it is known. Otherwise it may as well be a bad row. */
  isNamed: boolean
  matching: Matching
  /** Columns that have a meaning, or a name. What stands beyond them fits nowhere. */
  width: number
  /** Whether some cell is an address. */
  hasAddresses: boolean
  /** Columns of which each may be meant: of one name, or of names that nobody knows, with addresses. */
  unclear: { name: string | null; columns: number[] } | null
}

/** How far down titles may go. */
const MOST_ABOVE = 30

/** @param sample - the first rows */
export function layoutOf(sample: ListRecord[]): Layout {
  const records = sample.filter(({ isBroken }) => !isBroken)
  const at = headerAt(records)
  const header = records[at] ?? null
  const below = records.slice(at + 1)
  let found = header ? withNames(header, below) : withoutNames(records)
  // It may as well be a bad row: what stands where, nothing says then.
  if (header && !found.isNamed) {
    const isTitle = header.cells.filter((cell) => cell.trim() !== '').length < 2
    found = { ...withoutNames(below), header, unclear: isTitle ? null : found.unclear }
  }
  return { ...found, hasAddresses: records.some(({ cells }) => cells.some(holdsAddresses)) }
}

type Found = Omit<Layout, 'hasAddresses'>

function headerAt(records: ListRecord[]): number {
  const start = records.slice(0, MOST_ABOVE)
  const hasAddress = start.map(({ cells }) => cells.some(holdsAddresses))
  const first = hasAddress.indexOf(true)
  /** Above the first address, a row with so many names that are known. */
  const above = (isKnown: (cell: string) => boolean, least: number) => {
    const rows = first < 0 ? start : start.slice(0, first)
    return rows.findIndex(({ cells }) => cells.filter(isKnown).length >= least)
  }
  /** A title may say "Email" as well; it has no addresses below. */
  const overAddresses = start.findIndex(({ cells }, at) => {
    const below = records.slice(at + 1)
    const isOver = (column: number) =>
      below.length === 0 || below.some((row) => holdsAddresses(row.cells[column] ?? ''))
    return (
      !cells.some(holdsAt) &&
      cells.some((cell, column) => rankOf(cell, 'email') !== null && isOver(column))
    )
  })
  const candidates = [
    overAddresses,
    above((cell) => FIELDS.some((field) => isNameOf(cell, field)), 1),
    above(isOtherName, 2),
    // The row above the first address: names that nobody knows, or a bad row.
    first - 1,
  ]
  return candidates.find((at) => at >= 0 && !start[at]?.cells.some(holdsAt)) ?? -1
}

/**
 * Whether an address may stand in it, other than as an example in brackets. A row of names is left out, and with it what
 * looks like names only because its lines or cells are not parted as those of others are.
 */
const holdsAt = (cell: string) => cell.includes('@') && formsOf(cell).length === 0

/** By its words, not only by its sound. */
function isNameOf(cell: string, field: Field): boolean {
  const rank = rankOf(cell, field)
  return rank !== null && rank < BY_SOUND
}

function withNames(header: ListRecord, below: ListRecord[]): Found {
  const names = header.cells.map((name) => name.trim())
  let unclear: Layout['unclear'] = null
  const find = (field: Field): number | null => {
    const ranked = names
      .map((name, column) => ({ column, name, rank: name ? rankOf(name, field) : null }))
      .filter((each): each is { column: number; name: string; rank: number } => each.rank !== null)
      .map((each) => ({ ...each, ...filledIn(below, each.column, field) }))
      .sort((a, b) => Number(b.isFitting) - Number(a.isFitting) || a.rank - b.rank)
    const [best, ...others] = ranked
    if (!best) return null
    const same = others.filter(
      ({ name, isFitting, column }) =>
        isFitting &&
        oneSpelling(name) === oneSpelling(best.name) &&
        below.some(({ cells }) => saysOther(cells[column], cells[best.column])),
    )
    if (best.isFitting && same.length > 0 && !unclear) {
      unclear = { name: best.name, columns: [best, ...same].map(({ column }) => column) }
    }
    return best.column
  }
  const matching = Object.fromEntries(FIELDS.map((field) => [field, find(field)])) as Matching
  const { email } = matching
  if (email === null || !filledIn(below, email, 'email').isFitting) {
    const [best, ...others] = withAddresses(below, (column) => !isOtherAddress(names[column] ?? ''))
    matching.email = best ?? email
    const same = others.filter((column) =>
      below.some(({ cells }) => saysOther(cells[column], cells[best ?? 0])),
    )
    if (best !== undefined && same.length > 0) unclear ??= { name: null, columns: [best, ...same] }
  }
  for (const field of FIELDS) {
    if (field !== 'email' && matching[field] === matching.email) matching[field] = null
  }
  const width = names.length
  return { header, isNamed: names.some(isNamed), matching, width, unclear }
}

/** Whether it is a name that is known. */
export const isNamed = (name: string): boolean =>
  isOtherName(name) || FIELDS.some((field) => rankOf(name, field) !== null)

/** `E-Mail` is `Email`. */
const oneSpelling = (name: string) => normalise(name).replaceAll('e mail', 'email')

/** Whether something would be lost with a cell that is not read beside one that is. */
const saysOther = (unread = '', read = '') =>
  unread.trim() !== '' && unread.trim().toLowerCase() !== read.trim().toLowerCase()

/** Whether a column has what its name says; one that is empty throughout has not. */
function filledIn(rows: ListRecord[], column: number, field: Field): { isFitting: boolean } {
  const filled = rows.map(({ cells }) => cells[column] ?? '').filter((cell) => cell.trim() !== '')
  return { isFitting: field === 'email' ? filled.some(holdsAddresses) : filled.length > 0 }
}

function withoutNames(records: ListRecord[]): Found {
  const [email = 0] = withAddresses(records, () => true)
  const matching = Object.fromEntries(FIELDS.map((field) => [field, null])) as Matching
  return {
    header: null,
    isNamed: false,
    matching: { ...matching, email, roles: email + 1 },
    width: email + 2,
    unclear: null,
  }
}

/** The columns with addresses, the one with most of them first. */
function withAddresses(records: ListRecord[], mayBe: (column: number) => boolean): number[] {
  const counts: number[] = []
  for (const { cells } of records) {
    for (const [column, cell] of cells.entries()) {
      if (cell.includes('@') && holdsAddresses(cell)) counts[column] = (counts[column] ?? 0) + 1
    }
  }
  return [...counts.keys()]
    .filter((column) => counts[column] && mayBe(column))
    .sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b)
}

/** Refuses a file of which it cannot be told which of two columns is meant. */
export function requireClear({ unclear }: Layout): void {
  if (!unclear) return
  const columns = unclear.columns.map(columnName).join(' and ')
  throw new ListProblem(
    'column_twice',
    unclear.name === null
      ? `Several columns hold addresses, ${columns}, and none says that they are meant: call one email.`
      : `Two columns are called ${unclear.name.slice(0, 40)}, ${columns}, and differ: rename one.`,
  )
}

/** As a spreadsheet calls it: A, B, … Z, AA. */
export function columnName(column: number): string {
  const before = Math.floor(column / 26)
  return (before > 0 ? columnName(before - 1) : '') + String.fromCharCode(65 + (column % 26))
}

/** What parts the cells of a text: the sign by which most of it makes sense. */
export const DELIMITERS = [',', ';', '\t', '|']

/** How much sense rows make: known names, whole addresses, rows of one width. */
export function senseOf(records: ListRecord[]): number {
  const { header, isNamed: hasNames, matching } = layoutOf(records)
  const names = FIELDS.filter(
    (field) => hasNames && rankOf(header?.cells[matching[field] ?? -1] ?? '', field) !== null,
  )
  const rows = records.filter((record) => !(hasNames && record === header) && !record.isBroken)
  const share = (count: number) => (rows.length === 0 ? 0 : count / rows.length)
  // A cell with several addresses was not parted yet.
  const whole = rows.filter(({ cells }) =>
    cells.some(
      (cell) => cell.includes('@') && addressesIn(cell).length === 1 && holdsAddresses(cell),
    ),
  )
  const width = widthOf(records)
  const alike = records.filter(({ cells }) => cells.length === width).length
  const isParted = width > 1 ? alike / Math.max(1, records.length) : 0
  return 4 * Math.min(3, names.length) + 8 * share(whole.length) + 2 * isParted
}

/** How many cells most rows have. */
export function widthOf(records: ListRecord[]): number {
  const widths = new Map<number, number>()
  for (const { cells } of records) widths.set(cells.length, (widths.get(cells.length) ?? 0) + 1)
  const [[width = 1] = []] = [...widths].sort((a, b) => b[1] - a[1] || b[0] - a[0])
  return width
}
