/**
 * The rows of a text that is CSV, numbered as a spreadsheet numbers them.
 *
 * @module
 */
import { parse } from '#csv-parse'
import { isBlank } from './invisible.ts'

/** One row of a list. */
export interface ListRecord {
  /** As a spreadsheet shows it: from 1, empty rows count, a cell of several lines does not. */
  number: number
  cells: string[]
  /** A quote opens in it and does not close: it has one cell, its line as it is. */
  isBroken?: true
}

/** CR LF, LF and CR end a line wherever they stand, as does NEL, which mainframes write. */
const LINE_ENDS = ['\r\n', '\n', '\r', '\u0085']
const LINE_END = /\r\n|[\n\r\u0085]/
/** What is read at once. Between two of them others have their turn. */
const PIECE = 1 << 16
/** Four times what a cell of a spreadsheet holds: a quote that is open for longer was never closed. */
const LONGEST = 1 << 17
/** So many quotes that are never closed, and quotes are no quotes in this file. */
const MOST_BROKEN = 50
/** What csv-parse says of them. */
const NOT_CLOSED = ['CSV_QUOTE_NOT_CLOSED', 'CSV_MAX_RECORD_SIZE']

export interface Progress {
  /** Bytes read, and all there are. */
  done: number
  total: number
}

/**
 * Empty rows are counted, and not given.
 *
 * @param bytes - UTF-8
 * @param onProgress - called after each piece; what it returns is waited for
 */
export async function* recordsOf(
  bytes: Uint8Array,
  delimiter: string,
  onProgress?: (progress: Progress) => void | Promise<void>,
): AsyncGenerator<ListRecord[], void, undefined> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const textAt = (start: number, end?: number) => decoder.decode(bytes.subarray(start, end))
  const isWellFormed = wellFormed(delimiter)
  let start = 0
  let number = 0
  let broken = 0

  while (start < bytes.length) {
    const hasQuotes = broken < MOST_BROKEN
    const reading = read(bytes.subarray(start), delimiter, hasQuotes)
    /** Where the row starts that was not given yet. */
    let at = start
    let isBroken = false
    for await (const { rows, done, isStopped } of reading) {
      const records: ListRecord[] = []
      for (const { cells, end } of rows) {
        const isLong = cells.some((cell) => LINE_END.test(cell))
        isBroken = isLong && hasQuotes && !isWellFormed(textAt(at, start + end))
        if (isBroken) break
        at = start + end
        number++
        if (!hasQuotes && cells.some((cell) => cell.startsWith('"'))) {
          records.push({ number, cells: [cells.join(delimiter)], isBroken: true })
        } else if (!cells.every(isBlank)) {
          records.push({ number, cells: cells.map(withoutQuotes) })
        }
      }
      isBroken ||= isStopped
      if (isBroken) {
        const [line = ''] = textAt(at, at + LONGEST).split(LINE_END, 1)
        number++
        records.push({ number, cells: [line], isBroken })
      }
      if (records.length > 0) yield records
      await onProgress?.({ done: isBroken ? at : start + done, total: bytes.length })
      if (isBroken) break
    }
    if (!isBroken) return
    broken++
    start = lineAfter(bytes, at)
  }
}

/** With blanks behind its closing quote, a cell is given with its quotes. */
const withoutQuotes = (cell: string) =>
  /^"(?:[^"]|"")*"[ \t]+$/.test(cell) ? cell.trim().slice(1, -1).replaceAll('""', '"') : cell

/** Where the next line starts. */
function lineAfter(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] === 0x0a) return at + 1
    if (bytes[at] === 0x0d) return bytes[at + 1] === 0x0a ? at + 2 : at + 1
    if (bytes[at] === 0xc2 && bytes[at + 1] === 0x85) return at + 2
  }
  return bytes.length
}

/**
 * Whether the quotes of a row stand around its cells. Where one that opens is closed by the next one that opens,
 * somewhere below, they do not, and the rows in between would be lost in one cell.
 */
function wellFormed(delimiter: string): (row: string) => boolean {
  const sign = delimiter.replace(/[\\\]^-]/g, '\\$&')
  const quoted = `[ \\t]*"(?:[^"]|"")*"[ \\t]*`
  const bare = `[ \\t]*(?:[^"\\s${sign}][^\\r\\n\\u0085${sign}]*)?`
  const cell = `(?:${quoted}|${bare})`
  const pattern = new RegExp(`^${cell}(?:[${sign}]${cell})*(?:${LINE_END.source})?$`)
  return (row) => pattern.test(row)
}

interface Read {
  /** With where each ends. */
  rows: { cells: string[]; end: number }[]
  done: number
  /** It went no further: a quote is not closed. */
  isStopped: boolean
}

/** Lets `csv-parse` read, a piece at a time. */
async function* read(
  bytes: Uint8Array,
  delimiter: string,
  hasQuotes: boolean,
): AsyncGenerator<Read, void, undefined> {
  let rows: Read['rows'] = []
  let isStopped = false
  const parser = parse({
    delimiter,
    record_delimiter: LINE_ENDS,
    quote: hasQuotes ? '"' : null,
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: LONGEST,
    // Not on the right: what follows a closing quote would end the reading.
    ltrim: true,
    on_record(cells: string[], { bytes: end }) {
      rows.push({ cells, end })
      return null
    },
  })
  let fault: Error | undefined
  parser.on('error', (error: Error & { code?: string }) => {
    isStopped = true
    if (!NOT_CLOSED.includes(error.code ?? '')) fault = error
  })
  // Its streams for browsers have none, and miss it at the end.
  parser.destroy ??= () => parser
  parser.resume()
  const taken = (done: number): Read => {
    const now = { rows, done, isStopped }
    rows = []
    return now
  }

  // In browsers it takes no bytes.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  for (let at = 0; at < bytes.length && !isStopped; at += PIECE) {
    const piece = bytes.subarray(at, at + PIECE)
    const text = decoder.decode(piece, { stream: true })
    await new Promise<void>((done) => parser.write(text, () => done()))
    if (fault) throw fault
    yield taken(at + piece.length)
  }
  if (isStopped) return
  await new Promise<void>((done) => {
    parser.once('end', done)
    parser.once('error', () => done())
    parser.end()
  })
  if (fault) throw fault
  yield taken(bytes.length)
}
