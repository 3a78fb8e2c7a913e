/**
 * Invitations from a CSV file, as spreadsheets write it.
 *
 * @module
 */
import { CsvError, parse } from 'csv-parse/sync'
import { parseJson } from './json.ts'
import { Problem } from './problem.ts'

const COLUMNS = [
  'email',
  'roles',
  'expires_in',
  'message',
  'locale',
  'redirect_to',
  'metadata',
  'template_id',
  'membership_ends_at',
]

/**
 * Reads rows as `create_organisation_invites` takes them. What is wrong with a row is left for it to
 * say, so that good rows are not lost to bad ones.
 *
 * @param text - its first line names the columns; parted by commas, semicolons or tabs
 * @returns a draft for each row; throws `invalid_request` when it cannot be read as CSV at all
 */
export function readCsv(text: string): Record<string, unknown>[] {
  const header = text.slice(0, Math.max(0, text.search(/\r|\n|$/)))
  const delimiter = [',', ';', '\t'].find((each) => header.includes(each)) ?? ','
  let names: string[] = []
  let rows: Record<string, string>[]
  try {
    rows = parse(text, {
      bom: true,
      columns(cells: string[]) {
        names = cells.map((cell) => cell.trim().toLowerCase())
        return names
      },
      delimiter,
      skip_empty_lines: true,
      relax_column_count: true,
      trim: true,
    })
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = 'lines' in error ? ` (line ${error.lines})` : ''
    throw refusal(`This is not CSV${line}: a quote is not closed, or stands in the wrong place.`)
  }
  const unknown = names.filter((name) => !COLUMNS.includes(name))
  if (!names.includes('email')) {
    throw refusal('The first line has to name the columns, email among them.')
  } else if (unknown.length > 0) {
    throw refusal(`There is no column ${unknown[0]}. There are: ${COLUMNS.join(', ')}.`)
  } else if (new Set(names).size < names.length) {
    throw refusal('The first line names a column twice.')
  }
  return rows.map(toDraft)
}

function toDraft(cells: Record<string, string>): Record<string, unknown> {
  const { roles, metadata, ...others } = cells
  return {
    // An empty cell is a thing left out.
    ...Object.fromEntries(Object.entries(others).filter(([, cell]) => cell !== '')),
    roles: (roles ?? '').split(/[\s,;|]+/).filter(Boolean),
    ...(metadata && { metadata: jsonOr(metadata) }),
  }
}

/** Text that is not JSON stays text, which SQL refuses for this row alone. */
function jsonOr(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return text
  }
}

function refusal(detail: string): Problem {
  return new Problem('invalid_request', { errors: [{ pointer: 'body', detail }] })
}
