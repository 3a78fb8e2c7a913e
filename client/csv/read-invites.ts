/**
 * Reads rows of a CSV file as drafts of invites.
 *
 * @module
 */
import { parse } from '#csv-parse'
import type { BulkRow, InviteDraft, RoleName, UnreadableRow } from '../index.ts'
import { type CsvSource, textOf } from './text-of.ts'

export type { CsvSource }

export interface CsvOptions {
  /** The roles of rows that name none, and of files without such a column. */
  roles?: RoleName[] | undefined
  /** What parts the columns; default: a comma, a semicolon or a tab, whichever the first line has. */
  delimiter?: string | undefined
}

/** What a column may be called: case, spaces, hyphens and underscores do not matter. */
const COLUMNS: Record<string, keyof InviteDraft> = {
  email: 'email',
  emailaddress: 'email',
  mail: 'email',
  role: 'roles',
  roles: 'roles',
  message: 'message',
  locale: 'locale',
  language: 'locale',
  expiresin: 'expiresIn',
  redirectto: 'redirectTo',
  metadata: 'metadata',
  templateid: 'templateId',
  membershipendsat: 'membershipEndsAt',
}

/**
 * Reads a CSV file as it comes in, for `usher.invites.createMany`. The first row names the columns:
 * `email`, `roles` (several, parted by spaces, semicolons, commas or bars), and, if wanted, `message`,
 * `locale`, `expires_in`, `redirect_to`, `metadata` (JSON), `template_id`, `membership_ends_at` (ISO 8601);
 * others are left alone.
 * Without a column called `email`, there are no names, and the first column is the address, the
 * second the roles. Empty lines do not count.
 *
 * A row that cannot be read is given as such, so that every row has its outcome (a quote that is never
 * closed makes one row of the rest); whether an address or a role is any good, the server says.
 *
 * @example
 * const rows = readInvites(file.stream(), { roles: ['member'] })
 * const { data } = await usher.invites.createMany(organisationId, rows, { onProgress, signal })
 */
export async function* readInvites(
  source: CsvSource,
  options: CsvOptions = {},
): AsyncGenerator<BulkRow, void, undefined> {
  let columns: (keyof InviteDraft | undefined)[] | undefined
  for await (const row of readRows(source, options.delimiter)) {
    if ('unreadable' in row) {
      yield row
      continue
    }
    if (!columns) {
      const named = row.cells.map((cell) => COLUMNS[cell.toLowerCase().replace(/[\s_-]/g, '')])
      columns = named.includes('email') ? named : ['email', 'roles']
      if (columns === named) continue
    }
    yield toDraft(row.cells, columns, options.roles ?? [])
  }
}

function toDraft(
  cells: string[],
  columns: (keyof InviteDraft | undefined)[],
  defaultRoles: RoleName[],
): BulkRow {
  const values: Partial<Record<keyof InviteDraft, string>> = {}
  for (const [i, column] of columns.entries()) {
    const cell = cells[i]?.trim()
    if (column && cell) values[column] = cell
  }
  const { email = '', roles, metadata, ...others } = values
  const draft: InviteDraft = {
    ...others,
    email,
    roles: roles?.split(/[\s;,|]+/).filter(Boolean) ?? defaultRoles,
  }
  if (!metadata) return draft
  try {
    return { ...draft, metadata: JSON.parse(metadata) }
  } catch {
    return { unreadable: 'The metadata is not JSON.', email }
  }
}

type Row = { cells: string[] } | UnreadableRow

async function* readRows(source: CsvSource, delimiter: string | undefined): AsyncGenerator<Row> {
  let parser: ReturnType<typeof parse> | undefined
  let rows: Row[] = []
  let isBroken = false
  const skipped = (error: Error | undefined) => {
    rows.push({ unreadable: error?.message ?? 'This row is not CSV.' })
    return undefined
  }
  const start = (text: string) => {
    const created = parse({
      bom: true,
      delimiter: delimiter ?? delimiterOf(text),
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      // Not on the right: what follows a closing quote then ends the reading of a piece.
      ltrim: true,
      // Both at once as the row is read, so that the order is that of the file.
      on_skip: skipped,
      on_record: (cells: string[]) => {
        rows.push({ cells })
        return null
      },
    })
    created.on('error', (error: Error) => {
      isBroken = true
      skipped(error)
    })
    // Its streams for browsers have none, and miss it at the end.
    created.destroy ??= () => created
    return created.resume()
  }
  const taken = () => {
    const now = rows
    rows = []
    return now
  }

  for await (const text of withWholeFirstLine(textOf(source))) {
    parser ??= start(text)
    await new Promise<void>((done) => parser?.write(text, () => done()))
    yield* taken()
    if (isBroken) return
  }
  if (!parser) return
  const ending = parser
  await new Promise<void>((done) => {
    ending.once('end', done)
    ending.once('error', () => done())
    ending.end()
  })
  yield* taken()
}

/** The first line says what parts the columns, and a stream may bring it in pieces. */
async function* withWholeFirstLine(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let first: string | undefined = ''
  for await (const piece of pieces) {
    if (first === undefined) {
      if (piece) yield piece
      continue
    }
    first += piece
    if (!/[\r\n]/.test(piece)) continue
    yield first
    first = undefined
  }
  if (first) yield first
}

/** Spreadsheets part columns as the language of the computer does. */
function delimiterOf(text: string): string {
  const line = text.split(/[\r\n]/, 1)[0] ?? ''
  const count = (sign: string) => line.split(sign).length
  return ['\t', ';', ','].reduce((best, sign) => (count(sign) > count(best) ? sign : best))
}
