/**
 * Gives the reader a file.
 *
 * @module
 */
import { stringify } from 'csv-stringify/browser/esm/sync'

/** @param content - what is in it */
export function download(name: string, type: string, content: BlobPart): void {
  const address = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  URL.revokeObjectURL(address)
}

/** Rows as CSV. A cell that a spreadsheet would run as a formula is made into text. */
export function downloadCsv(name: string, rows: (string | number | null)[][]): void {
  download(name, 'text/csv;charset=utf-8', stringify(rows, { escape_formulas: true, bom: true }))
}
