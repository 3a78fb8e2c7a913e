/**
 * Invitations out of a list: CSV as spreadsheets write it, a workbook, addresses out of a mail. It is read by the
 * reader of the client.
 *
 * @module
 */
import type { CsvSource } from '../../client/csv/bytes-of.ts'
import { type Entry, type EntryProblem, entriesOf } from '../../client/csv/entries.ts'
import { requireClear } from '../../client/csv/layout.ts'
import { ListProblem, type ListProblemCode } from '../../client/csv/list-problem.ts'
import { openList } from '../../client/csv/read-list.ts'
import { snakeise } from '../../client/names.ts'
import type { RowProblem } from '../../client/text-problem.ts'
import { parseJson } from './json.ts'
import { Problem } from './problem.ts'

/** One more than a call takes: the database then says so. */
const MOST_ROWS = 10_001
/** As the body of a request; what a workbook unzips to is at most four times as much. */
const MOST_BYTES = 8 * 1024 * 1024

/** A row of a list: what is sent of it, under which number its outcome comes back, and what is wrong with it. */
export class ListRow {
  readonly draft: Record<string, unknown>
  /** The number that a spreadsheet shows. */
  readonly rowNumber: number
  readonly problem: RowProblem | null

  constructor(draft: Record<string, unknown>, rowNumber: number, problem: RowProblem | null) {
    this.draft = draft
    this.rowNumber = rowNumber
    this.problem = problem
  }
}

/** What a caller said of the file. */
export interface Said {
  /** Such as `windows-1252`. */
  encoding?: string | undefined
  /** The name of a sheet. */
  sheet?: string | undefined
}

/**
 * Reads rows as `create_organisation_invites` takes them. What is wrong with a row is in it, so that good rows are not
 * lost to bad ones.
 *
 * @returns a row for each address; throws `invalid_request` when the file cannot be read, or not without being told
 * more, and says how
 */
export async function readCsv(source: CsvSource, said: Said): Promise<ListRow[]> {
  try {
    const { layout, delimiter, records } = await openList(source, { ...said, maxBytes: MOST_BYTES })
    requireClear(layout)
    const rows: ListRow[] = []
    for await (const some of records) {
      for (const record of some) rows.push(...entriesOf(record, layout, delimiter).map(toRow))
      if (rows.length >= MOST_ROWS) break
    }
    if (rows.length === 0 && !layout.header) throw refusal('There is nothing in it.')
    return rows.slice(0, MOST_ROWS)
  } catch (error) {
    if (!(error instanceof ListProblem)) throw error
    throw refusal([error.message, HOW[error.code]].filter(Boolean).join(' '))
  }
}

const SAY_ENCODING =
  'Here: as Content-Type: text/csv; charset=windows-1252 of body or part, or as encoding=windows-1252 in query or form.'
const SAY_SHEET = 'Here: as sheet= in query or form.'

/** How it is said at this door. */
const HOW: Partial<Record<ListProblemCode, string>> = {
  encoding_unknown: SAY_ENCODING,
  encoding_wrong: SAY_ENCODING,
  encoding_not_found: SAY_ENCODING,
  encoding_unclear: SAY_ENCODING,
  sheet_not_found: SAY_SHEET,
  sheet_unclear: SAY_SHEET,
}

/** The code of the contract for what is wrong with a row. */
const CODES: Partial<Record<EntryProblem, RowProblem['code']>> = {
  no_address: 'invalid_email',
  no_column: 'invalid_email',
  unseen: 'invalid_email',
  unseen_in_role: 'invalid_role',
}

function toRow({ rowNumber, email, roles, values, problem, hint }: Entry): ListRow {
  const { metadata, ...others } = values
  const draft = {
    ...snakeise(others),
    email,
    roles,
    ...(metadata && { metadata: jsonOr(metadata) }),
  }
  return new ListRow(draft, rowNumber, problem && { code: CODES[problem] ?? 'invalid_row', hint })
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
