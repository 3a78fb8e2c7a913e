/**
 * The rows of an Excel workbook (.xlsx). What reads it is loaded with the first one. Of a cell with an error, such as
 * `#N/A`, nothing is left; links give what is shown of them. Hidden rows are rows; a hidden sheet is read when it is
 * said.
 *
 * @module
 */
import { isBlank } from './invisible.ts'
import { layoutOf } from './layout.ts'
import { ListProblem } from './list-problem.ts'
import type { ListRecord } from './records.ts'

/** How many times its size a workbook may unzip to. */
const LARGEST_UNZIPPED = 4
/** What reads it makes as many cells of a sheet as its last row and its last column span, filled or not. */
const MOST_CELLS = 10_000_000
/** Enough to see which sheet holds the list. */
const SAMPLE = 200

export const isZip = (bytes: Uint8Array) =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 0x03 && bytes[3] === 0x04

/**
 * @param sheet - its name; by default, the one that holds addresses
 * @param maxBytes - four times as much is unzipped, and no more
 * @throws ListProblem `not_a_workbook`, `too_large`, `sheet_unclear`, `sheet_not_found`, `reader_missing`
 */
export async function recordsOfWorkbook(
  bytes: Uint8Array<ArrayBuffer>,
  sheet: string | undefined,
  maxBytes: number,
): Promise<ListRecord[]> {
  const { unzipSync, zipSync, read } = await reader()
  const parts = unzipped(bytes, maxBytes * LARGEST_UNZIPPED, unzipSync)
  // The package would unzip in workers of its own, made of text, which strict pages and edge functions forbid.
  const plain = new Uint8Array(zipSync(parts, { level: 0 }))
  const sheets = await read(plain.buffer, { trim: false }).catch(() => {
    throw damaged()
  })
  const hidden = hiddenSheets(parts)
  return choose(
    sheets.map(({ sheet: name, data }, at) => ({
      name,
      isHidden: hidden.length === sheets.length && hidden[at] === true,
      records: toRecords(data as unknown[][]),
    })),
    sheet,
  )
}

const damaged = () =>
  new ListProblem(
    'not_a_workbook',
    'The workbook is damaged, or of a kind that cannot be read. Save it anew, or as CSV UTF-8.',
  )

interface Sheet {
  name: string
  isHidden: boolean
  records: ListRecord[]
}

/** Of each sheet, in order. What reads the workbook does not say. */
function hiddenSheets(parts: Record<string, Uint8Array>): boolean[] {
  const [, content] = Object.entries(parts).find(([name]) => WORKBOOK.test(name)) ?? []
  const tags = new TextDecoder().decode(content).match(/<(?:\w+:)?sheet\s[^<>]*>/g) ?? []
  return tags.map((tag) => /\sstate\s*=\s*["'](?:hidden|veryHidden)["']/.test(tag))
}

function choose(sheets: Sheet[], name: string | undefined): ListRecord[] {
  const choices = (some: Sheet[]) =>
    some.map(({ name, records }) => ({
      name,
      sample: records.slice(0, 3).map(({ cells }) => cells.join(' · ').slice(0, 120)),
    }))
  const named = (some: Sheet[]) => some.map((each) => each.name).join(', ')
  if (name !== undefined) {
    const found = sheets.find((each) => each.name === name)
    if (found) return found.records
    throw new ListProblem(
      'sheet_not_found',
      `The workbook has no sheet called ${name.slice(0, 40)}. It has: ${named(sheets)}.`,
      choices(sheets),
    )
  }
  const all = sheets.filter(({ records }) => layoutOf(records.slice(0, SAMPLE)).hasAddresses)
  const seen = all.filter(({ isHidden }) => !isHidden)
  const withAddresses = seen.length > 0 ? seen : all
  if (withAddresses.length > 1) {
    throw new ListProblem(
      'sheet_unclear',
      `Several sheets hold addresses: ${named(withAddresses)}. Say which.`,
      choices(withAddresses),
    )
  }
  const filled = sheets.filter(({ records }) => records.length > 0)
  return (withAddresses[0] ?? filled[0])?.records ?? []
}

function toRecords(rows: unknown[][]): ListRecord[] {
  return rows.flatMap((row, at) => {
    const cells = row.map(textOf)
    return cells.every(isBlank) ? [] : [{ number: at + 1, cells }]
  })
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (!(value instanceof Date)) return String(value)
  // Days with a fraction: half past twelve comes out a thousandth of a second early.
  const time = Math.round(value.getTime() / 1_000) * 1_000
  return Number.isNaN(time) ? '' : new Date(time).toISOString()
}

const WORKBOOK = /^\/?xl\/[^/]*workbook[^/]*\.xml$/i

/** One cell in the last row and the last column makes a workbook of two kilobytes into gigabytes. */
function refuseFarCells(parts: Uint8Array[]): void {
  let cells = 0
  for (const part of parts) {
    const { rows, columns } = spanOf(new TextDecoder().decode(part))
    cells += rows * columns
    if (cells <= MOST_CELLS) continue
    throw new ListProblem(
      'too_large',
      `The workbook spans ${rows} rows and ${columns} columns: take out what stands far off, or save it as CSV UTF-8.`,
    )
  }
}

/** What the rows and cells of a sheet say of their places. Themes and charts have attributes of that name, too. */
function spanOf(text: string): { rows: number; columns: number } {
  let rows = 0
  let columns = 1
  const places = text.includes('sheetData') ? text.matchAll(/[^\w:.-]r\s*=\s*["']([^"']*)/g) : []
  for (const [, place = ''] of places) {
    const [, letters = '', row] = place.match(/^([A-Z]{0,3})(\d{1,7})$/) ?? []
    // As Excel never writes it, and what reads the workbook would make a number of it all the same.
    if (row === undefined && /[\d&]|Infinity/.test(place)) throw damaged()
    rows = Math.max(rows, Number(row ?? 0))
    columns = Math.max(columns, columnNumber(letters))
  }
  return { rows, columns }
}

/** A is 1. */
const columnNumber = (letters: string) =>
  [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0)

async function reader() {
  try {
    const [{ unzipSync, zipSync }, { default: read }] = await Promise.all([
      import('fflate'),
      import('read-excel-file/universal'),
    ])
    return { unzipSync, zipSync, read }
  } catch {
    throw new ListProblem(
      'reader_missing',
      'The file is an Excel workbook. Save it as CSV UTF-8, or install read-excel-file and fflate.',
    )
  }
}

/** The parts that say something, and not the pictures: at most so many bytes, by what the archive says of itself. */
function unzipped(
  bytes: Uint8Array,
  most: number,
  unzipSync: typeof import('fflate').unzipSync,
): Record<string, Uint8Array> {
  let size = 0
  let parts: Record<string, Uint8Array> = {}
  try {
    parts = unzipSync(bytes, {
      filter({ name, originalSize }) {
        if (!/\.(xml|rels)$/i.test(name)) return false
        size += originalSize
        if (size > most) {
          const said = `The workbook unzips to more than ${Math.floor(most / 2 ** 20)} MB`
          throw new ListProblem('too_large', `${said}: split it, or save it as CSV UTF-8.`)
        }
        return true
      },
    })
  } catch (error) {
    if (error instanceof ListProblem) throw error
    throw new ListProblem(
      'not_a_workbook',
      'The file is zipped, and damaged, or was cut. Save the list as an Excel workbook (.xlsx) or as CSV UTF-8.',
    )
  }
  if (Object.keys(parts).some((name) => WORKBOOK.test(name))) {
    refuseFarCells(Object.values(parts))
    return parts
  }
  throw new ListProblem(
    'not_a_workbook',
    'The file is zipped, and no Excel workbook. Save the list as an Excel workbook (.xlsx) or as CSV UTF-8.',
  )
}
