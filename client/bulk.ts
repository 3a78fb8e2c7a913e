/**
 * Many invites: any number of rows, or of old invites, sent a chunk at a time.
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
}
export type BulkRow = InviteDraft | UnreadableRow

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

/** How rows of a kind are sent, and which cannot be. */
interface Sending<Row> {
  /** Calls for one chunk. */
  call(connection: Connection, rows: Row[]): Promise<Result<OutcomeRow[]>>
  /** Of a row that cannot be sent: Postgres would refuse the whole chunk for it. */
  unsentOutcome(row: Row): Outcome | undefined
  /** Of a row, as far as it says whose it is. */
  emailOf(row: Row): string | null
}

/** The work of `usher.invites.createMany`. */
export function createInvites(
  connection: Connection,
  organisationId: string,
  rows: Iterable<BulkRow> | AsyncIterable<BulkRow>,
  options: BulkOptions,
): Promise<Result<InviteOutcome[]>> {
  const sending: Sending<BulkRow> = {
    call: (to, drafts) =>
      call<'create_organisation_invites', OutcomeRow[]>(to, 'create_organisation_invites', {
        organisationId,
        invites: drafts.map(toWire) as never,
      }),
    unsentOutcome: unsentDraft,
    emailOf: emailOfDraft,
  }
  return sendInChunks(connection, readable(rows), sizeOf(rows), sending, options)
}

/** The work of `usher.invites.reissue`. */
export function reissueInvites(
  connection: Connection,
  inviteIds: string[],
  options: BulkOptions,
): Promise<Result<InviteOutcome[]>> {
  const sending: Sending<string> = {
    call: (to, ids) =>
      call<'reissue_organisation_invites', OutcomeRow[]>(to, 'reissue_organisation_invites', {
        inviteIds: ids,
      }),
    unsentOutcome: (id) =>
      UUID.test(id) ? undefined : failed(null, 'failed', 'invite_not_found', NO_ID),
    emailOf: () => null,
  }
  return sendInChunks(connection, inviteIds, inviteIds.length, sending, options)
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i
const NO_ID = 'This is not the id of an invite.'

const sizeOf = (rows: object): number | undefined => (Array.isArray(rows) ? rows.length : undefined)

async function sendInChunks<Row>(
  connection: Connection,
  rows: Iterable<Row> | AsyncIterable<Row>,
  total: number | undefined,
  sending: Sending<Row>,
  { chunkSize = 1_000, onProgress, signal = connection.signal }: BulkOptions,
): Promise<Result<InviteOutcome[]>> {
  if (!Number.isInteger(chunkSize) || chunkSize < 1 || chunkSize > 10_000) {
    const hint = `chunkSize is a whole number from 1 to 10,000, not ${chunkSize}.`
    const error = new UsherError({ code: 'invalid_settings', message: hint, hint }, 422)
    if (connection.throws) throw error
    return { data: null, error }
  }
  const outcomes: InviteOutcome[] = []
  const counts = { created: 0, failed: 0, unknown: 0 }
  let hasGotThrough = false
  let firstError: UsherError | undefined

  async function send(chunk: Row[]) {
    const unsent = chunk.map(sending.unsentOutcome)
    const sendable = chunk.filter((_, i) => !unsent[i])
    const { answers, error } = await sendChunk({ ...connection, signal }, sendable, sending)
    hasGotThrough ||= !error
    firstError ??= error ?? undefined
    for (const own of unsent) {
      const outcome = (own ?? answers.shift()) as InviteOutcome
      outcomes.push({ ...outcome, rowNumber: outcomes.length + 1 })
      counts[outcome.status]++
    }
    onProgress?.({ done: outcomes.length, total, ...counts })
  }

  let chunk: Row[] = []
  for await (const row of rows) {
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

/** Sends one chunk. Whatever comes back, each row has an outcome in its place. */
async function sendChunk<Row>(
  connection: Connection,
  rows: Row[],
  sending: Sending<Row>,
): Promise<{ answers: Outcome[]; error: UsherError | null }> {
  if (rows.length === 0) return { answers: [], error: null }
  const isTooLate = connection.signal?.aborted
  const { data, error } = await sending.call({ ...connection, throws: false }, rows)
  if (error) {
    // Without an answer of the database, the call may have been carried out all the same.
    const isUnknown = !isTooLate && ['unreachable', 'aborted'].includes(error.code)
    const status = isUnknown ? 'unknown' : 'failed'
    const details = error.details ?? error.message
    const answers = rows.map((row) => failed(sending.emailOf(row), status, error.code, details))
    return { answers, error }
  }
  const byNumber = new Map(data.map(({ rowNumber, ...outcome }) => [rowNumber, outcome]))
  const answers = rows.map(
    (row, i) =>
      byNumber.get(i + 1) ??
      failed(sending.emailOf(row), 'unknown', 'incomplete_answer', NO_ANSWER),
  )
  return { answers, error: null }
}

const NO_ANSWER = 'It was sent, and no answer says what became of it: look whether it is an invite.'

function unsentDraft(row: BulkRow): Outcome | undefined {
  if (isObject(row) && 'unreadable' in row) {
    return failed(emailOfDraft(row), 'failed', 'invalid_row', row.unreadable)
  }
  const problem = rowProblem(row)
  return problem ? failed(emailOfDraft(row), 'failed', problem.code, problem.hint) : undefined
}

const emailOfDraft = (row: BulkRow): string | null =>
  isObject(row) && typeof row.email === 'string' ? presentable(row.email) : null

function failed(email: string | null, status: string, errorCode: string, details: string): Outcome {
  return { email, status, inviteId: null, errorCode, errorDetails: details }
}

/** What is no object goes as it is: that it is no invite, the server says. */
const toWire = (row: BulkRow) => (isObject(row) ? snakeise(row) : row)

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
