/**
 * The GraphQL door in this process, over the real REST API of a test file's own database.
 *
 * @module
 */
import { SignJWT } from 'jose'
import { vi } from 'vitest'
import { createHandler } from '../../functions/graphql/handler.ts'
import { startApi } from '../../supabase/local/api.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { test as base } from './acme.ts'
import type { Person } from './people.ts'

const SECRETS = {
  jwtSecret: 'a-secret-of-the-tests-of-32-letters',
  publishableKey: 'sb_publishable_test',
  secretKey: 'sb_secret_test',
}

export interface GraphqlError {
  message: string
  path?: (string | number)[]
  extensions: Record<string, unknown> & { code: string }
}

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON comes back
  data: any
  errors: GraphqlError[]
  /** The codes of the errors. */
  codes: string[]
  text: string
}

export interface Door {
  /** Posts a document as a person, or as nobody. */
  ask(who: Person | null, query: string, variables?: object): Promise<Answer>
  /** Sends any request. */
  fetch(request: Request): Promise<Response>
  /** How many requests it has sent to the API so far. */
  requests(): number
}

/** Reads an answer of the door. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  const { data, errors = [] } = JSON.parse(text) as { data?: unknown; errors?: GraphqlError[] }
  const codes = errors.map(({ extensions }) => extensions?.code)
  return { status: response.status, data, errors, codes, text }
}

/** A request as a GraphQL client sends it. */
export function post(url: string, body: object, token?: string): Request {
  return new Request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
}

function sessionOf({ userId, email }: Person): Promise<string> {
  return new SignJWT({ role: 'authenticated', aud: 'authenticated', email })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRETS.jwtSecret))
}

/** `test` with a door a file, beside what `acme.ts` brings. */
export const test = base.extend('door', { scope: 'file' }, async ({ database }, { onCleanup }) => {
  const siteUrl = 'http://localhost:3000'
  const port = await freePort()
  const api = await startApi({ databaseUrl: database.url, port, siteUrl, secrets: SECRETS })
  onCleanup(() => api.stop())
  // The local REST logs every refusal with its stack; here they are what is asked for.
  const log = console.error
  vi.spyOn(console, 'error').mockImplementation((...what) => {
    if (what[0]?.name !== 'PostgresError') log(...what)
  })

  let requests = 0
  const handle = createHandler(
    { supabaseUrl: api.url, publishableKey: SECRETS.publishableKey, allowedOrigins: ['*'] },
    {
      send: (...request) => {
        requests += 1
        return fetch(...request)
      },
    },
  )
  const door: Door = {
    async ask(who, query, variables = {}) {
      const token = who ? await sessionOf(who) : undefined
      return readAnswer(await handle(post('http://door.test/graphql', { query, variables }, token)))
    },
    fetch: handle,
    requests: () => requests,
  }
  return door
})
