/**
 * Reads a request into the input of its operation. Only the form is looked at, for the comfort of a
 * clear answer; what a value may be is decided in SQL.
 *
 * @module
 */
import type { z } from '@hono/zod-openapi'
import { readCsv } from './csv.ts'
import { parseJson } from './json.ts'
import type { Input, Operation } from './operation.ts'
import { Problem, type RequestError } from './problem.ts'

/** Added by Supabase's own gateway, not by the caller. */
const GATEWAY_PARAMETERS = ['forceFunctionRegion']

/**
 * @param params - from the path, decoded
 * @throws Problem: invalid_request with all that is wrong, or unsupported_media_type
 */
export async function readInput(
  request: Request,
  { params: paramsSchema, query: querySchema, body: bodySchema, takesCsv }: Operation,
  params: Record<string, string>,
): Promise<Input> {
  const errors: RequestError[] = []
  const check = (where: string, schema: z.ZodType | undefined, given: unknown): Input => {
    const { success, data, error } = schema?.safeParse(given) ?? { success: true, data: {} }
    if (success) return data as Input
    for (const { path, message } of error?.issues ?? []) {
      errors.push({ pointer: [where, ...path.map(escapePointer)].join('/'), detail: message })
    }
    return {}
  }

  const fromPath = check('path', paramsSchema, params)
  const fromQuery = check('query', querySchema, readQuery(request.url, errors, querySchema))
  const sent = bodySchema ? await readBody(request, takesCsv ?? false, fromQuery) : {}
  const fromBody = check('body', bodySchema, sent)
  if (errors.length > 0) throw new Problem('invalid_request', { errors: errors.slice(0, 20) })
  return { ...fromQuery, ...fromBody, ...fromPath }
}

function readQuery(url: string, errors: RequestError[], schema: z.ZodObject | undefined): Input {
  const query: Input = {}
  for (const [name, value] of new URL(url).searchParams) {
    if (GATEWAY_PARAMETERS.includes(name)) continue
    if (!schema || !Object.hasOwn(schema.shape, name)) {
      errors.push({
        pointer: `query/${escapePointer(name)}`,
        detail: 'There is no such parameter.',
      })
    } else if (Object.hasOwn(query, name)) {
      errors.push({ pointer: `query/${name}`, detail: 'Give it once.' })
    } else {
      query[name] = value
    }
  }
  return query
}

async function readBody(request: Request, takesCsv: boolean, fromQuery: Input): Promise<unknown> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (takesCsv && type === 'text/csv') {
    return { ...fromQuery, invites: readCsv(await request.text()) }
  }
  if (takesCsv && type === 'multipart/form-data') return readUpload(request)

  const text = await request.text()
  // Where nothing is required, nothing need be sent.
  if (text === '') return {}
  if (type !== 'application/json') throw new Problem('unsupported_media_type')
  try {
    return parseJson(text)
  } catch {
    const detail = 'Not JSON, or nested too deeply.'
    throw new Problem('invalid_request', { errors: [{ pointer: 'body', detail }] })
  }
}

async function readUpload(request: Request): Promise<unknown> {
  const form = await request.formData().catch(() => {
    throw new Problem('invalid_request', { errors: [{ pointer: 'body', detail: 'Not a form.' }] })
  })
  const { file, ...fields } = Object.fromEntries(form)
  if (file === undefined) {
    throw new Problem('invalid_request', {
      errors: [{ pointer: 'body/file', detail: 'Upload the CSV file under this name.' }],
    })
  }
  return { ...fields, invites: readCsv(typeof file === 'string' ? file : await file.text()) }
}

const escapePointer = (part: PropertyKey) =>
  String(part).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')
