/**
 * The GraphQL door in this process, over the real REST API of a test file's own database.
 *
 * @module
 */
import { createHandler } from '../../functions/graphql/handler.ts'
import { test as base } from './acme.ts'
import { startTestApi } from './api.ts'
import { KEYS, signToken } from './keys.ts'
import type { Person } from './people.ts'

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

const sessionOf = ({ userId, email }: Person) =>
  signToken({ role: 'authenticated', sub: userId, email })

/** `test` with a door a file, beside what `acme.ts` brings. */
export const test = base.extend('door', { scope: 'file' }, async ({ database }, { onCleanup }) => {
  const api = await startTestApi(database)
  onCleanup(() => api.stop())

  let requests = 0
  const handle = createHandler(
    { supabaseUrl: api.url, publishableKey: KEYS.publishableKey, allowedOrigins: ['*'] },
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
