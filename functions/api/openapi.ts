/**
 * The OpenAPI 3.1 document, made from the schemas that validate.
 *
 * @module
 */
import { OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import { type Answer, type Operation, WHICH_ORGANISATION } from './operation.ts'
import { InviteDraft } from './operations/invitations.ts'
import { OPERATIONS } from './operations.ts'
import { mayLeaveOutOrganisation } from './organisation.ts'
import { PROBLEMS, type ProblemCode } from './problem.ts'
import { queryOf } from './query.ts'

type Responses = RouteConfig['responses']
type Body = NonNullable<NonNullable<RouteConfig['request']>['body']>

const ProblemDocument = z
  .object({
    type: z.url().openapi({ description: 'An address that says more about the code.' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().openapi({ description: 'What to do about it.' }),
    code: z.string().openapi({ description: 'Branch on this.' }),
    details: z.string().optional().openapi({
      description: 'What it was about, such as the id of the invitation in the way.',
    }),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string() }))
      .optional()
      .openapi({ description: 'All that is wrong with the form of a request.' }),
    request_id: z.string(),
  })
  .openapi('Problem')

/** @param apiUrl - where this API is found; without it, the address that Supabase would give it */
export function openApiDocument(apiUrl?: string) {
  const app = new OpenAPIHono()
  const registry = app.openAPIRegistry
  registry.registerComponent('securitySchemes', 'session', {
    type: 'http',
    scheme: 'bearer',
    description: "A session's access token from Supabase Auth, or a secret key.",
  })
  registry.registerComponent('securitySchemes', 'apikey', {
    type: 'apiKey',
    in: 'header',
    name: 'apikey',
    description: 'A secret key of the project; beside a session, also a publishable one.',
  })
  registry.register('InviteDraft', InviteDraft)
  registry.register('Problem', ProblemDocument)
  for (const operation of OPERATIONS) registry.registerPath(toRoute(operation))

  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Usher',
      version: '1',
      description:
        'Organisations, members, roles and invitations. A translation of the RPC functions: who may ' +
        'do what is decided in the database. Every refusal is a problem document (RFC 9457).',
      license: { name: 'Apache-2.0' },
    },
    servers: [
      apiUrl
        ? { url: apiUrl.replace(/\/api$/, '') }
        : {
            url: 'https://{project}.supabase.co/functions/v1',
            variables: { project: { default: 'your-project' } },
          },
    ],
    security: [{ session: [] }, { apikey: [] }],
    tags: [...new Set(OPERATIONS.map(({ tag }) => tag))].map((name) => ({ name })),
  })
}

function toRoute(operation: Operation): RouteConfig {
  const { method, path, id, tag, summary, description, params, isOpen } = operation
  const query = queryOf(operation)
  const body = toBody(operation)
  return {
    method,
    path: `/api${path}`,
    operationId: id,
    tags: [tag],
    summary,
    ...(description && { description }),
    ...(isOpen && { security: [{}, { session: [] }, { apikey: [] }] }),
    request: {
      ...(params && { params }),
      ...(query && { query }),
      ...(operation.creates && { headers: z.object({ 'Idempotency-Key': IDEMPOTENCY_KEY }) }),
      ...(body && { body }),
    },
    responses: { ...success(operation), ...refusals(operation) },
  }
}

const IDEMPOTENCY_KEY = z
  .string()
  .optional()
  .openapi({
    description:
      'Such as a new UUID. Sent again within 24 hours with the same key, the same request is answered as the ' +
      'first time, and nothing is done twice.',
    minLength: 16,
    maxLength: 255,
    pattern: '^[\\u0021-\\u007e]*$',
    example: '0b0f9b7e-8f8a-4f43-9df2-3a4d2f1f6c11',
  })

function toBody({ body, takesCsv }: Operation): Body | null {
  if (!body) return null
  const csv = {
    // Bytes, as the workbook: in any encoding.
    'text/csv': { schema: { type: 'string' as const, format: 'binary' } },
    'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': {
      schema: { type: 'string' as const, format: 'binary' },
    },
    'multipart/form-data': {
      schema: {
        type: 'object' as const,
        properties: {
          organisation_id: { type: 'string' as const, description: WHICH_ORGANISATION },
          file: { type: 'string' as const, format: 'binary' },
          encoding: { type: 'string' as const },
          sheet: { type: 'string' as const },
        },
        required: ['file'],
      },
    },
  }
  return {
    required: !body.safeParse({}).success,
    content: { 'application/json': { schema: body }, ...(takesCsv && csv) },
  }
}

function success({ answers, creates }: Operation): Responses {
  const headers = {
    'X-Request-Id': header('Names this request, in logs and problems.'),
    ...(creates?.at && { Location: header('Where it is.') }),
    ...(creates && { 'Idempotency-Replayed': header('true: answered as the first time.') }),
    ...(answers.kind === 'page' && { Link: header('The next page, as rel="next".') }),
  }
  const schema = bodyOf(answers)
  const description = schema ? 'Done.' : 'Done; nothing to say.'
  return {
    [answers.status]: {
      description,
      headers,
      ...(schema && { content: { 'application/json': { schema } } }),
    },
  }
}

const header = (description: string) => ({ description, schema: { type: 'string' as const } })

function bodyOf(answers: Answer): z.ZodType | null {
  switch (answers.kind) {
    case 'nothing':
      return null
    case 'row':
      return answers.schema
    case 'value':
      return z.object({ [answers.name]: answers.schema })
    case 'list':
      return z.object({ data: z.array(answers.schema) })
    case 'page':
      return z.object({ data: z.array(answers.schema), next_cursor: z.string().nullable() })
  }
}

function refusals(operation: Operation): Responses {
  const codes = new Set<ProblemCode>([
    ...operation.refuses,
    // A key that is no longer valid, and a role of the API that holds no right at all.
    'unauthenticated',
    'permission_denied',
    'invalid_request',
    'internal_error',
    'unavailable',
    // Somebody else was at the same thing, again and again.
    'try_again',
    // Text that no database can hold.
    ...(operation.params || operation.query || operation.body
      ? (['invalid_settings'] as const)
      : []),
    ...(mayLeaveOutOrganisation(operation) ? (['organisation_required'] as const) : []),
    ...(operation.body ? (['body_too_large', 'unsupported_media_type'] as const) : []),
    ...(operation.creates
      ? (['invalid_settings', 'idempotency_key_in_use', 'idempotency_key_reused'] as const)
      : []),
  ])
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of codes) {
    const { status } = PROBLEMS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, list]) => [status, refusal(list.sort())]),
  )
}

function refusal(codes: ProblemCode[]): Responses[string] {
  const isLimit = codes.includes('rate_limited')
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('\n\n'),
    ...(!isLimit &&
      codes.includes('try_again') && { headers: { 'Retry-After': header('Seconds to wait.') } }),
    ...(isLimit && {
      headers: {
        'Retry-After': header('Seconds to wait.'),
        RateLimit: header('What is left, where an allowance is used up.'),
        'RateLimit-Policy': header('How large the allowance is.'),
      },
    }),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [{ $ref: '#/components/schemas/Problem' }],
          properties: { code: { enum: codes } },
        },
      },
    },
  }
}
