/** Which organisation a request is about: by its id, by its slug, or the one of which the caller is a member. */
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { KEYS } from '../support/keys.ts'
import { type RestRequest, test } from '../support/rest.ts'

const slugOf = async ({ sql }: Organisation, id: string): Promise<string> => {
  const [row] = await sql`select slug from public.organisations where id = ${id}`
  return row?.slug
}

const form = (fields: Record<string, string> = {}) => {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.set(name, value)
  data.set('file', new File(['email,roles\nfile@example.com,member\n'], 'people.csv'))
  return data
}

/** What names no organisation in its path. */
const WITHOUT: [string, string, () => RestRequest][] = [
  ['list', '/api/invitations', () => ({})],
  ['metrics', '/api/invitations/metrics', () => ({})],
  ['invite', '/api/invitations', () => ({ json: { email: 'one@example.com', roles: ['member'] } })],
  [
    'invite many',
    '/api/invitations/bulk',
    () => ({ json: { invites: [{ email: 'many@example.com', roles: ['member'] }] } }),
  ],
  [
    'CSV',
    '/api/invitations/bulk',
    () => ({
      body: 'email,roles\ncsv@example.com,member\n',
      headers: { 'content-type': 'text/csv' },
    }),
  ],
  ['upload', '/api/invitations/bulk', () => ({ body: form() })],
  [
    'device',
    '/api/devices/invitations',
    () => ({ json: { device_name: 'Door', roles: ['member'] } }),
  ],
]

const invites = async ({ sql }: Organisation) => {
  const [row] = await sql`select count(*)::integer from public.organisation_invites`
  return row?.count
}

describe('a member of one organisation', () => {
  test.for(WITHOUT)('need not name it: %s', async ([, path, request], { acme, rest }) => {
    const { invite } = await acme.invite()
    await acme.outsider.rpc('create_organisation_invite', {
      organisation_id: acme.otherId,
      email: 'elsewhere@example.com',
      roles: ['member'],
    })

    const named = await rest(path, { by: acme.admin, ...request() })

    expect(named.status).toBeLessThan(300)
    const { body } = await rest('/api/invitations', { by: acme.admin })
    expect(body.data.map((row: { id: string }) => row.id)).toContain(invite.id)
    expect(new Set(body.data.map((row: Record<string, string>) => row.organisation_id))).toEqual(
      new Set([acme.id]),
    )
  })

  test('gets pages of it', async ({ acme, rest }) => {
    for (let i = 0; i < 3; i += 1) await acme.invite()

    const first = await rest('/api/invitations?page_size=2', { by: acme.admin })
    const [, next = ''] = first.headers.get('link')?.match(/<[^>]*(\/invitations[^>]*)>/) ?? []
    const second = await rest(`/api${next}`, { by: acme.admin })

    expect([first.body.data.length, second.body.data.length]).toEqual([2, 1])
  })

  test('still has to be allowed to', async ({ acme, rest }) => {
    const { status, body } = await rest('/api/invitations', { by: acme.roleless })

    expect([status, body.code]).toEqual([403, 'permission_denied'])
  })
})

describe('a member of several', () => {
  test.for(WITHOUT)('is asked which one it is: %s', async ([, path, request], { acme, rest }) => {
    const { slug } = await acme.admin.rpc('create_organisation', { name: 'Second' })
    const before = await invites(acme)

    const { status, body } = await rest(path, { by: acme.admin, ...request() })

    expect([status, body.code]).toEqual([400, 'organisation_required'])
    expect(body.detail).toContain('You are a member of 2 organisations')
    expect(body.detail).toContain(slug)
    expect(body.detail).toContain('Give organisation_id')
    expect(await invites(acme)).toBe(before)
  })

  test.for(WITHOUT)('names one by its slug: %s', async ([what, path, request], { acme, rest }) => {
    const { id, slug } = await acme.admin.rpc('create_organisation', { name: 'Second' })
    const { json, body } = request()
    const isQuery = json === undefined && !(body instanceof FormData)

    const answer = await rest(isQuery ? `${path}?organisation_id=${slug}` : path, {
      by: acme.admin,
      ...request(),
      ...(json !== undefined && { json: { ...json, organisation_id: slug } }),
      ...(body instanceof FormData && { body: form({ organisation_id: slug }) }),
    })

    expect([what, answer.status]).toEqual([what, expect.toSatisfy((status) => status < 300)])
    const rows = await acme.sql`select organisation_id from public.organisation_invites
      where organisation_id in (${acme.id}, ${id})`
    expect(rows.filter((row) => row.organisation_id !== id)).toEqual([])
  })
})

describe('a member of none', () => {
  test.for([
    ['somebody who has just registered', 'stranger'],
    ['the service', 'service'],
  ] as const)('is told so: %s', async ([, caller], { acme, rest }) => {
    const { status, body } = await rest('/api/invitations', {
      by: acme[caller],
      ...(caller === 'service' && { headers: { apikey: KEYS.secretKey } }),
    })

    expect([status, body.code]).toEqual([400, 'organisation_required'])
    expect(body.detail).toContain('You are a member of no organisation.')
  })

  test('and whoever is not signed in has to sign in', async ({ rest }) => {
    const { status, body } = await rest('/api/invitations')

    expect([status, body.code]).toEqual([401, 'unauthenticated'])
  })
})

describe('a slug', () => {
  test('is taken from members without a role, who read no organisation, and from the service', async ({
    acme,
    rest,
  }) => {
    const slug = await slugOf(acme, acme.id)

    const mine = await rest(`/api/organisations/${slug}/me/permissions`, { by: acme.roleless })
    const read = await rest(`/api/organisations/${slug}`, { headers: { apikey: KEYS.secretKey } })

    expect([mine.status, mine.body.data]).toEqual([200, []])
    expect(read.body.id).toBe(acme.id)
  })

  test.for(['false', 'null', '12', '1e3', 'not', 'in-a-b'])(
    'may be %s',
    async (slug, { acme, rest }) => {
      await acme.owner.rpc('update_organisation', { organisation_id: acme.id, changes: { slug } })

      const { body } = await rest(`/api/organisations/${slug}`, { by: acme.owner })

      expect(body.id).toBe(acme.id)
    },
  )

  test('of another organisation is answered as one that is not there', async ({ acme, rest }) => {
    const taken = await slugOf(acme, acme.otherId)
    const answers = await Promise.all(
      [taken, `free-${randomUUID().slice(0, 8)}`, randomUUID(), acme.otherId].map(async (name) => {
        const { status, body } = await rest(`/api/invitations?organisation_id=${name}`, {
          by: acme.owner,
        })
        const { request_id: _, ...said } = body
        return { status, said }
      }),
    )

    expect(answers[0]).toMatchObject({ status: 404, said: { code: 'organisation_not_found' } })
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })

  test('that has the form of an id is no way to somebody else’s', async ({ acme, rest }) => {
    // Whoever may choose a slug may choose one that looks like the id of another.
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { slug: acme.otherId },
    })

    const { status, body } = await rest(`/api/organisations/${acme.otherId}`, { by: acme.outsider })

    expect([status, body.id]).toEqual([200, acme.otherId])
  })

  test.for(['', 'Not A Slug', '-', 'a--b', `a${'b'.repeat(70)}`, '%00'])(
    'cannot be %j',
    async (slug, { acme, rest }) => {
      const query = new URLSearchParams({ organisation_id: decodeURIComponent(slug) })

      const { status, body } = await rest(`/api/invitations?${query}`, { by: acme.admin })

      expect([status, body.errors?.[0]?.pointer]).toEqual([400, 'query/organisation_id'])
    },
  )
})
