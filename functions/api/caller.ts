/**
 * The database, as the caller of this request: what they may do is decided there.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { everyPage, LONG_LISTS, pageAfter } from '../../client/keyset.ts'
import { callerClient, credentialsOf } from '../_shared/caller.ts'
import { isConflict, untilFree } from '../_shared/conflicts.ts'
import type { Project } from '../_shared/door-environment.ts'
import { isProblemCode, Problem } from './problem.ts'
import { unreadable } from './unreadable.ts'

/** What the database answered: the body, and the headers that are for the caller. */
export interface Reply {
  data: unknown
  headers: Record<string, string>
}

export interface Caller {
  /** Comes without a session, and with no key but the one that everybody has. */
  isNobody: boolean
  call(functionName: string, args: object): Promise<Reply>
  read(query: (supabase: SupabaseClient) => PromiseLike<Settled>): Promise<Reply>
}

interface Settled {
  data: unknown
  error: { code?: string; message: string; details?: string | null; hint?: string | null } | null
  status: number
}

/** Said by rules; everything else stays between us and the database. */
const PASSED_ON = ['retry-after', 'ratelimit', 'ratelimit-policy']

/**
 * @param given - of the request: its Authorization (a session's token, or a key) or apikey is passed on
 * @param requestId - for the logs of the project
 */
export function createCaller(project: Project, given: Headers, requestId: string): Caller {
  const credentials = credentialsOf(given, project)
  if (!credentials) {
    throw new Problem('unauthenticated', { hint: 'Authorization is "Bearer" and a token or key.' })
  }
  let passedOn: Record<string, string> = {}
  const supabase: SupabaseClient = callerClient(project, credentials, given, {
    requestId,
    async send(input, init) {
      const response = await fetch(input, init)
      passedOn = {}
      for (const name of PASSED_ON) {
        const value = response.headers.get(name)
        if (value) passedOn[name] = value
      }
      return response
    },
  })

  const settle = async (asking: PromiseLike<Settled>, args: object = {}): Promise<Reply> => {
    const { data, error, status } = await untilFree(asking)
    if (error) throw toProblem(error, status, passedOn, args)
    return { data, headers: passedOn }
  }
  return {
    isNobody: !credentials.token && credentials.key === project.publishableKey,
    async call(functionName, args) {
      const order = LONG_LISTS[functionName]
      if (!order) return settle(supabase.rpc(functionName, args), args)
      const data = await everyPage<Record<string, unknown>>(async (last) => {
        const page = pageAfter(supabase.rpc(functionName, args), order, last)
        return (await settle(page)).data as Record<string, unknown>[]
      })
      return { data, headers: passedOn }
    },
    read: (query) => settle(query(supabase)),
  }
}

function toProblem(
  error: NonNullable<Settled['error']>,
  status: number,
  headers: Record<string, string>,
  args: object,
): Problem {
  const { code = '', hint, details } = error
  if (isConflict(code)) return new Problem('try_again', { headers: { 'retry-after': '1' } })
  if (isProblemCode(code)) return new Problem(code, { hint, details, headers })
  // Postgres refuses what is not granted before any rule runs.
  if (code === '42501' && status !== 401) return new Problem('permission_denied')
  if (status === 401) {
    const isRefused = code !== '42501'
    return new Problem('unauthenticated', {
      hint: isRefused ? 'The token or key is not valid any more. Sign in again.' : null,
    })
  }
  const value = unreadable(error, args)
  if (value) {
    const pointer = value.argument ? `body/${value.argument}` : 'body'
    const errors = [{ pointer, detail: 'This cannot be read as what it has to be.' }]
    return new Problem(value.code ?? 'invalid_request', { errors })
  }
  // Time-outs, or no answer at all: another try may well succeed.
  if (/^(57...|53...|08...|PGRST00.)$/.test(code) || !code || status >= 502) {
    console.error(`Not available: ${status} ${code} ${error.message}`)
    return new Problem('unavailable', { headers: { 'retry-after': '2' } })
  }
  throw new Error(`The database answered ${status} ${code}: ${error.message}`)
}
