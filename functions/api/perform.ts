/**
 * Carries an operation out and makes its answer. The same for all of them.
 *
 * @module
 */
import {
  type OutcomeRow,
  rowProblem,
  withoutUnreadable,
  withToken,
} from '../../client/text-problem.ts'
import type { Caller, Reply } from './caller.ts'
import { ListRow } from './csv.ts'
import { cursorAfter } from './cursor.ts'
import type { Input, Operation } from './operation.ts'
import { Problem } from './problem.ts'
import type { RefusalCode } from './refusals.ts'
import { selectPage } from './tables.ts'

export interface Performance {
  operation: Operation
  input: Input
  /** As the caller sent it, without quotes. */
  idempotencyKey: string | null
  /** The address of the request, as the caller sees it. */
  url: URL
  apiUrl: string
}

type Row = Record<string, unknown>

export async function perform(caller: Caller, performance: Performance): Promise<Response> {
  const { operation, input, url, apiUrl } = performance
  const { answers, creates, source } = operation
  const { data, headers } = await fetchData(caller, performance)

  switch (answers.kind) {
    case 'nothing':
      return new Response(null, { status: answers.status, headers })
    case 'list':
      return Response.json({ data }, { headers })
    case 'value':
      return Response.json({ [answers.name]: data }, { headers })
    case 'row': {
      const row = 'table' in source ? onlyRow(data, operation) : (data as Row)
      if (creates?.at) headers.location = apiUrl + creates.at(row)
      return Response.json(row, { status: answers.status, headers })
    }
    case 'page': {
      const rows = data as Row[]
      const last = rows.at(-1)
      // A page that is not full is the last one.
      const isLast = !last || rows.length < Number(input.page_size)
      const ofTable = 'table' in source
      const next = isLast ? null : ofTable ? cursorAfter(last, source, answers) : last.id
      if (next) {
        const address = new URL(url)
        address.searchParams.set('cursor', String(next))
        headers.link = `<${address}>; rel="next"`
      }
      return Response.json({ data: rows, next_cursor: next }, { headers })
    }
  }
}

async function fetchData(caller: Caller, performance: Performance): Promise<Reply> {
  const { source, answers, refuses } = performance.operation
  const { input } = performance
  if ('table' in source) {
    requireText(input, refuses)
    const schema = answers.kind === 'page' || answers.kind === 'row' ? answers.schema : null
    const columns = schema && 'shape' in schema ? Object.keys(schema.shape as object) : ['*']
    return caller.read((supabase) => selectPage(supabase, source, answers, columns, input))
  }
  const { rows: name } = source
  const args = withToken(source.function, source.toArguments?.(input) ?? input)
  // Rows are looked at one by one.
  requireText({ ...args, ...(name && { [name]: null }) }, refuses)
  if (!name) return callFunction(caller, performance, source.function, args)

  let headers: Reply['headers'] = {}
  const given = args[name] as unknown[]
  const ofList = given.map((row) => (row instanceof ListRow ? row : null))
  const outcomes = await withoutUnreadable(
    given.map((row, i) => ofList[i]?.draft ?? row),
    async (rows) => {
      const reply = await callFunction(caller, performance, source.function, {
        ...args,
        [name]: rows,
      })
      headers = reply.headers
      return reply.data as OutcomeRow[]
    },
    ofList.map((row) => row?.problem),
  )
  const data = outcomes.map((outcome) => ({
    ...outcome,
    row_number: ofList[outcome.row_number - 1]?.rowNumber ?? outcome.row_number,
  }))
  return { data, headers }
}

/** Refuses text that Postgres cannot hold, with a code that the operation is known to answer. */
function requireText(given: Input, refuses: RefusalCode[]): void {
  const problem = rowProblem(given)
  if (!problem) return
  const code = refuses.find((each) => each === problem.code) ?? 'invalid_settings'
  throw new Problem(code, { hint: problem.hint })
}

/** Calls a function; with an Idempotency-Key, so that it is carried out once. */
async function callFunction(
  caller: Caller,
  { operation, idempotencyKey }: Performance,
  functionName: string,
  args: Input,
): Promise<Reply> {
  if (!operation.creates || idempotencyKey === null) return caller.call(functionName, args)
  const { data, headers } = await caller.call('call_organisation_function_once', {
    idempotency_key: idempotencyKey,
    function_name: functionName,
    arguments: args,
  })
  const { result, is_replay } = data as { result: unknown; is_replay: boolean }
  if (is_replay) headers['idempotency-replayed'] = 'true'
  return { data: result, headers }
}

/** The row, or the refusal that the operation has for one that is not there, or not to be seen. */
function onlyRow(data: unknown, { refuses }: Operation): Row {
  const [row] = data as Row[]
  if (row) return row
  throw new Problem(refuses.find((code) => code.endsWith('_not_found')) as RefusalCode)
}
