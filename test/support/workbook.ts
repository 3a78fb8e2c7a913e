/**
 * Excel workbooks, as small as Excel opens them.
 *
 * @module
 */
import { strToU8, zipSync } from 'fflate'

/** A cell: a text, a number, a date, an error such as `#N/A`, or a link. */
export type Cell =
  | string
  | number
  | boolean
  | Date
  | { error: string }
  | { text: string; link: string }
  | null

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006/relationships'

interface WorkbookOptions {
  /** Names of sheets that Excel does not show. */
  hidden?: string[]
  /** Where one more cell stands, such as `XFD1048576`. */
  far?: string
}

/** @param sheets - rows by the name of their sheet; a row that is null is not there at all */
export function workbook(
  sheets: Record<string, (Cell[] | null)[]>,
  { hidden = [], far }: WorkbookOptions = {},
): Uint8Array<ArrayBuffer> {
  const names = Object.keys(sheets)
  const files: Record<string, string> = {
    '[Content_Types].xml':
      '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    '_rels/.rels': relations([['rId1', 'officeDocument', 'xl/workbook.xml']]),
    'xl/workbook.xml': `<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>${names
      .map((name, i) => {
        const state = hidden.includes(name) ? ' state="hidden"' : ''
        return `<sheet name="${escaped(name)}" sheetId="${i + 1}"${state} r:id="rId${i + 1}"/>`
      })
      .join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relations([
      ...names.map(
        (_, i): Relation => [`rId${i + 1}`, 'worksheet', `worksheets/sheet${i + 1}.xml`],
      ),
      ['rId0', 'styles', 'styles.xml'],
    ]),
    'xl/styles.xml': `<styleSheet xmlns="${MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>`,
  }
  for (const [i, rows] of Object.values(sheets).entries()) {
    files[`xl/worksheets/sheet${i + 1}.xml`] = sheet(rows, far)
  }
  const zipped = zipSync(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(XML + text)])),
  )
  return new Uint8Array(zipped)
}

type Relation = [id: string, type: string, target: string]
const relations = (all: Relation[]) =>
  `<Relationships xmlns="${PACKAGE}">${all
    .map(
      ([id, type, target]) =>
        `<Relationship Id="${id}" Type="${OFFICE}/${type}" Target="${target}"/>`,
    )
    .join('')}</Relationships>`

function sheet(rows: (Cell[] | null)[], far: string | undefined): string {
  const filled = rows.flatMap((cells, at) =>
    cells
      ? `<row r="${at + 1}">${cells.map((cell, column) => cellXml(cell, `${letter(column)}${at + 1}`)).join('')}</row>`
      : '',
  )
  const farRow = far ? `<row r="${far.replace(/^[A-Z]+/, '')}">${cellXml('far', far)}</row>` : ''
  const links = rows.flatMap((cells, at) =>
    (cells ?? []).flatMap((cell, column) =>
      cell !== null && typeof cell === 'object' && 'link' in cell
        ? `<hyperlink ref="${letter(column)}${at + 1}" location="${escaped(cell.link)}"/>`
        : [],
    ),
  )
  const all = links.length > 0 ? `<hyperlinks>${links.join('')}</hyperlinks>` : ''
  return `<worksheet xmlns="${MAIN}"><sheetData>${filled.join('')}${farRow}</sheetData>${all}</worksheet>`
}

const letter = (column: number) => String.fromCharCode(65 + column)
/** Days since the end of 1899. */
const serial = (date: Date) => date.getTime() / 86_400_000 + 25_569

function cellXml(cell: Cell, at: string): string {
  if (cell === null) return ''
  if (typeof cell === 'number') return `<c r="${at}"><v>${cell}</v></c>`
  if (typeof cell === 'boolean') return `<c r="${at}" t="b"><v>${Number(cell)}</v></c>`
  if (cell instanceof Date) return `<c r="${at}" s="1"><v>${serial(cell)}</v></c>`
  if (typeof cell === 'object' && 'error' in cell) {
    return `<c r="${at}" t="e"><v>${cell.error}</v></c>`
  }
  const text = typeof cell === 'string' ? cell : cell.text
  return `<c r="${at}" t="inlineStr"><is><t xml:space="preserve">${escaped(text)}</t></is></c>`
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
