/**
 * What the rows of a list say: whom to invite, as what, and what is wrong with a row. Each row that is not empty has
 * one entry at least; each address of a row has its own.
 *
 * @module
 */
import { addressesIn, holdsAddresses, isAddress, unseenIn } from './addresses.ts'
import type { Field } from './column-names.ts'
import { FIELDS } from './column-names.ts'
import { invisibleIn, isBlank, sayUnseen, shown, type Unseen } from './invisible.ts'
import { columnName, type Layout } from './layout.ts'
import type { ListRecord } from './records.ts'

export type EntryProblem =
  /** A quote opens in this row and does not close. */
  | 'quote_open'
  /** It has text beyond the last column. */
  | 'too_many_cells'
  /** A cell holds what looks like further rows: a quote is missing. */
  | 'rows_in_cell'
  /** It stands above the names of the columns, and holds an address. */
  | 'above_names'
  /** It names no column that is known, and holds no address. */
  | 'unknown_names'
  /** The list has no column with addresses. */
  | 'no_column'
  /** A cell beside addresses that is none. */
  | 'no_address'
  /** A character that is not seen stands in the address. */
  | 'unseen'
  /** The same in the name of a role. */
  | 'unseen_in_role'
  /** A character was lost when the file was saved in another encoding. */
  | 'lost_character'

export interface Entry {
  /** The number that a spreadsheet shows. */
  rowNumber: number
  email: string
  /** Names of roles, as they stand there; empty where none do. */
  roles: string[]
  /** The other cells that have a meaning and are not empty. */
  values: Partial<Record<Exclude<Field, 'email' | 'roles'>, string>>
  problem: EntryProblem | null
  /** What is wrong, in English, and what to do. Empty where nothing is. */
  hint: string
  /** What the problem is about, such as a cell. */
  detail: string
  /** The character that is not seen, where it is about one. */
  unseen: Unseen | null
}

/** What is needed of a layout; the reader of a list may have changed it. */
export type Columns = Pick<Layout, 'header' | 'isNamed' | 'matching' | 'width'>

/** @param delimiter - what parts cells; null where nothing does */
export function entriesOf(record: ListRecord, columns: Columns, delimiter: string | null): Entry[] {
  const { header, isNamed, matching, width } = columns
  const { number, cells, isBroken } = record
  const failed = (problem: EntryProblem, hint: string, detail = '') => [
    { ...entry(number, firstAddress(cells), {}, []), problem, hint, detail },
  ]
  if (isBroken) {
    const hint = 'A quote opens in this row and does not close: close it, or take it out.'
    const parts = cells.flatMap((line) => (delimiter ? line.split(delimiter) : line))
    return [{ ...entry(number, firstAddress(parts), {}, []), problem: 'quote_open', hint }]
  }
  if (header && number <= header.number) {
    if (!isNamed) {
      const hint = 'This row names no column that is known, and holds no address.'
      return failed('unknown_names', hint, cells.join(' ').slice(0, 60))
    }
    if (number === header.number || !cells.some(holdsAddresses)) return []
    const hint = 'This row stands above the names of the columns: move it below them.'
    return failed('above_names', hint)
  }

  const filled = cells.filter((cell) => !isBlank(cell))
  const beyond = cells.slice(width).filter((cell) => !isBlank(cell))
  const addresses = filled.filter((cell) => cell.includes('@') && holdsAddresses(cell))
  // Nothing says what stands where, and several are addresses: all are.
  const isList = addresses.length > 1 && (isNamed ? beyond.length > 0 && width === 1 : true)
  if (isList) return filled.flatMap((cell) => listed(number, cell))
  if (beyond.length > 0) {
    const said = isNamed
      ? `The row has text in column ${columnName(lastFilled(cells))}, and the names end with ${columnName(width - 1)}`
      : `Nothing says what "${shown(beyond[0] ?? '').slice(0, 40)}" is`
    const hint = isNamed
      ? `${said}: put text that holds the sign between cells in quotes.`
      : `${said}: name the columns in the first row, email among them.`
    return failed('too_many_cells', hint, beyond.join(' ').slice(0, 60))
  }
  if (matching.email === null) {
    return failed('no_column', 'No column holds addresses: call one of them email.')
  }

  const { email = '', roles = '', ...values } = valuesOf(cells, matching)
  const others = Object.values({ ...values, roles })
  if (delimiter && others.some((cell) => holdsRows(cell, delimiter, matching.email ?? 0))) {
    const hint = 'A cell holds what looks like further rows: a quote may be missing.'
    return failed('rows_in_cell', hint)
  }
  const named = roles.split(BETWEEN_ROLES).filter(Boolean)
  const found = addressesIn(email)
  return (found.length > 0 ? found : [email]).map((address) =>
    checked(entry(number, address, values, named)),
  )
}

/** What stands between roles and around them, also in a list as a program writes it: `["admin","member"]`. */
const BETWEEN_ROLES = /[\s;,،؛，；、|/&+"'“”„«»‘’[\]{}()]+/

type Values = Partial<Record<Field, string>>

function valuesOf(cells: string[], matching: Columns['matching']): Values {
  const values: Values = {}
  for (const field of FIELDS) {
    const cell = cells[matching[field] ?? -1]?.trim()
    if (cell) values[field] = cell
  }
  return values
}

function entry(rowNumber: number, email: string, values: Entry['values'], roles: string[]): Entry {
  return { rowNumber, email, roles, values, problem: null, hint: '', detail: '', unseen: null }
}

const firstAddress = (cells: string[]) =>
  cells.flatMap((cell) => (cell.includes('@') ? addressesIn(cell) : [])).find(isAddress) ?? ''

const lastFilled = (cells: string[]) =>
  cells.length - 1 - [...cells].reverse().findIndex((cell) => !isBlank(cell))

/** A cell of a row of addresses. */
function listed(number: number, cell: string): Entry[] {
  return addressesIn(cell).map((address) => {
    const found = checked(entry(number, address, {}, []))
    if (address.includes('@')) return found
    const detail = shown(address).slice(0, 60)
    return { ...found, problem: 'no_address', hint: `"${detail}" is no address.`, detail }
  })
}

/** Names what nobody sees, and what an encoding has lost. */
function checked(given: Entry): Entry {
  const lost = [given.email, ...given.roles, ...Object.values(given.values)].find((cell) =>
    cell.includes('\uFFFD'),
  )
  if (lost !== undefined) {
    const detail = shown(lost).slice(0, 60)
    const hint = `A character was lost in "${detail}" when the file was saved: save it as CSV UTF-8 anew.`
    return { ...given, problem: 'lost_character', hint, detail }
  }
  const unseen = unseenIn(given.email)
  if (unseen && isAddress(given.email.replace(/[\s\p{C}\p{Z}]/gu, ''))) {
    const where = shown(given.email).slice(0, 80)
    const hint = `The address holds ${sayUnseen(unseen)}, in ${where}: take it out.`
    return { ...given, problem: 'unseen', hint, unseen }
  }
  for (const role of given.roles) {
    const unseen = invisibleIn(role)
    if (!unseen) continue
    const hint = `A role holds ${sayUnseen(unseen)}, in ${shown(role).slice(0, 80)}: take it out.`
    return { ...given, problem: 'unseen_in_role', hint, unseen }
  }
  return given
}

/** Whether a cell of several lines has, from its second on, one with an address where rows have theirs. */
function holdsRows(cell: string, delimiter: string, column: number): boolean {
  if (!/[\n\r\u0085]/.test(cell)) return false
  return cell
    .split(/\r\n|[\n\r\u0085]/)
    .slice(1)
    .some((line) => {
      const cells = line.split(delimiter)
      return cells.length > 1 && isAddress(cells[column]?.trim() ?? '')
    })
}
