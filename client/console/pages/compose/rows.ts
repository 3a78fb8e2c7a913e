/**
 * The rows that are going to be invitations, and what is wrong with them as far as it can be seen here.
 * The last word has the server.
 *
 * @module
 */
import { asciiAddress } from '../../../address.ts'
import { isAddress, unseenIn } from '../../../csv/addresses.ts'
import { type Entry, type EntryProblem, entriesOf } from '../../../csv/entries.ts'
import type { Unseen } from '../../../csv/invisible.ts'
import type { InviteDraft, InviteOutcome, RoleName } from '../../../index.ts'
import { rowProblem } from '../../../text-problem.ts'
import { columnsOf, type List } from './list.ts'
import type { WorkProgress } from './use-list-reader.ts'

export interface Row {
  /** Its place among the rows. A row of the list that holds several addresses is several. */
  id: number
  /** The number that a spreadsheet shows. */
  number: number
  email: string
  /** Names of roles, also such as there are not. */
  roles: RoleName[]
  message: string
  locale: string
  /** What columns say that the page does not show. */
  others: Partial<InviteDraft>
  /** What the reader of the list found. */
  unread: { problem: EntryProblem | 'no_json'; detail: string; unseen: Unseen | null } | null
  /** What became of it when it was sent. */
  outcome: InviteOutcome | null
}

export interface RowProblem {
  code:
    | 'invalid_email'
    | 'invalid_role'
    | 'no_roles'
    | 'duplicate'
    | 'invalid_text'
    | 'no_json'
    | EntryProblem
  /** What it is about, such as a cell. */
  detail: string
  /** The character that is not seen, where it is about one. */
  unseen: Unseen | null
}

/** The longest that is worked on before the page has its turn. */
const SLICE = 12

/**
 * @param roles - the roles that there are, with what they are called in the reader's language
 * @param defaultRoles - for rows that name none
 * @returns null when it was stopped
 */
export async function toRows(
  list: List,
  roles: { value: RoleName; label: string }[],
  defaultRoles: RoleName[],
  { onProgress, signal }: { onProgress: (progress: WorkProgress) => void; signal: AbortSignal },
): Promise<Row[] | null> {
  const byName = new Map(
    roles.flatMap(({ value, label }) => [
      [value.toLowerCase(), value],
      [label.toLowerCase(), value],
    ]),
  )
  const columns = columnsOf(list)
  const rows: Row[] = []
  let since = performance.now()
  for (const [at, record] of list.records.entries()) {
    for (const entry of entriesOf(record, columns, list.delimiter)) {
      const named = entry.roles.map((name) => byName.get(name.toLowerCase()) ?? name)
      const row = toRow(rows.length, entry, named.length > 0 ? named : defaultRoles)
      rows.push(row)
      // Now, while there is time for it.
      ownProblem(row)
    }
    if (performance.now() - since < SLICE) continue
    onProgress({ done: at, total: list.records.length })
    await new Promise((done) => setTimeout(done))
    if (signal.aborted) return null
    since = performance.now()
  }
  return rows
}

function toRow(id: number, entry: Entry, roles: RoleName[]): Row {
  const { message = '', locale = '', metadata, ...texts } = entry.values
  const others: Row['others'] = texts
  const { problem, detail, unseen } = entry
  let unread: Row['unread'] = problem && { problem, detail, unseen }
  try {
    if (metadata) others.metadata = JSON.parse(metadata)
  } catch {
    unread = { problem: 'no_json', detail: '', unseen: null }
  }
  const { rowNumber: number, email } = entry
  return { id, number, email, roles, message, locale, others, unread, outcome: null }
}

/** What another address mends. Of the others, a part of the row is missing. */
const MENDED_BY_ADDRESS: (EntryProblem | 'no_json')[] = ['unseen', 'no_address', 'unknown_names']

/** The row with a change of the reader's. */
export function mended(row: Row, change: Partial<Row>): Row {
  const isMended =
    row.unread &&
    ((change.email !== undefined && MENDED_BY_ADDRESS.includes(row.unread.problem)) ||
      (change.roles && row.unread.problem === 'unseen_in_role'))
  return { ...row, ...change, outcome: null, ...(isMended && { unread: null }) }
}

/** What is wrong with rows by themselves; they never change, but are put in each other's place. */
const known = new WeakMap<Row, RowProblem | 'none'>()

function ownProblem(row: Row): RowProblem | 'none' {
  const found = known.get(row) ?? problemOf(row) ?? 'none'
  known.set(row, found)
  return found
}

/** The first problem of each row that has one, by its id. */
export function findProblems(rows: Row[], roles: Set<RoleName>): Map<number, RowProblem> {
  const problems = new Map<number, RowProblem>()
  const seen = new Set<string>()
  for (const row of rows) {
    const own = ownProblem(row)
    const address = asciiAddress(row.email).toLowerCase()
    const code =
      own !== 'none'
        ? null
        : seen.has(address)
          ? 'duplicate'
          : row.roles.length === 0
            ? 'no_roles'
            : row.roles.some((role) => !roles.has(role))
              ? 'invalid_role'
              : null
    if (own !== 'none') problems.set(row.id, own)
    else if (code) problems.set(row.id, { code, detail: '', unseen: null })
    seen.add(address)
  }
  return problems
}

function problemOf({ email, roles, message, locale, unread }: Row): RowProblem | null {
  if (unread) return { code: unread.problem, detail: unread.detail, unseen: unread.unseen }
  const address = email.trim()
  const unseen = unseenIn(address)
  if (unseen && isAddress(address.replace(/[\s\p{C}\p{Z}]/gu, ''))) {
    return { code: 'unseen', detail: '', unseen }
  }
  const unstorable = rowProblem({ email, roles, message, locale })
  if (unstorable) {
    const isOfAddress = unstorable.code === 'invalid_email'
    return { code: isOfAddress ? 'invalid_email' : 'invalid_text', detail: '', unseen: null }
  }
  return /^[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>.]+$/.test(address)
    ? null
    : { code: 'invalid_email', detail: '', unseen: null }
}
