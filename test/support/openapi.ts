/**
 * Holds an answer against what the OpenAPI document says of it.
 *
 * @module
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { openApiDocument } from '../../functions/api/openapi.ts'
import type { Operation } from '../../functions/api/operation.ts'
import type { Answer } from './rest.ts'

interface Described {
  content?: Record<string, { schema: object }>
}
// biome-ignore lint/suspicious/noExplicitAny: read as the JSON that it is
export const DOCUMENT: any = openApiDocument()

const ajv = new Ajv2020({ strict: false, allErrors: true })
// biome-ignore lint/suspicious/noExplicitAny: its types are those of CommonJS
;(addFormats as any)(ajv)
ajv.addSchema(DOCUMENT, 'openapi')

const pointer = (...parts: string[]) =>
  parts.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')

/** What of the answer is not described; nothing when all of it is. */
export function describes(
  { method, path }: Operation,
  { status, headers, body }: Answer,
): string[] {
  const responses: Record<string, Described> = DOCUMENT.paths[`/api${path}`][method].responses
  const described = responses[status]
  if (!described) return [`status ${status} of ${method} ${path}: ${JSON.stringify(body)}`]
  if (!described.content) return body === '' ? [] : [`a body with status ${status}`]
  const type = (headers.get('content-type') ?? '').split(';')[0] ?? ''
  if (!described.content[type]) return [`content type ${type}`]
  const where = pointer(
    'paths',
    `/api${path}`,
    method,
    'responses',
    String(status),
    'content',
    type,
  )
  const validate = ajv.compile({ $ref: `openapi#/${encodeURI(where)}/schema` })
  validate(body)
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)
}
