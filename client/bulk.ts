/**
 * Many invites: any number of rows, or of ids of old ones, sent a chunk at a time.
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
  /** The row's own number if it has one, such as out of a file; otherwise from 1 on, as the rows were given. */
  rowNumber: number
  email: string | null
} & (
  | { status: 'created'; inviteId: string; errorCode: null; errorDetails: null }
  | {
      /** `unknown`: it was sent, and no answer says what became of it. It may be an invite by now. */
      status: 'failed' | 'unknown'
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
  /** What its outcome is to say. Default: `invalid_row`. */
  errorCode?: UsherErrorCode | undefined
}
/** Several may have one number: a row of a file may hold several addresses. */
export type BulkRow = (InviteDraft | UnreadableRow) & {
  /** For its outcome, such as the number that a spreadsheet shows. */
  rowNumber?: number | undefined
}

export interface BulkProgress {
  /** Rows with an outcome by now. */
  done: number
  /** All rows; undefined for a stream, until its end. */
  total: number | undefined
  created: number
  failed: number
  /** Rows that were sent, and no answer says what became of them. */
  unknown: number
}

export interface BulkOptions {
  /** Rows a call, 1 to 10,000; each call is one transaction. Default: 1,000. */
  chunkSize?: number | undefined
  /** Called after each chunk. */
  onProgress?: ((progress: BulkProgress) => void) | undefined
  /**
   * Stops: rows that were not sent by then fail with `aborted`, of those on their way it is unknown; those of a stream
   * are not read.
   */
  signal?: AbortSignal | undefined
}

/** Sends one chunk; a row that is no draft is an id. */
type Send = (connection: Connection, rows: BulkRow[]) => Promise<Result<OutcomeRow[]>>

/** For `usher.invites.createMany`. */
export const creating =
  (organisationId: string): Send =>
  (connection, rows) =>
    call(connection, 'create_organisation_invites', {
      organisationId,
      invites: rows.map(toWire) as never,
    })

/** For `usher.invites.reissue`. */
export const reissuing: Send = (connection, rows) =>
  call(connection, 'reissue_organisation_invites', { inviteIds: rows as never })

/** The work of both. */
export async function sendMany(
  connection: Connection,
  sendChunk: Send,
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
  const counts = { created: 0, failed: 0, unknown: 0 }
  let hasGotThrough = false
  let firstError: UsherError | undefined

  async function send(chunk: BulkRow[]) {
    const unsent = chunk.map(unsentOutcome)
    const drafts = chunk.filter((_, i) => !unsent[i])
    const { answers, error } = await sendDrafts({ ...connection, signal }, sendChunk, drafts)
    hasGotThrough ||= !error
    firstError ??= error ?? undefined
    for (const [i, own] of unsent.entries()) {
      const outcome = (own ?? answers.shift()) as InviteOutcome
      outcomes.push({ ...outcome, rowNumber: numberOf(chunk[i]) ?? outcomes.length + 1 })
      counts[outcome.status]++
    }
    onProgress?.({ done: outcomes.length, total, ...counts })
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

type Outcome = Omit<OutcomeRow, 'rowNumber'>

/** Sends one chunk. Whatever comes back, each draft has an outcome in its place. */
async function sendDrafts(
  connection: Connection,
  sendChunk: Send,
  drafts: BulkRow[],
): Promise<{ answers: Outcome[]; error: UsherError | null }> {
  if (drafts.length === 0) return { answers: [], error: null }
  const isTooLate = connection.signal?.aborted
  const { data, error } = await sendChunk({ ...connection, throws: false }, drafts)
  if (error) {
    // Without an answer of the database, the call may have been carried out all the same.
    const isUnknown = !isTooLate && ['unreachable', 'aborted'].includes(error.code)
    const status = isUnknown ? 'unknown' : 'failed'
    const details = error.details ?? error.message
    return { answers: drafts.map((row) => outcomeOf(row, status, error.code, details)), error }
  }
  const byNumber = new Map(data.map(({ rowNumber, ...outcome }) => [rowNumber, outcome]))
  const answers = drafts.map(
    (row, i) => byNumber.get(i + 1) ?? outcomeOf(row, 'unknown', 'incomplete_answer', NO_ANSWER),
  )
  return { answers, error: null }
}

const NO_ANSWER = 'It was sent, and no answer says what became of it: look whether it is an invite.'

/** Of a row that cannot be sent: Postgres would refuse the whole chunk for it. Undefined for one that can. */
function unsentOutcome(row: BulkRow): Outcome | undefined {
  if (isObject(row) && 'unreadable' in row) {
    return outcomeOf(row, 'failed', row.errorCode ?? 'invalid_row', row.unreadable)
  }
  const problem = rowProblem(row)
  return problem ? outcomeOf(row, 'failed', problem.code, problem.hint) : undefined
}

function outcomeOf(row: BulkRow, status: string, errorCode: string, details: string): Outcome {
  const email = isObject(row) && typeof row.email === 'string' ? presentable(row.email) : null
  return { email, status, inviteId: null, errorCode, errorDetails: details }
}

/** What is no object goes as it is: that it is no invite, the server says. */
function toWire(row: BulkRow) {
  if (!isObject(row)) return row
  const { rowNumber: _, ...draft } = row
  return snakeise(draft)
}

const numberOf = (row: BulkRow | undefined) =>
  isObject(row) && typeof row?.rowNumber === 'number' ? row.rowNumber : undefined

const isObject = (row: unknown): boolean =>
  typeof row === 'object' && row !== null && !Array.isArray(row)

/** A source that breaks off ends with a row that says why, so that no outcome before it is lost. */
async function* readable(rows: Iterable<BulkRow> | AsyncIterable<BulkRow>) {
  try {
    yield* rows
  } catch (error) {
    yield { unreadable: error instanceof Error ? error.message : String(error) }
  }
}
