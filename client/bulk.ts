/**
 * Many invites: any number of rows, sent a chunk at a time.
 *
 * @module
 */
import { type Connection, call, type Returned } from './call.ts'
import type { UsherError, UsherErrorCode } from './errors.ts'
import type { InviteDraft } from './invites.ts'
import { type Camel, snakeise } from './names.ts'
import type { Result } from './result.ts'

type OutcomeRow = Camel<Returned<'create_organisation_invites'>[number]>

/** What became of one row. */
export type InviteOutcome = {
  /** From 1 on, as the rows were given. */
  rowNumber: number
  email: string | null
} & (
  | { status: 'created'; inviteId: string; errorCode: null; errorDetails: null }
  | {
      status: 'failed'
      inviteId: null
      errorCode: UsherErrorCode | (string & {})
      errorDetails: string | null
    }
)

/** A row that could not be read: not sent, but in its place among the outcomes. */
export interface UnreadableRow {
  /** Why. */
  unreadable: string
  /** Whose it is, as far as that can be told. */
  email?: string | undefined
}
export type BulkRow = InviteDraft | UnreadableRow

export interface BulkProgress {
  /** Rows with an outcome by now. */
  done: number
  /** All rows; undefined for a stream, until its end. */
  total: number | undefined
  created: number
  failed: number
}

export interface BulkOptions {
  /** Rows a call, 1 to 10,000; each call is one transaction. Default: 1,000. */
  chunkSize?: number | undefined
  /** Called after each chunk. */
  onProgress?: ((progress: BulkProgress) => void) | undefined
  /** Stops: rows without an outcome by then fail with `aborted`; those of a stream are not read. */
  signal?: AbortSignal | undefined
}

/** The work of `usher.invites.createMany`. */
export async function createInvites(
  connection: Connection,
  organisationId: string,
  rows: Iterable<BulkRow> | AsyncIterable<BulkRow>,
  { chunkSize = 1_000, onProgress, signal = connection.signal }: BulkOptions,
): Promise<Result<InviteOutcome[]>> {
  const outcomes: InviteOutcome[] = []
  const total = Array.isArray(rows) ? rows.length : undefined
  let created = 0
  let hasGotThrough = false
  let firstError: UsherError | undefined

  async function send(chunk: BulkRow[]) {
    const offset = outcomes.length
    const drafts = chunk.filter((row) => !('unreadable' in row))
    const { data, error } = drafts.length
      ? await call<'create_organisation_invites', OutcomeRow[]>(
          { ...connection, signal, throws: false },
          'create_organisation_invites',
          { organisationId, invites: drafts.map(snakeise) as never },
        )
      : { data: [], error: null }
    hasGotThrough ||= !error
    firstError ??= error ?? undefined
    let next = 0
    for (const [i, row] of chunk.entries()) {
      const outcome =
        'unreadable' in row
          ? failed(row.email ?? null, 'invalid_row', row.unreadable)
          : error
            ? failed(row.email, error.code, error.details ?? error.message)
            : data[next++]
      if (outcome?.status === 'created') created++
      outcomes.push({ ...outcome, rowNumber: offset + i + 1 } as InviteOutcome)
    }
    const done = outcomes.length
    onProgress?.({ done, total, created, failed: done - created })
  }

  let chunk: BulkRow[] = []
  for await (const row of readable(rows)) {
    chunk.push(row)
    if (chunk.length === chunkSize) {
      await send(chunk)
      chunk = []
    }
    // An array has the rest at hand: each row of it gets its outcome.
    if (signal?.aborted && total === undefined) break
  }
  if (chunk.length) await send(chunk)

  if (hasGotThrough || !firstError) return { data: outcomes, error: null }
  if (connection.throws) throw firstError
  return { data: null, error: firstError }
}

/** A source that breaks off ends with a row that says why, so that no outcome before it is lost. */
async function* readable(rows: Iterable<BulkRow> | AsyncIterable<BulkRow>) {
  try {
    yield* rows
  } catch (error) {
    yield { unreadable: error instanceof Error ? error.message : String(error) }
  }
}

function failed(email: string | null, errorCode: string, errorDetails: string | null) {
  return { email, status: 'failed' as const, inviteId: null, errorCode, errorDetails }
}
