/**
 * Reads a request into the input of its operation. Only the form is looked at, for the comfort of a
 * clear answer; what a value may be is decided in SQL.
 *
 * @module
 */
import type { z } from '@hono/zod-openapi'
import { readCsv, type Said } from './csv.ts'
import { parseJson } from './json.ts'
import type { Input, Operation } from './operation.ts'
import { Problem, type RequestError } from './problem.ts'
import { queryOf } from './query.ts'

/** Added by Supabase's own gateway, not by the caller. */
const GATEWAY_PARAMETERS = ['forceFunctionRegion']

/**
 * @param params - from the path, decoded
 * @throws Problem: invalid_request with all that is wrong, or unsupported_media_type
 */
export async function readInput(
  request: Request,
  operation: Operation,
  params: Record<string, string>,
): Promise<Input> {
  const { params: paramsSchema, body: bodySchema, takesCsv } = operation
  const querySchema = queryOf(operation)
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
  // They say how to read the body, and have done so.
  const { encoding: _, sheet: __, ...query } = takesCsv ? fromQuery : { ...fromQuery }
  return { ...query, ...fromBody, ...fromPath }
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

/** What else than CSV is a list. */
const LISTS = [
  'text/csv',
  'text/tab-separated-values',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
]

async function readBody(request: Request, takesCsv: boolean, fromQuery: Input): Promise<unknown> {
  const contentType = request.headers.get('content-type') ?? ''
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  const { encoding, sheet, ...others } = fromQuery as Said
  if (takesCsv && LISTS.includes(type)) {
    const said = { encoding: encoding ?? charsetOf(contentType), sheet }
    return { ...others, invites: await readCsv(await request.arrayBuffer(), said) }
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
  const { file, encoding, sheet, ...fields } = Object.fromEntries(form)
  if (file === undefined) {
    throw new Problem('invalid_request', {
      errors: [{ pointer: 'body/file', detail: 'Upload the list under this name.' }],
    })
  }
  const said = (field: unknown) => (typeof field === 'string' && field ? field : undefined)
  const ofPart = typeof file === 'string' ? undefined : charsetOf(file.type)
  const invites = await readCsv(file, { encoding: said(encoding) ?? ofPart, sheet: said(sheet) })
  return { ...fields, invites }
}

/** Of a media type, such as `text/csv; charset="utf-16le"`. */
function charsetOf(contentType: string): string | undefined {
  return contentType.match(/;\s*charset\s*=\s*"?([^";\s]+)/i)?.[1]
}

const escapePointer = (part: PropertyKey) =>
  String(part).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')
