/** Two transactions in each other's way: no door shows it raw, and those that can try again. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '@supabase/supabase-js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createUsher } from '../../client/index.ts'
import { readApiEnvironment } from '../../functions/api/environment.ts'
import { createHandler as createRest } from '../../functions/api/handler.ts'
import { createHandler as createGraphql } from '../../functions/graphql/handler.ts'
import { post, readAnswer } from '../support/graphql.ts'
import { send } from '../support/rest.ts'

/** As PostgREST puts what Postgres says of it. */
const said = (code: string) =>
  JSON.stringify({
    code,
    message: 'deadlock detected',
    details: 'Process 4711 waits for ShareLock on transaction 42; blocked by process 4712.',
    hint: 'See server log for query details.',
  })

/** A project's API whose first requests meet others; then it answers an empty list. */
async function apiThat(code: string, times: number) {
  let requests = 0
  const server = createServer((_, response) => {
    requests += 1
    const isFree = requests > times
    response.writeHead(isFree ? 200 : 500, { 'content-type': 'application/json' })
    response.end(isFree ? '[]' : said(code))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, requests: () => requests }
}

const rest = (url: string) =>
  send(
    createRest(readApiEnvironment({ SUPABASE_URL: url, SUPABASE_ANON_KEY: 'key' })),
    '/api/organisations',
    {},
  )

async function graphql(url: string) {
  const environment = { supabaseUrl: url, publishableKey: 'key', allowedOrigins: ['*'] }
  const query = '{ myOrganisations { id } }'
  return readAnswer(await createGraphql(environment)(post('http://door.test/graphql', { query })))
}

const client = (url: string) =>
  createUsher(createClient(url, 'key', { auth: { persistSession: false } })).organisations.join(
    '00000000-0000-4000-8000-000000000001',
  )

const CODES = ['40P01', '40001'] as const

describe.for(CODES)('%s', (code) => {
  test('that passes is not seen through REST', async () => {
    const { url, requests } = await apiThat(code, 2)

    const { status, body } = await rest(url)

    expect([status, body.data, requests()]).toEqual([200, [], 3])
  })

  test('that passes is not seen through GraphQL', async () => {
    const { url, requests } = await apiThat(code, 2)

    const { data, errors } = await graphql(url)

    expect([data, errors, requests()]).toEqual([{ myOrganisations: [] }, [], 3])
  })

  test('that stays is try_again through REST, and says when', async () => {
    const { url, requests } = await apiThat(code, Number.POSITIVE_INFINITY)

    const { status, headers, body } = await rest(url)

    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'try_again', '1'])
    expect(requests()).toBe(4)
    expect(JSON.stringify(body)).not.toMatch(/deadlock|4711|40P01|server log/)
  })

  test('that stays is try_again through GraphQL, and says when', async () => {
    const { url, requests } = await apiThat(code, Number.POSITIVE_INFINITY)

    const { errors, text } = await graphql(url)

    expect(errors[0]?.extensions).toMatchObject({ code: 'try_again', status: 503, retryAfter: 1 })
    expect(requests()).toBe(4)
    expect(text).not.toMatch(/deadlock|4711|40P01|server log/)
  })

  test('is try_again for a caller of the client', async () => {
    const { error } = await client((await apiThat(code, Number.POSITIVE_INFINITY)).url)

    expect(error).toMatchObject({ code: 'try_again', status: 503, details: null })
    expect(`${error?.message} ${error?.hint}`).not.toMatch(/deadlock|server log/)
  })
})

describe("a lock that was not free within the project's own lock_timeout", () => {
  test('is try_again at once: it has been waited for', async () => {
    const api = await apiThat('55P03', Number.POSITIVE_INFINITY)

    const { status, body } = await rest(api.url)
    expect([status, body.code, api.requests()]).toEqual([503, 'try_again', 1])

    const { errors } = await graphql(api.url)
    expect([errors[0]?.extensions?.code, api.requests()]).toEqual(['try_again', 2])

    const { error } = await client(api.url)
    expect([error?.code, api.requests()]).toEqual(['try_again', 3])
  })
})

test("the rules' own try_again is tried again as well", async () => {
  const { url, requests } = await apiThat('try_again', 1)

  expect([(await rest(url)).status, requests()]).toEqual([200, 2])
})
