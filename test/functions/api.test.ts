/** The REST function, as Request and Response, over the real API and Postgres. */
import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, vi } from 'vitest'
import { readApiEnvironment } from '../../functions/api/environment.ts'
import { createHandler } from '../../functions/api/handler.ts'
import { ASSETS } from '../../functions/api/reference.ts'
import type { Organisation } from '../support/acme.ts'
import { accessToken, KEYS } from '../support/keys.ts'
import { API_URL, send, test } from '../support/rest.ts'

const invitation = ({ id }: Organisation, email = 'new@example.com') => ({
  organisation_id: id,
  email,
  roles: ['member'],
})

describe('who calls', () => {
  test('a session, a key in either header, or nobody', async ({ acme, rest }) => {
    const organisation = `/api/organisations/${acme.id}`
    const status = async (headers: Record<string, string>) =>
      (await rest(organisation, { headers })).status

    expect(await status({ authorization: `Bearer ${await accessToken(acme.member.userId)}` })).toBe(
      200,
    )
    expect(await status({ authorization: `Bearer ${KEYS.secretKey}` })).toBe(200)
    expect(await status({ apikey: KEYS.secretKey })).toBe(200)
    expect(await status({ apikey: KEYS.publishableKey })).toBe(401)
    expect(await status({})).toBe(401)
  })

  test.for([
    [
      'a token that has expired',
      async (id: string) => `Bearer ${await accessToken(id, '-1 minute')}`,
    ],
    [
      'a token that somebody else has signed',
      async () => `Bearer ${(await accessToken('x')).slice(0, -4)}AAAA`,
    ],
    ['a key that is none', async () => 'Bearer sb_secret_nonsense'],
    ['a password', async () => 'Basic b3duZXI6cGFzc3dvcmQ='],
    ['a word alone', async () => 'nonsense'],
  ] as const)(
    '%s is refused with 401, also where nobody need sign in',
    async ([, make], { acme, rest }) => {
      const authorization = await make(acme.owner.userId)

      for (const path of ['/api/organisations', '/api/invitations/validate?token=x']) {
        const answer = await rest(path, { headers: { authorization } })
        expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated'])
        expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      }
    },
  )

  test('the audit trail names the program of who called, and their address as far as the function is trusted', async ({
    acme,
    rest,
  }) => {
    const invite = async (email: string) => {
      const { body } = await rest('/api/invitations', {
        by: acme.admin,
        json: invitation(acme, email),
        headers: { 'x-forwarded-for': '192.0.2.44', 'user-agent': 'curl/8' },
      })
      const events = await rest(
        `/api/organisations/${acme.id}/audit-events?event=invite.created&target_id=${body.id}`,
        { by: acme.owner },
      )
      return events.body.data
    }
    const trust = (networks: string[]) =>
      acme.sql`select usher.update_settings(${acme.sql.json({ trusted_proxies: networks })})`

    expect(await invite('one@example.com')).toMatchObject([
      { ip: '127.0.0.1', claimed_ip: '192.0.2.44', user_agent: 'curl/8' },
    ])
    await trust(['127.0.0.1/32'])
    expect(await invite('two@example.com')).toMatchObject([{ ip: '192.0.2.44', claimed_ip: null }])
    await trust([])
  })
})

describe('a problem', () => {
  test('has the words of the contract, and says which request it was', async ({ acme, rest }) => {
    const { invite } = await acme.invite('open@example.com')

    const { status, headers, body } = await rest('/api/invitations', {
      by: acme.admin,
      json: invitation(acme, 'open@example.com'),
      headers: { 'x-request-id': 'request-1' },
    })

    expect(status).toBe(409)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(headers.get('x-request-id')).toBe('request-1')
    expect(body).toEqual({
      type: `${API_URL}/problems/already_invited`,
      title: 'This address already has an open invite.',
      status: 409,
      detail: 'Resend that one, or revoke it first; details holds its id.',
      code: 'already_invited',
      details: invite.id,
      request_id: 'request-1',
    })
    const type = await rest(new URL(body.type).pathname.replace('/functions/v1', ''))
    expect(type.body).toMatchObject({ code: 'already_invited', status: 409 })
  })

  test('passes Retry-After on, with what the limit is', async ({ acme, rest }) => {
    const { invite } = await acme.invite()
    await acme.sql`update usher.settings set resends_per_day = 1`
    const resend = () =>
      rest(`/api/invitations/${invite.id}/resend`, { by: acme.admin, method: 'POST' })
    await resend()
    await acme.sql`update usher.invites set issued_at = now() - interval '1 day' where id = ${invite.id}`

    const { status, headers, body } = await resend()

    expect([status, body.code]).toEqual([429, 'rate_limited'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(80_000)
    expect(headers.get('ratelimit-policy')).toBe('"resends";q=1;w=86400')
    expect(headers.get('ratelimit')).toMatch(/^"resends";r=0;t=8\d{4}$/)
    await acme.sql`update usher.settings set resends_per_day = default`
  })

  test('a wrong code of a device is refused, and counted', async ({ acme, rest }) => {
    const guess = () =>
      rest('/api/devices/enrol', { by: acme.stranger, json: { code: 'AAAAA-AAAAA' } })

    const { status, headers, body } = await guess()

    expect([status, body.code]).toEqual([404, 'invite_invalid'])
    expect(headers.get('ratelimit')).toMatch(/^"device_codes";r=9;/)
    for (let i = 0; i < 9; i++) await guess()
    expect((await guess()).body.code).toBe('rate_limited')
  })

  test('asking for a new link says nothing by its headers either', async ({ acme, rest }) => {
    const { token } = await acme.inviteIn('expired')
    const headersOf = async (given: string) => {
      const { status, headers } = await rest('/api/invitations/request-resend', {
        json: { token: given },
      })
      return { status, names: [...headers.keys()].sort() }
    }

    const right = await headersOf(token)
    expect(right.status).toBe(204)
    expect(right).toEqual(await headersOf('inv_wrong'))
  })
})

describe('the form of a request', () => {
  test('all that is wrong is said at once, and where', async ({ acme, rest }) => {
    const { status, body } = await rest('/api/invitations?page=2', {
      by: acme.admin,
      json: { organisation_id: 'no uuid', roles: ['member', 5], colour: 'red' },
    })

    expect([status, body.code]).toEqual([400, 'invalid_request'])
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      'body',
      'body/email',
      'body/organisation_id',
      'body/roles/1',
      'query/page',
    ])
  })

  test.for([
    ['no JSON', '{', 'application/json', 400, 'invalid_request'],
    [
      'nested without end',
      `{"name":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      'application/json',
      400,
      'invalid_request',
    ],
    ['left open again and again', '"\\'.repeat(60_000), 'application/json', 400, 'invalid_request'],
    ['JSON of another kind', '[]', 'application/json', 400, 'invalid_request'],
    ['a form', 'name=Acme', 'application/x-www-form-urlencoded', 415, 'unsupported_media_type'],
    ['no kind', '{"name": "Acme"}', '', 415, 'unsupported_media_type'],
    ['nothing', '', 'application/json', 400, 'invalid_request'],
  ] as const)(
    'a body that is %s is refused',
    async ([, body, type, status, code], { acme, rest }) => {
      const answer = await rest('/api/organisations', {
        by: acme.stranger,
        method: 'POST',
        body: new Blob([body]),
        headers: { 'content-type': type },
      })

      expect([answer.status, answer.body.code]).toEqual([status, code])
    },
  )

  test('brackets in a text are no nesting', async ({ acme, rest }) => {
    const name = '[{'.repeat(50)

    const { status, body } = await rest('/api/organisations', { by: acme.stranger, json: { name } })

    expect([status, body.name]).toEqual([201, name])
  })

  test('a body need not be sent where nothing in it is required', async ({ acme, rest }) => {
    const { invite } = await acme.invite()

    const { status, body } = await rest(`/api/invitations/${invite.id}/revoke`, {
      by: acme.admin,
      method: 'POST',
    })

    expect([status, body.status]).toEqual([200, 'revoked'])
  })

  test('a parameter that is given twice is refused, not guessed', async ({ acme, rest }) => {
    const { body } = await rest(
      `/api/invitations?organisation_id=${acme.id}&status=pending&status=revoked`,
      { by: acme.admin },
    )

    expect(body.errors).toEqual([{ pointer: 'query/status', detail: 'Give it once.' }])
  })

  test('a body that is too large is refused, also when its size is not told', async ({
    acme,
    rest,
  }) => {
    const large = JSON.stringify({ name: 'a'.repeat(200_000) })
    const told = await rest('/api/organisations', { by: acme.stranger, json: { name: large } })
    const streamed = await rest('/api/organisations', {
      by: acme.stranger,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: large,
    })

    expect([told.status, told.body.code]).toEqual([413, 'body_too_large'])
    expect([streamed.status, streamed.body.code]).toEqual([413, 'body_too_large'])
  })

  test.for([
    ['a message', { message: 'Hi\0there' }, 'invalid_message', 'message holds NUL (U+0000)'],
    ['an address', { email: 'a\0@example.com' }, 'invalid_email', 'email holds NUL (U+0000)'],
    ['metadata', { metadata: { note: 'cut \ud83d' } }, 'invalid_settings', 'cut in two (U+D83D)'],
    ['a name in metadata', { metadata: { '\0': 1 } }, 'invalid_settings', 'NUL (U+0000)'],
  ] as const)(
    '%s that no database can hold is said to be so',
    async ([, draft, code, hint], { acme, rest }) => {
      const { status, body } = await rest('/api/invitations', {
        by: acme.admin,
        json: { organisation_id: acme.id, email: 'a@example.com', roles: ['member'], ...draft },
      })

      expect([status, body.code]).toEqual([422, code])
      expect(body.detail).toContain(hint)
    },
  )

  test('the same holds for what stands in an address, and a token with it is none of ours', async ({
    acme,
    rest,
  }) => {
    const search = `/api/invitations?organisation_id=${acme.id}&search=%00`
    const role = `/api/organisations/${acme.id}/roles/%00/members`

    for (const path of [search, role]) {
      const { status, body } = await rest(path, { by: acme.admin })
      expect([path, status, body.code]).toEqual([path, 422, 'invalid_settings'])
    }
    const { status, body } = await rest('/api/invitations/validate?token=inv_%00', {
      headers: { apikey: KEYS.publishableKey },
    })
    expect([status, body.reason]).toEqual([200, 'invite_invalid'])
  })

  test('a value that Postgres cannot read is the fault of the request', async ({ acme, rest }) => {
    const { status, body } = await rest(
      `/api/invitations/metrics?organisation_id=${acme.id}&since=yesterday%20or%20so`,
      { by: acme.admin },
    )

    expect([status, body.code]).toEqual([400, 'invalid_request'])
    expect(JSON.stringify(body)).not.toContain('timestamp')
  })
})

describe('methods', () => {
  test('what is not for an address is answered with what is', async ({ rest }) => {
    const answer = await rest('/api/invitations', { method: 'DELETE' })

    expect([answer.status, answer.body.code]).toEqual([405, 'method_not_allowed'])
    expect(answer.headers.get('allow')).toBe('POST, GET, HEAD, OPTIONS')
    expect((await rest('/api/invitations', { method: 'OPTIONS' })).headers.get('allow')).toBe(
      'POST, GET, HEAD, OPTIONS',
    )
  })

  test('HEAD is GET without a body', async ({ acme, rest }) => {
    const answer = await rest('/api/organisations', { by: acme.owner, method: 'HEAD' })

    expect([answer.status, answer.body]).toEqual([200, ''])
  })

  test.for(['/api', '/api/', '/api/nothing', '/api/invitations/x/y/z', '/elsewhere'])(
    'at %s there is nothing',
    async (path, { rest }) => {
      expect((await rest(path)).status).toBe(404)
    },
  )
})

describe('CORS', () => {
  const preflight = (origin: string) => ({
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST' },
  })

  test('a page of an allowed origin may call, and read what it needs', async ({ acme, rest }) => {
    const asked = await rest('/api/invitations', preflight('https://admin.test'))
    const answer = await rest('/api/organisations', {
      by: acme.owner,
      headers: { origin: 'https://app.test' },
    })

    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-origin')).toBe('https://admin.test')
    expect(asked.headers.get('access-control-allow-headers')).toContain('idempotency-key')
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.test')
    expect(answer.headers.get('access-control-expose-headers')).toContain('link')
    expect(answer.headers.get('vary')).toContain('Origin')
  })

  test('refusals can be read by the page, too', async ({ rest }) => {
    const answer = await rest('/api/organisations', { headers: { origin: 'https://app.test' } })

    expect(answer.status).toBe(401)
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.test')
  })

  test.for(['https://evil.test', 'https://app.test.evil.test', 'null'])(
    'a page of %s may not',
    async (origin, { rest }) => {
      for (const request of [preflight(origin), { headers: { origin } }]) {
        const { headers } = await rest('/api/organisations', request)
        expect(headers.get('access-control-allow-origin')).toBeNull()
      }
    },
  )

  test('unless told otherwise, every page may: there are no cookies to misuse', async ({
    project: { USHER_ALLOWED_ORIGINS: _, ...project },
  }) => {
    const handler = createHandler(readApiEnvironment(project))
    const { headers } = await send(handler, '/api/organisations', preflight('https://evil.test'))

    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })
})

describe('pages', () => {
  /** Follows Link until there is none. */
  async function readAll(
    rest: (path: string, request: object) => Promise<{ headers: Headers; body: { data: never[] } }>,
    path: string,
    by: object,
  ) {
    const rows: Record<string, unknown>[] = []
    let next: string | undefined = path
    for (let i = 0; next; i++) {
      if (i > 20) throw new Error('There is no end.')
      const { headers, body } = await rest(next, { by })
      rows.push(...body.data)
      const link = headers
        .get('link')
        ?.match(/^<https:\/\/project\.test\/functions\/v1(.*)>; rel="next"$/)
      next = link?.[1]
    }
    return rows
  }

  test('of invitations: all of them, none twice, newest first', async ({ acme, rest }) => {
    for (let i = 0; i < 5; i++) await acme.invite(`p${i}@example.com`)

    const rows = await readAll(
      rest as never,
      `/api/invitations?organisation_id=${acme.id}&status=pending&page_size=2`,
      acme.admin,
    )

    expect(rows.map(({ email }) => email)).toEqual([4, 3, 2, 1, 0].map((i) => `p${i}@example.com`))
  })

  test('of members who came at the same moment', async ({ acme, rest }) => {
    await acme.sql`update public.organisation_members set joined_at = '2026-01-01T00:00:00.123456Z'
      where organisation_id = ${acme.id}`

    const rows = await readAll(
      rest as never,
      `/api/organisations/${acme.id}/members?page_size=2`,
      acme.admin,
    )

    expect(rows).toHaveLength(5)
    expect(new Set(rows.map(({ id }) => id)).size).toBe(5)
  })

  test('of roles, own and built in, whatever their order', async ({ acme, rest }) => {
    await acme.owner.rpc('create_organisation_role', { organisation_id: acme.id, name: 'auditor' })

    const rows = await readAll(
      rest as never,
      `/api/organisations/${acme.id}/roles?page_size=1`,
      acme.admin,
    )

    expect(rows.map(({ name }) => name)).toEqual(['admin', 'auditor', 'finance', 'member', 'owner'])
  })

  test('of what has quotes, commas and brackets in its name', async ({ acme, rest }) => {
    const names = ['a","b', 'c\\),(d', "e'f", 'g.h,and(i']
    for (const name of names) {
      await acme.owner.rpc('create_organisation_role_exclusion', {
        organisation_id: acme.id,
        name,
        roles: ['finance', 'admin'],
      })
    }

    const rows = await readAll(
      rest as never,
      `/api/organisations/${acme.id}/role-exclusions?page_size=1`,
      acme.admin,
    )

    expect(rows.map(({ name }) => name)).toEqual(names)
  })

  test('of events, between two times, by who did it', async ({ acme, rest }) => {
    await acme.invite()
    const { body } = await rest(`/api/organisations/${acme.id}/audit-events?page_size=1`, {
      by: acme.owner,
    })
    const last = encodeURIComponent(body.data[0].occurred_at)

    const path = `/api/organisations/${acme.id}/audit-events?actor_id=${acme.owner.userId}`
    const before = await rest(`${path}&until=${last}`, { by: acme.owner })
    const since = await rest(`${path}&since=${last}`, { by: acme.owner })

    expect(since.body.data).toEqual(body.data)
    expect(before.body.data.length).toBeGreaterThan(0)
    expect(before.body.data).not.toContainEqual(body.data[0])
  })

  test.for([
    ['is none', 'nonsense'],
    ['is a zero byte', '%00'],
    ['is empty', 'W10'],
    ['holds numbers', 'WzEsMl0'],
    ['holds too little', 'WyJhIl0'],
    ['holds no time', btoa('["x","y"]')],
    ['is too long', 'a'.repeat(2000)],
  ] as const)('a cursor that %s is refused', async ([, cursor], { acme, rest }) => {
    const answer = await rest(`/api/organisations/${acme.id}/members?cursor=${cursor}`, {
      by: acme.owner,
    })

    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
  })

  test('a cursor leads into no other organisation', async ({ acme, rest }) => {
    const { body } = await rest(`/api/organisations/${acme.id}/members?page_size=1`, {
      by: acme.owner,
    })

    const answer = await rest(`/api/organisations/${acme.id}/members?cursor=${body.next_cursor}`, {
      by: acme.outsider,
    })

    expect(answer.body).toEqual({ data: [], next_cursor: null })
  })
})

describe('Idempotency-Key', () => {
  test('the same create with the same key is done once, and answered the same', async ({
    acme,
    rest,
  }) => {
    const create = () =>
      rest('/api/invitations', {
        by: acme.admin,
        json: invitation(acme),
        headers: { 'idempotency-key': '"8e03978e-40d5-43e8-bc93-6894a57f9324"' },
      })

    const [first, again] = [await create(), await create()]

    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('location')).toBe(`${API_URL}/invitations/${first.body.id}`)
    expect(first.headers.has('idempotency-replayed')).toBe(false)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
  })

  test('ten at once make one organisation', async ({ acme, rest }) => {
    const key = randomUUID()
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        rest('/api/organisations', {
          by: acme.stranger,
          json: { name: 'Raced' },
          headers: { 'idempotency-key': key },
        }),
      ),
    )

    const made = answers.filter(({ status }) => status === 201)
    const told = answers.filter(({ status }) => status === 409)
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1)
    expect(made.length + told.length).toBe(10)
    expect(told.every(({ body }) => body.code === 'idempotency_key_in_use')).toBe(true)
    expect(told.every(({ headers }) => headers.get('retry-after') === '1')).toBe(true)
    const { body } = await rest('/api/organisations', { by: acme.stranger })
    expect(body.data).toHaveLength(1)
  })

  test.for([
    ['another body', 'Other', randomUUID(), 'idempotency_key_reused'],
    ['a key that can be guessed', 'New', '1', 'invalid_settings'],
  ] as const)('%s is refused with 422', async ([, name, second, code], { acme, rest }) => {
    const key = randomUUID()
    const create = (json: object, used: string) =>
      rest('/api/organisations', { by: acme.stranger, json, headers: { 'idempotency-key': used } })
    await create({ name: 'New' }, key)

    const answer = await create({ name }, code === 'invalid_settings' ? second : key)

    expect([answer.status, answer.body.code]).toEqual([422, code])
  })

  test('a key on anything else changes nothing', async ({ acme, rest }) => {
    const list = () =>
      rest('/api/organisations', { by: acme.owner, headers: { 'idempotency-key': '1' } })

    expect((await list()).status).toBe(200)
  })
})

describe('many invitations by CSV', () => {
  const upload = (organisation_id: string, csv: string) => {
    const form = new FormData()
    form.set('organisation_id', organisation_id)
    form.set('file', new File([csv], 'people.csv', { type: 'text/csv' }))
    return form
  }
  const CSV = [
    '\uFEFFEmail,Roles,Message,Metadata',
    'one@example.com,member,"Welcome, ""One""\nto us","{""team"": 1}"',
    'two@example.com,member|finance,,',
    'no address,member,,',
    'three@example.com,owner,,',
    '',
    'one@example.com,member,,',
    'four@example.com,member,,no json',
    'five@example.com',
  ].join('\r\n')
  const OUTCOMES = [
    ['one@example.com', 'created', null],
    ['two@example.com', 'created', null],
    ['no address', 'failed', 'invalid_email'],
    ['three@example.com', 'failed', 'role_not_assignable'],
    ['one@example.com', 'failed', 'already_invited'],
    ['four@example.com', 'failed', 'invalid_settings'],
    ['five@example.com', 'failed', 'invalid_role'],
  ]
  const outcomes = (data: Record<string, unknown>[]) =>
    data.map(({ email, status, error_code }) => [email, status, error_code])

  test('good rows of an upload are invited, bad ones are named', async ({ acme, rest }) => {
    const { status, body } = await rest('/api/invitations/bulk', {
      by: acme.admin,
      body: upload(acme.id, CSV),
    })

    expect(status).toBe(200)
    expect(outcomes(body.data)).toEqual(OUTCOMES)
    const invites = await acme.admin.select('organisation_invites', { email: 'one@example.com' })
    expect(invites).toMatchObject([{ message: 'Welcome, "One"\nto us', metadata: { team: 1 } }])
  })

  test('the same as the body, once', async ({ acme, rest }) => {
    const request = {
      by: acme.admin,
      body: CSV,
      headers: { 'content-type': 'text/csv; charset=utf-8', 'idempotency-key': randomUUID() },
    }
    const path = `/api/invitations/bulk?organisation_id=${acme.id}`
    const [first, again] = [await rest(path, request), await rest(path, request)]

    expect(outcomes(first.body.data)).toEqual(OUTCOMES)
    expect(again.body).toEqual(first.body)
  })

  test('text that no database stores costs its own row, as JSON, as CSV, and once', async ({
    acme,
    rest,
  }) => {
    const invites = [
      { email: 'first@example.com', roles: ['member'] },
      { email: 'nul@example.com', roles: ['member'], message: 'Hi\0there' },
      { email: 'half@example.com', roles: ['member'], metadata: { note: 'cut \ud83d' } },
      'cut \ud83d',
      { email: 'last@example.com', roles: ['member'] },
    ]
    const request = {
      by: acme.admin,
      json: { organisation_id: acme.id, invites },
      headers: { 'idempotency-key': randomUUID() },
    }
    const first = await rest('/api/invitations/bulk', request)
    const again = await rest('/api/invitations/bulk', request)

    expect(outcomes(first.body.data)).toEqual([
      ['first@example.com', 'created', null],
      ['nul@example.com', 'failed', 'invalid_message'],
      ['half@example.com', 'failed', 'invalid_settings'],
      [null, 'failed', 'invalid_email'],
      ['last@example.com', 'created', null],
    ])
    expect(first.body.data[1].error_details).toContain('NUL (U+0000)')
    expect(again.body).toEqual(first.body)
    const { body } = await rest(`/api/invitations/bulk?organisation_id=${acme.id}`, {
      by: acme.admin,
      body: 'email,roles,message\nx@example.com,member,Hi\ny@example.com,member,a\0b\n',
      headers: { 'content-type': 'text/csv' },
    })
    expect(outcomes(body.data)).toEqual([
      ['x@example.com', 'created', null],
      ['y@example.com', 'failed', 'invalid_message'],
    ])
  })

  test.for([';', '\t'])('columns may be parted by %j', async (delimiter, { acme, rest }) => {
    const { body } = await rest(`/api/invitations/bulk?organisation_id=${acme.id}`, {
      by: acme.admin,
      body: `email${delimiter}roles\nx@example.com${delimiter}member finance\n`,
      headers: { 'content-type': 'text/csv' },
    })

    expect(outcomes(body.data)).toEqual([['x@example.com', 'created', null]])
  })

  test.for([
    ['a column twice', 'email,roles,email\nx@example.com,member,y@example.com'],
    ['nothing at all', ''],
  ])('%s is refused as a whole, in words', async ([, csv], { acme, rest }) => {
    const { status, body } = await rest('/api/invitations/bulk', {
      by: acme.admin,
      body: upload(acme.id, csv ?? ''),
    })

    expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'invalid_request', 'body'])
    expect(await acme.admin.select('organisation_invites')).toHaveLength(0)
  })

  test('ten thousand rows pass, one more is refused by its code', async ({ acme, rest }) => {
    const rows = (count: number) =>
      `email,roles\n${Array.from({ length: count }, (_, i) => `u${i}@example.com,member`).join('\n')}`
    const post = (csv: string) =>
      rest('/api/invitations/bulk', { by: acme.admin, body: upload(acme.id, csv) })

    const tooMany = await post(rows(10_001))
    const answer = await post(rows(10_000))

    expect([tooMany.status, tooMany.body.code]).toEqual([413, 'batch_too_large'])
    expect(answer.body.data).toHaveLength(10_000)
    expect(answer.body.data.every((row: { status: string }) => row.status === 'created')).toBe(true)
  })

  test('a member may not, whatever is in the file', async ({ acme, rest }) => {
    const { body } = await rest('/api/invitations/bulk', {
      by: acme.member,
      body: upload(acme.id, CSV),
    })

    expect(body.code).toBe('permission_denied')
  })
})

describe('when the database fails', () => {
  async function over(supabaseUrl: string) {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => print.mockRestore())
    const handler = createHandler(
      readApiEnvironment({ SUPABASE_URL: supabaseUrl, SUPABASE_ANON_KEY: 'key' }),
    )
    const answer = await send(handler, '/api/organisations', {})
    return { ...answer, log: print.mock.calls.flat().join('\n') }
  }
  async function serverThat(status: number, body: string) {
    const server = createServer((_, response) => response.writeHead(status).end(body))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test('its words are for the log, not for the caller', async () => {
    const url = await serverThat(500, '{"code": "XX000", "message": "relation usher.secrets"}')
    const { status, body, log } = await over(url)

    expect([status, body.code]).toEqual([500, 'internal_error'])
    expect(JSON.stringify(body)).not.toContain('secrets')
    expect(log).toContain('relation usher.secrets')
    expect(log).toContain(body.request_id)
  })

  test('after a gateway that gives up another try is worth it, and is asked for', async () => {
    const { status, headers, body } = await over(await serverThat(502, '<html>Bad gateway</html>'))

    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '2'])
  })

  test('and so it is when nobody answers', async () => {
    const { status, body } = await over('http://127.0.0.1:1')

    expect([status, body.code]).toEqual([503, 'unavailable'])
  })
})

describe('the reference', () => {
  test('is a page over the document, with files that are as they should be', async ({ rest }) => {
    const page = await rest('/api/reference')
    const document = await rest('/api/openapi.json')

    expect(page.headers.get('content-type')).toContain('text/html')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(document.body.servers).toEqual([{ url: 'https://project.test/functions/v1' }])
    for (const [name, { integrity }] of Object.entries(ASSETS)) {
      const bytes = await readFile(`node_modules/swagger-ui-dist/${name}`)
      const hash = createHash('sha384').update(bytes).digest('base64')
      expect(integrity).toBe(`sha384-${hash}`)
      expect((await rest(`/api/reference/${name}`)).body).toBe(bytes.toString())
    }
    expect((await rest('/api/reference/package.json')).status).toBe(404)
    expect((await rest('/api/reference/..%2fpackage.json')).status).toBe(404)
  })

  test('elsewhere, a browser takes the files from a site, and only these', async ({ project }) => {
    const handler = createHandler(readApiEnvironment({ ...project, USHER_REFERENCE_ASSETS: '' }))
    const { body, headers } = await send(handler, '/api/reference', {})

    expect(body).toContain(
      'https://cdn.jsdelivr.net/npm/swagger-ui-dist@5.35.0/swagger-ui-bundle.js',
    )
    expect(body).toContain(`integrity="${ASSETS['swagger-ui-bundle.js']?.integrity}"`)
    expect(headers.get('content-security-policy')).toContain('https://cdn.jsdelivr.net')
    expect((await send(handler, '/api/reference/swagger-ui.css', {})).status).toBe(404)
  })
})

test('an environment that is not complete is named in one message', () => {
  expect(() =>
    readApiEnvironment({ USHER_ALLOWED_ORIGINS: 'app.test', USHER_REFERENCE_ASSETS: 'ftp://x' }),
  ).toThrow(/SUPABASE_URL.*SUPABASE_ANON_KEY.*USHER_ALLOWED_ORIGINS.*USHER_REFERENCE_ASSETS/)
})
