/**
 * `/api/…`: the REST door. It translates; the database decides.
 *
 * @module
 */
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import { type RequestIdVariables, requestId } from 'hono/request-id'
import { CLIENT_HEADERS } from '../_shared/cors.ts'
import { createCaller } from './caller.ts'
import type { ApiEnvironment } from './environment.ts'
import { openApiDocument } from './openapi.ts'
import { BY_PRECISION } from './operations.ts'
import { withOrganisation } from './organisation.ts'
import { perform } from './perform.ts'
import { isProblemCode, PROBLEMS, Problem } from './problem.ts'
import { readInput } from './read-request.ts'
import { reference } from './reference.ts'

type Env = { Variables: RequestIdVariables }

const BASE = '/api'
const BODY_LIMIT = 128 * 1024
const BULK_LIMIT = 8 * 1024 * 1024

const ALLOWED_HEADERS = [...CLIENT_HEADERS, 'idempotency-key', 'x-request-id']
const EXPOSED_HEADERS = [
  'link',
  'location',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
  'idempotency-replayed',
  'x-request-id',
]

/** Answers any request; never throws. */
export function createHandler(
  environment: ApiEnvironment,
): (request: Request) => Promise<Response> {
  const { apiUrl, allowedOrigins, referenceAssets } = environment
  const app = new Hono<Env>().basePath(BASE)

  app.use(requestId())
  app.use(async (c, next) => {
    await next()
    // What one caller sees is not for a cache to keep for another.
    c.header('cache-control', 'no-store')
    c.header('x-content-type-options', 'nosniff')
  })
  app.use(
    cors({
      origin: (origin) =>
        allowedOrigins.includes('*') ? '*' : allowedOrigins.includes(origin) ? origin : undefined,
      allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowHeaders: ALLOWED_HEADERS,
      exposeHeaders: EXPOSED_HEADERS,
      maxAge: 600,
    }),
  )

  for (const operation of BY_PRECISION) {
    const { method, path, isOpen } = operation
    const limit = bodyLimit({
      maxSize: operation.takesMany ? BULK_LIMIT : BODY_LIMIT,
      onError: () => {
        throw new Problem('body_too_large')
      },
    })
    app.on(method, toPattern(path), limit, async (c) => {
      const caller = createCaller(environment, c.req.raw.headers, c.get('requestId'))
      // What is wrong with a request is for those who may send it.
      const input = await readInput(c.req.raw, operation, c.req.param()).catch((problem) => {
        throw caller.isNobody && !isOpen ? new Problem('unauthenticated') : problem
      })
      const { search } = new URL(c.req.url)
      return perform(caller, {
        operation,
        input: await withOrganisation(caller, operation, input),
        idempotencyKey: c.req.header('idempotency-key')?.replace(/^"(.*)"$/, '$1') ?? null,
        url: new URL(apiUrl + c.req.path.slice(BASE.length) + search),
        apiUrl,
      })
    })
    // The last of its path: `/invitations/accept` is not tried as an invitation of that id.
    if (BY_PRECISION.findLast((each) => each.path === path) === operation) {
      app.all(toPattern(path), () => {
        throw new Problem('method_not_allowed', { headers: { allow: methodsOf(path) } })
      })
    }
  }

  const document = openApiDocument(apiUrl)
  app.get('/openapi.json', (c) => c.json(document))
  app.route('/reference', reference(referenceAssets))
  app.get('/problems/:code', (c) => {
    const code = c.req.param('code')
    if (!isProblemCode(code)) throw new Problem('not_found')
    const { status, title, hint } = PROBLEMS[code]
    return c.json({ code, status, title, detail: hint })
  })

  app.notFound((c) => {
    const allow = allowedMethods(c.req.path.slice(BASE.length))
    if (!allow) return refuse(c, new Problem('not_found'))
    return refuse(c, new Problem('method_not_allowed', { headers: { allow } }))
  })
  app.onError((error, c) => {
    if (error instanceof Problem) return refuse(c, error)
    // For the log, not for the wire.
    console.error(`Request ${c.get('requestId')}: ${error.stack ?? error}`)
    return refuse(c, new Problem('internal_error'))
  })

  const refuse = (c: Context<Env>, problem: Problem) =>
    problem.toResponse(apiUrl, c.get('requestId') ?? '')

  return async (request) => {
    const isPreflight = request.headers.has('access-control-request-method')
    if (request.method === 'OPTIONS' && !isPreflight) return sayMethods(request)
    return app.fetch(request)
  }
}

/** `/invitations/{invite_id}` as Hono writes it. */
const toPattern = (path: string) => path.replace(/\{(\w+)\}/g, ':$1')

/** As in the header Allow; null for an address where there is nothing. */
function allowedMethods(address: string): string | null {
  if (/^\/(openapi\.json|reference|problems\/[^/]+)$/.test(address)) return 'GET, HEAD, OPTIONS'
  const there = BY_PRECISION.find(({ path }) =>
    new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`).test(address),
  )
  return there ? methodsOf(there.path) : null
}

/** As in the header Allow. */
function methodsOf(path: string): string {
  const methods = BY_PRECISION.filter((each) => each.path === path).map(({ method }) =>
    method.toUpperCase(),
  )
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
}

function sayMethods(request: Request): Response {
  const allow = allowedMethods(new URL(request.url).pathname.slice(BASE.length))
  return new Response(null, { status: 204, headers: { allow: allow ?? 'OPTIONS' } })
}
