/** What the GraphQL door does not take, and that it stands whatever comes. */
import fc from 'fast-check'
import { isInputObjectType } from 'graphql'
import { describe, expect, onTestFinished, vi } from 'vitest'
import { LIMITS } from '../../functions/graphql/limits.ts'
import { schema } from '../../functions/graphql/schema.ts'
import { holds, TIMEOUT } from '../fuzz/budget.ts'
import { post, readAnswer, test } from '../support/graphql.ts'

const URL = 'http://door.test/graphql'

describe('a document that asks for too much is refused before the database is asked', () => {
  const aliases = (count: number, field: string) =>
    Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ')
  const nested = (depth: number) =>
    `{ organisation(id: "00000000-0000-4000-8000-000000000000") { ${'members(first: 1) { edges { node { organisation { '.repeat(depth)} id ${'} } } }'.repeat(depth)} } }`

  const DOCUMENTS: Record<string, string> = {
    'deep nesting': nested(5),
    'aliases by the hundred': `{ ${aliases(120, 'validateInvite(token: "x") { status }')} }`,
    'changes by the hundred': `mutation { ${aliases(120, 'createOrganisation(name: "x") { id }')} }`,
    'pages inside of pages': `{ organisation(id: "00000000-0000-4000-8000-000000000000") {
      members(first: 100) { edges { node { organisation { members(first: 100) { edges { node { id } } } } } } } } }`,
    'huge pages': `{ invites(organisationId: "00000000-0000-4000-8000-000000000000", first: 1000000) { edges { node { id } } } }`,
    'the schema, again and again': `{ ${aliases(20, '__schema { types { name } }')} }`,
    'fragments that multiply': `{ ${aliases(10, 'organisation(id: "00000000-0000-4000-8000-000000000000") { ...Many }')} }
      fragment Many on Organisation { ${aliases(10, 'members { edges { node { ...All } } }')} }
      fragment All on Member { id email roles status kind joinedAt userId displayName }`,
  }

  test.for(Object.entries(DOCUMENTS))('%s', async ([, query], { door, acme }) => {
    const before = door.requests()
    const { status, codes, data } = await door.ask(acme.owner, query)

    expect([status, codes, data]).toEqual([400, ['QUERY_TOO_COSTLY'], undefined])
    expect(door.requests()).toBe(before)
  })

  test('a document of very many words', async ({ door, acme }) => {
    for (const query of [
      `{ ${aliases(LIMITS.tokens, '__typename')} }`,
      '{'.repeat(100_000),
      `query (${'$a: [['.repeat(50_000)}`,
    ]) {
      expect(await door.ask(acme.owner, query)).toMatchObject({
        status: 400,
        codes: ['GRAPHQL_PARSE_FAILED'],
      })
    }
  })

  test('types inside of types inside of the schema', async ({ door }) => {
    const deep = `${'fields { type { '.repeat(8)} name ${'} }'.repeat(8)}`
    const { status, codes } = await door.ask(null, `{ __schema { types { ${deep} } } }`)

    expect([status, codes]).toEqual([400, ['GRAPHQL_VALIDATION_FAILED']])
  })

  test('a page that only the variables make huge', async ({ door, acme }) => {
    const query = `query ($id: UUID!, $first: Int!) {
      organisation(id: $id) { members(first: $first) { edges { node { organisation { name } } } } } }`

    expect((await door.ask(acme.owner, query, { id: acme.id, first: 100 })).codes).toEqual([])
    expect((await door.ask(acme.owner, query, { id: acme.id, first: 100_000 })).codes).toEqual([
      'QUERY_TOO_COSTLY',
    ])
  })

  test('a body beyond the limit', async ({ door }) => {
    const body = { query: '{ __typename }', variables: { text: 'x'.repeat(LIMITS.body) } }

    expect((await door.fetch(post(URL, body))).status).toBe(413)
  })

  test('several documents in one request', async ({ door }) => {
    const answer = await door.fetch(post(URL, [{ query: '{ __typename }' }]))

    expect(answer.status).toBe(400)
  })
})

describe('what people ask for is within the limits', () => {
  test('a large page with all that a console shows', async ({ door, acme }) => {
    const { codes } = await door.ask(
      acme.owner,
      `query ($id: UUID!) { organisation(id: $id) {
        name logoUrl seatLimit
        members(first: 100) { edges { node { userId email displayName status joinedAt roleDetails { name permissions } } } }
        invites(first: 100) { edges { node { id email status roles expiresAt createdAt resendCount } } }
        deliveries { edges { node { recipient status lastResponse } } }
        auditEvents { edges { node { event actorId targetId occurredAt } } }
      } }`,
      { id: acme.id },
    )

    expect(codes).toEqual([])
  })

  test('all of the schema, as tools ask for it', async ({ door }) => {
    const { getIntrospectionQuery } = await import('graphql')
    const { codes, data } = await door.ask(null, getIntrospectionQuery())

    expect(codes).toEqual([])
    expect(data.__schema.types.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['UUID', 'DateTime', 'InviteConnection']),
    )
  })
})

const BUDGET = { runs: 400, share: 3 }

describe('whatever comes, the answer is never a fault of ours', { timeout: TIMEOUT }, () => {
  const fields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    Object.values(type?.getFields() ?? {}).map((field) => ({
      field,
      isQuery: type?.name === 'Query',
    })),
  )
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom(
      '\u0000',
      "'; drop table x; --",
      '\ud800',
      '1e999',
      '{}',
      '9999-99-99',
      '∞',
      '',
    ),
    fc.uuid(),
  )
  const value = fc.oneof(
    word,
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.json(),
  )

  /** A right call of any operation, with any values; ids are of things that are there, mostly. */
  function callOf({ field, isQuery }: (typeof fields)[number], values: unknown[], ids: string[]) {
    const list = (items: string[]) => (items.length > 0 ? `(${items.join(', ')})` : '')
    const names = list(field.args.map(({ name, type }) => `$${name}: ${type}`))
    const args = list(field.args.map(({ name }) => `${name}: $${name}`))
    const selection = /^\[?(String|Boolean)/.test(String(field.type)) ? '' : '{ __typename }'
    return {
      query: `${isQuery ? 'query' : 'mutation'} ${names} { ${field.name}${args} ${selection} }`,
      variables: Object.fromEntries(
        field.args.map(({ name, type }, i) => [name, fitting(String(type), values[i], ids)]),
      ),
    }
  }

  test('to right calls with wild values', async ({ door, acme }) => {
    const { invite } = await acme.invite()
    const ids = [acme.id, acme.id, invite.id, acme.member.userId, crypto.randomUUID()]
    const call = fc
      .constantFrom(...fields)
      .chain((each) =>
        fc
          .tuple(...each.field.args.map(() => fc.oneof(value, fc.array(value, { maxLength: 3 }))))
          .map((values) => callOf(each, values, ids)),
      )
    await holds(
      fc.asyncProperty(call, async ({ query, variables }) => {
        const { status, text, codes } = await door.ask(acme.owner, query, variables)
        expect(status).toBeLessThan(500)
        expect(codes.filter((code) => !code || /INTERNAL|unreachable/.test(code))).toEqual([])
        expect(text).not.toMatch(/node_modules|\.ts:\d|postgres/i)
      }),
      BUDGET,
    )
  })

  test('to documents that are no GraphQL, or nearly', async ({ door }) => {
    const token = fc.constantFrom(
      ...'{ } ( ) [ ] : ! $ @ ... | & = " """ # query mutation subscription fragment on null true 1 1e9 -0'.split(
        ' ',
      ),
      ...fields.map(({ field }) => field.name),
      '__schema',
      '__typename',
      'include',
      'skip',
      'edges',
      'node',
      'first',
      'UUID',
      '\u0000',
      '\ufeff',
      '🙂',
    )
    await holds(
      fc.asyncProperty(fc.array(token, { maxLength: 60 }), async (tokens) => {
        const { status, text } = await door.ask(null, tokens.join(' '))
        expect(status).toBeLessThan(500)
        expect(text).not.toMatch(/node_modules|\.ts:\d/)
      }),
      BUDGET,
    )
  })

  test('to requests that are none', async ({ door }) => {
    await holds(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'),
        fc.constantFrom(
          'application/json',
          'application/graphql',
          'text/plain',
          'multipart/form-data',
          'application/x-www-form-urlencoded',
          'application/json; charset=x',
          '',
        ),
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.json(),
          fc.json().map((query) => JSON.stringify({ query })),
        ),
        fc.oneof(
          fc.constant(''),
          fc.webQueryParameters().map((text) => `?${text}`),
          fc.string().map((text) => `?query=${encodeURIComponent(text)}`),
        ),
        async (method, contentType, body, search) => {
          const answer = await door.fetch(
            new Request(URL + search, {
              method,
              headers: { 'content-type': contentType, authorization: 'Bearer x', apikey: '' },
              ...(method === 'GET' ? {} : { body }),
            }),
          )
          expect(answer.status).toBeLessThan(500)
        },
      ),
      BUDGET,
    )
  })

  /** A value of the right kind, so that it gets past GraphQL itself. */
  function fitting(type: string, given: unknown, ids: string[]): unknown {
    const inside = (shape: string, each: unknown) => fitting(shape, each, ids)
    if (type.startsWith('UUID')) return ids[JSON.stringify(given ?? '').length % ids.length]
    if (type.startsWith('[')) {
      return [given].flat().map((each) => inside(type.slice(1, type.lastIndexOf(']')), each))
    }
    if (type.startsWith('String')) return String(given)
    if (type.startsWith('Int')) return Number.isInteger(given) ? given : 1
    if (type.startsWith('Boolean')) return Boolean(given)
    const named = schema.getType(type.replace('!', ''))
    if (!named || !isInputObjectType(named)) return given
    return Object.fromEntries(
      Object.values(named.getFields()).map(({ name, type: inner }) => [
        name,
        inside(String(inner), given),
      ]),
    )
  }
})

describe('an answer tells nothing of the inside', () => {
  test('when the database cannot be reached', async ({ door: _ }) => {
    const { createHandler } = await import('../../functions/graphql/handler.ts')
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => log.mockRestore())
    const handle = createHandler({
      supabaseUrl: 'http://127.0.0.1:1',
      publishableKey: 'x',
      allowedOrigins: ['*'],
    })

    const { codes, text } = await readAnswer(
      await handle(post(URL, { query: '{ validateInvite(token: "x") { status } }' })),
    )

    expect(codes).toEqual(['unreachable'])
    expect(log).toHaveBeenCalledWith(expect.stringContaining('The API answered 0'))
    expect(text).not.toContain('127.0.0.1')
  })
})
