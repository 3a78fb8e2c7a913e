/**
 * The REST function in this process, over the real API and Postgres.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'
import { readApiEnvironment } from '../../functions/api/environment.ts'
import { createHandler } from '../../functions/api/handler.ts'
import { startApi } from '../../supabase/local/api.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { test as base } from './acme.ts'
import type { Caller } from './people.ts'

export const API_URL = 'https://project.test/functions/v1/api'
const SECRET = randomBytes(32).toString('hex')
export const PUBLISHABLE_KEY = `sb_publishable_${randomBytes(16).toString('hex')}`
export const SECRET_KEY = `sb_secret_${randomBytes(16).toString('hex')}`

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON comes back
  body: any
}

/** A session's access token, as Auth makes them. */
export function accessToken(userId: string, expiresIn = '1 hour'): Promise<string> {
  return new SignJWT({ role: 'authenticated', aud: 'authenticated' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime(expiresIn)
    .sign(new TextEncoder().encode(SECRET))
}

/** `test` with `rest`, which sends requests to the function, and `as`, whose headers a caller has. */
export const test = base
  .extend('project', { scope: 'file' }, async ({ database }, { onCleanup }) => {
    // The API runs in this process, and prints each refusal of Postgres.
    const print = console.error
    console.error = (...args) => {
      if (!(args[0] instanceof Error && args[0].name === 'PostgresError')) print(...args)
    }
    const api = await startApi({
      databaseUrl: database.url,
      port: await freePort(),
      siteUrl: 'https://app.test',
      secrets: { jwtSecret: SECRET, publishableKey: PUBLISHABLE_KEY, secretKey: SECRET_KEY },
    })
    onCleanup(async () => {
      await api.stop()
      console.error = print
    })
    return {
      SUPABASE_URL: api.url,
      SUPABASE_ANON_KEY: PUBLISHABLE_KEY,
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
