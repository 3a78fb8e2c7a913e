/**
 * `/scim/v2/…`: a SCIM 2.0 server for the directory of one organisation, which the token names. It translates;
 * the database decides.
 *
 * Source: RFC 7644 section 3
 *
 * @module
 */
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Directory, OpenDirectory } from './directory.ts'
import { resourceTypes, schemas, serviceProviderConfig } from './discovery.ts'
import { isId } from './groups.ts'
import { KINDS, type Kind } from './kinds.ts'
import { listResponse, readListQuery, select } from './listing.ts'
import { refuse, toResponse } from './problem.ts'
import { createProjection, names, withVersion } from './projection.ts'
import type { Json } from './schema.ts'

const BASE = '/scim/v2'
/** The id of nothing. */
const NOBODY = '00000000-0000-0000-0000-000000000000'
/** Bytes: a Group of 50,000 members. */
const BODY_LIMIT = 5 * 1024 * 1024

/**
 * Answers any request; never throws.
 *
 * @param scimUrl - where callers find this server, for the addresses in its answers
 */
export function createHandler(
  open: OpenDirectory,
  scimUrl: string,
): (request: Request) => Promise<Response> {
  const app = new Hono().basePath(BASE)
  app.use(async (c, next) => {
    await next()
    c.header('cache-control', 'no-store')
    c.header('x-content-type-options', 'nosniff')
  })
  app.use(
    bodyLimit({
      maxSize: BODY_LIMIT,
      onError: () => toResponse(refuse(413, null, 'The body is too large: at most 5 MB.')),
    }),
  )

  app.get('/ServiceProviderConfig', () => answer(serviceProviderConfig(scimUrl)))
  for (const [path, all] of [
    ['/ResourceTypes', resourceTypes(scimUrl)],
    ['/Schemas', schemas(scimUrl)],
  ] as const) {
    app.get(path, () => answer(listResponse(all, all.length)))
    app.get(`${path}/:id`, (c) => answer(found(all.find(({ id }) => id === c.req.param('id')))))
  }

  const enter = <Answer>(
    c: Context,
    isChange: boolean,
    work: (d: Directory) => Promise<Answer>,
  ) => {
    const token = c.req.header('authorization')?.match(/^Bearer +(\S+)$/i)?.[1]
    if (!token)
      throw refuse(401, null, 'Authorization is "Bearer" and a token of the organisation.')
    return open({ token, isChange, headers: c.req.raw.headers }, work)
  }
  /** Whoever has no valid token has nothing read: neither a filter nor a body. */
  const admit = (c: Context) =>
    enter(c, false, (directory) => directory.groups({ id: NOBODY, withoutMembers: true }))

  for (const kind of KINDS) {
    const list = async (c: Context, given: Json) => {
      const query = readListQuery(given)
      const project = createProjection(given, kind.schema)
      const { page, total } = await enter(c, false, (directory) =>
        listOf(kind, directory, query, given, scimUrl),
      )
      return answer(listResponse(page.map(project), total, query.startIndex))
    }
    const one = async (directory: Directory, id: string): Promise<Versioned> =>
      // Asked for in any case: whoever has no valid token learns nothing else.
      withVersion(found(await kind.find(directory, isId(id) ? id : NOBODY, scimUrl)))
    const show = (c: Context, resource: Versioned, status = 200) =>
      answer(createProjection(c.req.query(), kind.schema)(resource), status, {
        etag: resource.meta.version,
        ...(status === 201 && { location: resource.meta.location }),
      })
    const path = kind.endpoint

    app.get(path, async (c) => {
      await admit(c)
      return list(c, c.req.query())
    })
    app.post(`${path}/.search`, async (c) => {
      await admit(c)
      return list(c, await readBody(c))
    })
    app.get(`${path}/:id`, async (c) => {
      const resource = await enter(c, false, (directory) => one(directory, c.req.param('id')))
      const known = c.req.header('if-none-match')
      if (known && names(known, resource.meta.version)) {
        return new Response(null, { status: 304, headers: { etag: resource.meta.version } })
      }
      return show(c, resource)
    })
    app.post(path, async (c) => {
      await admit(c)
      const body = await readBody(c)
      const resource = await enter(c, true, async (directory) =>
        one(directory, await kind.create(directory, body)),
      )
      return show(c, resource, 201)
    })
    for (const method of ['PUT', 'PATCH'] as const) {
      app.on(method, `${path}/:id`, async (c) => {
        await admit(c)
        const body = await readBody(c)
        if (method === 'PATCH') kind.judge(body)
        const id = c.req.param('id')
        const resource = await enter(c, true, async (directory) => {
          const now = await one(directory, id)
          requireVersion(c, now)
          await (method === 'PUT' ? kind.replace : kind.patch)(directory, now, body)
          return one(directory, id)
        })
        return show(c, resource)
      })
    }
    app.delete(`${path}/:id`, async (c) => {
      const id = c.req.param('id')
      await enter(c, true, async (directory) => {
        requireVersion(c, await one(directory, id))
        await kind.delete(directory, id)
      })
      return new Response(null, { status: 204 })
    })
  }

  app.all('/Me', () => toResponse(refuse(501, null, 'A token is not a User here.')))
  app.all('/Bulk', () => toResponse(refuse(501, null, 'See bulk in /ServiceProviderConfig.')))
  app.notFound(() =>
    toResponse(refuse(404, null, 'There is nothing here: see /scim/v2/ResourceTypes.')),
  )
  app.onError((error) => toResponse(error))
  return async (request) => app.fetch(request)
}

type Versioned = ReturnType<typeof withVersion>

async function listOf(
  kind: Kind,
  directory: Directory,
  query: ReturnType<typeof readListQuery>,
  given: Json,
  scimUrl: string,
) {
  const { resources, total } = await kind.list(directory, query, given, scimUrl)
  const chosen = total === null ? select(resources, query) : { page: resources, total }
  return { page: chosen.page.map(withVersion), total: chosen.total }
}

function found<Resource>(resource: Resource | null | undefined): Resource {
  if (resource === null || resource === undefined)
    throw refuse(404, null, 'There is no such resource.')
  return resource
}

function requireVersion(c: Context, { meta }: Versioned): void {
  const wanted = c.req.header('if-match')
  if (wanted && !names(wanted, meta.version)) {
    throw refuse(412, null, 'Somebody has changed it since: read it again.')
  }
}

/** Every body of SCIM is an object. */
async function readBody(c: Context): Promise<Json> {
  const body: unknown = await c.req.json().catch(() => undefined)
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw refuse(400, 'invalidSyntax', 'The body is not an object in JSON.')
  }
  return body as Json
}

function answer(body: Json, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/scim+json', ...headers },
  })
}
