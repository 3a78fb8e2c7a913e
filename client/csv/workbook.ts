/**
 * The rows of an Excel workbook (.xlsx). The package that reads it is loaded with the first one.
 *
 * @module
 */
import { layoutOf } from './layout.ts'
import { ListProblem } from './list-problem.ts'
import type { ListRecord } from './records.ts'

/** Zipped, it may be a hundredth of what it is. */
const LARGEST_UNZIPPED = 4
/** Enough to see which sheet holds the list. */
const SAMPLE = 200

export const isZip = (bytes: Uint8Array) =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 0x03 && bytes[3] === 0x04

/**
 * @param sheet - its name; by default, the one that holds addresses
 * @param maxBytes - four times as much is unzipped, and no more
 */
export async function recordsOfWorkbook(
  bytes: Uint8Array<ArrayBuffer>,
  sheet: string | undefined,
  maxBytes: number,
): Promise<ListRecord[]> {
  requireExcel(bytes, maxBytes * LARGEST_UNZIPPED)
  const { default: read } = await import('read-excel-file/universal').catch(() => {
    throw new ListProblem(
      'reader_missing',
      'The file is an Excel workbook. Save it as CSV UTF-8, or install read-excel-file.',
    )
  })
  const sheets = await read(bytes.buffer, { trim: false }).catch((error: Error) => {
    throw new ListProblem(
      'not_a_workbook',
      `The workbook cannot be read: ${error.message.slice(0, 200)} Save it anew, or as CSV UTF-8.`,
    )
  })
  return choose(
    sheets.map(({ sheet: name, data }) => ({ name, records: toRecords(data as unknown[][]) })),
    sheet,
  )
}

interface Sheet {
  name: string
  records: ListRecord[]
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
  const withAddresses = sheets.filter(
    ({ records }) => layoutOf(records.slice(0, SAMPLE)).hasAddresses,
  )
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
    return cells.some((cell) => cell.trim() !== '') ? [{ number: at + 1, cells }] : []
  })
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : value.toISOString()
  return String(value)
}

/** Looks into the list of what is zipped, before anything is unzipped. */
function requireExcel(bytes: Uint8Array, most: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let end = bytes.length - 22
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--
  const names: string[] = []
  let unzipped = 0
  let at = end < 0 ? bytes.length : view.getUint32(end + 16, true)
  while (at + 46 <= bytes.length && view.getUint32(at, true) === 0x02014b50) {
    unzipped += view.getUint32(at + 24, true)
    const length = view.getUint16(at + 28, true)
    names.push(new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + length)))
    at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  }
  if (unzipped > most) {
    throw new ListProblem(
      'too_large',
      `The workbook unzips to more than ${Math.floor(most / 2 ** 20)} MB: split it, or save it as CSV UTF-8.`,
    )
  }
  if (!names.some((name) => /^\/?xl\/.*workbook[^/]*\.xml$/i.test(name))) {
    const what = names.length > 0 ? 'no Excel workbook' : 'damaged, or was cut'
    throw new ListProblem(
      'not_a_workbook',
      `The file is zipped, and ${what}. Save the list as an Excel workbook (.xlsx) or as CSV UTF-8.`,
    )
  }
}
