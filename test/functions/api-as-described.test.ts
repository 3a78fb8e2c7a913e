/**
 * The REST function does what its OpenAPI document says, as programs that are made from it read it.
 *
 * Source: what schemathesis 4.32, openapi-typescript and openapi-python-client found (test/foreign/).
 */
import { describe, expect } from 'vitest'
import { OPERATIONS } from '../../functions/api/operations.ts'
import type { Organisation } from '../support/acme.ts'
import { DOCUMENT } from '../support/openapi.ts'
import { type Answer, type RestRequest, test } from '../support/rest.ts'

type Rest = (path: string, request?: RestRequest) => Promise<Answer>

interface Parameter {
  name: string
  required: boolean
  schema: { type: string; minimum?: number; maximum?: number; pattern?: string }
}

const methodsOf = (path: string) =>
  Object.keys(DOCUMENT.paths[path]).map((each) => each.toUpperCase())
const parameter = (path: string, name: string): Parameter =>
  DOCUMENT.paths[path].get.parameters.find((each: Parameter) => each.name === name)
const bodyOf = ({ method, path }: (typeof OPERATIONS)[number]) =>
  DOCUMENT.paths[`/api${path}`][method].requestBody?.content['application/json'].schema
/** An address of this path; where it leads to is of no matter. */
const addressOf = (path: string) =>
  path.replace(/\{(\w+)\}/g, (_, name) => (/_id$/.test(name) ? crypto.randomUUID() : 'x'))

describe('methods', () => {
  test.for(Object.keys(DOCUMENT.paths))(
    '%s takes those of the document, and no other',
    async (path, { rest }) => {
      const described = methodsOf(path)
      const allowed = [...described, ...(described.includes('GET') ? ['HEAD'] : []), 'OPTIONS']
      const said = (headers: Headers) => headers.get('allow')?.split(', ').sort()

      const options = await rest(addressOf(path), { method: 'OPTIONS' })
      expect([options.status, said(options.headers)]).toEqual([204, allowed.sort()])
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        if (allowed.includes(method)) continue
        const { status, headers } = await rest(addressOf(path), { method })
        expect([method, status, said(headers)]).toEqual([method, 405, allowed])
      }
    },
  )
})

describe('what is required', () => {
  test('a number that has to be there is not said to be optional', async ({ acme, rest }) => {
    const path = '/api/organisations/{organisation_id}/evidence-events'
    expect(parameter(path, 'last_seal')).toMatchObject({
      required: true,
      schema: { type: 'integer', minimum: 0 },
    })
    expect(parameter(path, 'after_seal').required).toBe(true)

    const { status, body } = await rest(path.replace('{organisation_id}', acme.id), {
      by: acme.owner,
    })

    expect([status, body.code]).toEqual([400, 'invalid_request'])
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      'query/last_seal',
      'query/after_seal',
    ])
  })

  test.for(['', '1e2', '0x10', ' 5', '5.0', 'NaN', '999999999999', '-99999999999'])(
    '%j is no whole number',
    async (page_size, { acme, rest }) => {
      const query = new URLSearchParams({ page_size })
      for (const list of ['/api/invitations', `/api/organisations/${acme.id}/members`]) {
        const { status, body } = await rest(`${list}?${query}`, { by: acme.owner })
        expect([status, body.errors[0].pointer]).toEqual([400, 'query/page_size'])
      }
    },
  )
})

describe('who is nobody', () => {
  test.for(OPERATIONS.filter(({ isOpen }) => !isOpen).map((each) => [each.id, each] as const))(
    '%s says so before it says what is wrong with the request',
    async ([, { method, path, body }], { rest }) => {
      const { status, headers } = await rest(`/api${addressOf(path)}?there-is=none`, {
        method: method.toUpperCase(),
        ...(body && { json: { nothing: true } }),
      })

      expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    },
  )

  test('both ways of saying who one is are used', () => {
    const used = [
      DOCUMENT,
      ...Object.values(DOCUMENT.paths).flatMap((each) => Object.values(each as object)),
    ].flatMap(({ security = [] }) => security.flatMap(Object.keys))

    expect([...new Set(used)].sort()).toEqual(
      Object.keys(DOCUMENT.components.securitySchemes).sort(),
    )
  })
})

describe('a length of time that is none', () => {
  test.for([
    [
      'an invitation',
      '/api/invitations',
      (id: string) => ({ organisation_id: id, email: 'a@example.com', roles: ['member'] }),
    ],
    [
      'a device',
      '/api/devices/invitations',
      (id: string) => ({ organisation_id: id, device_name: 'Door', roles: ['member'] }),
    ],
    ['a directory', '', () => ({ name: 'Okta' })],
  ] as const)(
    '%s: is refused by the code of the contract, and where it stands is said',
    async ([, path, draft], { acme, rest }) => {
      for (const key of [null, crypto.randomUUID()]) {
        for (const expires_in of ['soon', '3 dayz', '99999999999999 years']) {
          const { status, body } = await rest(
            path || `/api/organisations/${acme.id}/directory-tokens`,
            {
              by: acme.owner,
              json: { ...draft(acme.id), expires_in },
              headers: key ? { 'idempotency-key': key } : {},
            },
          )

          expect([status, body.code]).toEqual([422, 'invalid_expiry'])
          if (!key) expect(body.errors[0].pointer).toBe('body/expires_in')
        }
      }
    },
  )

  test('of a secret it is a value that is not allowed', async ({ acme, rest }) => {
    const { body: webhook } = await rest(`/api/organisations/${acme.id}/webhooks`, {
      by: acme.owner,
      json: { url: 'https://hooks.example.com/usher' },
    })

    const { status, body } = await rest(`/api/webhooks/${webhook.webhook_id}/rotate-secret`, {
      by: acme.owner,
      json: { keep_old_for: 'a while' },
    })

    expect([status, body.code, body.errors[0].pointer]).toEqual([
      422,
      'invalid_settings',
      'body/keep_old_for',
    ])
  })
})

describe('moments', () => {
  const since = async (rest: Rest, acme: Organisation, value: string) =>
    rest(`/api/organisations/${acme.id}/audit-events?${new URLSearchParams({ since: value })}`, {
      by: acme.owner,
    })

  test.for([
    '2026-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999999Z',
    '2026-01-01T00:00:00+23:59',
    '2026-01-01T00:00:00.123456789-16:00',
    '2026-01-01',
  ])('%s is one', async (value, { acme, rest }) => {
    expect((await since(rest, acme, value)).status).toBe(200)
  })

  test.for([
    'yesterday',
    '2026-02-30T00:00:00Z',
    '2026-01-01T00:00:00',
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00+01:00',
    'infinity',
    '',
  ])('%j is none', async (value, { acme, rest }) => {
    const { status, body } = await since(rest, acme, value)

    expect([status, body.errors[0].pointer]).toEqual([400, 'query/since'])
  })

  test('an offset is counted', async ({ acme, rest }) => {
    const { body } = await rest(`/api/organisations/${acme.id}/audit-events?page_size=1`, {
      by: acme.owner,
    })
    const last = new Date(body.data[0].occurred_at)
    const inOffset = (minutes: number) =>
      `${new Date(last.getTime() + 20 * 3_600_000 + minutes * 60_000).toISOString().slice(0, -1)}+20:00`

    expect((await since(rest, acme, inOffset(-1))).body.data.length).toBeGreaterThan(0)
    expect((await since(rest, acme, inOffset(1))).body.data).toEqual([])
  })
})

describe('cursors', () => {
  const pages = OPERATIONS.filter(
    ({ source, answers }) => 'table' in source && answers.kind === 'page',
  )

  test.for(pages.map((each) => [each.id, each] as const))(
    '%s: what has the form of a cursor is taken, what has not is refused',
    async ([, { path }], { acme, rest }) => {
      const { pattern } = parameter(`/api${path}`, 'cursor').schema
      const address = `/api${path.replace('{organisation_id}', acme.id).replace(/\{\w+\}/, crypto.randomUUID())}`
      const parts = pattern?.slice(1, -1).split('\\.') ?? []
      const made = parts.map((part) =>
        part.startsWith('-?')
          ? '-9999999999999999'
          : part.startsWith('[0-9a-f]')
            ? crypto.randomUUID()
            : '_w',
      )
      const ask = (cursor: string) => rest(`${address}?cursor=${cursor}`, { by: acme.owner })

      expect(made.join('.')).toMatch(new RegExp(pattern ?? ''))
      expect((await ask(made.join('.'))).status).toBe(200)
      expect((await ask(`${made.join('.')}.`)).body.errors[0].pointer).toBe('query/cursor')
    },
  )
})

describe('pages of names', () => {
  // A name of each kind of sign that a filter has to escape, and words that look like something else.
  const NAMES = ['"', 'a "b" c', 'a\\\\', 'a(b', 'c)d', 'e,f', 'false', '12', 'g":h(', 'null']

  test('hold all of them, one a page', async ({ acme, rest }) => {
    for (const [i, name] of NAMES.entries()) {
      const made = await rest(`/api/organisations/${acme.id}/directory-endpoints`, {
        by: acme.owner,
        json: { name, url: `https://app${i}.example.com/scim/v2`, token: 'secret' },
      })
      expect([name, made.status]).toEqual([name, 201])
    }

    const found: string[] = []
    let cursor: string | null = ''
    while (cursor !== null && found.length <= NAMES.length) {
      const query = new URLSearchParams({ page_size: '1', ...(cursor && { cursor }) })
      const { body } = await rest(`/api/organisations/${acme.id}/directory-endpoints?${query}`, {
        by: acme.owner,
      })
      found.push(...body.data.map(({ name }: { name: string }) => name))
      cursor = body.next_cursor
    }

    expect(found.sort()).toEqual([...NAMES].sort())
  })
})

describe('changes', () => {
  const changing = OPERATIONS.filter(
    ({ method, source }) => method === 'patch' && 'function' in source && source.toArguments,
  )

  test('are described by name', () => {
    expect(changing.map(({ id }) => id).sort()).toEqual([
      'updateDirectoryEndpoint',
      'updateEmailTemplate',
      'updateOrganisation',
      'updateSignInRule',
      'updateWebhook',
    ])
    for (const operation of changing) {
      expect(bodyOf(operation)).toMatchObject({ additionalProperties: false })
    }
  })

  test.for(changing.map((each) => [each.id, each] as const))(
    '%s: the names of the document are those of the database',
    async ([, operation], { acme }) => {
      if (!('function' in operation.source)) throw new Error('It calls no function.')
      const rule = operation.source.function.replace('organisation_', '')
      const [found] = await acme.sql`
        select prosrc from pg_catalog.pg_proc
        where pronamespace = 'usher'::regnamespace and proname = ${rule}`
      // The three ways in which a rule lists them.
      const [, ...lists] =
        found?.prosrc.match(
          /v_keys +constant text\[\] := array\[([^\]]+)\]|not in \(([^)]+)\)|'\{([\w,]+)\}'::text\[\] <>/,
        ) ?? []
      const known = lists.join('').match(/\w+/g) ?? []

      expect(Object.keys(bodyOf(operation).properties).sort()).toEqual(known.sort())
    },
  )

  test('a value of another kind is refused before anything is done, and a name that is unknown by the database', async ({
    acme,
    rest,
  }) => {
    const change = (json: object) =>
      rest(`/api/organisations/${acme.id}`, { method: 'PATCH', by: acme.owner, json })

    expect((await change({ name: 5 })).body.errors).toMatchObject([{ pointer: 'body/name' }])
    expect((await change({ seat_limit: '5' })).body.errors).toMatchObject([
      { pointer: 'body/seat_limit' },
    ])
    expect((await change({ colour: 'red' })).body).toMatchObject({
      code: 'invalid_settings',
      status: 422,
    })
    expect((await change({ seat_limit: null, reply_to: null, accent_colour: null })).status).toBe(
      200,
    )
  })
})

describe('many at once', () => {
  test('as many ids as the document promises pass the limit of a body', async ({ acme, rest }) => {
    const { status, body } = await rest('/api/invitations/reissue', {
      by: acme.owner,
      json: { invite_ids: Array.from({ length: 10_000 }, () => crypto.randomUUID()) },
    })

    expect([status, body.code]).toEqual([404, 'invite_not_found'])
  })
})

describe('keys of repeats', () => {
  test.for(['short', 'x'.repeat(256), 'with blanks in it 1234'])(
    '%s is none by the document, and refused',
    async (key, { acme, rest }) => {
      const [{ schema }] = DOCUMENT.paths['/api/organisations'].post.parameters
      const fits =
        key.length >= schema.minLength &&
        key.length <= schema.maxLength &&
        new RegExp(schema.pattern).test(key)
      const { status, body } = await rest('/api/organisations', {
        by: acme.stranger,
        json: { name: 'Acme' },
        headers: { 'idempotency-key': key },
      })

      expect([fits, status, body.code]).toEqual([false, 422, 'invalid_settings'])
    },
  )
})

describe('bounds of texts', () => {
  const named = [
    ['a name', '/api/organisations', 'name', {}],
    ['a slug', '/api/organisations', 'slug', { name: 'Acme' }],
  ] as const

  test.for(named)(
    '%s: the longest of the document is taken, one more is not',
    async ([, path, field, others], { acme, rest }) => {
      const { maxLength } =
        DOCUMENT.paths[path].post.requestBody.content['application/json'].schema.properties[field]
      const send = (length: number) =>
        rest(path, { by: acme.stranger, json: { ...others, [field]: 'x'.repeat(length) } })

      expect((await send(maxLength)).status).toBe(201)
      expect((await send(maxLength + 1)).status).toBe(422)
    },
  )

  test('what no database can hold is not promised', async ({ acme, rest }) => {
    const { pattern } = bodyOf(OPERATIONS.find(({ id }) => id === 'createRole') as never).properties
      .permissions.items
    const { status, body } = await rest(`/api/organisations/${acme.id}/roles`, {
      by: acme.owner,
      json: { name: 'watcher', permissions: ['a\0'] },
    })

    expect(new RegExp(pattern).test('a\0')).toBe(false)
    expect([status, body.code]).toEqual([422, 'invalid_settings'])
  })
})
