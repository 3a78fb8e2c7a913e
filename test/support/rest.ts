/**
 * The REST function in this process, over the real API and Postgres.
 *
 * @module
 */
import { readApiEnvironment } from '../../functions/api/environment.ts'
import { createHandler } from '../../functions/api/handler.ts'
import { test as base } from './acme.ts'
import { startTestApi } from './api.ts'
import { accessToken, KEYS } from './keys.ts'
import type { Caller } from './people.ts'

export const API_URL = 'https://project.test/functions/v1/api'

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON comes back
  body: any
}

/** `test` with `rest`, which sends requests to the function, and `as`, whose headers a caller has. */
export const test = base
  .extend('project', { scope: 'file' }, async ({ database }, { onCleanup }) => {
    const api = await startTestApi(database)
    onCleanup(() => api.stop())
    return {
      SUPABASE_URL: api.url,
      SUPABASE_ANON_KEY: KEYS.publishableKey,
      USHER_API_URL: API_URL,
      USHER_ALLOWED_ORIGINS: 'https://app.test, https://admin.test',
      USHER_REFERENCE_ASSETS: new URL('../../node_modules/swagger-ui-dist/', import.meta.url).href,
    }
  })
  .extend('handler', { scope: 'file' }, async ({ project }) =>
    createHandler(readApiEnvironment(project)),
  )
  .extend(
    'rest',
    ({ handler }) =>
      (path: string, request: RestRequest = {}) =>
        send(handler, path, request),
  )

export interface RestRequest {
  method?: string
  by?: Caller
  headers?: Record<string, string>
  json?: unknown
  body?: BodyInit
}

/** Sends a request as the caller, with a JSON body where there is one. */
export async function send(
  handler: (request: Request) => Promise<Response>,
  path: string,
  { method, by, headers = {}, json, body }: RestRequest,
): Promise<Answer> {
  const token = by?.userId ? await accessToken(by.userId) : null
  const content = json === undefined ? body : JSON.stringify(json)
  const response = await handler(
    new Request(`http://edge.internal${path}`, {
      method: method ?? (content === undefined ? 'GET' : 'POST'),
      headers: {
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(token && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(content !== undefined && { body: content }),
    }),
  )
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && text ? JSON.parse(text) : text,
  }
}
