/**
 * Many invites: any number of rows, sent a chunk at a time.
 *
 * @module
 */
import { type Connection, call } from './call.ts'
import { UsherError, type UsherErrorCode } from './errors.ts'
import type { Database } from './generated/database.types.ts'
import type { InviteDraft } from './invites.ts'
import { type Camel, snakeise } from './names.ts'
import type { Result } from './result.ts'
import { presentable, rowProblem } from './text-problem.ts'

type OutcomeRow = Camel<Database['public']['CompositeTypes']['organisation_invite_result']>

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
  if (!Number.isInteger(chunkSize) || chunkSize < 1 || chunkSize > 10_000) {
    const hint = `chunkSize is a whole number from 1 to 10,000, not ${chunkSize}.`
    const error = new UsherError({ code: 'invalid_settings', message: hint, hint }, 422)
    if (connection.throws) throw error
    return { data: null, error }
  }
  const outcomes: InviteOutcome[] = []
  const total = Array.isArray(rows) ? rows.length : undefined
  let created = 0
  let hasGotThrough = false
  let firstError: UsherError | undefined

  async function send(chunk: BulkRow[]) {
    const offset = outcomes.length
    const unsent = chunk.map(unsentOutcome)
    const drafts = chunk.filter((_, i) => !unsent[i])
    const { data, error } = drafts.length
      ? await call<'create_organisation_invites', OutcomeRow[]>(
          { ...connection, signal, throws: false },
          'create_organisation_invites',
          { organisationId, invites: drafts.map(snakeise) as never },
        )
      : { data: [], error: null }
    hasGotThrough ||= !error
    firstError ??= error ?? undefined
    const answers = new Map(data?.map((row) => [row.rowNumber, row]))
    let next = 0
    for (const [i, row] of chunk.entries()) {
      const outcome =
        unsent[i] ??
        (error
          ? failed(row.email, error.code, error.details ?? error.message)
          : (answers.get(++next) ?? failed(row.email, 'incomplete_answer', NO_ANSWER)))
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

const NO_ANSWER = 'It was sent, and no answer says what became of it: look whether it is an invite.'

/** Of a row that cannot be sent: Postgres would refuse the whole chunk for it. Undefined for one that can. */
function unsentOutcome(row: BulkRow) {
  if ('unreadable' in row) return failed(row.email, 'invalid_row', row.unreadable)
  const problem = rowProblem(row)
  return problem ? failed(row.email, problem.code, problem.hint) : undefined
}

function failed(email: string | undefined, errorCode: string, errorDetails: string | null) {
  return {
    email: email === undefined ? null : presentable(email),
    status: 'failed' as const,
    inviteId: null,
    errorCode,
    errorDetails,
  }
}
