/**
 * The GraphQL door, as the specification of GraphQL over HTTP has it.
 *
 * Source: the audits of graphql-http (MIT); https://graphql.github.io/graphql-over-http/draft/
 */
import { getIntrospectionQuery, isSpecifiedScalarType } from 'graphql'
import { serverAudits } from 'graphql-http'
import { describe, expect, test } from 'vitest'
import { readDoorEnvironment } from '../../functions/_shared/door-environment.ts'
import { createHandler } from '../../functions/graphql/handler.ts'
import { schema } from '../../functions/graphql/schema.ts'

/** Nothing here goes as far as the database. */
const door = createHandler(
  readDoorEnvironment({
    SUPABASE_URL: 'http://127.0.0.1:1',
    SUPABASE_ANON_KEY: 'key',
    USHER_ALLOWED_ORIGINS: 'https://app.test',
  }),
)
const DOOR = 'http://edge.internal/graphql'
const RESPONSE = 'application/graphql-response+json'

const audits = serverAudits({
  url: DOOR,
  fetchFn: (url: string, init: RequestInit) => door(new Request(url, init)),
})

describe('the audits', () => {
  test.for(audits.map((audit) => [audit.name, audit] as const))('%s', async ([, audit]) => {
    const { status, ...found } = await audit.fn()

    expect({ status, reason: 'reason' in found ? found.reason : null }).toEqual({
      status: 'ok',
      reason: null,
    })
  })

  test('all of them were there to be run', () => {
    expect(audits.length).toBeGreaterThanOrEqual(61)
  })
})

const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  door(
    new Request(DOOR, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', accept: RESPONSE, ...headers },
    }),
  )
const get = (query: Record<string, string>, accept = RESPONSE) =>
  door(new Request(`${DOOR}?${new URLSearchParams(query)}`, { headers: { accept } }))

describe('beyond the audits', () => {
  test.for([
    ['no JSON', '{', 400],
    ['a text', '"{ __typename }"', 400],
    ['nothing', '', 400],
    ['null', 'null', 400],
    ['a list of requests', '[{ "query": "{ __typename }" }]', 400],
    ['no document', '{ "variables": {} }', 400],
    ['a document that is no text', '{ "query": 1 }', 400],
    ['variables that are a list', '{ "query": "{ __typename }", "variables": [] }', 400],
    ['an operation that is no text', '{ "query": "{ __typename }", "operationName": {} }', 400],
    ['an operation that is not there', '{ "query": "{ __typename }", "operationName": "a" }', 400],
    ['a document that cannot be read', '{ "query": "{" }', 400],
    ['a document with NUL in it', '{ "query": "{ __typename \\u0000 }" }', 400],
    ['a field that is not there', '{ "query": "{ nothing }" }', 400],
    ['a variable of the wrong kind', withId('{ "id": 5 }'), 400],
    ['a variable that is missing', withId('{}'), 400],
    ['a variable that no UUID is', withId('{ "id": "\\ud800" }'), 400],
  ] as const)('%s is refused before anything is done', async ([, body, status]) => {
    const response = await post(body)
    const { data, errors } = await response.json()

    expect([response.status, data]).toEqual([status, undefined])
    expect(errors[0].message).toEqual(expect.any(String))
    expect(response.headers.get('content-type')).toMatch(RESPONSE)
  })

  test('a change by GET is refused, and which methods there are is said', async () => {
    const response = await get({ query: 'mutation { createOrganisation(name: "a") { id } }' })

    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test.for(['PUT', 'PATCH', 'DELETE'])('%s is no method of it', async (method) => {
    const response = await door(new Request(DOOR, { method }))

    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, POST')
  })

  test('a body of another kind is refused as such', async () => {
    const response = await post('{ __typename }', { 'content-type': 'text/plain' })

    expect(response.status).toBe(415)
  })

  test('credentials that are none are refused with 401, in the type of a response', async () => {
    const response = await post('{ "query": "{ __typename }" }', { authorization: 'Basic YTpi' })
    const { data, errors } = await response.json()

    expect([response.status, data, errors[0].extensions.code]).toEqual([
      401,
      undefined,
      'unauthenticated',
    ])
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('a client of before, which knows application/json only, is answered with 200', async () => {
    const response = await post('{ "query": "{ nothing }" }', { accept: 'application/json' })

    expect(response.status).toBe(200)
    expect((await response.json()).errors).toHaveLength(1)
  })
})

describe('what generators read', () => {
  test('each scalar of its own says what it is', () => {
    const own = Object.values(schema.getTypeMap()).filter(
      (type) => type.constructor.name === 'GraphQLScalarType' && !isSpecifiedScalarType(type),
    )

    expect(own.map(({ name }) => name).sort()).toEqual(['DateTime', 'JSON', 'UUID'])
    for (const type of own) {
      expect(type).toMatchObject({ specifiedByURL: expect.stringMatching(/^https:/) })
    }
  })

  test('the schema can be asked for', async () => {
    const query = getIntrospectionQuery({ specifiedByUrl: true })
    const { data } = await (await post(JSON.stringify({ query }))).json()

    expect(data.__schema.types.find(({ name }: { name: string }) => name === 'UUID')).toMatchObject(
      {
        specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc9562',
      },
    )
  })
})

/** A query with one variable, a UUID. */
function withId(variables: string): string {
  return `{ "query": "query ($id: UUID!) { organisation(id: $id) { id } }", "variables": ${variables} }`
}
