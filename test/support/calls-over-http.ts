/**
 * Calls by HTTP over PostgREST, as supabase-js sends them.
 *
 * @module
 */
import { type Calls, type Claims, HEADERS, ORDER } from './calls.ts'
import { signToken } from './keys.ts'
import { Refusal } from './refusal.ts'

/** @param start - starts PostgREST, with the first call, and answers where it is */
export function callsOverHttp(start: () => Promise<string>): Calls {
  let starting: Promise<string> | undefined

  async function ask(claims: Claims, path: string, body?: object) {
    starting ??= start()
    // It never ends: how long a session lasts is a matter of Auth.
    const token = claims.role === 'anon' ? null : await signToken(claims, null)
    const answer = await fetch(`${await starting}/${path}`, {
      headers: {
        ...HEADERS,
        'content-type': 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
      },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    const json = text ? JSON.parse(text) : null
    if (!answer.ok) throw new Refusal(json, answer.status, Object.fromEntries(answer.headers))
    return json
  }

  return {
    rpc: (claims, name, args) => ask(claims, `rpc/${name}`, args),
    select(claims, table, filter) {
      const equal = Object.entries(filter).map(([column, value]) => [column, `eq.${value}`])
      const order = ORDER[table] ? [['order', ORDER[table]]] : []
      return ask(claims, `${table}?${new URLSearchParams([...equal, ...order])}`)
    },
  }
}
