/**
 * Reads a list as drafts of invites.
 *
 * @module
 */
import type { BulkRow, InviteDraft, RoleName, UnreadableRow } from '../index.ts'
import type { CsvSource } from './bytes-of.ts'
import { type Entry, type EntryProblem, entriesOf } from './entries.ts'
import { requireClear } from './layout.ts'
import { ListProblem } from './list-problem.ts'
import { type ListOptions, openList } from './read-list.ts'

export type { CsvSource }

export interface CsvOptions extends Omit<ListOptions, 'onProgress'> {
  /** The roles of rows that name none, and of files without such a column. */
  roles?: RoleName[] | undefined
}

/**
 * Reads a list for `usher.invites.createMany`: CSV of any delimiter, line ends and encoding, an Excel workbook (.xlsx),
 * or addresses as they come out of a mail (`Ann <ann@example.com>; bob@example.com`).
 *
 * A row names the columns; titles may stand above it. Read are the address, the roles (several with spaces,
 * semicolons, commas, bars or slashes between them), and, where there are such columns, `message`, `locale`,
 * `expires_in`, `redirect_to`, `metadata` (JSON), `template_id`, `membership_ends_at` (ISO 8601); others are left
 * alone. Known are the names that exports of Google, Microsoft, Okta and Slack give, in six languages. Where no
 * row names columns, the column with the addresses is found, and roles stand to its right.
 *
 * Nothing is left out in silence: each row has its outcome, under the number that a spreadsheet shows, also one that
 * cannot be read; only empty rows, and titles without an address, have none. A file that cannot be read at all, or not
 * without being told its `encoding` or its `sheet`, is one such row, which says what to do. Whether an address or a
 * role is any good, the server says.
 *
 * Needs `csv-parse`; for workbooks `read-excel-file`, for what is neither UTF-8 nor UTF-16 `chardet`, which are loaded
 * with the first such file.
 *
 * @param source - it is read as a whole before the first row is given
 * @returns drafts, and rows that cannot be read; it does not throw
 *
 * @example
 * const rows = readInvites(file, { roles: ['member'] })
 * const { data } = await usher.invites.createMany(organisationId, rows, { onProgress, signal })
 */
export async function* readInvites(
  source: CsvSource,
  options: CsvOptions = {},
): AsyncGenerator<BulkRow, void, undefined> {
  const { roles = [], ...others } = options
  try {
    const { layout, delimiter, records } = await openList(source, others)
    requireClear(layout)
    for await (const some of records) {
      for (const record of some) {
        for (const entry of entriesOf(record, layout, delimiter)) yield toRow(entry, roles)
      }
    }
  } catch (error) {
    if (!(error instanceof ListProblem)) throw error
    yield { unreadable: error.message }
  }
}

/** The code of the contract for what is wrong with a row. */
const CODES: Partial<Record<EntryProblem, UnreadableRow['errorCode']>> = {
  no_address: 'invalid_email',
  unseen: 'invalid_email',
  unseen_in_role: 'invalid_role',
}

function toRow(entry: Entry, defaultRoles: RoleName[]): BulkRow {
  const { rowNumber, email, roles, values, problem, hint } = entry
  if (problem) return { rowNumber, unreadable: hint, email, errorCode: CODES[problem] }
  const { metadata, ...others } = values
  const draft: InviteDraft & { rowNumber: number } = {
    ...others,
    email,
    roles: roles.length > 0 ? roles : defaultRoles,
    rowNumber,
  }
  if (!metadata) return draft
  try {
    return { ...draft, metadata: JSON.parse(metadata) }
  } catch {
    return { rowNumber, unreadable: 'The metadata is not JSON.', email }
  }
}
