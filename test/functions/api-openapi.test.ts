/**
 * Requests made of the OpenAPI document itself, hostile ones among them.
 *
 * @module-tag long
 */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import type { Operation } from '../../functions/api/operation.ts'
import { OPERATIONS } from '../../functions/api/operations.ts'
import { holds, TIMEOUT } from '../fuzz/budget.ts'
import { KEYS } from '../support/keys.ts'
import { CALLS, sceneOf } from '../support/matrix-calls.ts'
import { DOCUMENT, describes } from '../support/openapi.ts'
import { type RestRequest, test } from '../support/rest.ts'

interface Schema {
  $ref?: string
  type?: string
  format?: string
  pattern?: string
  enum?: unknown[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  additionalProperties?: unknown
}
interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  schema: Schema
}

const HOSTILE_TEXT = fc.constantFrom(
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\u202e\u200b',
  "'; drop table public.organisations; --",
  '") or true --',
  '%00%2e%2e%2f',
  '../../etc/passwd',
  '{}',
  'null',
  '-1',
  '1e309',
  '999999999999999999999999',
  'infinity',
  '-infinity',
  '4714-11-24 BC',
  '2026-13-45T99:99:99Z',
  '__proto__',
  'constructor',
  '*',
  'a'.repeat(20_000),
  '😀'.repeat(500),
)
const HOSTILE = fc.oneof(
  HOSTILE_TEXT,
  fc.constantFrom(null, true, 0, -1, 1.5, 1e300, [], {}, [[]], { toString: 1 }, [null]),
  fc.jsonValue({ maxDepth: 3 }),
)

/** Values that the schema permits; where it names known things, often one of those. */
function fitting(schema: Schema, known: string[]): fc.Arbitrary<unknown> {
  if (schema.$ref) {
    return fitting(DOCUMENT.components.schemas[schema.$ref.split('/').at(-1) ?? ''], known)
  }
  if (schema.enum) return fc.constantFrom(...schema.enum)
  switch (schema.type) {
    case 'object': {
      const { properties = {}, required = [] } = schema
      const model = Object.fromEntries(
        Object.entries(properties).map(([name, each]) => [name, fitting(each, known)]),
      )
      const object = fc.record(model, { requiredKeys: required })
      return schema.additionalProperties === false
        ? object
        : fc
            .tuple(
              object,
              fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
            )
            .map(([named, others]) => ({ ...others, ...named }))
    }
    case 'array':
      return fc.array(schema.items ? fitting(schema.items, known) : fc.jsonValue(), {
        maxLength: 4,
      })
    case 'integer':
      return fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer())
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true })
    case 'boolean':
      return fc.boolean()
    default:
      if (schema.format === 'uuid') return fc.oneof(fc.constantFrom(...known), fc.uuid())
      if (schema.format === 'date-time') {
        return fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
      }
      if (schema.pattern) {
        return fc.oneof(fc.constantFrom(...known), fc.stringMatching(new RegExp(schema.pattern)))
      }
      return fc.oneof(fc.constantFrom(...WORDS), fc.string({ unit: 'binary', maxLength: 40 }))
  }
}
const WORDS = [
  'member',
  'finance',
  'admin',
  'owner',
  'x@example.com',
  'invite.read',
  '3 days',
  'en',
]

/** Mostly fitting; now and then something else altogether. */
const mixed = (schema: Schema, known: string[]) =>
  fc.oneof({ weight: 5, arbitrary: fitting(schema, known) }, { weight: 2, arbitrary: HOSTILE })

function bodies(schema: Schema, known: string[]): fc.Arbitrary<unknown> {
  const { properties = {} } = schema
  const [first, ...names] = Object.keys(properties)
  if (!first) return mixed(schema, known)
  // One field of another kind in an otherwise fitting body comes further than a body of nonsense.
  const withOne = fc
    .tuple(fitting(schema, known), fc.constantFrom(first, ...names), HOSTILE)
    .map(([body, name, value]) => ({ ...(body as object), [name]: value }))
  return fc.oneof(fitting(schema, known), withOne, HOSTILE)
}

const asText = (value: unknown) =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))

/** In a path, an address with `..` is another address: no client can send it as a name. */
const asSegment = (value: unknown) => {
  const text = asText(value).replace(/[\ud800-\udfff]/g, '')
  return ['', '.', '..'].includes(text) ? 'dots' : encodeURIComponent(text)
}

function requests(
  operation: Operation,
  known: string[],
): fc.Arbitrary<{ path: string } & RestRequest> {
  const { parameters = [], requestBody } = DOCUMENT.paths[`/api${operation.path}`][operation.method]
  const given = fc.record(
    Object.fromEntries(
      (parameters as Parameter[]).map((each) => [each.name, mixed(each.schema, known)]),
    ),
    {
      requiredKeys: (parameters as Parameter[])
        .filter((each) => each.required)
        .map((each) => each.name),
    },
  )
  const content = requestBody?.content?.['application/json']
  const body = content ? bodies(content.schema, known) : fc.constant(undefined)
  return fc.tuple(given, body).map(([values, json]) => {
    const named = (where: string) =>
      (parameters as Parameter[]).filter((each) => each.in === where && each.name in values)
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => asSegment(values[name]))
    const query = new URLSearchParams(
      named('query').map(({ name }) => [name, asText(values[name])]),
    )
    const headers = Object.fromEntries(
      named('header').map(({ name }) => [name, asText(values[name]).replace(/[^\x20-\x7e]/g, '?')]),
    )
    return {
      path: `/api${path}${query.size > 0 ? `?${query}` : ''}`,
      method: operation.method.toUpperCase(),
      headers,
      ...(json !== undefined && { json }),
    }
  })
}

const BUDGET = { runs: 40, share: OPERATIONS.length }

describe('requests made of the document', () => {
  test.for(OPERATIONS.map((operation) => [operation.id, operation] as const))(
    '%s answers as described, whatever comes',
    { timeout: TIMEOUT },
    async ([, operation], { acme, rest }) => {
      const scene = await sceneOf(acme)
      const { invite } = await acme.invite()
      const source = 'function' in operation.source ? operation.source.function : null
      const args = source ? await CALLS[source]?.(scene) : {}
      const [own] = await acme.sql`select slug from public.organisations where id = ${acme.id}`
      const known = [
        ...new Set([
          own?.slug,
          acme.id,
          acme.otherId,
          invite.id,
          scene.owner.userId,
          scene.member.userId,
        ]),
        ...Object.values(args ?? {}).filter((arg) => /^[0-9a-f-]{36}$/.test(String(arg))),
      ] as string[]
      const callers = fc.constantFrom('owner', 'admin', 'member', 'outsider', 'anyone', 'service')

      await holds(
        fc.asyncProperty(requests(operation, known), callers, async (request, name) => {
          const caller = name as 'owner'
          const answer = await rest(request.path, {
            ...request,
            by: scene[caller],
            headers: { ...request.headers, ...(name === 'service' && { apikey: KEYS.secretKey }) },
          })

          expect(answer.status).toBeLessThan(500)
          expect(describes(operation, answer)).toEqual([])
        }),
        BUDGET,
      )
    },
  )

  test('every operation of the table is in the document, with an answer and a refusal', () => {
    const described = Object.entries(DOCUMENT.paths as Record<string, object>).flatMap(
      ([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`),
    )

    expect(described.sort()).toEqual(
      OPERATIONS.map(({ method, path }) => `${method} /api${path}`).sort(),
    )
    expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length)
  })
})
