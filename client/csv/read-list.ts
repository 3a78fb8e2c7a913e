/**
 * Opens a list, whatever it is: CSV in any encoding, addresses out of a mail, a workbook. The client, the REST door and
 * the console read lists with this, and with nothing else.
 *
 * @module
 */

import { holdsAddresses } from './addresses.ts'
import { type CsvSource, contentOf } from './bytes-of.ts'
import { decode } from './decode.ts'
import { DELIMITERS, isNamed, type Layout, layoutOf, senseOf, widthOf } from './layout.ts'
import { ListProblem } from './list-problem.ts'
import { inPlainQuotes } from './quotes.ts'
import { type ListRecord, type Progress, recordsOf } from './records.ts'
import { isZip, recordsOfWorkbook } from './workbook.ts'

export interface ListOptions {
  /** What parts the cells; default: found by what it yields, one of comma, semicolon, tab and bar. */
  delimiter?: string | undefined
  /** What a file of bytes is encoded in, such as `windows-1252`; default: found by what it holds. */
  encoding?: string | undefined
  /** The sheet of a workbook; default: the one that holds addresses. */
  sheet?: string | undefined
  /** The most bytes that are taken. Default: 64 MB. */
  maxBytes?: number | undefined
  /** Called after each piece that was read; what it returns is waited for. */
  onProgress?: ((progress: Progress) => void | Promise<void>) | undefined
}

export interface OpenList {
  layout: Layout
  /** What parts its cells; null in a workbook, and where each line is a list of addresses. */
  delimiter: string | null
  /** All rows that are not empty, the row with the names of the columns among them, many at a time. */
  records: AsyncIterable<ListRecord[]>
}

const LARGEST = 64 * 2 ** 20
/** What is looked at to see what a list is. */
const SAMPLE = 1 << 16
const SAMPLE_ROWS = 200
/** As Excel writes it for itself; a spreadsheet does not show that line. */
const SEP = /^\s*"?sep=(\\t|[^"\r\n])"?[ \t,;|]*(?:\r\n|[\n\r\u0085]|$)/i
/** Parts nothing. */
const NONE = '\u001f'

/** @throws ListProblem when it cannot be read, or not without being told more */
export async function openList(source: CsvSource, options: ListOptions = {}): Promise<OpenList> {
  const { maxBytes = LARGEST } = options
  const content = await contentOf(source, maxBytes)
  if ('bytes' in content && isZip(content.bytes)) {
    const records = await recordsOfWorkbook(content.bytes, options.sheet, maxBytes)
    const layout = layoutOf(records.slice(0, SAMPLE_ROWS))
    return { layout, delimiter: null, records: inPieces(records, options) }
  }
  const text = 'text' in content ? content.text : await decode(content.bytes, options.encoding)
  return openText(withoutEnds(text), options)
}

/** Without the mark at the start, and without what programs of the time of CP/M and of C put at the end. */
function withoutEnds(text: string): string {
  let end = text.length
  while (end > 0 && '\0\u001A'.includes(text.charAt(end - 1))) end--
  return text.slice(text.startsWith('\uFEFF') ? 1 : 0, end)
}

async function openText(text: string, options: ListOptions): Promise<OpenList> {
  if (/^\s*\[?\s*\{\s*"[^"]*"\s*:/.test(text)) {
    throw new ListProblem('not_text', 'The file is JSON, and no list: save it as CSV UTF-8.')
  }
  const [line = '', sign] = text.match(SEP) ?? []
  const list = inPlainQuotes(withLines(text.slice(line.length)))
  const bytes = new TextEncoder().encode(list)
  const sample = sampleOf(bytes)
  const named = sign === '\\t' ? '\t' : sign
  // Saved anew with another sign between cells, a file may keep the line.
  const said = options.delimiter ?? (named && list.includes(named) ? named : undefined)
  const delimiter = said ?? (await delimiterOf(sample))
  const records = await sampleRecords(sample, delimiter)
  const layout = layoutOf(records)

  if (!layout.header && said === undefined && isListOfAddresses(sample)) {
    const records = recordsOf(bytes, NONE, options.onProgress)
    return { layout: { ...layoutOf([]), width: 1 }, delimiter: null, records }
  }
  const all = recordsOf(bytes, delimiter, options.onProgress)
  const header = headerOfOtherSigns(layout, records, delimiter)
  if (!header) return { layout, delimiter, records: all }
  const replaced = (some: ListRecord[]) =>
    some.map((record) => (record.number === header.number ? header : record))
  return { layout: layoutOf(replaced(records)), delimiter, records: inEach(all, replaced) }
}

/** Some programs end lines with these, and with nothing else; otherwise they stand in cells. */
const withLines = (text: string) =>
  /[\n\r\u0085]/.test(text) ? text : text.replace(/[\u2028\u2029]/g, '\n')

/** The names of the columns, where other signs stand between them than between the cells below. */
function headerOfOtherSigns(
  { header }: Layout,
  records: ListRecord[],
  delimiter: string,
): ListRecord | null {
  const below = records.filter(({ number }) => header && number > header.number)
  const width = widthOf(below)
  if (!header || width < 2 || header.cells.filter((cell) => cell.trim() !== '').length > 1) {
    return null
  }
  return (
    DELIMITERS.filter((sign) => sign !== delimiter)
      .map((sign) => ({ ...header, cells: header.cells.join(delimiter).split(sign) }))
      .find(({ cells }) => cells.length === width && cells.some(isNamed)) ?? null
  )
}

async function* inEach(
  records: AsyncIterable<ListRecord[]>,
  change: (some: ListRecord[]) => ListRecord[],
) {
  for await (const some of records) yield change(some)
}

/** The start of a text, as far as its last whole line. */
function sampleOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= SAMPLE) return bytes
  const start = bytes.subarray(0, SAMPLE)
  const end = Math.max(start.lastIndexOf(0x0a), start.lastIndexOf(0x0d))
  return end < 0 ? start : start.subarray(0, end + 1)
}

async function sampleRecords(sample: Uint8Array, delimiter: string): Promise<ListRecord[]> {
  const records: ListRecord[] = []
  for await (const some of recordsOf(sample, delimiter)) {
    records.push(...some)
    if (records.length >= SAMPLE_ROWS) break
  }
  return records.slice(0, SAMPLE_ROWS)
}

async function delimiterOf(sample: Uint8Array): Promise<string> {
  let best = { delimiter: ',', sense: -1 }
  for (const delimiter of DELIMITERS) {
    const sense = senseOf(await sampleRecords(sample, delimiter))
    if (sense > best.sense) best = { delimiter, sense }
  }
  return best.delimiter
}

/** As mail programs put them on the clipboard: `Doe, Ann <ann@example.com>; bob@example.com`. */
function isListOfAddresses(sample: Uint8Array): boolean {
  const lines = new TextDecoder().decode(sample).split(/\r\n|[\n\r\u0085]/)
  const filled = lines.filter((line) => line.trim() !== '')
  return filled.length > 0 && filled.every(holdsAddresses)
}

async function* inPieces(records: ListRecord[], { onProgress }: ListOptions) {
  for (let at = 0; at < records.length; at += 1_000) {
    yield records.slice(at, at + 1_000)
    await onProgress?.({ done: Math.min(at + 1_000, records.length), total: records.length })
  }
}
