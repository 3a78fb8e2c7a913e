/**
 * An identity provider: it speaks to the SCIM function over HTTP, with a token of the organisation.
 *
 * @module
 */
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { connect } from '../../functions/_shared/database.ts'
import { directoryOf } from '../../functions/scim/directory.ts'
import { createHandler } from '../../functions/scim/handler.ts'
import { workerUrl } from '../functions/worker-role.ts'
import { test as base } from './acme.ts'
import type { Person } from './people.ts'

export const SCIM_URL = 'https://project.test/functions/v1/scim/v2'

export interface ScimAnswer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON comes back
  body: any
}

export type Scim = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<ScimAnswer>

/** Speaks to a server under this address with this token. */
export function scimOf(url: string, token: string | null): Scim {
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/scim+json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : null }
  }
}

export const patchOf = (...Operations: object[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations,
})

export const userOf = (email: string, more: object = {}) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName: email,
  emails: [{ primary: true, value: email, type: 'work' }],
  active: true,
  ...more,
})

/**
 * `scimUrl` is a server a file; `scim` speaks for the organisation with a token that its owner made; `tokenBy`
 * makes another one.
 */
export const test = base
  .extend('scimUrl', { scope: 'file' }, async ({ database }, { onCleanup }) => {
    const sql = connect(await workerUrl(database.sql, database.url))
    const handler = createHandler(directoryOf(sql), SCIM_URL)
    const server = serve({ fetch: handler, port: 0, hostname: '127.0.0.1' })
    await new Promise((resolve) => server.once('listening', resolve))
    onCleanup(async () => {
      await new Promise((resolve) => server.close(resolve))
      await sql.end()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/scim/v2`
  })
  .extend('tokenBy', async ({ acme }) => async (maker: Person, name = 'Okta'): Promise<string> => {
    const { token } = await maker.rpc('create_organisation_directory_token', {
      organisation_id: acme.id,
      name,
    })
    return token
  })
  .extend('scim', async ({ acme, scimUrl, tokenBy }) => scimOf(scimUrl, await tokenBy(acme.owner)))
