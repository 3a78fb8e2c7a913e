/**
 * Reads a pasted list or a CSV file into cells, and guesses which column is what.
 *
 * @module
 */
import { parse } from 'csv-parse/browser/esm/sync'

/** The most that one call of the API takes. */
export const MOST_ROWS = 10_000

export type Field = 'email' | 'roles' | 'message' | 'locale'
/** Which column holds what; null where none does. */
export type Matching = Record<Field, number | null>

export interface List {
  cells: string[][]
  hasHeader: boolean
  matching: Matching
}

/** Names of columns in the languages of the console. */
const NAMES: Record<Field, RegExp> = {
  email: /^(e-?mail|mail|address|adress|courriel|correo|البريد)/i,
  roles: /^(rol|rôle|funktion|دور|الأدوار)/i,
  message: /^(mess|nachricht|mensaje|wiadomo|رسالة)/i,
  locale: /^(lang|locale|sprache|idioma|język|لغة)/i,
}

/**
 * @param text - CSV with comma, semicolon or tab, or one address a line
 * @throws when it cannot be read as CSV
 */
export function readList(text: string): List {
  const cells: string[][] = parse(text, {
    bom: true,
    delimiter: [',', ';', '\t'],
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  })
  const first = cells[0] ?? []
  const hasHeader = cells.length > 1 && first.every((cell) => !cell.includes('@'))
  return { cells, hasHeader, matching: guess(cells, hasHeader) }
}

function guess(cells: string[][], hasHeader: boolean): Matching {
  const header = hasHeader ? (cells[0] ?? []) : []
  const sample = cells.slice(hasHeader ? 1 : 0, 20)
  const named = (field: Field) => {
    const column = header.findIndex((name) => NAMES[field].test(name))
    return column < 0 ? null : column
  }
  const width = Math.max(0, ...sample.map((row) => row.length))
  const withMostAddresses = Array.from({ length: width }, (_, column) => column).sort(
    (a, b) => countAddresses(sample, b) - countAddresses(sample, a) || a - b,
  )[0]
  return {
    email: named('email') ?? withMostAddresses ?? 0,
    roles: named('roles'),
    message: named('message'),
    locale: named('locale'),
  }
}

function countAddresses(rows: string[][], column: number): number {
  return rows.filter((row) => row[column]?.includes('@')).length
}
