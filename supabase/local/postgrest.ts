/**
 * A PostgREST behind the gateway, which turns the project's keys into tokens: PostgREST knows only those.
 *
 * @module
 */
import { proxy } from 'hono/proxy'
import { SignJWT } from 'jose'
import type { Secrets } from './secrets.ts'

type Keys = Pick<Secrets, 'jwtSecret' | 'publishableKey' | 'secretKey'>

/**
 * Passes requests for `/rest/v1/…` on to a PostgREST.
 *
 * @param url - where it answers
 * @returns what it answers; 401 without one of the project's keys, as on a hosted project
 */
export function createPostgrest(url: string, keys: Keys): (request: Request) => Promise<Response> {
  const roles: Record<string, string> = {
    [keys.publishableKey]: 'anon',
    [keys.secretKey]: 'service_role',
  }
  const secret = new TextEncoder().encode(keys.jwtSecret)
  const tokenOf = (role: string) =>
    new SignJWT({ role })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuedAt()
      .setExpirationTime('1 minute')
      .sign(secret)

  return async (request) => {
    const { pathname, searchParams } = new URL(request.url)
    const key = request.headers.get('apikey') ?? searchParams.get('apikey')
    const role = key && roles[key]
    if (!role) {
      const message = key ? 'Invalid API key' : 'No API key found in request'
      return Response.json({ message }, { status: 401 })
    }
    searchParams.delete('apikey')
    const query = searchParams.size > 0 ? `?${searchParams}` : ''
    const given = request.headers.get('authorization')?.match(/^Bearer +(\S+)$/i)?.[1]
    // A session's token outranks the key; a key in its place is a key again.
    const token = given && !Object.hasOwn(roles, given) ? given : await tokenOf(role)
    const headers = new Headers(request.headers)
    headers.set('authorization', `Bearer ${token}`)
    headers.delete('apikey')
    return proxy(url + pathname.slice('/rest/v1'.length) + query, {
      raw: new Request(request, { headers }),
    })
  }
}
